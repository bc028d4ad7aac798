"""Time and peak memory of the loss and its gradients at a vocabulary of 128,256, on the CPU.

Compares the loss of compiled chunks, of eager chunks, and plain cross entropy on all logits:

    python benchmarks/loss.py [--tokens 512 2048] [--width 128] [--rounds 3] [--json FILE]

Contestants take turns, each in a process of its own with one thread and the same random input, in
bfloat16 under autocast with `--bfloat16`, else float32. A process takes a warm-up pass, which
compiles, then measures CPU seconds of one forward and backward pass, and the growth of its
resident memory over that pass (the peak that Linux counts, reset before the pass). Columns: median
CPU seconds over the rounds, the same over those of plain, the most memory, and the relative
difference of the loss and of the gradient of the head from plain's.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from relscale.training.execution import LOGITS_PER_CHUNK
from relscale.training.loss import summed_cross_entropy

VOCABULARY = 128_256
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def plain(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of all logits at once."""
    logits = functional.linear(hidden, weight).float()
    return functional.cross_entropy(logits, targets, reduction="sum")


CONTESTANTS: dict[str, Loss] = {
    "compiled chunks": partial(summed_cross_entropy, compiled=True),
    "eager chunks": summed_cross_entropy,
    "plain": plain,
}


def resident_mib(key: str) -> float:
    """Return VmRSS or VmHWM of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"/proc/self/status has no {key}")


def measure(name: str, tokens: int, width: int, logits: int, bfloat16: bool) -> dict[str, float]:
    """Return time, memory, loss and gradient of one contestant, in this process."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn((tokens, width), generator=generator).requires_grad_()
    weight = (torch.randn((VOCABULARY, width), generator=generator) / 10).requires_grad_()
    targets = torch.randint(0, VOCABULARY, (tokens,), generator=generator)
    loss_of = CONTESTANTS[name]
    if name != "plain":
        loss_of = partial(loss_of, logits_per_chunk=logits)

    def one_pass() -> Tensor:
        hidden.grad = None
        if weight.grad is not None:
            weight.grad.zero_()  # as the trainer does: the buffer stays
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss = loss_of(hidden, weight, targets)
        loss.backward()
        return loss.detach()

    one_pass()
    before = resident_mib("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    begin = time.process_time()
    loss = one_pass()
    seconds = time.process_time() - begin
    assert weight.grad is not None
    return {
        "seconds": seconds,
        "mib": resident_mib("VmHWM") - before,
        "loss": float(loss),
        "gradient": float(weight.grad.double().norm()),
        "logits_per_chunk": logits,
    }


def in_a_process(arguments: argparse.Namespace, name: str, tokens: int) -> dict[str, float]:
    """Run `measure` in a new process and return its result."""
    command = [sys.executable, __file__, "--only", name, "--tokens", str(tokens)]
    command += ["--width", str(arguments.width), "--logits", str(arguments.logits)]
    command += ["--bfloat16"] * arguments.bfloat16
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}, {tokens} tokens: {done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def rows(results: dict[str, list[dict[str, float]]], tokens: int) -> list[dict[str, object]]:
    """Return one row per contestant."""
    reference = results["plain"]
    base = statistics.median(one["seconds"] for one in reference)
    return [
        {
            "tokens": tokens,
            "loss": name,
            "cpu_seconds": statistics.median(one["seconds"] for one in some),
            "over_plain": statistics.median(one["seconds"] for one in some) / base,
            "peak_mib": max(one["mib"] for one in some),
            "relative_loss": abs(some[0]["loss"] / reference[0]["loss"] - 1),
            "relative_gradient": abs(some[0]["gradient"] / reference[0]["gradient"] - 1),
        }
        for name, some in results.items()
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, nargs="+", default=[512, 2048])
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--logits", type=int, default=LOGITS_PER_CHUNK, help="per chunk")
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=CONTESTANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        (tokens,) = arguments.tokens
        shared = (tokens, arguments.width, arguments.logits, arguments.bfloat16)
        print(json.dumps(measure(arguments.only, *shared)))
        return
    table: list[dict[str, object]] = []
    print(f"{'tokens':>7} {'loss':16}{'CPU s':>8}{'/ plain':>9}{'MiB':>8}{'loss':>10}{'grad':>10}")
    for tokens in arguments.tokens:
        results: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
        for _ in range(arguments.rounds):
            for name, some in results.items():
                some.append(in_a_process(arguments, name, tokens))
        for row in rows(results, tokens):
            table.append(row)
            print(
                f"{row['tokens']:>7} {row['loss']:16}{row['cpu_seconds']:8.2f}"
                f"{row['over_plain']:9.2f}{row['peak_mib']:8,.0f}{row['relative_loss']:10.1e}"
                f"{row['relative_gradient']:10.1e}"
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
