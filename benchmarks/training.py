"""Compare the speed of our native and torch trainers with other training loops on a CPU.

The others are Hugging Face's Trainer, a nanoGPT-style loop and litgpt's model in it.

    OMP_NUM_THREADS=1 python benchmarks/training.py [--shapes 32x2x2 64x3x4] [--rounds 5]

Same model (a Qwen3-type decoder, random weights), same data, one thread, interleaved: each round
gives every contestant a turn at every shape, and a figure is the median over rounds. Rates are
tokens per second of CPU time of this process, so that a busy machine counts less. The last columns
compare the native trainer's model FLOPs (as the recipe `cpu_small` counts them) with the rate at
which the machine's library multiplies the matrices of the same step (the faster of numpy and
torch). Trainer
needs `transformers` and `accelerate`, litgpt's model `litgpt` and `lightning`; what is not
installed is left out.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from relscale.plan.accounting import TRAINING_OVER_FORWARD, forward_flops_per_token
from relscale.plan.architecture import Choices, Shape
from relscale.plan.optimiser import AdamSettings
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.folder import hugging_face_config
from relscale.training.model import initialise
from relscale.training.native_build import available, load_library
from relscale.training.native_trainer import NativeTrainer
from relscale.training.torch_trainer import TorchTrainer

OPTIMISER = AdamSettings(
    learning_rate=1e-5,
    embedding_learning_rate=1e-5,
    head_learning_rate=1e-5,
    beta1=0.9,
    beta2=0.99,
    weight_decay=0.0,
    clip_norm=1.0,
    warmup_share=0.1,
    decay_share=0.5,
)
Contestant = Callable[[int], float]
"""Takes steps and returns the CPU seconds of one."""


def shape_of(label: str) -> tuple[Shape, int]:
    """Return shape and batch of "width x layers x batch".

    Heads of 16 and an MLP of 8/3 of the width, as in the recipe `cpu_small`.
    """
    width, layers, batch = (int(part) for part in label.split("x"))
    heads = max(1, width // 16)
    shape = Shape(
        width=width,
        layers=layers,
        heads=heads,
        kv_heads=heads,
        head_dim=width // heads,
        intermediate=round(8 * width / 48) * 16,
        vocab_size=512,
        context_length=128,
    )
    return shape, batch


def windows(shape: Shape, batch: int) -> Iterator[np.ndarray]:
    """Yield batches of random windows of one long text, (batch, context length + 1)."""
    generator = np.random.default_rng(0)
    tokens = generator.integers(0, shape.vocab_size, 1_000_000)
    offsets = np.arange(shape.context_length + 1)
    while True:
        starts = generator.integers(0, len(tokens) - shape.context_length - 1, batch)
        yield tokens[starts[:, None] + offsets]


def of_trainer(trainer: NativeTrainer | TorchTrainer, data: Iterator[np.ndarray]) -> Contestant:
    """Return one of this project's trainers as a contestant."""

    def turn(steps: int) -> float:
        begin = time.process_time()
        for _ in range(steps):
            trainer.update(next(data), 1.0)
        trainer.losses()
        return (time.process_time() - begin) / steps

    return turn


def plain_loop(module: torch.nn.Module, data: Iterator[np.ndarray]) -> Contestant:
    """Return the loop of nanoGPT (github.com/karpathy/nanoGPT) in eager mode.

    clip_grad_norm_, fused AdamW, gradients set to None.
    """
    betas = (OPTIMISER.beta1, OPTIMISER.beta2)
    adam = torch.optim.AdamW(
        module.parameters(),
        lr=OPTIMISER.learning_rate,
        betas=betas,
        weight_decay=0.0,
        fused=True,
    )

    def turn(steps: int) -> float:
        begin = time.process_time()
        for _ in range(steps):
            tokens = torch.from_numpy(next(data))
            logits = module(tokens[:, :-1])
            loss = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), OPTIMISER.clip_norm)
            adam.step()
            adam.zero_grad(set_to_none=True)
        return (time.process_time() - begin) / steps

    return turn


