"""The figures: each is declared once here and drawn from tables alone.

`relscale.figures.<name>` declares a figure (`FIGURE`): its tables, settings, category and caption.
`relscale.figures.draw.<name>` draws it. The declarations import neither matplotlib nor pandas, so
that the workflow can read them; `find` is the registry.
"""

from importlib import import_module
from typing import Any

from relscale.config.figure_name import figure_names
from relscale.figures.declaration import Figure


def find(name: str) -> Figure[Any]:
    """Return the declaration of a figure.

    Raises:
        ValueError: if there is no figure of that name; the message lists all names.
    """
    if name not in figure_names():
        raise ValueError(f"figure {name!r}: unknown; the choices are {', '.join(figure_names())}")
    figure: Figure[Any] = import_module(f"relscale.figures.{name}").FIGURE
    return figure
