"""Measure the pages: CPU seconds and size of every figure and of the explorer.

Run as `python benchmarks/pages.py [--runs 180]`. The tables are synthetic. Each figure, in three
formats, and the explorer are made by a process of their own, as in the workflow, so the time to
import the libraries is included.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from synthetic_tables import synthetic_tables  # noqa: E402

from relscale.config.figure_name import figure_names  # noqa: E402
from relscale.contract.io import read_table  # noqa: E402
from relscale.contract.suite_table import SUITE_COLUMNS  # noqa: E402
from relscale.figures import find  # noqa: E402
from relscale.pages.tables_html import table_page  # noqa: E402

KINDS = ("svg", "pdf", "png")
BASE64 = 4 / 3
"""Growth of a file inside a report."""


def tables_of(runs, folder):
    """Write synthetic tables of a number of runs and return their paths by name."""
    module = synthetic_tables()
    sizes, rest = divmod(runs, 15)
    if rest:
        sys.exit(f"--runs {runs}: must be a multiple of 15 (three corpora, five budgets)")
    module.SHAPES = tuple((16 + 4 * k, 1) for k in range(sizes))
    tables = module.make_tables(budgets=("5e10", "1e11", "2e11", "5e11", "1e12"))
    suite = tables["losses"].drop_duplicates("run").reindex(columns=list(SUITE_COLUMNS))
    paths = {}
    for name, frame in {**tables, "suite": suite.fillna(0)}.items():
        paths[name] = folder / f"{name}.csv"
        frame.to_csv(paths[name], index=False)
    return paths | {
        "published": ROOT / "workflow/reference/paper_slopes.csv",
        "prompts": ROOT / "workflow/reference/paper_prompts.csv",
    }


def cpu_s(module, *words):
    """Run a module of the package and return its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-m", module, *words], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_figures(paths, folder):
    """Draw all figures, print one line per figure, and return the size of their SVG files."""
    total, drawn, started = 0.0, 0, time.perf_counter()
    for figure in figure_names():
        declared = find(figure)
        tables = [f"{name}={paths[name]}" for name in declared.tables if name in paths]
        out = {kind: folder / f"{figure}.{kind}" for kind in KINDS}
        outputs = [word for kind, path in out.items() for word in (f"--{kind}", str(path))]
        spent = cpu_s(declared.drawing, "--table", *tables, *outputs)
        total, size = total + spent, out["svg"].stat().st_size
        drawn += size
        print(f"{figure:24s} {spent:6.2f} CPU-s {size / 1e6:6.2f} MB as SVG", flush=True)
    clock = time.perf_counter() - started
    print(f"{'all figures':24s} {total:6.2f} CPU-s {drawn / 1e6:6.2f} MB as SVG, {clock:.0f} s")
    return drawn


def measure_explorer(paths, folder):
    """Write the explorer and print its costs."""
    out = folder / "explorer.html"
    names = ("losses", "points", "absolute", "relative")
    tables = [word for name in names for word in (f"--{name}", str(paths[name]))]
    spec = json.dumps({"experiment": "benchmark"})
    spent = cpu_s("relscale.stages.explorer", "--spec", spec, *tables, "--out", str(out))
    print(f"{'explorer':24s} {spent:6.2f} CPU-s {out.stat().st_size / 1e6:6.2f} MB")


def main():
    """Print one line per figure or page, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=180)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = tables_of(runs, folder)
        print(f"{runs} runs")
        drawn = measure_figures(paths, folder)
        shown = {name: path for name, path in paths.items() if name != "losses"}
        tables = sum(len(table_page(read_table(path), name)) for name, path in shown.items())
        print(
            f"{'in a report':24s} {BASE64 * (tables + drawn) / 1e6:.2f} MB: "
            "all figures and all tables but the losses, as base64"
        )
        measure_explorer(paths, folder)


if __name__ == "__main__":
    main()
