"""Check and measure training and evaluation on one GPU in less than ten minutes.

    benchmarks/gpu.sh                                        # on a GPU, without a network
    python benchmarks/gpu.py --device cpu --quick --out DIR  # the same program with tiny models

Sections, each written to `gpu.json` as soon as it ends:

- machine: card, memory, driver, versions, and whether the compiler works;
- correctness: losses of 50 steps against those of the CPU in float32, and a run that is stopped and
  resumed against one that is not, bit for bit;
- training: tokens per second, MFU (model FLOPs, causal attention counted in half, no softmax, three
  times the forward pass, over `--peak`) and the peak memory that torch allocated, next to the
  plan's estimate, at widths from 512 to 4096, compiled and not. The largest width has fewer layers
  than the paper's, because its parameters do not fit one card;
- attention: each installed FlashAttention against torch's attention, output and gradients;
- reference: a plain FSDP2 loop on the same models (`fully_shard` over one process, bfloat16
  parameters in the blocks, compiled blocks, whole logits, fused AdamW), timed next to ours;
- evaluation: items per second of multiple-choice requests.

A measurement that does not fit the time or the memory is listed with the reason. `table.md` has the
rows of training as a table. The exit code is 1 if a check failed.
"""

import argparse
import gc
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.nn import functional

from relscale.evaluation.torch_model import CausalModel
from relscale.files import write_json, write_text
from relscale.plan.accounting import (
    TRAINING_OVER_FORWARD,
    count_parameters,
    forward_flops_per_token,
)
from relscale.plan.architecture import Shape
from relscale.plan.optimiser import CautiousAdamCSettings
from relscale.plan.recipes.marin2025 import MARIN_CHOICES
from relscale.training.attention import KERNELS, choose_attention, kernel_failure
from relscale.training.build import no_gpu_reason
from relscale.training.compilation import compile_blocks, compile_failure
from relscale.training.execution import Execution, activation_bytes, choose_execution, state_bytes
from relscale.training.model import build_decoder, initialise
from relscale.training.torch_trainer import TorchTrainer

OPTIMISER = CautiousAdamCSettings(
    learning_rate=0.003,
    embedding_learning_rate=0.003,
    head_learning_rate=0.003,
    beta1=0.95,
    beta2=0.98,
    weight_decay=0.1,
    clip_norm=1.0,
    warmup_share=0.1,
    decay_share=0.2,
)
CURVE_TOLERANCE = 0.03
"""Largest relative difference of a loss from the CPU's: a logit in bfloat16 errs by up to 2^-8 of
its size, and cautious masks turn signs of small gradients into other updates, so up to eight such
errors after some steps (as in `tests/gpu`)."""
ITEMS = {True: 40, False: 2000}
"""Items of the evaluation, quick and not."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One model whose training step is measured."""

    shape: Shape
    batch: int


def shape_of(width: int, layers: int, *, head: int, vocabulary: int, context: int) -> Shape:
    """Return a shape with the ratios of the recipe `marin2025`."""
    return Shape(
        width=width,
        layers=layers,
        heads=width // head,
        kv_heads=width // head,
        head_dim=head,
        intermediate=4 * width,
        vocab_size=vocabulary,
        context_length=context,
    )


def cases(quick: bool) -> list[Case]:
    """Return the models to measure, the most informative first."""
    if quick:
        sizes, settings = [(64, 2, 4), (32, 1, 4)], {"head": 16, "vocabulary": 500, "context": 64}
    else:
        sizes = [(2048, 21, 16), (512, 6, 64), (1024, 11, 32), (4096, 6, 8), (768, 8, 32)]
        settings = {"head": 128, "vocabulary": 128_256, "context": 4096}
    return [
        Case(shape=shape_of(width, layers, **settings), batch=batch)
        for width, layers, batch in sizes
    ]


def batches(shape: Shape, sequences: int, steps: int) -> list[np.ndarray]:
    """Return batches with something to learn: each token follows from the one before it."""
    generator = np.random.default_rng(0)
    starts = generator.integers(0, shape.vocab_size, (steps, sequences, 1))
    return list((starts + 7 * np.arange(shape.context_length + 1)) % shape.vocab_size)


