"""Stage `correlation`: slopes of one family's relative laws against a covariate of their
domains."""

import argparse
import json
from pathlib import Path

from relscale.contract.io import read_table, write_table
from relscale.contract.law_tables import CORRELATION_COLUMNS, RELATIVE_COLUMNS
from relscale.laws.correlation import correlate
from relscale.runtime import run


def main() -> None:
    """Read relative laws and covariates, correlate, write correlation.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON: covariate (its name), level, seed")
    parser.add_argument("--relative", type=Path, required=True)
    parser.add_argument(
        "--covariates",
        type=Path,
        required=True,
        help="columns domain and value (above 0, empty where unknown)",
    )
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec)
    relative = read_table(arguments.relative, RELATIVE_COLUMNS)
    table = correlate(
        relative, read_table(arguments.covariates), spec["covariate"], spec["level"], spec["seed"]
    )
    write_table(table, arguments.out, CORRELATION_COLUMNS)


if __name__ == "__main__":
    run(main)
