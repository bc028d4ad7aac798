"""CPU time and size of every figure in all three formats and of the pages.

The tables are synthetic.

Run as `python benchmarks/pages.py [--runs 180 | --runs 255]`. Each figure is drawn by its own
process, as in the workflow, so the time to import the libraries is in it.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from relscale import figures
from relscale.contract.io import read_table
from relscale.pages.tables_html import table_page

ROOT = Path(__file__).parents[1]


def tables_of(runs, folder):
    """Write synthetic tables of that many runs and return their paths by name."""
    spec = importlib.util.spec_from_file_location(
        "synthetic_tables", ROOT / "tests/unit/figures/conftest.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sizes, rest = divmod(runs, 15)
    if rest:
        sys.exit(f"--runs {runs}: must be a multiple of 15 (three corpora, five budgets)")
    module.SHAPES = tuple((16 + 4 * k, 1) for k in range(sizes))
    tables = module.make_tables(budgets=("5e10", "1e11", "2e11", "5e11", "1e12"))
    paths = {}
    for name, frame in tables.items():
        paths[name] = folder / f"{name}.csv"
        frame.to_csv(paths[name], index=False)
    paths |= {
        "published": ROOT / "workflow/reference/paper_slopes.csv",
        "prompts": ROOT / "workflow/reference/paper_prompts.csv",
    }
    suite = tables["losses"].drop_duplicates("run")
    for column in (
        "budget_counts",
        "width",
        "layers",
        "heads",
        "batch_size",
        "steps",
        "learning_rate",
        "beta2",
        "attention_flops",
    ):
        suite[column] = 0
    paths["suite"] = folder / "suite.csv"
    suite.to_csv(paths["suite"], index=False)
    return paths


def cpu_s(command):
    """Run a command and return the CPU seconds of it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    """Print one line per figure or page, and the totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=180)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = tables_of(runs, folder)
        total, drawn, started = 0.0, 0, time.perf_counter()
        for figure in figures.names():
            declared = figures.find(figure)
            tables = [f"{key}={paths[key]}" for key in declared.tables if key in paths]
            out = {kind: folder / f"{figure}.{kind}" for kind in ("svg", "pdf", "png")}
            spent = cpu_s(
                [
                    sys.executable,
                    "-m",
                    declared.drawing,
                    "--table",
                    *tables,
                    *(w for k, p in out.items() for w in (f"--{k}", str(p))),
                ]
            )
            total, size = total + spent, out["svg"].stat().st_size
            drawn += size
            print(f"{figure:24s} {spent:6.2f} CPU-s {size / 1e6:6.2f} MB as SVG", flush=True)
        clock = time.perf_counter() - started
        print(
            f"{'all figures':24s} {total:6.2f} CPU-s {drawn / 1e6:6.2f} MB as SVG, {runs} runs, "
            f"{clock:.0f} s by the clock"
        )
        embedded = (
            4
            / 3
            * sum(
                len(table_page(read_table(path), name))
                for name, path in paths.items()
                if name != "losses"
            )
            + 4 / 3 * drawn
        )
        print(
            f"{'in a report':24s} {embedded / 1e6:.2f} MB: the figures and every table but the "
            "losses, as base64"
        )
        laws = [
            word
            for key in ("losses", "points", "absolute", "relative")
            for word in (f"--{key}", str(paths[key]))
        ]
        page = [
            word
            for key in ("html", "js")
            for word in (
                {"html": "--template", "js": "--script"}[key],
                f"{ROOT}/workflow/explorer/explorer.{key}",
            )
        ]
        out = folder / "explorer.html"
        spent = cpu_s(
            [
                sys.executable,
                "-m",
                "relscale.stages.explorer",
                "--spec",
                json.dumps({"experiment": "x"}),
                *laws,
                *page,
                "--out",
                str(out),
            ]
        )
        print(f"{'explorer':24s} {spent:6.2f} CPU-s {out.stat().st_size / 1e6:6.2f} MB")


if __name__ == "__main__":
    main()
