"""Stage `baselines`: the relative laws of one family against each of its other domains, for the
explorer."""

import argparse
import json
from pathlib import Path

from relscale.contract.io import read_table, write_table
from relscale.contract.law_tables import RELATIVE_COLUMNS
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.laws.fit import fit_baselines
from relscale.laws.settings import LawSettings
from relscale.runtime import run


def main() -> None:
    """Read losses (and items), fit against each baseline named, write one table of relative
    laws."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec",
        required=True,
        help="JSON: baselines (a list), family, metrics and the other fields of LawSettings",
    )
    parser.add_argument("--losses", type=Path, required=True)
    parser.add_argument(
        "--items", type=Path, help="items of the family; without it intervals are over runs only"
    )
    parser.add_argument(
        "--optimum-losses",
        type=Path,
        help="losses of the family that places the optimum (optimum_by)",
    )
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec)
    baselines = spec.pop("baselines")
    losses = read_table(arguments.losses, LOSSES_REQUIRED)
    items = None if arguments.items is None else read_table(arguments.items)
    optimum_losses = (
        None
        if arguments.optimum_losses is None
        else read_table(arguments.optimum_losses, LOSSES_REQUIRED)
    )
    table = fit_baselines(
        losses, LawSettings.from_spec(spec), baselines, items=items, optimum_losses=optimum_losses
    )
    write_table(table, arguments.out, RELATIVE_COLUMNS)


if __name__ == "__main__":
    run(main)