def our_module(shape: Shape) -> torch.nn.Module:
    """Return this project's decoder."""
    decoder = Decoder(shape)
    initialise(decoder, 0)
    return decoder


def litgpt_module(shape: Shape) -> torch.nn.Module:
    """Return litgpt's decoder of the same architecture."""
    from litgpt.config import Config
    from litgpt.model import GPT

    config = Config(
        block_size=shape.context_length,
        padded_vocab_size=shape.vocab_size,
        n_layer=shape.layers,
        n_head=shape.heads,
        n_embd=shape.width,
        head_size=shape.head_dim,
        intermediate_size=shape.intermediate,
        norm_class_name="RMSNorm",
        mlp_class_name="LLaMAMLP",
        rotary_percentage=1.0,
        parallel_residual=False,
        bias=False,
        norm_qk=True,
    )
    return GPT(config)


def hugging_face(shape: Shape, batch: int, data: Iterator[np.ndarray]) -> Contestant:
    """Return `transformers.Trainer` on its Qwen3 model.

    The first steps of a turn, in which it sets itself up, do not count.
    """
    import accelerate  # noqa: F401 (Trainer needs it, and says so late)
    from transformers import (
        Qwen3Config,
        Qwen3ForCausalLM,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    model = Qwen3ForCausalLM(Qwen3Config(**hugging_face_config(shape, Choices())))
    warm_up = 2

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.times: list[float] = []

        def on_step_end(self, *arguments: Any, **more: Any) -> None:
            self.times.append(time.process_time())

    def turn(steps: int) -> float:
        rows = [row[:-1] for _ in range(steps + warm_up) for row in next(data)]
        clock = Clock()
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=batch,
                max_steps=steps + warm_up,
                learning_rate=OPTIMISER.learning_rate,
                weight_decay=0.0,
                max_grad_norm=OPTIMISER.clip_norm,
                logging_strategy="no",
                save_strategy="no",
                report_to=[],
                use_cpu=True,
                disable_tqdm=True,
                dataloader_pin_memory=False,
            )
            dataset = [{"input_ids": row, "labels": row} for row in rows]
            Trainer(model=model, args=arguments, train_dataset=dataset, callbacks=[clock]).train()
        return (clock.times[-1] - clock.times[warm_up - 1]) / steps

    return turn


def matrix_products(
    shape: Shape,
    batch: int,
    convert: Callable[[np.ndarray], Any],
    multiply: Callable[[Any, Any, Any], Any],
) -> tuple[Contestant, float]:
    """Return the products of a step's projections and head as a contestant, and their FLOPs."""
    rows, inner = batch * shape.context_length, shape.heads * shape.head_dim
    weights = [
        (shape.width, 3 * inner),
        (inner, shape.width),
        (shape.width, 2 * shape.intermediate),
        (shape.intermediate, shape.width),
    ]
    weights = [*weights * shape.layers, (shape.width, shape.vocab_size)]
    generator = np.random.default_rng(0)
    # Forward, gradient of the input, gradient of the weight.
    sizes = [size for k, n in weights for size in ((rows, k, n), (rows, n, k), (k, rows, n))]
    factors = {
        (m, k, n): (
            convert(generator.standard_normal((m, k), dtype=np.float32)),
            convert(generator.standard_normal((k, n), dtype=np.float32)),
            convert(np.empty((m, n), dtype=np.float32)),
        )
        for m, k, n in sizes
    }

    def turn(steps: int) -> float:
        begin = time.process_time()
        for _ in range(steps):
            for size in sizes:
                multiply(*factors[size])
        return (time.process_time() - begin) / steps

    return turn, float(sum(2 * m * k * n for m, k, n in sizes))


