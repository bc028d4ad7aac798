"""Help of commands from their docstrings."""

import inspect
from collections.abc import Callable
from typing import Any


def help_of(command: Callable[..., Any]) -> str:
    """Return the docstring of a command with one line per paragraph.

    Only the first paragraph is wrapped to the terminal otherwise; the others keep the lines of the
    code, which are longer than a narrow terminal.
    """
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
