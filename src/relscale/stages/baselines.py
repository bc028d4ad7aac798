"""Stage `baselines`: relative laws of one family against each of several domains."""

from pathlib import Path

from relscale.contract.io import read_table, write_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.contract.tables.relative import RELATIVE
from relscale.laws.fit import baselines_of, fit_baselines
from relscale.laws.spec import BaselinesSpec
from relscale.runtime import run


def main(
    *,
    spec: BaselinesSpec,
    losses: Path,
    items: Path | None = None,
    optimum_losses: Path | None = None,
    out: Path,
) -> None:
    """Read losses (and items), fit against each baseline, write one table of relative laws."""
    rows = read_table(losses, LOSSES_REQUIRED)
    table = fit_baselines(
        rows,
        spec,
        baselines_of(rows, spec),
        items=None if items is None else read_table(items),
        optimum_losses=None
        if optimum_losses is None
        else read_table(optimum_losses, LOSSES_REQUIRED),
    )
    write_table(table, out, RELATIVE)


if __name__ == "__main__":
    run(main)
