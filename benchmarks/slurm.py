"""Overhead of a job on SLURM, compared with that of a one-line workflow with the same plugin.

    python benchmarks/slurm.py --downloads FOLDER [--jobs 5] [--out FILE]

Starts a SLURM of one node (tests/support/slurm_cluster.py) and sends both workflows, one job at a
time. SLURM says when a job began and ended, to the second; the record of Snakemake's benchmark says
how long its command ran. The difference is the cost of starting Python, reading the workflow
(twice, one call inside the other) and writing metadata.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from checkouts import copy_checkout  # noqa: E402
from slurm_calls import FOR_TESTS  # noqa: E402
from slurm_cluster import Cluster  # noqa: E402

ONE_LINE = """
rule all:
    input: expand("{number}.txt", number=range(JOBS))
    localrule: True

rule one:
    output: "{number}.txt"
    log: "{number}.log"
    benchmark: "benchmarks/{number}.jsonl"
    resources: mem_mb=500, runtime="5m"
    shell: "sleep 1; touch {output}"
"""


def ended(cluster: Cluster) -> dict[str, float]:
    """Return the duration in seconds of each job that SLURM has finished, by its number."""
    found = {}
    for line in cluster.call(
        "squeue", "--noheader", "--array", "--states", "COMPLETED", "--format", "%i %S %e"
    ).splitlines():
        number, begin, end = line.split()
        found[number] = (
            datetime.fromisoformat(end) - datetime.fromisoformat(begin)
        ).total_seconds()
    return found


def overheads(cluster: Cluster, command: list[str], folder: Path, records: str) -> float:
    """Run a workflow, and return the mean overhead of its jobs over their commands in seconds."""
    before = ended(cluster)
    done = subprocess.run(
        command, cwd=folder, env=cluster.environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    time.sleep(2)
    whole = [seconds for number, seconds in ended(cluster).items() if number not in before]
    inside = [json.loads(path.read_text().splitlines()[-1])["s"] for path in folder.glob(records)]
    if len(whole) != len(inside):
        raise RuntimeError(f"{len(whole)} jobs of SLURM, {len(inside)} records of Snakemake")
    return (sum(whole) - sum(inside)) / len(whole)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--downloads", default="", help="folder of already downloaded packages")
    parser.add_argument("--jobs", type=int, default=5, help="jobs of the workflow of one line")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also write the table there")
    args = parser.parse_args()
    seen: dict[str, list[float]] = {"one line": [], "relscale": []}
    with tempfile.TemporaryDirectory(prefix="relscale-slurm-") as name:
        scratch = Path(name)
        scratch.chmod(0o755)  # Munge asks that everyone may pass through to its socket
        cluster = Cluster(scratch / "cluster")
        (scratch / "cluster").mkdir(mode=0o755)
        cluster.start()
        try:
            for number in range(args.rounds):
                plain = scratch / f"plain-{number}"
                plain.mkdir()
                (plain / "Snakefile").write_text(ONE_LINE.replace("JOBS", str(args.jobs)))
                options = [
                    "--executor",
                    "slurm",
                    "--jobs",
                    "1",
                    *FOR_TESTS,
                    "--default-resources",
                    "slurm_partition=main",
                    "mem_mb=1000",
                ]
                command = [sys.executable, "-m", "snakemake", *options, "--benchmark-extended"]
                seen["one line"].append(overheads(cluster, command, plain, "benchmarks/*.jsonl"))
                (scratch / f"ours-{number}").mkdir()
                checkout = copy_checkout(scratch / f"ours-{number}", args.downloads, "slurm")
                profile = [
                    "--profile",
                    "profiles/slurm",
                    *FOR_TESTS,
                    "--default-resources",
                    "slurm_partition=main",
                    "mem_mb=1000",
                ]
                goals = ["--jobs", "1", "--until", "shards", "family"]
                command = checkout.command(*profile, *goals, cores=False)
                seen["relscale"].append(
                    overheads(cluster, command, checkout.folder, "benchmarks/results/**/*.jsonl")
                )
        finally:
            cluster.stop()
    lines = [f"{'workflow':<12}{'s per job over its command: median (lowest-highest)':>54}"]
    for workflow, values in seen.items():
        lines.append(
            f"{workflow:<12}{statistics.median(values):>30.1f} "
            f"({min(values):.1f}-{max(values):.1f})"
        )
    differences = [
        ours - plain for plain, ours in zip(seen["one line"], seen["relscale"], strict=True)
    ]
    rounds = ", ".join(f"{difference:.1f}" for difference in differences)
    lines.append(
        f"more than the plugin: {statistics.median(differences):.1f} s per job "
        f"(by rounds: {rounds})"
    )
    print("\n".join(lines))
    if args.out:
        args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
