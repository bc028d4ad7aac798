"""The findings of a finished experiment: all in the log, and what fits on the console."""

import io
from collections.abc import Callable
from functools import partial
from typing import IO

from rich.console import Console

from relscale.contract.io import read_table
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.families import FAMILIES
from relscale.contract.tables.forecast import FORECAST
from relscale.contract.tables.relative import RELATIVE
from relscale.laws.summary import print_summary, shown_estimator
from relscale.provenance.certificate import published_folder
from relscale.provenance.checkout import compared
from relscale.runner.prepare import Prepared

MOST_LINES = 14
"""Lines of the summary on a console that is not a terminal."""
WIDTH = 100
"""Characters of a line of the summary in the log."""


def print_findings(prepared: Prepared, console: Console, log: IO[bytes]) -> None:
    """Print the findings: on a terminal tables and sentences, elsewhere the first sentences.

    The log gets all of them.
    """
    show = _printer(prepared)
    whole = _text(show)
    log.write(whole.encode())
    log.flush()
    if console.is_terminal:
        show(console)
        return
    lines = _text(partial(show, tables=False)).splitlines()
    more = f"... and {len(lines) - MOST_LINES} lines more, and the tables: in the log"
    for line in [*lines[:MOST_LINES], *([more] if len(lines) > MOST_LINES else [])]:
        console.print(line, markup=False, emoji=False, soft_wrap=True)


def _printer(prepared: Prepared) -> Callable[..., None]:
    """Return a function that prints the findings to a console."""
    laws = prepared.folder / prepared.layout.results / "laws"
    relative = read_table(laws / "relative.csv", RELATIVE.names)
    absolute = read_table(laws / "absolute.csv", ABSOLUTE.names)
    return partial(
        print_summary,
        relative=relative,
        absolute=absolute,
        estimator=shown_estimator(relative),
        families=read_table(laws / "families.csv", FAMILIES.names),
        forecast=read_table(laws / "forecast.csv", FORECAST.names),
    )


def _text(show: Callable[..., None]) -> str:
    with io.StringIO() as text:
        show(Console(file=text, width=WIDTH, highlight=False))
        return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def certificate_lines(prepared: Prepared) -> list[str]:
    """Return whether the results equal the published ones; nothing if there are none.

    The results are complete even if they differ; `relscale certify` shows all differences.
    """
    published = published_folder(prepared.experiment.name, prepared.folder)
    if not published.is_dir():
        return []
    overlays = [prepared.folder / path for path in prepared.overlays]
    found = compared(overlays, prepared.folder, published)
    first, *others = found.text(str(published)).splitlines()
    return [first, *([f"  ({len(others)} lines more: relscale certify)"] if others else [])]
