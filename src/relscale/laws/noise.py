"""Noise components of a gap: the runs' own noise, and the effect of a budget.

The effect of a budget moves log G of all its sizes together. It is always in the interval: no test
decides whether it is there. Its variance comes from two sources, `Moments` and `Pooled`. The first
is the scatter of the gap's own budgets about its line, which has (budgets - 2) degrees of freedom.
The second is the same scatter of the other gaps of the family, in units of each gap's run variance,
over all corpora. `combine` averages them by their degrees of freedom.

Gaps of a family have one baseline, so that its noise is in all of them, and J gaps are fewer
independent ones: J / (1 + (J - 1) r^2) with r^2 the mean squared correlation of their noise. (The
variance of a mean of J squares of correlated normals is 2 / J (1 + (J - 1) r^2).)

Variances are estimated by moments (Henderson, 1953, method 3) and may be negative: a variance
that is not cut off at zero is unbiased, and the intervals are exact for balanced designs and a
single gap. Restricted maximum likelihood, cut off at zero and averaged over its likelihood, covered
.999 where it should cover .95 with four budgets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from relscale.laws.cells import ROUNDING_VARIANCE, Array

LEAST_SHARE = 0.1
"""A negative budget variance takes off at most 1 minus this share of the variance that the runs
give a budget's mean."""
MIN_POOLED_RUN_DOF = 3
"""Degrees of freedom of the run variance that a gap needs to be pooled: the mean of 1 / chi^2 is
finite from three on."""
PRIOR_PAIRS = 1
"""Pairs of budget contrasts with r^2 = 1 that are counted with the observed ones: four budgets of
one corpus have one pair, which says little, and to take dependent gaps for independent ones gives
false verdicts."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Mean squares of one gap of one corpus about its line."""

    run_variance: float
    """Variance of a cell of weight 1 within budgets; NaN without degrees of freedom."""
    run_dof: int
    """Its degrees of freedom."""
    scatter: float
    """Sum of squares of the budgets about the line, in units of a cell of weight 1."""
    scatter_dof: int
    """Its degrees of freedom, the number of budgets less 2."""
    trace: float
    """Change of the expected `scatter` per unit of budget variance."""
    contrasts: Array
    """Independent contrasts of the budgets about the line, (scatter_dof,); their squares sum to
    `scatter`."""
    residual: Array
    """Weighted residuals within budgets, (cell,)."""

    @property
    def budget_variance(self) -> float:
        """Return the gap's own estimate of the variance of the budget effect, maybe negative."""
        if self.scatter_dof < 1 or not np.isfinite(self.run_variance):
            return float("nan")
        return (self.scatter - self.scatter_dof * self.run_variance) / self.trace

    @property
    def lack_of_fit_p(self) -> float:
        """Return the p value of an F test of the scatter; NaN without degrees of freedom."""
        if self.scatter_dof < 1 or self.run_dof < 1:
            return float("nan")
        within = self.run_variance * self.run_dof
        if within <= 0 or self.scatter <= within * 1e-9:
            return 1.0
        ratio = self.scatter / self.scatter_dof / self.run_variance
        return float(stats.f.sf(ratio, self.scatter_dof, self.run_dof))

    @property
    def can_be_pooled(self) -> bool:
        """Return whether the scatter can be compared with the run variance."""
        return (
            self.scatter_dof > 0
            and self.run_dof >= MIN_POOLED_RUN_DOF
            and self.run_variance > ROUNDING_VARIANCE
        )


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """Budget variance of a gap by the other gaps of its family."""

    budget_variance: float
    """Of log G; negative where their budgets scatter by less than their runs explain."""
    unit: float
    """Standard error of `budget_variance` times sqrt(dof / 2)."""
    dof: float
    """Degrees of freedom: independent squares in the pooled scatter."""
    overlap: float = 0.0
    """Squared correlation of this gap's noise with theirs, times the share of its own corpus."""


@dataclass(frozen=True, kw_only=True)
class Components:
    """Noise of a gap for a law that is linear in the cells."""

    budget_variance: float
    """Of log G; may be negative."""
    covariance: Array
    """Of the law, (2, 2)."""
    dof: float
    """Degrees of freedom of the slope's variance; 0 where it is not known."""

    @property
    def budget_sd(self) -> float:
        """Standard deviation of the budget effects, at least 0."""
        return float(np.sqrt(np.maximum(self.budget_variance, 0.0)))


