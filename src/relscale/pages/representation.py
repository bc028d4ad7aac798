"""Sentences on corpora that differ in the shares of two domains' text, from their table.

Each sentence has its interval, and says no more than the interval shows. Read
`representation_sentences` first.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from relscale.figures.kit.choose import pick, text_of
from relscale.figures.kit.style import words

HEADING = "Does the share of a domain in the corpus change its gap?"
SCALES = {
    "ratio": "the ratio of losses",
    "reducible": "the ratio of reducible losses",
}
AGREEMENTS = {
    "agrees": "the result agrees",
    "contradicts": "the result contradicts it",
    "undecided": "the result leaves it undecided",
}


def representation_sentences(
    table: pd.DataFrame | None, labels: Mapping[str, str] | None = None
) -> list[str]:
    """Return sentences on level, slope, dose response and expectation; none without a table.

    Args:
        table: representation.csv.
        labels: words for corpora and domains.
    """
    if table is None or not len(table):
        return []
    first = table.iloc[0]
    rows = pick(table, family=first["family"], metric=first["metric"])
    rows = pick(rows, estimator=first["estimator"])
    gap = text_of(first["subject"])
    found = pick(rows, kind="difference", subject=gap)
    if not len(found):
        return []
    names = [words(name, labels) for name in gap.split(" / ")]
    ends = [words(name, labels) for name in text_of(found.iloc[0]["corpus"]).split(" - ")]
    said = [
        f"Gap of {names[0]} to {names[1]}, in the corpus {ends[0]} minus in the corpus {ends[1]}; "
        "difficulty, test items and baseline are the same in both."
    ]
    said += _level(found)
    said += [line for scale in SCALES for line in _slope(found, scale)]
    said += _assumed(found)
    said += [line for name in gap.split(" / ") for line in _dose(rows, name, words(name, labels))]
    return said + _expected(found)


def _level(found: pd.DataFrame) -> list[str]:
    row = _one(found, quantity="level", scale="ratio")
    if row is None:
        return []
    shown = _signed(row, "lower", "higher")
    meaning = (
        f"the ratio of losses is {shown} where the first domain has more of the text"
        if shown
        else "the shares are not shown to move the level"
    )
    return [f"Level: {_number(row)} in log ratio: {meaning}."]


def _slope(found: pd.DataFrame, scale: str) -> list[str]:
    row = _one(found, quantity="slope", scale=scale, floors=("none", "surface"))
    if row is None:
        return [f"Slope of {SCALES[scale]}: no estimate, because no corpus identifies the floors."]
    shown = _signed(row, "faster", "more slowly")
    margin = float(row["margin"])
    inside = max(-float(row["ci_low"]), float(row["ci_high"])) <= margin
    if shown:
        meaning = f"a larger share is shown to make the ratio fall {shown}"
        meaning += ", by less than the margin" if inside else ""
    elif inside:
        meaning = "any effect of the share is smaller than the margin"
    else:
        meaning = "the share is not shown to change the slope, nor to leave it unchanged"
    return [f"Slope of {SCALES[scale]}: {_number(row)} (margin {margin:.2g}): {meaning}."]


def _assumed(found: pd.DataFrame) -> list[str]:
    """Return the slopes for assumed floors in one sentence."""
    rows = found[found["floors"].map(text_of).str.startswith("assumed")]
    rows = pick(rows, quantity="slope")
    parts = [
        f"{100 * float(text_of(row['floors']).split()[1]):g} % {_number(row)}"
        for _, row in rows.iterrows()
        if np.isfinite(float(row["value"]))
    ]
    if not parts:
        return []
    return [f"With assumed floors, as shares of each domain's lowest loss: {', '.join(parts)}."]


def _dose(rows: pd.DataFrame, domain: str, name: str) -> list[str]:
    of = pick(rows, kind="dose", subject=domain, scale="loss")
    level, slope = _one(of, quantity="level"), _one(of, quantity="slope")
    if level is None or slope is None:
        return []
    low, value, high = (
        100 * (2 ** float(level[end]) - 1) for end in ("ci_low", "value", "ci_high")
    )
    doubled, low_slope, high_slope = (
        float(slope[each]) * np.log(2) for each in ("value", "ci_low", "ci_high")
    )
    return [
        f"Doubling the share of {name} changes its loss by {value:+.2f} % [{low:+.2f}, "
        f"{high:+.2f}] and its slope by {doubled:+.4f} [{low_slope:+.4f}, {high_slope:+.4f}]."
    ]


def _expected(found: pd.DataFrame) -> list[str]:
    rows = found[found["expected"].map(text_of) != ""]
    if not len(rows):
        return []
    parts = [
        f"{text_of(row['quantity'])} of {SCALES[text_of(row['scale'])]} "
        f"{text_of(row['expected'])} ({AGREEMENTS[text_of(row['agreement'])]})"
        for _, row in rows.iterrows()
    ]
    return [f"Expected on {text_of(rows.iloc[0]['written'])}, before the runs: {'; '.join(parts)}."]


def _one(
    rows: pd.DataFrame, floors: tuple[str, ...] = ("none",), **equal: object
) -> "pd.Series | None":
    """Return the row with an estimate and some values; None if there is none."""
    found = pick(rows, **equal)
    found = found[found["floors"].map(text_of).isin(floors)]
    found = found[pd.to_numeric(found["ci_low"]).notna()]
    return found.iloc[0] if len(found) else None


def _signed(row: pd.Series, below: str, above: str) -> str:
    """Return a word if the whole interval is below or above 0, else an empty text."""
    if float(row["ci_high"]) < 0:
        return below
    return above if float(row["ci_low"]) > 0 else ""


def _number(row: pd.Series) -> str:
    """Return a value with its interval."""
    value, low, high = (float(row[name]) for name in ("value", "ci_low", "ci_high"))
    return f"{value:+.4f} [{low:+.4f}, {high:+.4f}]"
