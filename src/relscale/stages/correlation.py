"""Stage `correlation`: slopes of relative laws correlated with a covariate of their domains."""

from pathlib import Path

from relscale.contract.io import read_table, write_table
from relscale.contract.tables.correlation import CORRELATION
from relscale.contract.tables.relative import RELATIVE
from relscale.laws.correlation import correlate
from relscale.laws.spec import CorrelationSpec
from relscale.runtime import run


def main(*, spec: CorrelationSpec, relative: Path, covariates: Path, out: Path) -> None:
    """Read relative laws and covariates (columns domain, value), correlate, write the table."""
    table = correlate(
        read_table(relative, RELATIVE.names),
        read_table(covariates),
        spec.covariate,
        spec.level,
        spec.seed,
    )
    write_table(table, out, CORRELATION)


if __name__ == "__main__":
    run(main)
