"""CPU time of the importers for files of about 10 MB.

    python benchmarks/importers.py

Files of each format are written to a temporary folder and imported. The time includes checks and
the losses table, but not the start of Python. The losses and names are made up.
"""

import csv
import json
import struct
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from relscale.importers.event_files import masked_crc
from relscale.importers.formats.llm_line import NEEDED
from relscale.importers.importer import ImportOptions
from relscale.importers.table import import_losses

MEGABYTES = 10
Row = Sequence[object]
TOKENS = 2_000_000_000


def write_rows(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write rows as CSV until the file has the size."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        for row in rows:
            writer.writerow(row)
            if handle.tell() > MEGABYTES * 1e6:
                break


def write_runs(folder: Path, runs: Iterable[str]) -> Path:
    """Write a table of runs."""
    path = folder / "runs.csv"
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["run", "corpus", "num_params_total", "tokens"])
        writer.writerows([run, "c", 10**8, TOKENS] for run in runs)
    return path


def wandb(folder: Path) -> list[Path]:
    """A chart with 100 runs."""
    runs = [f"run-{number}" for number in range(100)]
    ends = ("", "__MIN", "__MAX")
    header = ["Step", *(f"{run} - eval/c4_loss{end}" for run in runs for end in ends)]
    rows = ([step, *[3.123456789 + 1 / (step + 1)] * 300] for step in range(10**6))
    write_rows(folder / "chart.csv", [header, *(next(rows) for _ in range(1900))])
    write_runs(folder, runs)
    return [folder / "chart.csv"]


def record(data: bytes) -> bytes:
    """Return a record of an event file."""
    head = struct.pack("<Q", len(data))
    checksums = [struct.pack("<I", masked_crc(part)) for part in (head, data)]
    return head + checksums[0] + data + checksums[1]


def tensorboard(folder: Path) -> list[Path]:
    """Ten runs with scalars of 20 names."""
    runs = [f"run-{number}" for number in range(10)]
    tags = [f"eval/domain{number:02d}_loss".encode() for number in range(20)]
    records = []
    for tag in tags:
        summary = bytes([0x0A, len(tag)]) + tag + b"\x15" + struct.pack("<f", 3.0)
        inner = bytes([0x0A, len(summary)]) + summary
        event = b"\x09" + struct.pack("<d", 1.7e9) + bytes([0x10, 100, 0x2A, len(inner)]) + inner
        records.append(record(event))
    block = b"".join(records)
    for run in runs:
        path = folder / "logs" / run / "events.out.tfevents.1"
        path.parent.mkdir(parents=True)
        path.write_bytes(block * round(MEGABYTES * 1e6 / len(runs) / len(block)))
    write_runs(folder, runs)
    return [folder / "logs"]


def trainer_state(folder: Path) -> list[Path]:
    """Ten runs with evaluations on 20 domains."""
    runs = [f"run-{number}" for number in range(10)]
    for run in runs:
        history = [
            {
                "epoch": step / 1000,
                f"eval_domain{domain}_loss": 3.0 + 1 / (step + 1),
                f"eval_domain{domain}_runtime": 12.5,
                f"eval_domain{domain}_samples_per_second": 80.0,
                "step": step,
            }
            for step in range(310)
            for domain in range(20)
        ]
        state = {"log_history": history, "global_step": 310, "max_steps": 310, "total_flos": 0}
        path = folder / "out" / run / "trainer_state.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(state, indent=1))
    write_runs(folder, runs)
    return [folder / "out"]


def nanochat(folder: Path) -> list[Path]:
    """As many runs as 10 MB have, about 80,000."""
    header = "flops_budget,depth,params_total,tokens_trained,val_bpb,core_score,train_time_sec"
    extra = [f"column_{number}" for number in range(8)]
    rows = (
        ["1.2e18", depth, 10**8, TOKENS, 0.9123456789, 0.123456789, 360.123456, *[1234567.5] * 8]
        for depth in range(1, 10**6)
    )
    write_rows(folder / "results.csv", chained([*header.split(","), *extra], rows))
    write_runs(folder, [])
    return [folder / "results.csv"]


def chained(
    header: Sequence[object], rows: Iterable[Sequence[object]]
) -> Iterable[Sequence[object]]:
    """Yield a header and rows."""
    yield header
    yield from rows


def olmo_ladder(folder: Path) -> list[Path]:
    """One file with 11 text sets and 80 other columns."""
    texts = [f"eval/text{number}-validation/CrossEntropyLoss" for number in range(11)]
    header = ["_step", *texts, *(f"other/{number}" for number in range(80))]
    header += ["throughput/total_tokens", "throughput/total_training_Gflops"]
    rows = ([step, *[3.1234567890123] * 91, TOKENS, 1.2e9] for step in range(1, 10**6))
    write_rows(folder / "190M-1xC.csv", chained(header, rows))
    write_runs(folder, [])
    return [folder / "190M-1xC.csv"]


def llm_line(folder: Path) -> list[Path]:
    """As many models as 10 MB have, about 20,000."""
    values = [
        f"Text {number} Validation {kind}" for number in range(10) for kind in ("Loss", "BPB")
    ]
    header = [*NEEDED, *values, "Intervention", "Intervention"]
    kinds = [*[""] * (len(NEEDED) + 20), "Size", "Tokenizer"]
    facts = ["Llama", 10**8, "C4", "", "gpt2", TOKENS]
    models = (
        [f"org/model-{number}", *facts, *[3.1234567890123] * 20, "False", "True"]
        for number in range(10**6)
    )
    write_rows(folder / "models.csv", chained(header, chained(kinds, models)))
    write_runs(folder, [])
    return [folder / "models.csv"]


def lm_eval(folder: Path) -> list[Path]:
    """100 models with 600 tasks each."""
    runs = [f"org/model-{number}" for number in range(100)]
    for number, run in enumerate(runs):
        tasks = {
            f"task_{task}": {
                "alias": f"task_{task}",
                "acc,none": 0.5,
                "acc_stderr,none": 0.012345678,
                "acc_norm,none": 0.6,
                "acc_norm_stderr,none": 0.012345678,
            }
            for task in range(600)
        }
        results = {"results": tasks, "config": {}, "model_name": run}
        (folder / f"results_{number}.json").write_text(json.dumps(results, indent=1))
    write_runs(folder, runs)
    return sorted(folder.glob("results_*.json"))


FORMATS: tuple[Callable[[Path], list[Path]], ...] = (
    llm_line,
    lm_eval,
    nanochat,
    olmo_ladder,
    tensorboard,
    trainer_state,
    wandb,
)


def main() -> None:
    """Print size, CPU time and values of each format."""
    print(f"{'format':14} {'MB':>6} {'CPU s':>6} {'values':>7}")
    for make in FORMATS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            paths = make(folder)
            size = sum(
                path.stat().st_size
                for path in folder.rglob("*")
                if path.is_file() and path.name != "runs.csv"
            )
            runs = folder / "runs.csv"
            has_rows = runs.read_text().count("\n") > 1
            options = ImportOptions(runs=runs if has_rows else None, corpus="c", six_nd=True)
            start = time.process_time()
            found = import_losses(make.__name__, paths, options)
            seconds = time.process_time() - start
            print(f"{make.__name__:14} {size / 1e6:6.1f} {seconds:6.2f} {len(found.frame):7d}")


if __name__ == "__main__":
    main()
