"""What the scores of a question's options, or of a document, say: one value an item and metric, as
numerator and denominator.

With l_i the summed log-likelihood of option i in nats, b_i its bytes, and g the right option
(interfaces of the losses table):

    bits_per_byte                -l_g / ln 2 over b_g
    choice_loss_nats             -log softmax(l)_g
    choice_probability           softmax(l)_g
    choice_probability_per_byte  softmax(-bits per byte)_g, with bits per byte -l_i / (b_i ln 2)
    accuracy                     whether g = argmax l (the first wins ties)
    accuracy_per_byte            whether g = argmax l_i / b_i
"""

import math
from collections.abc import Sequence

import numpy as np

from relscale.contract.losses import METRIC_UNITS


def item_metrics(
    metrics: Sequence[str],
    log_likelihood: np.ndarray,
    num_bytes: np.ndarray,
    first: np.ndarray,
    gold: np.ndarray,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return (numerator, denominator) of each item by metric, float64.

    Args:
        metrics: the metrics wanted.
        log_likelihood: (row) nats of each option; an item's options stand together.
        num_bytes: (row) bytes of each option.
        first: (item + 1) first row of each item, and the number of rows at the end.
        gold: (item) row of the right option.

    Raises:
        ValueError: naming the metric, where it is not known or items have only one option.
    """
    starts, counts = first[:-1], np.diff(first)
    bits_per_byte = -log_likelihood / (math.log(2) * num_bytes)
    ones = np.ones(len(starts))
    wanted: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for metric in metrics:
        if metric not in METRIC_UNITS:
            raise ValueError(
                f"metric {metric!r} is not known; the choices are {', '.join(METRIC_UNITS)}"
            )
        if metric == "bits_per_byte":
            wanted[metric] = (-log_likelihood[gold] / math.log(2), num_bytes[gold])
            continue
        if counts.min() < 2:
            raise ValueError(
                f"metric {metric!r} needs items with two or more options; there are items with one"
            )
        scores = -bits_per_byte if metric.endswith("per_byte") else log_likelihood
        if metric.startswith("accuracy"):
            wanted[metric] = (_is_first_best(scores, starts, counts, gold), ones)
            continue
        loss = _log_sum_exp(scores, starts, counts) - scores[gold]
        wanted[metric] = (loss if metric == "choice_loss_nats" else np.exp(-loss), ones)
    return wanted


def _log_sum_exp(scores: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    highest = np.maximum.reduceat(scores, starts)
    return highest + np.log(np.add.reduceat(np.exp(scores - np.repeat(highest, counts)), starts))


def _is_first_best(
    scores: np.ndarray, starts: np.ndarray, counts: np.ndarray, gold: np.ndarray
) -> np.ndarray:
    best = np.repeat(np.maximum.reduceat(scores, starts), counts) == scores
    rows = np.where(best, np.arange(len(scores)), len(scores))
    return (np.minimum.reduceat(rows, starts) == gold).astype(np.float64)


def contains_chance(correct: int, total: int, chance: float, z: float = 1.959963984540054) -> bool:
    """Return whether Wilson's interval of an accuracy (95 % by default) contains chance (Wilson
    1927, JASA 22:209-212)."""
    share = correct / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = (
        z
        / (1 + z * z / total)
        * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    )
    return centre - half <= chance <= centre + half


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, float]:
    """Return sum of numerators over sum of denominators, and its standard error over items.

    The error is the ratio estimator's, sqrt(n / (n - 1) * sum((numerator_i - R denominator_i)^2)) /
    sum(denominator) (Cochran 1977, Sampling Techniques, eq. 6.10), and NaN for one item.
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
    """Return the unweighted mean over strata of each one's ratio, and its standard error over
    items.

    A stratum's variance is that of `ratio`; one that has a single item gets the pooled variance of
    an item's residual (numerator_i - R denominator_i) / mean(denominator) within the others. NaN
    where every stratum has a single item.
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
