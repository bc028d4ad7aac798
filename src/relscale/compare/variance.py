"""Variances of linearised quantities over clusters of items, with their degrees of freedom.

A ratio of sums R = sum x / sum d changes by u_i = (x_i - R d_i) / sum d with item i (Cochran 1977,
Sampling Techniques, section 6.4). Items of one cluster vary together, so the clusters' sums
U_g vary independently. With w_g the cluster's share of the denominators and
s = sum w_g^2,

    V = sum_g U_g^2 / (1 - 2 w_g + s)

is unbiased if the clusters' own ratios U_g / w_g vary alike: the adjustment CR2 of Bell and
McCaffrey (2002, Survey Methodology 28:169-181) for this case. It is G / (G - 1) for G clusters of
one size. The degrees of freedom are 1 / s - 1, with the effective number of clusters of Kish
(1965, Survey Sampling, section 11.7): G - 1 for clusters of one size, and fewer the more they
differ. `benchmarks/compare.py` measures the coverage of the intervals.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ItemDesign:
    """How the items of a domain are weighted and drawn."""

    denominator: Array
    """(item,) bytes, or 1."""
    stratum: Index
    """(item,) 0..number of strata - 1."""
    cluster: Index
    """(item,) 0..number of clusters - 1."""
    rule: str
    """`pooled` (sum over sum) or `strata` (mean over strata of that)."""

    @property
    def group(self) -> Index:
        """(item,) the sum of denominators that an item is divided by: of its stratum, or of all."""
        return self.stratum if self.rule == "strata" else np.zeros_like(self.stratum)

    @property
    def weight(self) -> Array:
        """(item,) factor of a numerator in the value of the domain."""
        totals = np.bincount(self.group, self.denominator)
        return np.asarray(1 / (totals[self.group] * len(totals)))

    @property
    def num_clusters(self) -> int:
        """Number of clusters."""
        return int(self.cluster.max(initial=-1)) + 1

    @property
    def cluster_share(self) -> Array:
        """(cluster,) share of the domain's value that a cluster weighs; the sum is 1."""
        return _sums(self.cluster, self.weight * self.denominator)

    def value(self, numerator: Array) -> Array:
        """Return the domain's value, (...), of numerators, (..., item)."""
        return np.asarray(numerator @ self.weight)

    def linearised(self, numerator: Array) -> Array:
        """Return the change of the domain's value with each item, (item,): u_i."""
        totals = np.bincount(self.group, self.denominator)
        ratio = np.bincount(self.group, numerator) / totals
        return np.asarray((numerator - ratio[self.group] * self.denominator) * self.weight)

    def variance(self, change: Array) -> tuple[float, float]:
        """Return the variance of a sum of changes over items, and its degrees of freedom.

        Clusters within strata are drawn within them; a single cluster of a stratum gets the
        variance of the others. Clusters across strata are drawn from the whole.

        Args:
            change: (item,) linearised changes, whose sum is 0 in each group.

        Returns:
            NaN and 0 if no group has two clusters.
        """
        if self._crosses_strata():
            share = self.cluster_share
            return _within(_sums(self.cluster, change), share)
        groups = int(self.group.max()) + 1
        first = np.unique(self.cluster, return_index=True)[1]
        group_of = self.group[first]  # (cluster,)
        sums = _sums(self.cluster, change)
        share = self.cluster_share * groups  # of the group
        return _over_groups(sums, share, group_of, groups)

    def _crosses_strata(self) -> bool:
        pairs = np.unique(np.stack([self.group, self.cluster]), axis=1).shape[1]
        return pairs > self.num_clusters


def _sums(code: Index, values: Array) -> Array:
    """Return the sums of values by code."""
    return np.asarray(np.bincount(code, values), dtype=np.float64)


def _within(sums: Array, share: Array) -> tuple[float, float]:
    """Return variance and degrees of freedom of one group of clusters."""
    if len(sums) < 2:
        return float("nan"), 0.0
    square = float((share**2).sum())
    return float((sums**2 / (1 - 2 * share + square)).sum()), 1 / square - 1


def _over_groups(sums: Array, share: Array, group: Index, groups: int) -> tuple[float, float]:
    """Return the variance of the mean over groups, and its degrees of freedom.

    A group with one cluster gets the mean variance of a cluster's ratio in the other groups. The
    degrees of freedom are those of Satterthwaite (1946), with variances that are expected if all
    clusters' ratios vary alike.
    """
    variance = squares = freedom = expected = moments = 0.0
    single = 0
    for number in range(groups):
        at = group == number
        if at.sum() < 2:
            single += 1
            continue
        here, dof = _within(sums[at], share[at])
        square = float((share[at] ** 2).sum())
        variance += here
        expected, moments = expected + square, moments + square**2 / dof
        squares += float(((sums[at] * groups / share[at]) ** 2).sum())
        freedom += float(at.sum()) - 1
    if not freedom:
        return float("nan"), 0.0
    variance += single * squares / freedom / groups**2
    return variance, expected**2 / moments