def moments_of(values: Array, design: Array, member: Array, weights: Array) -> Moments:
    """Return the mean squares of a gap about its line and within its budgets.

    Args:
        values: (cell,).
        design: (cell, term) of the line; the first two are 1 and log F.
        member: (cell, budget) 1 where a cell is of a budget.
        weights: (cell,) relative inverse variances.
    """
    root = np.sqrt(weights)[:, None]
    terms = design.shape[1]
    # The line goes through the budgets' mean log F: small differences in compute between runs of
    # one budget say nothing about the budgets.
    means = (member.T @ (weights * design[:, 1])) / (member.T @ weights)
    columns = np.concatenate([design, member], axis=1)
    columns[:, 1] = member @ means
    basis, triangle = np.linalg.qr(columns * root)
    basis = basis * np.sign(np.diag(triangle))
    size = np.abs(np.diag(triangle))
    kept = np.flatnonzero(size > 1e-9 * np.max(size))
    extra = basis[:, kept[kept >= terms]]  # budgets about the line
    free = basis[:, kept]
    scaled = values * root[:, 0]
    residual = scaled - free @ (free.T @ scaled)
    contrasts = extra.T @ scaled
    run_dof = len(values) - len(kept)
    return Moments(
        run_variance=float(residual @ residual) / run_dof if run_dof > 0 else float("nan"),
        run_dof=run_dof,
        scatter=float(contrasts @ contrasts),
        scatter_dof=extra.shape[1],
        trace=float(np.sum((extra.T @ (member * root)) ** 2)),
        contrasts=contrasts,
        residual=residual,
    )


def pool(
    own: Moments, same: Sequence[Moments], others: Sequence[Sequence[Moments]]
) -> Pooled | None:
    """Return the budget variance of a gap by the other gaps of the family.

    Args:
        own: moments of the gap.
        same: of the other gaps of its corpus.
        others: of the gaps of each other corpus.

    Returns:
        None where no other gap can be pooled, or the gap's run variance is not known.
    """
    groups = [[each for each in group if each.can_be_pooled] for group in (same, *others)]
    flat = [each for group in groups for each in group]
    if not flat or not np.isfinite(own.run_variance):
        return None
    shared = _squared_correlation(
        [[own, *groups[0]] if own.can_be_pooled else groups[0], *groups[1:]]
    )
    weight = np.array([each.scatter_dof for each in flat], dtype=np.float64)
    excess = np.array([_ratio(each) for each in flat]) - 1  # E = ratio x trace / dof
    per_ratio = np.array([each.trace / each.scatter_dof for each in flat])
    mean_trace = float(np.sum(weight * per_ratio) / np.sum(weight))
    ratio = float(np.sum(weight * excess) / np.sum(weight * per_ratio))
    dof = np.array(
        [
            np.sum([each.scatter_dof for each in group]) / (1 + (len(group) - 1) * shared)
            for group in groups
        ]
    )
    inflation = max(1 + ratio * mean_trace, LEAST_SHARE)
    return Pooled(
        budget_variance=ratio * own.run_variance,
        unit=own.run_variance * inflation / mean_trace,
        dof=float(np.sum(dof)),
        overlap=shared * len(groups[0]) / len(flat),
    )


