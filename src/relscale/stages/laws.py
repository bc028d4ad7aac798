"""Stage `laws`: all laws of one family."""

from pathlib import Path

import pyarrow as pa

from relscale.contract.arrow import read_parquet
from relscale.contract.io import read_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.laws.fit import check_paths, fit_family
from relscale.laws.outside_models import read_outside_models
from relscale.laws.parts import PartSums
from relscale.laws.spec import LawSpec
from relscale.runtime import run


def main(
    *,
    spec: LawSpec,
    losses: Path,
    items: Path | None = None,
    optimum_losses: Path | None = None,
    outside_models: list[Path] | None = None,
    buckets: list[Path] | None = None,
    positions: list[Path] | None = None,
    out: list[Path],
) -> None:
    """Read losses (and items), fit the laws, write one table per law; `out` has a path for each."""
    check_paths(out)
    parts = None
    if buckets and positions:
        # Not `read_table`, which makes text of the names in millions of rows.
        tables = [pa.concat_tables(map(read_parquet, paths)) for paths in (buckets, positions)]
        sums, by_position = (table.unify_dictionaries().to_pandas() for table in tables)
        parts = PartSums.of(sums, by_position, spec.family)
    laws = fit_family(
        read_table(losses, LOSSES_REQUIRED),
        spec,
        items=None if items is None else read_table(items),
        optimum_losses=None
        if optimum_losses is None
        else read_table(optimum_losses, LOSSES_REQUIRED),
        outside_models=[
            model for path in outside_models or () for model in read_outside_models(path)
        ],
        parts=parts,
    )
    laws.write(out)


if __name__ == "__main__":
    run(main)
