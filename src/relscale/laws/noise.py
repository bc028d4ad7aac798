"""Noise components of a gap: the runs' own noise, and the effect of a budget.

The effect of a budget moves log G of all its sizes together. It is always in the interval: no test
decides whether it is there. Its variance comes from two sources, `Moments` and `Pooled`. The first
is the scatter of the gap's own budgets about its line, which has (budgets - 2) degrees of freedom.
The second is the mean of that scatter over all gaps of the family and all corpora, in units of each
gap's run variance. `combine` averages them by their degrees of freedom.

Gaps of a family have one baseline, so that its noise is in all of them, and J gaps are fewer
independent ones; `relscale.laws.scatter_dof` counts the degrees of freedom of their scatter.

Variances are estimated by moments (Henderson, 1953, method 3) and may be negative: a variance
that is not cut off at zero is unbiased, and the intervals are exact for balanced designs and a
single gap. Restricted maximum likelihood, cut off at zero and averaged over its likelihood, covered
.999 where it should cover .95 with four budgets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy import stats

from relscale.laws.cells import MANY_CELLS, ROUNDING_VARIANCE, Array
from relscale.laws.scatter_dof import Parts, independent_gaps, scatter_dof

LEAST_SHARE = 0.1
"""A negative budget variance takes off at most 1 minus this share of the variance that the runs
give a budget's mean."""
MIN_POOLED_RUN_DOF = 3
"""Degrees of freedom of the run variance that a gap needs to be pooled: the mean of 1 / chi^2 is
finite from three on."""
ORDER_LENGTH = 0.3
"""Natural log of the ratio of tokens at which noise of a shared data order has correlation 1 / e:
differences between seeds were seen to correlate within that distance."""
LARGEST_ORDER_SHARE = 0.95


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
    """Budget variance of a gap by all gaps of its family."""

    budget_variance: float
    """Of log G; negative where the budgets scatter by less than their runs explain."""
    unit: float
    """Standard error of `budget_variance` times sqrt(dof / 2)."""
    dof: float
    """Degrees of freedom: independent squares in the pooled scatter."""


@dataclass(frozen=True, kw_only=True)
class FamilyRatio:
    """Budget variance over run variance, common to the gaps of a family."""

    ratio: float
    """Estimate without a bound at 0."""
    mean_trace: float
    """Sizes per budget, as far as the ratio is concerned: the budgets' scatter is
    1 + ratio x mean_trace times what the runs explain."""
    dof: float
    """Degrees of freedom: independent squares in the scatter."""
    independent_gaps: float
    """Number of independent gaps that are worth as much as the gaps, all corpora together."""
    num_gaps: int
    """Number of gaps."""

    @property
    def inflation(self) -> float:
        """Return the scatter of the budgets over what the runs explain."""
        return 1 + self.ratio * self.mean_trace


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


@dataclass(frozen=True, kw_only=True)
class Whitened:
    """A design whose noise is made independent: what the mean squares of any values need."""

    whiten: Array
    """(cell, cell), or its diagonal, (cell,), where the noise is independent already."""
    free: Array
    """Orthonormal columns of line and budgets, (cell, column)."""
    extra: Array
    """Those of the budgets about the line, (cell, contrast)."""
    run_dof: int
    """Cells less columns."""
    trace: float
    """As in `Moments`."""

    @classmethod
    def of(cls, design: Array, member: Array, shape: Array) -> "Whitened":
        """Whiten a design; see `moments_of`."""
        variance = np.diag(shape)
        weights = 1 / variance
        whiten: Array
        if len(shape) > MANY_CELLS and np.count_nonzero(shape) == len(shape):
            whiten = 1 / np.sqrt(variance)
        else:
            whiten = np.asarray(np.linalg.inv(np.linalg.cholesky(shape)))
        terms = design.shape[1]
        # The line goes through the budgets' mean log F: small differences in compute between runs
        # of one budget say nothing about the budgets.
        means = (member.T @ (weights * design[:, 1])) / (member.T @ weights)
        columns = np.concatenate([design, member], axis=1)
        columns[:, 1] = member @ means
        basis, triangle = np.linalg.qr(_times(whiten, columns))
        basis = basis * np.sign(np.diag(triangle))
        size = np.abs(np.diag(triangle))
        kept = np.flatnonzero(size > 1e-9 * np.max(size))
        extra = basis[:, kept[kept >= terms]]  # budgets about the line
        return cls(
            whiten=whiten,
            free=basis[:, kept],
            extra=extra,
            run_dof=len(design) - len(kept),
            trace=float(np.sum((extra.T @ _times(whiten, member)) ** 2)),
        )

    def moments(self, values: Array) -> Moments:
        """Return the mean squares of values, (cell,)."""
        scaled = _times(self.whiten, values)
        residual = scaled - self.free @ (self.free.T @ scaled)
        contrasts = self.extra.T @ scaled
        run_dof = self.run_dof
        return Moments(
            run_variance=float(residual @ residual) / run_dof if run_dof > 0 else float("nan"),
            run_dof=run_dof,
            scatter=float(contrasts @ contrasts),
            scatter_dof=self.extra.shape[1],
            trace=self.trace,
            contrasts=contrasts,
            residual=residual,
        )


