"""Formulas of the metrics.

They turn the scores of an item's options, or of a document, into one value per item and metric, as
numerator and denominator.

With l_i the summed log-likelihood of option i in nats, b_i its bytes, and g the right option:

    bits_per_byte                -l_g / ln 2 over b_g
    choice_loss_nats             -log softmax(l)_g
    choice_probability           softmax(l)_g
    choice_probability_per_byte  softmax(-bits per byte)_g, with bits per byte -l_i / (b_i ln 2)
    accuracy                     whether g = argmax l (the first wins ties)
    accuracy_per_byte            whether g = argmax l_i / b_i

`FORMULAS` holds one function per metric of `relscale.contract.metrics`; a test compares the names.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from relscale.contract.metrics import metric_of

ItemValues = tuple[np.ndarray, np.ndarray]
"""(item) numerators and (item) denominators, float64."""


@dataclass(frozen=True, kw_only=True)
class OptionScores:
    """Scores of all options of all items; the rows of an item are consecutive."""

    log_likelihood: np.ndarray
    """(row) nats of each option."""
    num_bytes: np.ndarray
    """(row) bytes of each option."""
    first: np.ndarray
    """(item + 1) first row of each item, and the number of rows at the end."""
    gold: np.ndarray
    """(item) row of the right option."""

    @property
    def counts(self) -> np.ndarray:
        """(item) number of options."""
        return np.diff(self.first)

    @property
    def ones(self) -> np.ndarray:
        """(item) the denominator of metrics that are means over items."""
        return np.ones(len(self.first) - 1)

    @property
    def minus_bits_per_byte(self) -> np.ndarray:
        """(row) log-likelihood in bits per byte."""
        return self.log_likelihood / (math.log(2) * self.num_bytes)

    def choice_loss(self, scores: np.ndarray) -> np.ndarray:
        """Return (item) the cross-entropy of the softmax over the options' scores, in nats."""
        starts = self.first[:-1]
        highest = np.maximum.reduceat(scores, starts)
        exponentials = np.exp(scores - np.repeat(highest, self.counts))
        log_sum = highest + np.log(np.add.reduceat(exponentials, starts))
        return np.asarray(log_sum - scores[self.gold])

    def gold_is_best(self, scores: np.ndarray) -> np.ndarray:
        """Return (item) 1.0 where the right option has the highest score, else 0.0.

        Of equal scores, the first wins.
        """
        starts = self.first[:-1]
        best = np.repeat(np.maximum.reduceat(scores, starts), self.counts) == scores
        rows = np.where(best, np.arange(len(scores)), len(scores))
        return (np.minimum.reduceat(rows, starts) == self.gold).astype(np.float64)


def _bits_per_byte(scores: OptionScores) -> ItemValues:
    gold = scores.gold
    return -scores.log_likelihood[gold] / math.log(2), scores.num_bytes[gold]


def _choice_loss_nats(scores: OptionScores) -> ItemValues:
    return scores.choice_loss(scores.log_likelihood), scores.ones


def _choice_probability(scores: OptionScores) -> ItemValues:
    return np.exp(-scores.choice_loss(scores.log_likelihood)), scores.ones


def _choice_probability_per_byte(scores: OptionScores) -> ItemValues:
    return np.exp(-scores.choice_loss(scores.minus_bits_per_byte)), scores.ones


def _accuracy(scores: OptionScores) -> ItemValues:
    return scores.gold_is_best(scores.log_likelihood), scores.ones


def _accuracy_per_byte(scores: OptionScores) -> ItemValues:
    return scores.gold_is_best(scores.minus_bits_per_byte), scores.ones


FORMULAS: dict[str, Callable[[OptionScores], ItemValues]] = {
    "bits_per_byte": _bits_per_byte,
    "choice_loss_nats": _choice_loss_nats,
    "choice_probability": _choice_probability,
    "choice_probability_per_byte": _choice_probability_per_byte,
    "accuracy": _accuracy,
    "accuracy_per_byte": _accuracy_per_byte,
}
"""The formula of each metric."""


def item_metrics(metrics: Sequence[str], scores: OptionScores) -> dict[str, ItemValues]:
    """Return (numerator, denominator) of each item by metric, float64.

    Args:
        metrics: names of the metrics to compute.
        scores: scores of the items' options.

    Raises:
        ValueError: naming the metric, if it is not known, or if it needs options and an item has
            only one.
    """
    values: dict[str, ItemValues] = {}
    for name in metrics:
        if metric_of(name).needs == "options" and scores.counts.min() < 2:
            raise ValueError(
                f"metric {name!r} needs items with two or more options; some items have only one"
            )
        values[name] = FORMULAS[name](scores)
    return values


def contains_chance(correct: int, total: int, chance: float, z: float = 1.959963984540054) -> bool:
    """Return whether Wilson's interval of an accuracy contains chance.

    The interval covers 95 % by default (Wilson 1927, JASA 22:209-212).
    """
    share = correct / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = (
        z
        / (1 + z * z / total)
        * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    )
    return centre - half <= chance <= centre + half


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, float]:
    """Return the sum of numerators over the sum of denominators, and its standard error over items.

    The standard error is that of the ratio estimator,
    sqrt(n / (n - 1) * sum((numerator_i - R denominator_i)^2)) /
    sum(denominator) (Cochran 1977, Sampling Techniques, eq. 6.10), and NaN for a single item.
    """
    size, total = len(numerator), denominator.sum()
    value = numerator.sum() / total
    if size < 2:
        return float(value), math.nan
    squares = ((numerator - value * denominator) ** 2).sum()
    return float(value), float(math.sqrt(size / (size - 1) * squares) / total)


def mean_over_strata(
    numerator: np.ndarray, denominator: np.ndarray, strata: np.ndarray
) -> tuple[float, float]:
    """Return the unweighted mean of the strata's ratios, and its standard error over items.

    The variance of a stratum is that of `ratio`. A stratum with a single item gets the pooled
    variance of an item's residual, (numerator_i - R denominator_i) / mean(denominator), within the
    other strata. NaN if every stratum has a single item.
    """
    values, variances, residuals = [], [], []
    sizes = []
    for stratum in np.unique(strata):
        at = strata == stratum
        value, error = ratio(numerator[at], denominator[at])
        values.append(value)
        variances.append(error**2)
        sizes.append(int(at.sum()))
        residuals.append((numerator[at] - value * denominator[at]) / denominator[at].mean())
    freedom = sum(size - 1 for size in sizes)
    pooled = (
        sum(float((residual**2).sum()) for residual in residuals) / freedom if freedom else math.nan
    )
    variances = [
        pooled if size == 1 else variance for size, variance in zip(sizes, variances, strict=True)
    ]
    return float(np.mean(values)), float(math.sqrt(sum(variances)) / len(values))
