"""The name of a figure in a configuration.

The names are those of the modules that draw a figure, so that a new figure is not listed a second
time. They are read from the folder, not imported: the configuration does not depend on figures.
"""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from relscale.config.choices import is_not_in

RENAMED_FIGURES = {"paper_beside": "paper_comparison"}
"""Figures of older configurations by the names of today."""


def figure_names() -> list[str]:
    """Return the names of all figures, sorted: the modules of `relscale.figures.draw`."""
    folder = Path(__file__).parents[1] / "figures" / "draw"
    return sorted(path.stem for path in folder.glob("[a-z]*.py"))


def _known(name: str) -> str:
    if name in RENAMED_FIGURES:
        raise ValueError(f"this figure is now called `{RENAMED_FIGURES[name]}`")
    if name not in figure_names():
        raise ValueError(is_not_in("the figures", figure_names()))
    return name


FigureName = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema({"enum": figure_names(), "type": "string"}),
]
"""The name of a figure, a module of `relscale.figures`."""
