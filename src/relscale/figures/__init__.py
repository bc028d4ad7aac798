"""The figures: each is declared once here and drawn from tables alone.

`relscale.figures.<name>` declares a figure (`FIGURE`): its tables, settings, category and caption.
`relscale.figures.draw.<name>` draws it. The declarations import neither matplotlib nor pandas, so
that the workflow can read them; `names` and `find` are the registry.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from relscale.figures.declaration import Figure


def names() -> list[str]:
    """Return the names of all figures, sorted: the modules that draw one."""
    folder = Path(__file__).parent / "draw"
    return sorted(path.stem for path in folder.glob("[a-z]*.py"))


def find(name: str) -> Figure[Any]:
    """Return the declaration of a figure.

    Raises:
        ValueError: if there is no figure of that name; the message lists all names.
    """
    if name not in names():
        raise ValueError(f"figure {name!r}: unknown; the choices are {', '.join(names())}")
    figure: Figure[Any] = import_module(f"relscale.figures.{name}").FIGURE
    return figure
