"""CPU time of evaluations with sums by bucket and position, over those without.

    OMP_NUM_THREADS=1 python benchmarks/bucket_sums.py --results results [--experiment default]
    [--family topics] [--curves 4] [--rounds 3]

Needs the finished results of an experiment that trained its runs. Each round scores some IsoFLOP
curves of one corpus without and with the sums, in turns, reading and writing files as the jobs do.
A figure is the median over rounds of a ratio of CPU times of this process; starting Python is not
counted, which a job does once either way. The jobs that are added once per corpus (`word_counts`)
and once per family and corpus (`token_bytes`) are timed next to the curves that they serve.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from relscale.evaluation.run_record import read_evaluated_run
from relscale.runtime import call
from relscale.stages import evaluate, token_bytes, word_counts

SETTINGS = {
    "kind": "documents",
    "source": "s",
    "metrics": ["bits_per_byte"],
    "reader": {"kind": "text_files", "files": "*"},
    "domains": {"any": ["any"]},
}
"""Settings of a family of documents; scoring reads its kind and metrics alone."""


def cpu_seconds(work: Callable[[], None]) -> float:
    """Return the CPU time of some work in this process."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def curves_of(folder: Path) -> dict[tuple[str, str], list[Path]]:
    """Return the records of each IsoFLOP curve, by corpus and budget."""
    curves: dict[tuple[str, str], list[Path]] = {}
    for record in sorted(folder.glob("runs/*/record.json")):
        columns = read_evaluated_run(record).columns
        curves.setdefault((columns["corpus"], str(columns["budget"])), []).append(record)
    return curves


def evaluation(
    records: Sequence[Path], requests: Path, window: int, out: Path, tokens: Path | None
) -> Callable[[], None]:
    """Return one evaluation job: with sums if the bytes of tokens are given."""
    spec = {"family": "f", "context_length": window, "settings": SETTINGS}
    more: list[str] = []
    if tokens is not None:
        spec["buckets"] = True
        more = ["--token-bytes", str(tokens)]
    kinds = ("losses", "items", "buckets", "positions")
    outputs = [word for kind in kinds for word in (f"--out-{kind}", str(out / kind))]
    words = ["--spec", json.dumps(spec), "--requests", str(requests), "--record"]
    words += [*map(str, records), "--score-cache", str(out / "cache"), "--defined-by", "benchmark"]
    return lambda: call(evaluate.main, [*words, *more, *outputs])


def only(paths: Sequence[Path], what: str) -> Path:
    """Return the one path of a search.

    Raises:
        ValueError: if there is none, or more than one.
    """
    if len(paths) != 1:
        raise ValueError(f"{what}: {len(paths)} found, one is needed")
    return paths[0]


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--experiment", default="default")
    parser.add_argument("--family", default="topics")
    parser.add_argument("--corpus")
    parser.add_argument("--curves", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    shared = options.results / "shared"
    curves = curves_of(options.results / options.experiment)
    corpus = options.corpus or sorted({name for name, _ in curves})[0]
    chosen = [records for (name, _), records in curves.items() if name == corpus]
    chosen = chosen[: options.curves]
    requests = only(
        sorted(shared.glob(f"families/{options.family}-*/requests.parquet")), "requests"
    )
    window = json.loads((requests.parent / "manifest.json").read_text())["context_length"]
    train = only(sorted(shared.glob(f"corpora/{corpus}-*/train.parquet")), "training documents")
    tokenizer = only(sorted(shared.glob("tokenizers/*/tokenizer.json")), "tokenizers")
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        words, tokens = out / "words", out / "tokens"
        added = {
            "word_counts": lambda: call(
                word_counts.main, ["--train", str(train), "--out", str(words)]
            ),
            "token_bytes": lambda: call(
                token_bytes.main,
                [
                    *("--requests", str(requests), "--tokenizer", str(tokenizer)),
                    *("--words", str(words), "--out", str(tokens)),
                ],
            ),
        }
        once = {rule: cpu_seconds(work) for rule, work in added.items()}
        evaluation(chosen[0][:1], requests, window, out, tokens)()  # reads the library
        totals: dict[str, list[float]] = {"without": [], "with": []}
        for _ in range(options.rounds):
            seconds = dict.fromkeys(totals, 0.0)
            for records in chosen:
                for kind, known in (("without", None), ("with", tokens)):
                    seconds[kind] += cpu_seconds(evaluation(records, requests, window, out, known))
            for kind, value in seconds.items():
                totals[kind].append(value)
        sizes = {kind: (out / kind).stat().st_size for kind in ("items", "buckets", "positions")}
    ratios = [b / a for a, b in zip(totals["without"], totals["with"], strict=True)]
    runs = sum(map(len, chosen))
    print(f"{options.family}, {corpus}: {runs} runs in {len(chosen)} curves")
    for kind, values in totals.items():
        print(f"  {kind} sums: {statistics.median(values):.2f} CPU-s")
    print(
        f"  ratio: {statistics.median(ratios):.3f} "
        f"({', '.join(f'{ratio:.3f}' for ratio in ratios)})"
    )
    for rule, value in once.items():
        share = value / statistics.median(totals["without"])
        print(f"  {rule}, once: {value:.2f} CPU-s, {100 * share:.1f} % of these curves")
    for kind, size in sizes.items():
        print(f"  {kind} of the last curve: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
