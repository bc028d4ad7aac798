"""Tests, their adjustment, `faster` and the verdict about a gap.

Direction and size are two questions: does the gap differ between the ends of the observed compute
(`p_difference`), and is its change within the margin (`p_equivalence`)? Read `add_verdicts` first.
"""

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.scales import COMPARISON, DIFFERENCE, GAIN
from relscale.contract.status import status_of
from relscale.contract.verdicts import PARALLEL, SLIGHTLY, UNDECIDED, direction_of
from relscale.laws.cells import Array

ADJUSTED_WITHIN = ["family", "metric", "baseline", "estimator", "scale", "path"]
"""Columns that name the tests that are adjusted together: those of all treatments and all corpora,
which a reader sees in one table."""
ROUNDING = 1e-7
"""A change, or its standard error, below this share of the margin counts as 0."""
POWER = 0.8
"""Probability with which a slope of `detectable_dbeta` is found."""


def p_difference(value: float, standard_error: float, dof: float) -> float:
    """Return the two-sided p value of a value (a change, or log G) = 0 by Student's t.

    NaN without a standard error.
    """
    if not (np.isfinite(standard_error) and dof > 0):
        return float("nan")
    if standard_error == 0:
        return 1.0 if value == 0 else 0.0
    return float(2 * stats.t.sf(abs(value) / standard_error, dof))


def p_equivalence(change: float, standard_error: float, dof: float, margin: float) -> float:
    """Return the p value of |change| >= margin.

    It is the larger p value of two one-sided tests (Schuirmann, 1987).
    """
    if not (np.isfinite(standard_error) and dof > 0):
        return float("nan")
    if standard_error == 0:
        return 0.0 if abs(change) < margin else 1.0
    return float(stats.t.sf((margin - abs(change)) / standard_error, dof))


