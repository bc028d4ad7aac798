"""Statuses and remarks of the law tables: one word from a list, and notes for a reader.

A row's `status` is one `Status`; its `remarks` is a list of notes, written as one cell of text.
`encode_remarks` and `decode_remarks` are the only code that knows how. Light imports.
"""

from collections.abc import Iterable
from enum import StrEnum

SEPARATOR = "; "


class Status(StrEnum):
    """What a row of a law table is."""

    OK = "ok"
    """An estimate without a reservation."""


def encode_remarks(remarks: Iterable[str]) -> str:
    """Return the cell of a list of remarks; empty remarks are left out.

    Raises:
        ValueError: where a remark holds the separator.
    """
    kept = [remark for remark in remarks if remark]
    for remark in kept:
        if SEPARATOR in remark:
            raise ValueError(f"remark {remark!r} holds {SEPARATOR!r}, which separates remarks")
    return SEPARATOR.join(kept)


def decode_remarks(cell: object) -> list[str]:
    """Return the remarks of a cell; an empty or missing cell has none."""
    return cell.split(SEPARATOR) if isinstance(cell, str) and cell else []