def _times(whiten: Array, columns: Array) -> Array:
    """Return the product of a whitening matrix, or its diagonal, and columns."""
    if whiten.ndim == 2:
        return np.asarray(whiten @ columns)
    return np.asarray(whiten * columns if columns.ndim == 1 else whiten[:, None] * columns)


def moments_of(values: Array, design: Array, member: Array, shape: Array) -> Moments:
    """Return the mean squares of a gap about its line and within its budgets.

    Args:
        values: (cell,).
        design: (cell, term) of the line; the first two are 1 and log F.
        member: (cell, budget) 1 where a cell is of a budget.
        shape: (cell, cell) covariance of the cells' noise, in units of the run variance.
    """
    return Whitened.of(design, member, shape).moments(values)


def pool(own: Moments, family: FamilyRatio | None) -> Pooled | None:
    """Return the budget variance of a gap by its family.

    Args:
        own: moments of the gap.
        family: ratio of the variances over all gaps of the family, this one included.

    Returns:
        None where no other gap can be pooled, or the gap's run variance is not known.
    """
    if family is None or not np.isfinite(own.run_variance):
        return None
    if family.num_gaps == int(own.can_be_pooled):
        return None
    return Pooled(
        budget_variance=family.ratio * own.run_variance,
        unit=own.run_variance * max(family.inflation, LEAST_SHARE) / family.mean_trace,
        dof=family.dof,
    )


def order_share(differences: Sequence[Array], log_tokens: Sequence[Array]) -> float:
    """Return the share of a run's variance that runs of one seed have in common.

    Runs of one seed that read one order of the data share noise, which is a smooth function of the
    tokens read: `order_kernel`. Differences between two seeds of one size then correlate between
    sizes with neighbouring tokens. The share is the regression of their products on the kernel.

    Args:
        differences: between two seeds, (size,), one array per gap.
        log_tokens: natural log of the tokens of these sizes.

    Returns:
        From 0 to `LARGEST_ORDER_SHARE`; 0 where no two sizes have two seeds.
    """
    products, squares = 0.0, 0.0
    for delta, tokens in zip(differences, log_tokens, strict=True):
        if len(delta) < 2:
            continue
        kernel = np.triu(order_kernel(tokens), 1)
        products += float(delta @ kernel @ delta)
        squares += float(np.sum(kernel**2)) * float(np.mean(delta**2))
    return float(np.clip(products / squares, 0.0, LARGEST_ORDER_SHARE)) if squares > 0 else 0.0


