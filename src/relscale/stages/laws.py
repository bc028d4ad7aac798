"""Stage `laws`: absolute and relative laws, decomposition, two-stage law and back-test of one
family."""

import argparse
import json
from pathlib import Path

from relscale.contract.io import read_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.laws.fit import TABLES, fit_family
from relscale.laws.outside_models import read_outside_models
from relscale.laws.settings import LawSettings
from relscale.runtime import run


def main() -> None:
    """Read losses (and items), fit, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec",
        required=True,
        help="JSON: family, baseline, metrics and the other fields of LawSettings",
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
    parser.add_argument(
        "--outside-models",
        type=Path,
        nargs="*",
        default=[],
        help="a table of models that are no runs, or nothing",
    )
    for name in TABLES:
        parser.add_argument(f"--out-{name.replace('_', '-')}", type=Path, required=True)
    arguments = parser.parse_args()
    settings = LawSettings.from_spec(json.loads(arguments.spec))
    outside = [read_outside_models(path) for path in arguments.outside_models]
    laws = fit_family(
        read_table(arguments.losses, LOSSES_REQUIRED),
        settings,
        items=None if arguments.items is None else read_table(arguments.items),
        optimum_losses=None
        if arguments.optimum_losses is None
        else read_table(arguments.optimum_losses, LOSSES_REQUIRED),
        outside_models=[model for models in outside for model in models],
    )
    laws.write({name: getattr(arguments, f"out_{name}") for name in TABLES})


if __name__ == "__main__":
    run(main)
