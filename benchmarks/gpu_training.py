"""Compare the speed of our trainer with two others on the paper's shapes, on one GPU.

The others are a nanoGPT-style loop and Hugging Face's Trainer; all take turns on one card.

    python benchmarks/gpu_training.py [--shapes 1024x11x16 2048x21x16] [--rounds 3] [--steps 5]
    [--peak 9.89e14]

Same model (Qwen3 type, recipe `marin2025`: heads of 128, MLP of 4 widths, 128,256 entries, T =
4096), same random tokens, bfloat16 autocast with float32 parameters, compiled; fused AdamW for the
others, the recipe's cautious AdamC for ours. A step is a whole batch; ours and the nanoGPT-style
loop take the parts that the plan's estimate of memory chooses, Trainer the largest that it can
(halved until it fits).
Columns: tokens per second, model FLOPs (causal attention counted in half, no softmax, three times
the forward pass) over `--peak`, and the most memory that torch allocated in GiB, with the
estimate for ours. Trainer needs `transformers` and `accelerate`.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from relscale.plan.accounting import (
    TRAINING_OVER_FORWARD,
    count_parameters,
    forward_flops_per_token,
)
from relscale.plan.architecture import Shape
from relscale.plan.optimiser import CautiousAdamCSettings
from relscale.plan.recipes.marin2025 import MARIN_CHOICES
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.execution import (
    GIB,
    Execution,
    activation_bytes,
    choose_execution,
    state_bytes,
)
from relscale.training.folder import hugging_face_config
from relscale.training.model import initialise
from relscale.training.torch_trainer import TorchTrainer

OPTIMISER = CautiousAdamCSettings(
    learning_rate=1e-4,
    embedding_learning_rate=1e-4,
    head_learning_rate=1e-4,
    beta1=0.95,
    beta2=0.99,
    weight_decay=0.1,
    clip_norm=1.0,
    warmup_share=0.1,
    decay_share=0.2,
)
Contestant = Callable[[int], float]
"""Takes steps and returns the seconds of one."""


def shape_of(label: str) -> tuple[Shape, int]:
    """Return shape and batch of "width x layers x batch"."""
    width, layers, batch = (int(part) for part in label.split("x"))
    heads = width // 128
    sizes = {
        "width": width,
        "layers": layers,
        "heads": heads,
        "kv_heads": heads,
        "head_dim": 128,
        "intermediate": 4 * width,
    }
    return Shape(**sizes, vocab_size=128_256, context_length=4096), batch


def batch_of(shape: Shape, batch: int) -> np.ndarray:
    """Return one batch of random tokens, (batch, context length + 1)."""
    return np.random.default_rng(0).integers(0, shape.vocab_size, (batch, shape.context_length + 1))


def timed(step: Callable[[], Any], steps: int) -> float:
    """Return the seconds of one step, from an idle GPU to an idle GPU."""
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    torch.cuda.synchronize()
    return (time.perf_counter() - begin) / steps


def chosen(shape: Shape, batch: int) -> Execution:
    """Return how the plan's estimate executes a shape on this card."""
    memory = torch.cuda.get_device_properties(0).total_memory
    execution = choose_execution(
        shape, count_parameters(shape).total, OPTIMISER.kind, batch, "cuda", memory_bytes=memory
    )
    if execution is None:
        raise ValueError(f"--shapes: {shape} does not fit this GPU")
    return execution


def ours(shape: Shape, batch: int) -> Contestant:
    """Return this project's step."""
    step = TorchTrainer(shape, MARIN_CHOICES, OPTIMISER, 0, chosen(shape, batch))
    tokens = batch_of(shape, batch)

    def turn(steps: int) -> float:
        seconds = timed(lambda: step.update(tokens, 1.0), steps)
        step.losses(), step.gradient_norms()
        return seconds

    return turn


def nano(shape: Shape, batch: int) -> Contestant:
    """Return the loop of nanoGPT (github.com/karpathy/nanoGPT) on our decoder.

    Compiled as a whole, all logits at once, fused AdamW.
    """
    decoder = Decoder(shape, MARIN_CHOICES)
    initialise(decoder, 0)
    module = torch.compile(decoder.cuda())
    adam = torch.optim.AdamW(decoder.parameters(), lr=1e-4, fused=True)
    tokens = torch.from_numpy(batch_of(shape, batch)).cuda()
    part = chosen(shape, batch).micro_batch or batch

    def step() -> None:
        for some in tokens.split(part):
            with torch.autocast("cuda", torch.bfloat16):
                logits = module(some[:, :-1])
                loss = (
                    functional.cross_entropy(logits.flatten(0, 1), some[:, 1:].flatten())
                    * len(some)
                    / batch
                )
            loss.backward()
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        adam.step()
        adam.zero_grad(set_to_none=True)

    return lambda steps: timed(step, steps)