def contestants(label: str) -> tuple[dict[str, Contestant], dict[str, float]]:
    """Return all contestants at a shape, and the FLOPs of a step of those whose rate is wanted."""
    shape, batch = shape_of(label)
    data = windows(shape, batch)
    found: dict[str, Contestant] = {}
    if available():
        found["native"] = of_trainer(NativeTrainer(shape, Choices(), OPTIMISER, 0), data)
    found["torch"] = of_trainer(TorchTrainer(shape, Choices(), OPTIMISER, 0), data)
    found["nanoGPT"] = plain_loop(our_module(shape), data)
    for name, make in (
        ("litgpt", lambda: plain_loop(litgpt_module(shape), data)),
        ("Trainer", lambda: hugging_face(shape, batch, data)),
    ):
        try:
            found[name] = make()
        except ImportError as error:
            print(f"{name} is left out: {error}")
    found["numpy GEMM"], products = matrix_products(
        shape, batch, np.asarray, lambda a, b, out: np.matmul(a, b, out=out)
    )
    found["torch GEMM"], _ = matrix_products(
        shape, batch, torch.from_numpy, lambda a, b, out: torch.mm(a, b, out=out)
    )
    per_token = TRAINING_OVER_FORWARD * forward_flops_per_token(
        shape, attention="causal", count_softmax=False
    )
    return found, {"step": float(per_token * batch * shape.context_length), "GEMM": products}


def measure(labels: list[str], rounds: int, seconds: float) -> None:
    """Give everyone their turns and print the table."""
    places = {label: contestants(label) for label in labels}
    steps = {(label, name): 1 for label in labels for name in places[label][0]}
    for (
        label,
        name,
    ) in steps:  # a turn that does not count: caches, allocations, and how many steps fill a turn
        for guess in (2, 4):
            steps[label, name] = max(2, round(seconds / places[label][0][name](guess)))
    times: dict[tuple[str, str], list[float]] = {key: [] for key in steps}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", flush=True)
        for label, name in steps:
            times[label, name].append(places[label][0][name](steps[label, name]))
    names = [
        name
        for name in ("native", "torch", "nanoGPT", "litgpt", "Trainer")
        if any((label, name) in times for label in labels)
    ]
    print(
        f"\nTokens per CPU second, one thread, medians of {rounds} rounds "
        "(lowest and highest rate of the native trainer at the end)"
    )
    header = [f"{name:>9}" for name in names] + [f"{'native/' + name:>15}" for name in names[1:]]
    print(
        f"{'shape x batch':14}"
        + " ".join(header)
        + f"{'GEMM GF/s':>11}{'native GF/s':>13}{'share':>7}"
    )
    for label in labels:
        shape, batch = shape_of(label)
        tokens = batch * shape.context_length
        median = {name: statistics.median(times[label, name]) for name in places[label][0]}
        flops = places[label][1]
        gemm = flops["GEMM"] / min(median["numpy GEMM"], median["torch GEMM"]) / 1e9
        row = [f"{tokens / median[name]:9,.0f}" for name in names]
        first = names[0]
        # Ratios within a round, then their median: what slows a round down slows all of it.
        for name in names[1:]:
            pairs = zip(times[label, name], times[label, first], strict=True)
            row.append(f"{statistics.median(theirs / ours for theirs, ours in pairs):14.1f}x")
        rate = flops["step"] / median[first] / 1e9
        spread = (
            f"  {tokens / max(times[label, first]):,.0f}..{tokens / min(times[label, first]):,.0f}"
        )
        print(f"{label:14}" + " ".join(row) + f"{gemm:11.0f}{rate:13.0f}{rate / gemm:7.0%}{spread}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shapes",
        nargs="+",
        default=["16x1x2", "32x1x1", "32x2x2", "64x3x4", "64x3x16", "128x4x16"],
        metavar="WxLxB",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    native = load_library().level if available() else available().reason
    print(f"native: {native}; torch {torch.__version__}, {torch.get_num_threads()} thread")
    measure(arguments.shapes, arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
