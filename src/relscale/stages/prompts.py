"""Set the prompts of the knowledge families side by side: what compute explains of each one's loss,
and their accuracies."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from relscale.contract.io import read_tables, write_table
from relscale.contract.losses import LOSSES_COLUMNS
from relscale.contract.prompt_table import PROMPTS_COLUMNS
from relscale.laws.prompts import prompt_table
from relscale.runtime import run


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec",
        required=True,
        type=json.loads,
        help="JSON: prompts (prompt of each family), compute, window, level",
    )
    parser.add_argument("--losses", required=True, type=Path, nargs="+")
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    losses = read_tables(args.losses, LOSSES_COLUMNS)
    write_table(prompt_table(losses, **args.spec), args.out, PROMPTS_COLUMNS)


if __name__ == "__main__":
    run(main)
