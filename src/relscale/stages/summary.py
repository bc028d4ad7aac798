"""Print an experiment's relative and absolute laws, and the path of its report."""

from pathlib import Path

from rich.console import Console

from relscale.contract.io import read_table
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.families import FAMILIES
from relscale.contract.tables.forecast import FORECAST
from relscale.contract.tables.relative import RELATIVE
from relscale.laws.summary import print_summary, shown_estimator
from relscale.runtime import run


def main(
    *,
    relative: Path,
    absolute: Path,
    families: Path | None = None,
    forecast: Path | None = None,
    estimator: str = "",
    report: str,
) -> None:
    """Read the law tables and print the summary, with the report's path as the last line."""
    console = Console(highlight=False)
    laws = read_table(relative, RELATIVE.names), read_table(absolute, ABSOLUTE.names)
    print_summary(
        console,
        *laws,
        estimator or shown_estimator(laws[0]),
        families=read_table(families, FAMILIES.names) if families else None,
        forecast=read_table(forecast, FORECAST.names) if forecast else None,
    )
    console.print(f"Report: {report}", soft_wrap=True, markup=False, emoji=False)


if __name__ == "__main__":
    run(main)