def combine(own: Moments, pooled: Pooled | None, of_runs: Array, of_budgets: Array) -> Components:
    """Return the noise of a law from the gap's own scatter and that of the other gaps.

    The budget variance is the mean of both estimates, weighted by their degrees of freedom. The
    degrees of freedom of the slope's variance are Satterthwaite's (1946).

    Args:
        own: moments of the gap.
        pooled: budget variance by the other gaps of the family.
        of_runs: covariance of the law per unit of run variance, (2, 2).
        of_budgets: covariance of the law per unit of budget variance, (2, 2).
    """
    variance, count = own.run_variance, own.scatter_dof
    if not np.isfinite(variance):
        if count < 1:
            return _unknown()
        # No degrees of freedom within budgets: the scatter about the line is all that is known.
        return Components(
            budget_variance=0.0,
            covariance=own.scatter / count * of_runs,
            dof=float(count),
        )
    if count < 1 and pooled is None:
        return _unknown()
    theirs = 0.0 if pooled is None else pooled.dof
    share = count / (count + theirs)
    mine = own.budget_variance if count else 0.0
    budget = share * mine + (0.0 if pooled is None else (1 - share) * pooled.budget_variance)
    a0, a1 = float(of_runs[1, 1]), float(of_budgets[1, 1])
    # Not below the smallest variance that a balanced design can have.
    budget = max(budget, -(1 - LEAST_SHARE) * variance * a0 / a1) if a1 > 0 else 0.0
    unit = max(variance + budget * own.trace / count, 0.0) * count / own.trace if count else 0.0
    spread = 2 * (a1 * share) ** 2 * unit**2 / count if count else 0.0
    direct = a0 - (share * a1 * count / own.trace if count else 0.0)
    if pooled is not None:
        direct += (1 - share) * a1 * pooled.budget_variance / variance if variance > 0 else 0.0
        spread += 2 * (a1 * (1 - share)) ** 2 * pooled.unit**2 / pooled.dof
        if count:
            both = share * (1 - share) * a1**2 * unit * pooled.unit
            spread += 2 * 2 * both * pooled.overlap / count
    spread += 2 * (direct * variance) ** 2 / own.run_dof
    total = a0 * variance + a1 * budget
    # Satterthwaite's number is at least the smallest of its parts' where no part is subtracted.
    least = min(number for number in (own.run_dof, count, theirs) if number > 0)
    return Components(
        budget_variance=budget,
        covariance=_positive(variance * of_runs + budget * of_budgets),
        dof=max(2 * total**2 / spread, least) if spread > 0 else float(least),
    )


def _unknown() -> Components:
    return Components(budget_variance=float("nan"), covariance=np.full((2, 2), np.nan), dof=0.0)


def _positive(covariance: Array) -> Array:
    """Return a covariance without negative eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


def _ratio(each: Moments) -> float:
    """Return the scatter in units of the run variance, unbiased: E[1 / chi^2_n] = 1 / (n - 2)."""
    mean = each.scatter / each.scatter_dof / each.run_variance
    return mean * (each.run_dof - 2) / each.run_dof


def _squared_correlation(groups: Sequence[Sequence[Moments]]) -> float:
    """Return the mean squared correlation of the noise of two gaps of one corpus.

    It is the larger of two estimates. The first is that of the residuals within budgets, less its
    mean without any correlation. The second is that of the budgets: with J gaps, the mean squared
    cosine of two contrasts (as vectors over the gaps) is (1 + (J - 1) r^2) / J. A baseline whose
    budget effects are larger than those of the treatments shows only there.
    """
    within, weight, cosines = 0.0, 0, []
    vectors: list[Array] = []
    for group in groups:
        sizes = {(len(each.residual), each.scatter_dof) for each in group}
        if len(group) < 2 or len(sizes) > 1:
            continue
        residual = np.stack([each.residual for each in group])
        residual = residual / np.linalg.norm(residual, axis=1, keepdims=True)
        squares = (residual @ residual.T)[np.triu_indices(len(group), 1)] ** 2
        by_chance = 1 / group[0].run_dof
        within += float(np.sum((squares - by_chance) / (1 - by_chance)))
        weight += len(squares)
        scaled = np.stack([each.contrasts / np.sqrt(each.run_variance) for each in group])
        vectors.extend(scaled.T)
    shared = within / weight if weight else 1.0
    for index, first in enumerate(vectors):
        for second in vectors[:index]:
            if len(first) == len(second):
                size = float(first @ first) * float(second @ second)
                cosines.append(float(first @ second) ** 2 / size if size > 0 else 0.0)
    if cosines:
        number = float(np.median([len(each) for each in vectors]))
        of_budgets = (number * float(np.mean(cosines)) - 1) / (number - 1)
        mean = (len(cosines) * of_budgets + PRIOR_PAIRS) / (len(cosines) + PRIOR_PAIRS)
        shared = max(shared, mean)
    return float(np.clip(shared, 0.0, 1.0))