def order_share_of_residuals(
    residuals: Sequence[Array], projections: Sequence[Array], log_tokens: Sequence[Array]
) -> float:
    """Return the same share without two seeds of a size, by the residuals of the runs.

    Runs of neighbouring tokens are in several budgets, so that noise of a shared order correlates
    their residuals. With Q the projection on the residuals and K the kernel less its diagonal, the
    covariance of residuals is Q + share x Q K Q times a variance. The share is that whose expected
    r' K r / r' r is the observed one.

    Args:
        residuals: of sizes about budgets and curve, (size,), one array per gap.
        projections: that give them from the values, (size, size), one per gap. Gaps with the same
            sizes and tokens may share one array, which is then read once.
        log_tokens: natural log of the tokens of the sizes, (size,), one array per gap.

    Returns:
        From 0 to `LARGEST_ORDER_SHARE`; 0 where no residual is left.
    """
    observed, sizes, first, second = 0.0, 0.0, 0.0, 0.0
    before, left, kernel, traces = None, 0.0, np.zeros((0, 0)), (0.0, 0.0)
    for residual, projection, tokens in zip(residuals, projections, log_tokens, strict=True):
        if projection is not before:  # gaps of the same sizes share one
            before, left = projection, float(np.trace(projection))
            kernel = order_kernel(tokens) - np.eye(len(tokens))
            product = projection @ kernel
            traces = float(np.trace(product)), float(np.sum(product * product.T))
        square = float(residual @ residual)
        if not (left > 0.5 and square > ROUNDING_VARIANCE * left):
            continue
        observed += float(residual @ kernel @ residual) / square * left
        sizes += left
        first += traces[0]
        second += traces[1]
    if not sizes > 0:
        return 0.0
    ratio = observed / sizes
    share = (ratio * sizes - first) / max(second - ratio * first, 1e-9)
    return float(np.clip(share, 0.0, LARGEST_ORDER_SHARE))


def order_kernel(log_tokens: Array) -> Array:
    """Return exp(-|difference| / ORDER_LENGTH), (size, size)."""
    return np.asarray(np.exp(-np.abs(log_tokens[:, None] - log_tokens) / ORDER_LENGTH))


def family_ratio(groups: Sequence[Sequence[Moments]]) -> FamilyRatio | None:
    """Return the common ratio of budget variance over run variance.

    Args:
        groups: gaps of each corpus.

    Returns:
        None where no gap can be pooled.
    """
    groups = [[each for each in group if each.can_be_pooled] for group in groups]
    groups = [group for group in groups if group]
    flat = [each for group in groups for each in group]
    if not flat:
        return None
    weight = np.array([each.scatter_dof for each in flat], dtype=np.float64)
    excess = np.array([_scatter_ratio(each) for each in flat]) - 1  # E = ratio x trace / dof
    per_ratio = np.array([each.trace / each.scatter_dof for each in flat])
    mean_trace = float(np.sum(weight * per_ratio) / np.sum(weight))
    ratio = float(np.sum(weight * excess) / np.sum(weight * per_ratio))
    dof = scatter_dof([_parts(group) for group in groups])
    return FamilyRatio(
        ratio=ratio,
        mean_trace=mean_trace,
        dof=dof,
        independent_gaps=dof / float(np.mean(weight)),
        num_gaps=len(flat),
    )


def _parts(group: Sequence[Moments]) -> Parts:
    """Return the parts of the scatter of the gaps of one corpus."""
    by_budgets: dict[int, list[Moments]] = {}
    for each in group:
        by_budgets.setdefault(each.scatter_dof, []).append(each)
    found = []
    for gaps in by_budgets.values():
        noise = [np.sqrt(each.run_variance) for each in gaps]
        contrasts = [each.contrasts / sd for each, sd in zip(gaps, noise, strict=True)]
        residuals = [each.residual / sd for each, sd in zip(gaps, noise, strict=True)]
        independent = independent_gaps(residuals, [each.run_dof for each in gaps])
        found.append(Parts.of(np.stack(contrasts), independent))
    return reduce(Parts.beside, found)


def combine(own: Moments, pooled: Pooled | None, of_runs: Array, of_budgets: Array) -> Components:
    """Return the noise of a law from the gap's own scatter and that of its family.

    The budget variance is the mean of both estimates, weighted by their degrees of freedom. The
    degrees of freedom of the slope's variance are Satterthwaite's (1946). The family's scatter is
    the mean of that of its gaps, so that the covariance of a gap's own with it is the family's
    variance, whatever noise the gaps share.

    Args:
        own: moments of the gap.
        pooled: budget variance by all gaps of the family.
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
            spread += 2 * 2 * both / max(pooled.dof, count)
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


def _scatter_ratio(each: Moments) -> float:
    """Return the scatter in units of the run variance, unbiased: E[1 / chi^2_n] = 1 / (n - 2)."""
    mean = each.scatter / each.scatter_dof / each.run_variance
    return mean * (each.run_dof - 2) / each.run_dof
