"""Stage `statistics_exponents`: statistics of domains and the exponents of their laws."""

from pathlib import Path

from relscale.contract.corpus_statistics import CORPUS_STATISTICS
from relscale.contract.io import read_table, write_table
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.tables.statistics_exponents import STATISTICS_EXPONENTS
from relscale.corpus_statistics.exponents import exponent_table
from relscale.corpus_statistics.spec import ExponentsSpec
from relscale.runtime import run


def main(
    *, spec: ExponentsSpec, statistics: Path, absolute: Path, relative: Path, out: Path
) -> None:
    """Read statistics and laws, correlate them within families, write the table."""
    table = exponent_table(
        read_table(statistics, CORPUS_STATISTICS.names),
        read_table(absolute, ABSOLUTE.names),
        read_table(relative, RELATIVE.names),
        spec,
    )
    write_table(table, out, STATISTICS_EXPONENTS)


if __name__ == "__main__":
    run(main)
