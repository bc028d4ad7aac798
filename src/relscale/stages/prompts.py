"""Set the prompts of the knowledge families side by side: what compute explains of each one's loss, and their accuracies."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from relscale.command import run
from relscale.laws.prompts import prompt_table
from relscale.records.losses import LOSSES_COLUMNS
from relscale.records.prompts import PROMPTS_COLUMNS
from relscale.tables import read_tables, write_table


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads, help="JSON: prompts (prompt of each family), compute, window, level")
    parser.add_argument("--losses", required=True, type=Path, nargs="+")
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    losses = read_tables(args.losses, LOSSES_COLUMNS)
    write_table(prompt_table(losses, **args.spec), args.out, PROMPTS_COLUMNS)


if __name__ == "__main__":
    run(main)
