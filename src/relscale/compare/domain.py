"""The comparison of one domain: estimates, intervals and p values before adjustment."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from relscale.compare.paired import PairedItems
from relscale.compare.spec import CompareSettings, margin_of
from relscale.compare.variance import Array, ItemDesign
from relscale.contract.comparison_tables import ComparisonStatus
from relscale.laws.verdict import p_difference, p_equivalence

FEW_DOF = 5.0
"""Degrees of freedom below which a row says so."""
ROUNDING = 1e-9
"""Share of the values up to which a difference, or its standard error, counts as none."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A difference with its standard error."""

    value: float
    variance: float
    dof: float

    @property
    def standard_error(self) -> float:
        """Square root of the variance."""
        return math.sqrt(self.variance)

    def interval(self, level: float) -> tuple[float, float]:
        """Return the interval by Student's t."""
        half = float(stats.t.ppf((1 + level) / 2, self.dof)) * self.standard_error
        return self.value - half, self.value + half


def compared(
    paired: PairedItems, settings: CompareSettings, *, logarithm: bool
) -> dict[str, object]:
    """Return the columns of a domain, without names, adjusted p values and verdict.

    Args:
        paired: the items of both sides.
        settings: level and margin.
        logarithm: whether to give the ratio a / b, if both values are positive.
    """
    a, b = paired.a.mean(axis=0), paired.b.mean(axis=0)  # (item,)
    design = paired.design
    value_a, value_b = float(design.value(a)), float(design.value(b))
    tolerance = ROUNDING * float(np.max(np.abs([a, b])))
    status = _status(paired, a - b, tolerance)
    row: dict[str, object] = {
        "value_a": value_a,
        "value_b": value_b,
        "difference": value_a - value_b,
        "num_items": len(paired.items),
        "num_clusters": design.num_clusters,
        "largest_cluster_share": float(design.cluster_share.max()),
        "num_a_lower": int((a < b - tolerance).sum()),
        "num_b_lower": int((b < a - tolerance).sum()),
        "num_runs": len(paired.a),
        "average": design.rule,
    }
    if not status.is_tested:
        return {**row, "status": status}
    found, noise = difference(paired)
    margin = margin_of(settings.margin)
    method = "linearised"
    p_value = p_difference(found.value, found.standard_error, found.dof)
    if is_of_answers(paired):
        found, p_value = answers(a - b), p_of_answers(a - b)
        method = "answers"
    low, high = found.interval(settings.level)
    row |= {
        "standard_error": found.standard_error,
        "dof": found.dof,
        "ci_low": low,
        "ci_high": high,
        "unpaired_standard_error": math.sqrt(
            sum(design.variance(design.linearised(side))[0] for side in (a, b))
        ),
        "p_difference": p_value,
        "method": method,
        "noise": noise,
    }
    if margin is not None:
        small = margin.of(value_b)
        row |= {
            "margin": small,
            "p_equivalence": p_equivalence(found.value, found.standard_error, found.dof, small),
        }
    if logarithm and value_a > 0 and value_b > 0:
        row |= _ratio(paired, settings.level)
    few = status is ComparisonStatus.OK and found.dof < FEW_DOF
    return {**row, "status": ComparisonStatus.FEW_CLUSTERS if few else status}


def _status(paired: PairedItems, change: Array, tolerance: float) -> ComparisonStatus:
    """Return whether a difference can be tested."""
    design = paired.design
    if is_of_answers(paired) and len(paired.items) > 1:
        return ComparisonStatus.OK
    if np.all(np.abs(paired.a - paired.b) <= tolerance):
        return ComparisonStatus.IDENTICAL
    variance, dof = design.variance(design.linearised(change))
    if not dof:
        return ComparisonStatus.ONE_CLUSTER
    scale = float(design.value(np.abs(paired.a).mean(axis=0) + np.abs(paired.b).mean(axis=0)))
    alike = math.sqrt(variance) <= ROUNDING * scale
    return ComparisonStatus.CONSTANT if alike else ComparisonStatus.OK


