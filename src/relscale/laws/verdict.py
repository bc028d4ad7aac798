"""Tests, Holm's adjustment, `faster` and the verdict about a gap."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.status import status_of
from relscale.laws.cells import Array

HOLM_WITHIN = ["corpus", "family", "metric", "estimator"]


def p_difference(slope: float, standard_error: float, dof: float) -> float:
    """Return the two-sided p value of dbeta (or log G) = 0 by Student's t.

    NaN without a standard error.
    """
    if not (np.isfinite(standard_error) and dof > 0):
        return float("nan")
    if standard_error == 0:
        return 1.0 if slope == 0 else 0.0
    return float(2 * stats.t.sf(abs(slope) / standard_error, dof))


def p_equivalence(slope: float, standard_error: float, dof: float, margin: float) -> float:
    """Return the p value of |dbeta| >= margin.

    It is the larger p value of two one-sided tests (Schuirmann, 1987).
    """
    if not (np.isfinite(standard_error) and dof > 0):
        return float("nan")
    if standard_error == 0:
        return 0.0 if abs(slope) < margin else 1.0
    return float(stats.t.sf((margin - abs(slope)) / standard_error, dof))


def holm(p_values: Array) -> Array:
    """Adjust p values by Holm's step-down method; NaN stays NaN and does not count.

    Sorted p_(1) <= ... <= p_(m): adjusted p_(i) = max over j <= i of min(1, (m - j + 1) p_(j)).
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full_like(p_values, np.nan)
    known = np.flatnonzero(np.isfinite(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factor = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(factor * p_values[order]), 1.0)
    return adjusted


def faster_of(
    dbeta: float, difference: float, equivalence: float, rising: bool, alpha: float
) -> str:
    """Return which domain improves faster: errors fall, accuracies and probabilities rise.

    Args:
        dbeta: the slope of log G.
        difference: adjusted p value of dbeta = 0.
        equivalence: adjusted p value of |dbeta| >= margin.
        rising: whether larger values of the metric are better.
        alpha: level of both tests.

    Returns:
        `neither` where the slope is shown to be within the margin (even if it differs from zero),
        `treatment`, `baseline` or `undecided`.
    """
    if equivalence < alpha:
        return "neither"
    if difference < alpha:
        return "treatment" if (dbeta > 0) == rising else "baseline"
    return "undecided"


def verdict_of(
    dbeta: float,
    difference: float,
    equivalence: float,
    crosses: float,
    side: float,
    gap_first: float,
    gap_last: float,
    rising: bool,
    alpha: float,
) -> str:
    """Return the verdict: how the gap changes over the observed compute.

    Args:
        dbeta: the slope of log G.
        difference: adjusted p value of dbeta = 0.
        equivalence: adjusted p value of |dbeta| >= margin.
        crosses: adjusted p value of G not lying on different sides of 1 at the two ends.
        side: adjusted p value of G = 1 in the middle of the range.
        gap_first: fitted G at the lowest budget.
        gap_last: fitted G at the highest.
        rising: whether the metric is an accuracy or a probability, and not an error.
        alpha: level of the tests.

    Returns:
        `parallel` (slope within the margin). If the slope differs significantly from zero: for
        accuracies and probabilities `rises` or `falls` against the baseline; for errors `crosses`
        (G differs significantly from 1 at both ends, on different sides), or `narrows` or `widens`
        (the direction of |log G|, if G differs significantly from 1 in the middle of the range).
        Else `undecided`.
    """
    if equivalence < alpha:
        return "parallel"
    if not difference < alpha:
        return "undecided"
    if rising:
        return "rises" if dbeta > 0 else "falls"
    first, last = math.log(gap_first), math.log(gap_last)
    if crosses < alpha and first * last < 0:
        return "crosses"
    if not side < alpha:
        return "undecided"
    return "narrows" if abs(last) < abs(first) else "widens"


def add_verdicts(relative: pd.DataFrame, rises: Callable[[str], bool]) -> pd.DataFrame:
    """Fill tests, adjusted tests, `faster` and `verdict` of a table of relative laws.

    `rises` returns whether larger values of a metric are better.

    Rows without an estimate and rows whose status is `at_chance` are not tested, do not
    count in Holm's adjustment, and get no verdict.
    """
    table = relative.copy()
    tested = np.array([status_of(word).is_tested for word in table["status"]], dtype=np.bool_)
    columns = [
        table[name].to_numpy(dtype=np.float64)
        for name in ("dbeta", "standard_error", "dof", "margin")
    ]
    pairs = list(zip(*columns, strict=True))
    table["p_difference"] = [
        p_difference(b, se, dof) if ok else np.nan
        for (b, se, dof, _), ok in zip(pairs, tested, strict=True)
    ]
    table["p_equivalence"] = [
        p_equivalence(b, se, dof, m) if ok else np.nan
        for (b, se, dof, m), ok in zip(pairs, tested, strict=True)
    ]
    for name in ("p_crosses", "p_side"):
        table[name] = table[name].where(tested)
    for name in ("p_difference", "p_equivalence", "p_crosses", "p_side"):
        table[f"{name}_adjusted"] = table.groupby(HOLM_WITHIN, sort=False)[name].transform(
            lambda p: holm(p.to_numpy(dtype=np.float64))
        )
    faster, verdict = [], []
    for row, ok in zip(table.to_dict("records"), tested, strict=True):
        tests = (row["dbeta"], row["p_difference_adjusted"], row["p_equivalence_adjusted"])
        alpha = 1 - row["ci_level"]
        rising = rises(row["metric"]) if ok else False
        faster.append(faster_of(*tests, rising, alpha) if ok else "")
        sides = (
            row["p_crosses_adjusted"],
            row["p_side_adjusted"],
            row["gap_first"],
            row["gap_last"],
        )
        verdict.append(verdict_of(*tests, *sides, rising, alpha) if ok else "")
    table["faster"], table["verdict"] = faster, verdict
    return table
