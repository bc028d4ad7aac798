"""The result of one check of the machine, and all results as text and JSON. Light imports."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

_WIDTH = 100


class Presence(StrEnum):
    """Whether something was found."""

    FOUND = "found"
    """It is there and can be used."""
    MISSING = "missing"
    """It is not there; `Check.without` names the work that is possible all the same."""
    NOT_TRIED = "not tried"
    """It was not looked for."""
    BROKEN = "broken"
    """Everything needs it, and it cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """The result of one check."""

    name: str
    """The thing that was looked for."""
    presence: Presence
    detail: str
    """Version, place or size; for a missing thing the reason."""
    without: str = ""
    """Work that is possible without it, and how to get it; empty if it was found."""


SIGNS = {
    Presence.FOUND: "ok",
    Presence.MISSING: "--",
    Presence.NOT_TRIED: "..",
    Presence.BROKEN: "!!",
}
"""Marks of the lines."""


def is_broken(checks: Iterable[Check]) -> bool:
    """Return whether something that everything needs cannot be used."""
    return any(check.presence is Presence.BROKEN for check in checks)


def report(checks: Sequence[Check]) -> str:
    """Return all checks as lines of text, 100 columns wide."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        begin = f"{SIGNS[check.presence]}  {check.name:<{width}}  "
        lines.append(_filled(begin, check.detail or check.presence.value))
        if check.without:
            lines.append(_filled(" " * len(begin), check.without))
    counts = {presence: [c.name for c in checks if c.presence is presence] for presence in Presence}
    if broken := counts[Presence.BROKEN]:
        lines.append(f"\nBroken, and needed by everything: {', '.join(broken)}.")
    else:
        missing = len(counts[Presence.MISSING])
        lines.append(
            "\nNothing that everything needs is broken"
            + (f"; {missing} of {len(checks)} are missing, see above." if missing else ".")
        )
    return "\n".join(lines) + "\n"


def _filled(begin: str, text: str) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=begin,
        subsequent_indent=" " * len(begin),
        break_on_hyphens=False,
        break_long_words=False,
    )


def as_json(checks: Sequence[Check]) -> dict[str, JsonValue]:
    """Return all checks as JSON: `broken`, and name, presence, detail and without of each check."""
    return {
        "broken": is_broken(checks),
        "checks": [
            {
                "name": check.name,
                "presence": check.presence.value,
                "detail": check.detail,
                "without": check.without,
            }
            for check in checks
        ],
    }
