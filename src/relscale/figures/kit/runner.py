"""The command line of every figure: tables and settings in; SVG, PDF and PNG out."""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure as Drawing
from matplotlib.text import Text

from relscale.figures.declaration import Figure, SettingsType
from relscale.figures.kit.axes import add_footer
from relscale.figures.kit.style import missing_letters, save, styled
from relscale.figures.kit.tables import Tables, complete, not_drawn, read_named
from relscale.runtime import run

Draw = Callable[[Tables, SettingsType], Drawing]
"""Draws a figure from its tables and settings."""


def run_figure(figure: Figure[SettingsType], draw: Draw[SettingsType]) -> None:
    """Draw a figure by the command line; an error of the user is one line and exit code 1."""
    # The process draws one figure and ends. Collecting the cycles of an unfinished figure takes a
    # sixth of its time.
    gc.disable()
    run(stage_of(figure, draw))


def stage_of(figure: Figure[SettingsType], draw: Draw[SettingsType]) -> Callable[..., None]:
    """Return the stage that draws a figure: it reads the tables and writes three files."""

    def stage(
        *,
        spec: figure.settings = figure.settings(),  # type: ignore[name-defined]  # noqa: B008
        table: list[str],
        svg: Path,
        pdf: Path,
        png: Path,
    ) -> None:
        tables = read_named(table, figure.tables)
        render(figure, draw, tables, spec, [svg, pdf, png])

    return stage


def render(
    figure: Figure[SettingsType],
    draw: Draw[SettingsType],
    tables: Tables,
    settings: SettingsType,
    paths: Sequence[Path],
) -> None:
    """Draw a figure in the shared style and write it to each path (by its ending)."""
    with styled():
        drawing = drawn(figure, draw, tables, settings)
        for path in paths:
            save(drawing, path)


def drawn(
    figure: Figure[SettingsType],
    draw: Draw[SettingsType],
    tables: Tables,
    settings: SettingsType,
) -> Drawing:
    """Draw a figure; the caller sets the style.

    Tables that are not given are empty. Numbers that cannot be drawn, and letters
    without a glyph, are counted at the foot.
    """
    with settings.stated():
        drawing = draw(complete(tables, figure.tables), settings)
        remarks = [not_drawn(tables, figure.tables), _without_glyph(drawing)]
        if any(remarks):
            add_footer(drawing, " ".join(filter(None, remarks)))
    return drawing


def _without_glyph(drawing: Drawing) -> str:
    """Return a sentence on letters that the font of the figures does not have, if there are any."""
    texts = [text.get_text() for text in drawing.findobj(Text)]
    count = len(missing_letters("".join(texts)))
    if not count:
        return ""
    what = "One letter has" if count == 1 else f"{count} letters have"
    return f"{what} no glyph in the font: boxes in PNG and PDF files; the SVG file shows them."
