"""Stage `optima`: compute-optimal points of every suite and budget, from the losses on the suites'
own validation text."""

import argparse
import json
from pathlib import Path

from relscale.contract.io import read_table, write_table
from relscale.contract.law_tables import OPTIMA_COLUMNS
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.laws.cells import suites_of
from relscale.laws.inputs import prepare
from relscale.laws.isoflop import optima_table
from relscale.laws.settings import LawSettings
from relscale.runtime import run


def main() -> None:
    """Read losses, find the optima, write optima.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec",
        required=True,
        help="JSON: compute, optimum_by, level, family (default: optimum_by), metrics",
    )
    parser.add_argument("--losses", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    losses = read_table(arguments.losses, LOSSES_REQUIRED)
    spec = json.loads(arguments.spec)
    spec = {"family": spec.get("optimum_by", "validation"), **spec}
    if "metrics" not in spec:
        spec["metrics"] = sorted(losses.loc[losses["family"] == spec["family"], "metric"].unique())
    settings = LawSettings.from_spec(spec)
    family, optimum = prepare(losses, settings, None)
    write_table(
        optima_table(suites_of(family, optimum, settings), settings), arguments.out, OPTIMA_COLUMNS
    )


if __name__ == "__main__":
    run(main)