class Bench:
    """The measurements on one device, within a limit of time."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Use the device, folder and limits of the command line."""
        self.device: Literal["cpu", "cuda"] = arguments.device
        self.quick, self.out, self.peak = arguments.quick, Path(arguments.out), arguments.peak
        self.ends = time.monotonic() + 60 * arguments.minutes
        failure = compile_failure(self.device) if arguments.compile else "--no-compile"
        self.compiled = (False,) if failure else (True, False)
        self.kernels: dict[int, str] = {}
        self.results: dict[str, Any] = {"machine": self.machine(failure)}

    def machine(self, failure: str | None) -> dict[str, Any]:
        """Return facts about the machine."""
        facts: dict[str, Any] = {
            "device": self.device,
            "quick": self.quick,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "compile_failure": failure,
            "torchtitan": importlib.util.find_spec("torchtitan") is not None,
            "date": time.strftime("%Y-%m-%d"),
        }
        if self.device == "cuda":
            card = torch.cuda.get_device_properties(0)
            facts |= {
                "name": card.name,
                "memory_bytes": card.total_memory,
                "capability": f"{card.major}.{card.minor}",
                "flops_per_s_for_mfu": self.peak,
            }
        return facts

    def sections(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        """Yield name and function of each section."""
        yield "curve", self.curve
        yield "resume", self.resume
        yield "attention", self.attention
        yield "training", self.training
        yield "reference", self.reference
        yield "evaluation", self.evaluation

    def run(self) -> bool:
        """Run all sections and write the results after each; return whether the checks passed."""
        self.out.mkdir(parents=True, exist_ok=True)
        for name, section in self.sections():
            begin = time.monotonic()
            try:
                self.results[name] = section()
            except (RuntimeError, ValueError) as error:  # the other sections still count
                self.results[name] = {"error": f"{type(error).__name__}: {error}"[:2000]}
            self.results.setdefault("seconds", {})[name] = round(time.monotonic() - begin, 1)
            write_json(self.out / "gpu.json", self.results)
            print(f"{name}: {json.dumps(self.results[name])[:400]}", flush=True)
        write_text(self.out / "table.md", table(self.results))
        return all(self.results[name].get("passed", False) for name in ("curve", "resume"))

    def execution(self, **changes: Any) -> Execution:
        """Return an execution on the device."""
        return replace(Execution(device=self.device, compiled=self.compiled[0]), **changes)

    def kernel(self, shape: Shape) -> str:
        """Return the attention that a run of a shape takes here."""
        if shape.head_dim not in self.kernels:
            self.kernels[shape.head_dim] = choose_attention(shape.head_dim, self.device)
        return self.kernels[shape.head_dim]

    def attention(self) -> dict[str, Any]:
        """Compare each kernel of attention with torch's, in bfloat16."""
        shape = cases(self.quick)[0].shape
        if self.device == "cpu":
            return {"chosen": self.kernel(shape), "reasons": "no GPU"}
        reasons = {
            name: kernel_failure(one, shape.head_dim, self.device) for name, one in KERNELS.items()
        }
        return {"chosen": self.kernel(shape), "reasons": reasons}

    def _small(self) -> Shape:
        if self.quick:
            return shape_of(32, 1, head=16, vocabulary=64, context=32)
        return shape_of(256, 4, head=128, vocabulary=1024, context=512)

    def curve(self) -> dict[str, Any]:
        """Compare the losses of 50 steps with those of the CPU in float32."""
        shape = self._small()
        data = batches(shape, 4, 50)
        losses = []
        for execution in (Execution(), self.execution()):
            step = TorchTrainer(shape, MARIN_CHOICES, OPTIMISER, 0, execution)
            for batch in step.batches(iter(data)):
                step.update(batch, 1.0)
            losses.append(step.losses().astype(np.float64))
        largest = float(np.abs(losses[1] / losses[0] - 1).max())
        learned = float(losses[1][0] - losses[1][-1])
        return {
            "passed": largest < CURVE_TOLERANCE and learned > 0.5,
            "largest_relative_difference": largest,
            "tolerance": CURVE_TOLERANCE,
            "nats_learned": learned,
            "cpu": losses[0].tolist(),
            "device": losses[1].tolist(),
        }

    def resume(self) -> dict[str, Any]:
        """Compare a run that is stopped and resumed with one that is not, bit for bit."""
        shape = self._small()
        data = batches(shape, 4, 8)
        straight, stopped, resumed = (
            TorchTrainer(shape, MARIN_CHOICES, OPTIMISER, seed, self.execution())
            for seed in (0, 0, 1)
        )
        for number, batch in enumerate(data):
            straight.update(batch, 1.0)
            if number == 3:
                resumed.load_state(stopped.state())
            (stopped if number < 3 else resumed).update(batch, 1.0)
        states = straight.state(), resumed.state()
        different = [
            name for name, value in states[0].items() if not np.array_equal(value, states[1][name])
        ]
        return {"passed": not different, "tensors": len(states[0]), "different": different}

    def training(self) -> dict[str, Any]:
        """Measure the training step of each model, compiled and not."""
        rows: list[dict[str, Any]] = []
        for compiled in self.compiled:
            for case in cases(self.quick):
                label = {"model": f"{case.shape.width}x{case.shape.layers}", "compiled": compiled}
                if time.monotonic() > self.ends:
                    rows.append(label | {"skipped": "no time left"})
                    continue
                try:
                    rows.append(label | self.training_row(case, compiled))
                except torch.OutOfMemoryError as error:
                    rows.append(label | {"skipped": str(error).splitlines()[0]})
        return {"rows": rows}

    def training_row(self, case: Case, compiled: bool) -> dict[str, Any]:
        """Measure one model: the first two steps compile and are not counted."""
        shape, batch = case.shape, case.batch
        memory, parameters = self._memory(), count_parameters(shape).total
        execution = choose_execution(
            shape,
            parameters,
            OPTIMISER.kind,
            batch,
            self.device,
            memory_bytes=memory,
            compiled=compiled,
        )
        if execution is None:
            return {"skipped": f"does not fit {memory / 1e9:.0f} GB by the plan's estimate"}
        execution = replace(execution, attention=self.kernel(shape))
        self._forget()
        step = TorchTrainer(shape, MARIN_CHOICES, OPTIMISER, 0, execution)
        data = iter(batches(shape, batch, 4) * 100)
        begin = time.monotonic()
        self._steps(step, data, 2)
        warm_up = time.monotonic() - begin
        seconds = [self._steps(step, data, 1) for _ in range(3 if self.quick else 5)]
        tokens = batch * shape.context_length
        median = sorted(seconds)[len(seconds) // 2]
        flops = forward_flops_per_token(shape, attention="causal", count_softmax=False)
        estimate = state_bytes(parameters, OPTIMISER.kind) + activation_bytes(
            shape,
            self.device,
            execution.micro_batch or batch,
            execution.activation_checkpointing,
            execution.logits_per_chunk,
            execution.compiled,
        )
        return {
            "parameters": parameters,
            "batch": batch,
            "execution": asdict(execution),
            "warm_up_seconds": warm_up,
            "step_seconds": seconds,
            "tokens_per_s": tokens / median,
            "mfu": TRAINING_OVER_FORWARD * flops * tokens / median / self.peak,
            "peak_bytes": step.peak_memory_mib() * 2**20,
            "estimated_bytes": estimate,
            "finite": bool(np.isfinite(step.losses()).all()),
        }

    def reference(self) -> dict[str, Any]:
        """Time a plain FSDP2 loop on the models whose training was measured."""
        for name, value in (("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "0")):
            os.environ.setdefault(name, value)
        store = distributed.HashStore()
        backend = "nccl" if self.device == "cuda" else "gloo"
        distributed.init_process_group(backend, store=store, rank=0, world_size=1)
        try:
            rows = [
                {"model": ours["model"], "compiled": ours["compiled"]} | self._reference_row(ours)
                for ours in self.results["training"].get("rows", [])
                if ours["compiled"] == self.compiled[0] and "skipped" not in ours
            ]
        finally:
            distributed.destroy_process_group()
        return {"rows": rows}

    def _reference_row(self, ours: dict[str, Any]) -> dict[str, Any]:
        """Time the loop on one model, with the micro batch of ours, halved until it fits."""
        if time.monotonic() > self.ends:
            return {"skipped": "no time left"}
        case = next(
            one
            for one in cases(self.quick)
            if ours["model"] == f"{one.shape.width}x{one.shape.layers}"
        )
        micro = ours["execution"]["micro_batch"] or case.batch
        while micro:
            self._forget()
            try:
                loop = FsdpLoop(case, micro, self.device, compiled=ours["compiled"])
                data = iter(batches(case.shape, case.batch, 4) * 100)
                self._time(lambda loop=loop, data=data: loop.step(next(data)), 2)
                seconds = [
                    self._time(lambda loop=loop, data=data: loop.step(next(data)), 1)
                    for _ in range(3 if self.quick else 5)
                ]
            except torch.OutOfMemoryError:
                loop, micro = None, micro // 2
                continue
            rate = case.batch * case.shape.context_length / sorted(seconds)[len(seconds) // 2]
            return {
                "micro_batch": micro,
                "step_seconds": seconds,
                "tokens_per_s": rate,
                "ours_over_this": ours["tokens_per_s"] / rate,
                "finite": bool(np.isfinite(loop.loss)),
            }
        return {"skipped": "one sequence does not fit with whole logits"}

    def evaluation(self) -> dict[str, Any]:
        """Measure the items per second of questions with four answers."""
        case = cases(self.quick)[1]
        decoder = build_decoder(case.shape, MARIN_CHOICES)
        initialise(decoder, 0)
        self._forget()
        model = CausalModel(
            decoder.to(self.device),
            vocab_size=case.shape.vocab_size,
            context_length=case.shape.context_length,
            batch_tokens=8192,
            device=self.device,
        )
        generator, context = np.random.default_rng(0), case.shape.context_length // 8
        questions = generator.integers(0, case.shape.vocab_size, (ITEMS[self.quick], context))
        contexts = [question for question in questions for _ in range(4)]
        answers = [generator.integers(0, case.shape.vocab_size, 4) for _ in contexts]
        model.score(contexts[:4], answers[:4])
        begin = time.perf_counter()
        scores = model.score(contexts, answers)
        seconds = time.perf_counter() - begin
        return {
            "model": f"{case.shape.width}x{case.shape.layers}",
            "items": len(questions),
            "tokens_per_item": 4 * (context + 4),
            "items_per_s": len(questions) / seconds,
            "finite": bool(np.isfinite(scores.log_likelihood).all()),
        }

    def _memory(self) -> int:
        if self.device == "cpu":
            return 0
        return int(torch.cuda.get_device_properties(0).total_memory)

    def _steps(self, step: TorchTrainer, data: Iterator[np.ndarray], count: int) -> float:
        """Take steps and return their seconds."""
        return self._time(lambda: step.update(next(data), 1.0), count)

    def _time(self, action: Callable[[], None], count: int) -> float:
        """Return the seconds of an action, from an idle device to an idle device."""
        self._wait()
        begin = time.perf_counter()
        for _ in range(count):
            action()
        self._wait()
        return time.perf_counter() - begin

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def _forget(self) -> None:
        """Free the memory of the last model."""
        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


class FsdpLoop:
    """A plain loop with FSDP2 on the same decoder, the point of reference."""

    def __init__(self, case: Case, micro: int, device: str, *, compiled: bool) -> None:
        """Build the model, its shards and its optimiser."""
        self.decoder = build_decoder(case.shape, MARIN_CHOICES)
        initialise(self.decoder, 0)
        self.decoder.to(device)
        if compiled:
            compile_blocks(self.decoder.blocks())
        mesh = init_device_mesh(device, (1,))
        policy = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16 if device == "cuda" else None, reduce_dtype=torch.float32
        )
        for block in self.decoder.blocks():
            fully_shard(block, mesh=mesh, mp_policy=policy)
        fully_shard(self.decoder, mesh=mesh, mp_policy=policy)
        self.adam = torch.optim.AdamW(self.decoder.parameters(), lr=1e-4, fused=True)
        self.micro, self.device, self.loss = micro, device, 0.0

    def step(self, batch: np.ndarray) -> None:
        """Take one optimiser step on a batch, (sequences, context length + 1)."""
        tokens = torch.from_numpy(batch).to(self.device)
        total = torch.zeros((), device=self.device)
        for part in tokens.split(self.micro):
            logits = self.decoder(part[:, :-1])
            loss = functional.cross_entropy(logits.flatten(0, 1).float(), part[:, 1:].flatten())
            loss = loss * (len(part) / len(tokens))
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(self.decoder.parameters(), 1.0)
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        self.loss = float(total)


def table(results: dict[str, Any]) -> str:
    """Return the rows of training as a Markdown table, with the machine in the first line."""
    machine = results["machine"]
    lines = [
        f"{machine.get('name', machine['device'])}, torch {machine['torch']}, {machine['date']}",
        "",
        "| model | compiled | tokens/s | MFU | peak, GB | estimated, GB |",
        "|---|---|---|---|---|---|",
    ]
    for row in results["training"].get("rows", []):
        start = f"| {row['model']} | {'yes' if row['compiled'] else 'no'} |"
        if "skipped" in row:
            lines.append(f"{start} {row['skipped']} | | | |")
            continue
        memory = f"{row['peak_bytes'] / 1e9:.1f} | {row['estimated_bytes'] / 1e9:.1f}"
        lines.append(f"{start} {row['tokens_per_s']:,.0f} | {row['mfu']:.1%} | {memory} |")
    for row in results["reference"].get("rows", []):
        start = f"| {row['model']}, plain FSDP2 | {'yes' if row['compiled'] else 'no'} |"
        said = row.get("skipped") or f"{row['tokens_per_s']:,.0f}"
        lines.append(f"{start} {said} | | | |")
    if "items_per_s" in (evaluation := results["evaluation"]):
        lines += ["", f"Evaluation: {evaluation['items_per_s']:,.1f} items per second."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="tiny models, to test the program")
    parser.add_argument("--out", default="build/gpu", help="folder of gpu.json and table.md")
    parser.add_argument("--minutes", type=float, default=8.0, help="start nothing after these")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument(
        "--peak", type=float, default=9.89e14, help="FLOP/s in bfloat16 (H100 and H200: 9.89e14)"
    )
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.exit(1, f"error: torch finds no GPU: {no_gpu_reason()}\n")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    sys.exit(0 if Bench(arguments).run() else 1)


if __name__ == "__main__":
    main()