def hugging_face(shape: Shape, batch: int) -> Contestant:
    """Return `transformers.Trainer` on its Qwen3 model, with the largest micro batch that fits."""
    import accelerate  # noqa: F401 (Trainer needs it, and says so late)
    from transformers import (
        Qwen3Config,
        Qwen3ForCausalLM,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    model = Qwen3ForCausalLM(Qwen3Config(**hugging_face_config(shape, MARIN_CHOICES)))
    rows = [{"input_ids": row[:-1], "labels": row[:-1]} for row in batch_of(shape, batch)]
    warm_up = 2

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.times: list[float] = []

        def on_step_end(self, *arguments: Any, **more: Any) -> None:
            torch.cuda.synchronize()
            self.times.append(time.perf_counter())

    def turn(steps: int) -> float:
        clock, part = Clock(), batch
        while True:
            try:
                with tempfile.TemporaryDirectory() as folder:
                    arguments = TrainingArguments(
                        output_dir=folder,
                        per_device_train_batch_size=part,
                        gradient_accumulation_steps=batch // part,
                        max_steps=steps + warm_up,
                        bf16=True,
                        torch_compile=True,
                        optim="adamw_torch_fused",
                        max_grad_norm=1.0,
                        logging_strategy="no",
                        save_strategy="no",
                        report_to=[],
                        disable_tqdm=True,
                    )
                    Trainer(
                        model=model,
                        args=arguments,
                        train_dataset=rows * (steps + warm_up),
                        callbacks=[clock],
                    ).train()
                return (clock.times[-1] - clock.times[warm_up - 1]) / steps
            except torch.cuda.OutOfMemoryError:
                if part == 1:
                    raise
                part //= 2
                clock.times.clear()
                torch.cuda.empty_cache()

    return turn


def measure(label: str, rounds: int, steps: int, peak: float) -> None:
    """Print the rows of one shape.

    Contestants take turns, and each is built anew so that none holds memory in another's turn.
    """
    shape, batch = shape_of(label)
    tokens = batch * shape.context_length
    flops = (
        TRAINING_OVER_FORWARD
        * forward_flops_per_token(shape, attention="causal", count_softmax=False)
        * tokens
    )
    execution = chosen(shape, batch)
    estimate = state_bytes(count_parameters(shape).total, OPTIMISER.kind)
    estimate += activation_bytes(
        shape,
        "cuda",
        execution.micro_batch or batch,
        execution.activation_checkpointing,
        execution.logits_per_chunk,
        execution.compiled,
    )
    times: dict[str, list[float]] = {}
    memory: dict[str, float] = {}
    for _ in range(rounds):
        for name, make in (("ours", ours), ("nanoGPT", nano), ("Trainer", hugging_face)):
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
            try:
                turn = make(shape, batch)
                turn(2)  # compiles
                times.setdefault(name, []).append(turn(steps))
            except (ImportError, torch.cuda.OutOfMemoryError) as error:
                print(f"{label}: {name} is left out of this round: {str(error).splitlines()[0]}")
            memory[name] = torch.cuda.max_memory_allocated() / GIB
            turn = None
    for name, seconds in times.items():
        median = statistics.median(seconds)
        beside = (
            f"  estimated {estimate / GIB:.1f}, {execution}"
            if name == "ours"
            else f"  ours / {name} {median / statistics.median(times['ours']):.2f}x"
        )
        print(
            f"{label:14}{name:>9}{tokens / median:12,.0f}{flops / median / peak:8.1%}"
            f"{memory[name]:9.1f}{beside}"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shapes", nargs="+", default=["1024x11x16", "2048x21x16"], metavar="WxLxB"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=5, help="of a turn")
    parser.add_argument(
        "--peak",
        type=float,
        default=9.89e14,
        help="FLOP/s of the card in bfloat16, dense (H100 and H200: 9.89e14)",
    )
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        parser.exit(1, "error: torch finds no GPU here\n")
    print(f"{torch.cuda.get_device_name()}; torch {torch.__version__}")
    print(f"{'shape x batch':14}{'':>9}{'tokens/s':>12}{'MFU':>8}{'GiB':>9}")
    for label in arguments.shapes:
        measure(label, arguments.rounds, arguments.steps, arguments.peak)


if __name__ == "__main__":
    main()