def difference(paired: PairedItems) -> tuple[Estimate, str]:
    """Return the difference a - b with its standard error, and words for the noise in it."""
    change = paired.a - paired.b
    linearised = np.stack([paired.design.linearised(one) for one in change])
    return _over_runs(paired.design, linearised, paired.design.value(change))


def _over_runs(design: ItemDesign, linearised: Array, by_pair: Array) -> tuple[Estimate, str]:
    """Return the mean of a quantity over the matched runs.

    The noise of items is that of the mean over runs, over clusters of items. With two or more
    matched runs, the noise of runs is added: the variance of the pairs' values over their number.
    The part of item noise that differs from run to run (items x runs) is in both and is taken off
    once; no variance is taken below one of the two.

    Args:
        design: the items.
        linearised: (pair, item) changes of the quantity with each item.
        by_pair: (pair,) the quantity.

    Returns:
        The mean, and words for its noise.
    """
    value, pairs = float(by_pair.mean()), len(by_pair)
    mean = linearised.mean(axis=0)
    items, dof = design.variance(mean)
    if pairs < 2:
        return Estimate(value=value, variance=items, dof=dof), "items"
    runs = float(by_pair.var(ddof=1)) / pairs
    both = sum(design.variance(one - mean)[0] for one in linearised) / (pairs * (pairs - 1))
    freedom = (items + runs) ** 2 / (items**2 / dof + runs**2 / (pairs - 1))
    return (
        Estimate(value=value, variance=max(items + runs - both, items, runs), dof=freedom),
        "items and runs",
    )


def _ratio(paired: PairedItems, level: float) -> dict[str, object]:
    """Return the ratio a / b with its interval, from the linearised log ratio.

    With several matched runs it is the geometric mean of their ratios. Empty unless all values are
    positive.
    """
    design = paired.design
    sides = (paired.a, paired.b)
    values = [design.value(side) for side in sides]  # (pair,)
    if min(float(value.min()) for value in values) <= 0:
        return {}
    changes = [
        np.stack([design.linearised(one) for one in side]) / value[:, None]
        for side, value in zip(sides, values, strict=True)
    ]
    logs = np.log(values[0]) - np.log(values[1])
    found, _ = _over_runs(design, changes[0] - changes[1], logs)
    low, high = found.interval(level)
    return {
        "ratio": math.exp(found.value),
        "ratio_ci_low": math.exp(low),
        "ratio_ci_high": math.exp(high),
    }


def is_of_answers(paired: PairedItems) -> bool:
    """Return whether items are right or wrong answers of one run per side, each drawn alone."""
    design = paired.design
    return (
        len(paired.a) == 1
        and design.rule == "pooled"
        and design.num_clusters == len(paired.items)
        and bool(np.all(design.denominator == 1))
        and all(bool(np.all((side == 0) | (side == 1))) for side in (paired.a, paired.b))
    )


def answers(change: Array) -> Estimate:
    """Return the difference of two shares of right answers to the same questions.

    Its interval adds half an item to each of the four kinds of pairs (Agresti and Min 2005,
    Statistics in Medicine 24:729-740), so that few unlike answers give no interval of width 0. The
    value is the centre of the interval.

    Args:
        change: (item,) 1 where only a is right, -1 where only b is, else 0.
    """
    n = len(change) + 2.0
    only_a, only_b = float((change > 0).sum()) + 0.5, float((change < 0).sum()) + 0.5
    shrunk = (only_a - only_b) / n
    variance = ((only_a + only_b) / n - shrunk**2) / n
    return Estimate(value=shrunk, variance=variance, dof=len(change) - 1)


def p_of_answers(change: Array) -> float:
    """Return the p value of McNemar's exact test: a binomial test of the unlike answers.

    Args:
        change: (item,) 1 where only a is right, -1 where only b is, else 0.
    """
    only_a, only_b = int((change > 0).sum()), int((change < 0).sum())
    if not only_a + only_b:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)