def step_down(p_values: Array) -> Array:
    """Adjust the p values of gaps whose null hypotheses cannot be true together.

    Holm's (1979) method with the logical constraints of Shaffer (1986, method S2): at each step the
    smallest p value left is multiplied by the largest number of its hypotheses that can be true
    together. Of each gap's null hypotheses at most one can be, so this is the number of gaps with
    a hypothesis that is not rejected yet.

    Args:
        p_values: (gap, hypothesis); NaN is not tested, stays NaN and does not count.

    Returns:
        Adjusted p values, (gap, hypothesis).
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full_like(p_values, np.nan)
    left = np.isfinite(p_values).sum(axis=1)  # hypotheses of each gap that are not rejected yet
    gaps = int(np.count_nonzero(left))
    largest = 0.0
    for place in np.argsort(p_values, axis=None, kind="stable")[: int(left.sum())]:
        gap, hypothesis = np.unravel_index(place, p_values.shape)
        largest = max(largest, min(1.0, gaps * float(p_values[gap, hypothesis])))
        adjusted[gap, hypothesis] = largest
        left[gap] -= 1
        gaps -= int(left[gap] == 0)
    return adjusted


def holm(p_values: Array) -> Array:
    """Adjust p values by Holm's step-down method; NaN stays NaN and does not count.

    Sorted p_(1) <= ... <= p_(m): adjusted p_(i) = max over j <= i of min(1, (m - j + 1) p_(j)).
    """
    return step_down(np.asarray(p_values, dtype=np.float64)[:, None])[:, 0]


def detectable(standard_error: float, dof: float, alpha: float, gaps: int) -> float:
    """Return the slope that the adjusted test of difference finds with a probability of `POWER`.

    The first step of the adjustment compares p with alpha / gaps.
    """
    if not (np.isfinite(standard_error) and dof > 0 and gaps > 0):
        return float("nan")
    quantiles = stats.t.ppf([1 - alpha / (2 * gaps), POWER], dof)
    return float(quantiles.sum() * standard_error)


def faster_of(
    change: float, difference: float, equivalence: float, rising: bool, alpha: float
) -> str:
    """Return which domain improves faster: errors fall, accuracies and probabilities rise.

    Args:
        change: of log G, or of the difference, from the lowest to the highest budget.
        difference: adjusted p value of no change.
        equivalence: adjusted p value of |change| >= margin.
        rising: whether larger values of the metric are better.
        alpha: level of the tests.

    Returns:
        `treatment` or `baseline`; without a significant change `neither` if the change is shown to
        be within the margin, else `undecided`.
    """
    if not difference < alpha:
        return "neither" if equivalence < alpha else UNDECIDED
    return "treatment" if (change > 0) == rising else "baseline"


def verdict_of(
    change: float,
    difference: float,
    equivalence: float,
    crosses: float,
    side: float,
    first: float,
    last: float,
    rising: bool,
    alpha: float,
) -> str:
    """Return the verdict: how the gap changes over the observed compute.

    Args:
        change: of log G, or of the difference, from the lowest to the highest budget.
        difference: adjusted p value of no change.
        equivalence: adjusted p value of |change| >= margin.
        crosses: adjusted p value of the two domains not changing places between the two ends.
        side: adjusted p value of no gap in the middle of the range.
        first: fitted log G, or difference, at the lowest budget.
        last: the same at the highest.
        rising: whether larger values of the metric are better.
        alpha: level of the tests.

    Returns:
        Without a significant change `parallel` if the change is shown to be within the margin, else
        `undecided`. With one the direction: `rises` or `falls` for rising metrics; else `crosses`
        (the domains significantly change places), or `narrows` or `widens` if it is shown which
        domain is harder in the middle of the range; else `undecided`. A direction other than
        `crosses` is followed by ` slightly` if the change is shown to be within the margin.
    """
    small = equivalence < alpha
    if not difference < alpha:
        return PARALLEL if small else UNDECIDED
    if rising:
        word = "rises" if change > 0 else "falls"
    elif crosses < alpha and first * last < 0:
        return "crosses"
    elif not side < alpha:
        return UNDECIDED
    else:
        word = "narrows" if abs(last) < abs(first) else "widens"
    return f"{word}{SLIGHTLY}" if small else word


def add_verdicts(relative: pd.DataFrame, rises: Callable[[str], bool]) -> pd.DataFrame:
    """Fill tests, adjusted tests, `faster`, `verdict` and `scales_agree` of relative laws.

    Rows without an estimate, rows whose status is `at_chance` and the scale `gain` are not tested,
    do not count in the adjustment, and get no verdict.

    Args:
        relative: rows with the estimates, `margin`, `p_crosses` and `p_side`.
        rises: returns whether larger values of a metric are better.
    """
    table = relative.copy().reset_index(drop=True)
    tested = np.array([status_of(word).is_tested for word in table["status"]], dtype=np.bool_) & (
        table["scale"].to_numpy() != GAIN
    )
    names = ("change", "change_standard_error", "dof", "margin")
    columns = [table[name].to_numpy(dtype=np.float64, copy=True) for name in names]
    for column in columns[:2]:
        column[np.abs(column) < ROUNDING * columns[3]] = 0.0
    changes = list(zip(*columns, strict=True))
    table["p_difference"] = [
        p_difference(*each[:3]) if ok else np.nan for each, ok in zip(changes, tested, strict=True)
    ]
    table["p_equivalence"] = [
        p_equivalence(*each) if ok else np.nan for each, ok in zip(changes, tested, strict=True)
    ]
    for name in ("p_crosses", "p_side"):
        table[name] = table[name].where(tested)
    table = _adjusted(table)
    said = [
        _words(row, rises) if ok else ("", "")
        for row, ok in zip(table.to_dict("records"), tested, strict=True)
    ]
    table["faster"], table["verdict"] = [each[0] for each in said], [each[1] for each in said]
    table["scales_agree"] = _agreement(table)
    return table


def _words(row: Mapping[Hashable, Any], rises: Callable[[str], bool]) -> tuple[str, str]:
    """Return `faster` and the verdict of one row."""
    rising, alpha = rises(row["metric"]), 1 - row["ci_level"]
    first, last = row["gap_first"], row["gap_last"]
    if row["scale"] != DIFFERENCE:
        first, last = math.log(first), math.log(last)
    tests = row["change"], row["p_difference_adjusted"], row["p_equivalence_adjusted"]
    places = row["p_crosses_adjusted"], row["p_side_adjusted"]
    return (
        faster_of(*tests, rising, alpha),
        verdict_of(*tests, *places, first, last, rising, alpha),
    )


def _adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """Fill the adjusted p values and `detectable_dbeta`.

    The tests of places count only where the change is significant: their null hypotheses are "no
    change, or not shown to cross (or on either side)", whose p value is the larger of the two.
    """
    for name in ("p_difference", "p_equivalence", "p_crosses", "p_side"):
        table[f"{name}_adjusted"] = np.nan
    table["detectable_dbeta"] = np.nan
    for _, rows in table.groupby(ADJUSTED_WITHIN, sort=False, dropna=False):
        here = rows.index
        sizes = rows[["p_difference", "p_equivalence"]].to_numpy(dtype=np.float64)
        places = rows[["p_crosses", "p_side"]].to_numpy(dtype=np.float64)
        places = np.maximum(places, sizes[:, :1])
        table.loc[here, ["p_difference_adjusted", "p_equivalence_adjusted"]] = step_down(sizes)
        table.loc[here, ["p_crosses_adjusted", "p_side_adjusted"]] = step_down(places)
        gaps = int(np.isfinite(sizes).any(axis=1).sum())
        table.loc[here, "detectable_dbeta"] = [
            detectable(error, dof, 1 - level, gaps)
            for error, dof, level in rows[["standard_error", "dof", "ci_level"]].to_numpy(
                dtype=np.float64
            )
        ]
    return table


def _agreement(table: pd.DataFrame) -> list[str]:
    """Return whether the verdicts of all scales have the same direction.

    `false` where two verdicts have different directions, `true` where all have the same one; empty
    where undecided verdicts, or none, leave it open, or there is one scale.
    """
    verdicts: dict[tuple[object, ...], list[str]] = {}
    keys = [tuple(key) for key in table[[*COMPARISON, "path"]].to_numpy()]
    judged = (table["scale"] != GAIN).tolist()
    for key, verdict, counts in zip(keys, table["verdict"], judged, strict=True):
        if counts:
            verdicts.setdefault(key, []).append(direction_of(verdict))
    found = []
    for key in keys:
        words = verdicts.get(key, [])
        directions = set(words) - {"", UNDECIDED}
        all_decided = len(words) > 1 and set(words) == directions
        found.append("false" if len(directions) > 1 else "true" if all_decided else "")
    return found
