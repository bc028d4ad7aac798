"""The kind of each column of a file, and how its numbers are written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from relscale.contract.columns import FLAG_WORDS, MISSING
from relscale.losses_table.numbers import THOUSANDS, NumberReader
from relscale.losses_table.proposal.guess import Guess
from relscale.losses_table.raw import RawTable

MOST_MISSING_WORDS = 3
"""Different words for a missing number in a column, at most."""
LEAST_NUMBERS = 0.5
"""Share of numbers in a column whose other cells are words for a missing number."""
_WAYS: tuple[dict[str, str], ...] = (
    {},
    {"percent": "yes"},
    {"suffixes": "k_m_b_t"},
    {"thousands": "comma"},
    {"decimal": "comma"},
    {"thousands": "point", "decimal": "comma"},
    {"thousands": "space"},
    {"thousands": "space", "decimal": "comma"},
    {"thousands": "apostrophe"},
    {"thousands": "underscore"},
)
"""Ways to write numbers, in the order in which they are tried."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A column of a file."""

    name: str
    """Its name."""
    kind: str
    """`number`, `text`, `flag` or `empty`."""
    values: npt.NDArray[np.float64] | None = None
    """Its numbers, NaN where one is missing; None for other kinds."""
    cells: tuple[str, ...] = ()
    """Its cells as text; empty text where one is missing."""
    way: dict[str, str] = field(default_factory=dict)
    """How its numbers are written, if not plainly."""

    @property
    def num_distinct(self) -> int:
        """Number of different cells that are not missing."""
        return len(set(self.cells) - {""})

    @property
    def num_missing(self) -> int:
        """Number of missing cells."""
        return sum(not cell for cell in self.cells)

    def known(self) -> npt.NDArray[np.float64]:
        """Return its finite numbers."""
        assert self.values is not None
        return self.values[np.isfinite(self.values)]

    def words(self) -> str:
        """Return kind, range and number of different values in words."""
        missing = f", {self.num_missing} empty" if self.num_missing else ""
        if self.kind == "number" and len(self.known()):
            low, high = self.known().min(), self.known().max()
            return f"numbers, {low:.4g} to {high:.4g}, {self.num_distinct} different{missing}"
        if self.kind == "empty":
            return "empty"
        first = next((cell for cell in self.cells if cell), "")
        return f"{self.kind}, {self.num_distinct} different, such as {first[:40]!r}{missing}"


def profiled(raw: RawTable) -> tuple[dict[str, Profile], dict[str, Any], list[Guess]]:
    """Return the profile of each column, the settings of numbers, and the guesses behind them."""
    frame = raw.frame
    texts = {str(name): _texts(frame[name]) for name in frame.columns}
    words = _missing_words(texts)
    commas = _has_decimal_commas(texts, raw.separator, words)
    found: dict[str, Profile] = {}
    for name in frame.columns:
        found[str(name)] = _profile(str(name), frame[name], texts[str(name)], words, commas)
    settings: dict[str, Any] = {}
    guesses: list[Guess] = []
    for key, name, profile in _settings(found):
        if settings.setdefault(key, profile.way[key]) == profile.way[key] and not any(
            guess.key == f"numbers.{key}" for guess in guesses
        ):
            example = next(cell for cell in profile.cells if cell)
            guesses.append(
                Guess(
                    key=f"numbers.{key}",
                    value=profile.way[key],
                    evidence=f"column {name} has {example!r}",
                )
            )
    if words:
        settings["missing"] = sorted(words)
        guesses.append(
            Guess(
                key="numbers.missing",
                value=", ".join(sorted(words)),
                evidence="the only words in columns of numbers",
            )
        )
    return found, settings, guesses


def _settings(found: dict[str, Profile]) -> Iterator[tuple[str, str, Profile]]:
    for name, profile in found.items():
        for key in profile.way:
            if key != "percent":
                yield key, name, profile


def _texts(column: pd.Series) -> tuple[str, ...]:
    missing = column.isna().to_numpy()
    return tuple(
        "" if gone else str(cell).strip() for cell, gone in zip(column.array, missing, strict=True)
    )


def _reader(way: dict[str, str], words: frozenset[str]) -> NumberReader:
    return NumberReader(
        comma=way.get("decimal") == "comma",
        thousands=THOUSANDS.get(way.get("thousands", ""), ""),
        suffixes="suffixes" in way,
        missing=frozenset(word.lower() for word in (*MISSING, *words)),
    )


def _way_of(cells: Sequence[str], words: frozenset[str], commas: bool) -> dict[str, str] | None:
    """Return the first way of writing numbers in which all cells are numbers."""
    ways = sorted(_WAYS, key=lambda way: way.get("decimal") != "comma") if commas else _WAYS
    for way in ways:
        reader = _reader(way, words)
        percent = "percent" in way
        if all(reader.number(cell, percent=percent) is not None for cell in cells):
            return way
    return None


def _has_decimal_commas(
    texts: dict[str, tuple[str, ...]], separator: str, words: frozenset[str]
) -> bool:
    """Return whether some column can only have decimal commas."""
    for cells in texts.values():
        present = sorted(set(cells) - {""})
        if not present or not any("," in cell for cell in present):
            continue
        way = _way_of(present, words, False)
        if way == {"decimal": "comma"} or (way == {"thousands": "comma"} and separator != ","):
            return True
    return False


def _missing_words(texts: dict[str, tuple[str, ...]]) -> frozenset[str]:
    """Return words without digits that are the only text in columns of numbers."""
    plain = _reader({}, frozenset())
    found: set[str] = set()
    for cells in texts.values():
        present = [cell for cell in cells if cell]
        odd = {cell for cell in present if plain.number(cell) is None}
        if not odd or len(odd) > MOST_MISSING_WORDS:
            continue
        if any(sign.isdigit() for cell in odd for sign in cell):
            continue
        if sum(cell not in odd for cell in present) >= LEAST_NUMBERS * len(present):
            found |= odd
    return frozenset(found)


def _profile(
    name: str, column: pd.Series, cells: tuple[str, ...], words: frozenset[str], commas: bool
) -> Profile:
    present = sorted(set(cells) - {""})
    if not present:
        return Profile(name=name, kind="empty", cells=cells)
    kind = column.dtype
    if isinstance(kind, np.dtype) and kind.kind in "iuf":
        return Profile(
            name=name, kind="number", cells=cells, values=column.to_numpy(dtype=np.float64)
        )
    lower = {cell.lower() for cell in present}
    if lower <= set(FLAG_WORDS) and any(word.isalpha() for word in lower):
        return Profile(name=name, kind="flag", cells=cells)
    way = _way_of(present, words, commas)
    if way is None or all(_is_missing(cell) for cell in present):
        return Profile(name=name, kind="text", cells=cells)
    if way.get("decimal") == "comma" and not any("," in cell for cell in present):
        way = {}
    reader = _reader(way, words)
    values = {cell: reader.number(cell, percent="percent" in way) for cell in present}
    return Profile(
        name=name,
        kind="number",
        cells=cells,
        values=np.array([values.get(cell, np.nan) for cell in cells], dtype=np.float64),
        way=way,
    )


def _is_missing(cell: str) -> bool:
    return cell.lower() in {word.lower() for word in MISSING}
