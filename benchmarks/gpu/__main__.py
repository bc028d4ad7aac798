"""Check and measure training and evaluation on one GPU in less than ten minutes.

    benchmarks/gpu.sh                                          # on a GPU, without a network
    python -m benchmarks.gpu --device cpu --quick --out DIR    # the same program with tiny models

Sections, each written to `gpu.json` as soon as it ends:

- machine: card, memory, driver, versions, and whether the compiler works;
- curve, resume: losses of 50 steps against those of the CPU in float32, and a run that is stopped
  and resumed against one that is not, bit for bit;
- attention: each installed FlashAttention against torch's attention, output and gradients;
- training: tokens per second, MFU (model FLOPs, causal attention counted in half, no softmax, three
  times the forward pass, over `--peak`) and the peak memory that torch allocated, next to the
  plan's estimate, at widths from 512 to 4096, compiled and not. The largest width has fewer layers
  than the paper's, because its parameters do not fit one card;
- reference: a plain FSDP2 loop on the same models (`fully_shard` over one process, bfloat16
  parameters in the blocks, compiled blocks, whole logits, fused AdamW), timed next to ours;
- evaluation: items per second of multiple-choice requests.

A measurement that does not fit the time or the memory is listed with the reason. `table.md` has the
rows of training as a table. The exit code is 1 if a check failed.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from relscale.files import write_json, write_text
from relscale.training.build import no_gpu_reason
from relscale.training.compilation import compile_failure

from .attention import attention
from .bench import Bench
from .checks import curve, resume
from .evaluation import evaluation
from .reference import reference
from .table import table
from .training import training


def measure(bench: Bench, out: Path) -> bool:
    """Run all sections and write the results after each.

    Args:
        bench: the device and its limits.
        out: folder of `gpu.json` and `table.md`; created if it does not exist.

    Returns:
        Whether both checks passed.
    """
    results: dict[str, Any] = {"machine": bench.machine()}
    sections: dict[str, Callable[[], dict[str, Any]]] = {
        "curve": lambda: curve(bench),
        "resume": lambda: resume(bench),
        "attention": lambda: attention(bench),
        "training": lambda: training(bench),
        "reference": lambda: reference(bench, results["training"].get("rows", [])),
        "evaluation": lambda: evaluation(bench),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, section in sections.items():
        begin = time.monotonic()
        try:
            results[name] = section()
        except (RuntimeError, ValueError) as error:  # the other sections still count
            results[name] = {"error": f"{type(error).__name__}: {error}"[:2000]}
        results.setdefault("seconds", {})[name] = round(time.monotonic() - begin, 1)
        write_json(out / "gpu.json", results)
        print(f"{name}: {json.dumps(results[name])[:400]}", flush=True)
    write_text(out / "table.md", table(results))
    return all(results[name].get("passed", False) for name in ("curve", "resume"))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
    bench = Bench(
        device=arguments.device,
        quick=arguments.quick,
        peak=arguments.peak,
        ends=time.monotonic() + 60 * arguments.minutes,
        compile_failure=compile_failure(arguments.device) if arguments.compile else "--no-compile",
    )
    sys.exit(0 if measure(bench, Path(arguments.out)) else 1)


if __name__ == "__main__":
    main()
