"""Print what an experiment found, and where its report is."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from relscale.contract.io import read_table
from relscale.contract.law_tables import ABSOLUTE_COLUMNS, RELATIVE_COLUMNS
from relscale.laws.summary import print_summary
from relscale.runtime import run


def main(argv: Sequence[str] | None = None) -> None:
    """Read the law tables, print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--relative", required=True, type=Path)
    parser.add_argument("--absolute", required=True, type=Path)
    parser.add_argument("--estimator", default="joint")
    parser.add_argument("--report", required=True, help="path of the report, printed last")
    args = parser.parse_args(argv)
    console = Console(highlight=False)
    print_summary(
        console,
        read_table(args.relative, RELATIVE_COLUMNS),
        read_table(args.absolute, ABSOLUTE_COLUMNS),
        args.estimator,
    )
    console.print(f"Report: {args.report}", soft_wrap=True)


if __name__ == "__main__":
    run(main)
