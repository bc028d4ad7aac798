"""The findings of a finished experiment, on the console.

On a terminal these are the tables of relative laws and the sentences about them. Elsewhere they are
the first sentences, so that the output of a whole call stays short.
"""

import io

from rich.console import Console

from relscale.contract.io import read_table
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.families import FAMILIES
from relscale.contract.tables.forecast import FORECAST
from relscale.contract.tables.relative import RELATIVE
from relscale.laws.summary import print_summary, shown_estimator
from relscale.runner.prepare import Prepared

MOST_LINES = 24
"""Lines of the summary, where the console is not a terminal."""


def print_findings(prepared: Prepared, console: Console) -> None:
    """Print the findings, at most `MOST_LINES` lines unless the console is a terminal."""
    laws = prepared.folder / prepared.layout.results / "laws"
    relative = read_table(laws / "relative.csv", RELATIVE.names)
    text = io.StringIO()
    printed = console if console.is_terminal else Console(file=text, width=100, highlight=False)
    print_summary(
        printed,
        relative,
        read_table(laws / "absolute.csv", ABSOLUTE.names),
        shown_estimator(relative),
        families=read_table(laws / "families.csv", FAMILIES.names),
        forecast=read_table(laws / "forecast.csv", FORECAST.names),
    )
    lines = [line.rstrip() for line in text.getvalue().splitlines() if line.strip()]
    for line in lines[:MOST_LINES]:
        console.print(line, markup=False, emoji=False, soft_wrap=True)
    if len(lines) > MOST_LINES:
        console.print(f"... and {len(lines) - MOST_LINES} lines more: see the front page")
