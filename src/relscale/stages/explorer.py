"""Stage `explorer`: one self-contained page over the losses and laws."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from relscale.contract.io import read_table, read_tables
from relscale.contract.law_tables import ABSOLUTE_COLUMNS, POINTS_COLUMNS, RELATIVE_COLUMNS
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.files import write_text
from relscale.pages.explorer import explorer_page
from relscale.runtime import run

REQUIRED = {
    "losses": LOSSES_REQUIRED,
    "points": POINTS_COLUMNS,
    "absolute": ABSOLUTE_COLUMNS,
    "relative": RELATIVE_COLUMNS,
}


def main(argv: Sequence[str] | None = None) -> None:
    """Read the tables, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec",
        required=True,
        help="JSON: experiment, families, corpora, labels, compute, extrapolate_decades",
    )
    for name in REQUIRED:
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--baselines",
        type=Path,
        action="extend",
        nargs="*",
        default=[],
        help="relative laws against other baselines",
    )
    parser.add_argument("--template", type=Path, required=True, help="the page's HTML")
    parser.add_argument("--script", type=Path, required=True, help="the page's own script")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)
    tables = {
        name: read_table(getattr(arguments, name), columns) for name, columns in REQUIRED.items()
    }
    if arguments.baselines:
        tables["baselines"] = read_tables(arguments.baselines, RELATIVE_COLUMNS)
    template, script = (
        path.read_text(encoding="utf-8") for path in (arguments.template, arguments.script)
    )
    write_text(arguments.out, explorer_page(tables, json.loads(arguments.spec), template, script))


if __name__ == "__main__":
    run(main)
