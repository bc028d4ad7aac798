"""The result of fitting a relative law, the same for all estimators."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, special

from relscale.laws.cells import Array, Index
from relscale.laws.r_squared import r_squared


@dataclass(frozen=True, kw_only=True)
class GapFit:
    """A relative law (or any quantity's straight line in log F) with its uncertainty."""

    estimator: str
    """Name of the estimator."""
    budgets: Index
    """Budgets used, indices into the suite's."""
    log_compute: Array
    """Natural log of their compute, (budget,)."""
    points: Array
    """log G at each budget's optimum, (budget,)."""
    point_variance: Array
    """Variance of the points, (budget,); NaN where unknown."""
    log_reference: float
    """Natural log of the reference compute, the geometric mean of the budgets'."""
    log_gamma: float
    """log G at the reference compute."""
    slope: float
    """dbeta."""
    covariance: Array
    """Of (log_gamma, slope), (2, 2); NaN where there is no interval."""
    dof: float
    """Degrees of freedom of the Student t."""
    ci_method: str
    """`runs`, `runs+items` or `none`."""
    r2: float
    """Share of the points' variance that the line explains."""
    lack_of_fit_p: float
    """p value of the budgets scattering about the line by no more than their runs explain; NaN
    where it cannot be tested."""
    num_runs: int
    """Runs used, seeds counted."""
    notes: tuple[str, ...]
    """Notes for a reader."""
    levels_at: Array
    """Natural log of the compute at which `levels` are: the lowest budget used, the middle of the
    range and the highest budget used, (3,)."""
    levels: Array
    """The law's log G there, (3,)."""
    levels_covariance: Array
    """Joint covariance of the levels, (3, 3); NaN where there is no interval."""
    budget_sd: float = float("nan")
    """Standard deviation of the budget effects in log G, pooled where the components are; NaN where
    it is not estimated."""
    item_share: float = 0.0
    """Share of the slope's variance that is from evaluation items."""
    run_dof: float = float("nan")
    """Degrees of freedom of the rest; NaN for those of the whole."""
    law: str = "line"
    """Law of the quantity: `line`, a straight line in log F, or the name of another one."""
    path: str = "optimal"
    """Path along which the law is read: `optimal`, the compute-optimal one, or another one."""

    @property
    def standard_error(self) -> float:
        """Standard error of the slope."""
        return float(np.sqrt(self.covariance[1, 1]))

    @property
    def change(self) -> float:
        """Change of log G by the law, from the lowest to the highest budget used."""
        return float(self.levels[2] - self.levels[0])

    @property
    def change_standard_error(self) -> float:
        """Standard error of `change`; NaN where there is no interval."""
        ends = np.array([-1.0, 0.0, 1.0])
        return float(np.sqrt(np.maximum(ends @ self.levels_covariance @ ends, 0.0)))

    def in_unit(self, unit: float) -> "GapFit":
        """Return the fit with the quantity in another unit: numbers times `unit`."""
        return replace(
            self,
            points=self.points * unit,
            point_variance=self.point_variance * unit**2,
            log_gamma=self.log_gamma * unit,
            slope=self.slope * unit,
            covariance=self.covariance * unit**2,
            levels=self.levels * unit,
            levels_covariance=self.levels_covariance * unit**2,
            budget_sd=self.budget_sd * unit,
        )

    def predict(self, log_compute: float) -> tuple[float, float]:
        """Return the law's log G at a natural log compute and its variance."""
        row = np.array([1.0, log_compute - self.log_reference])
        return float(row @ [self.log_gamma, self.slope]), float(row @ self.covariance @ row)


def gap_fit(
    *,
    estimator: str,
    budgets: Index,
    log_compute: Array,
    points: Array,
    law: Array,
    covariance: Array,
    point_variance: Array,
    dof: float,
    ci_method: str,
    num_runs: int,
    notes: tuple[str, ...],
    lack_of_fit_p: float = float("nan"),
    budget_sd: float = float("nan"),
    item_share: float = 0.0,
    run_dof: float = float("nan"),
) -> GapFit:
    """Build the result of fitting a straight line in log F.

    `law` is (log_gamma, slope) at the geometric mean of the budgets; the others are fields of
    `GapFit`.
    """
    reference = float(np.mean(log_compute))
    low, high = float(np.min(log_compute)), float(np.max(log_compute))
    levels_at = np.array([low, (low + high) / 2, high])
    read = np.stack([np.ones(3), levels_at - reference], axis=1)  # (3, 2)
    log_gamma, slope = float(law[0]), float(law[1])
    residual = points - log_gamma - slope * (log_compute - reference)
    return GapFit(
        estimator=estimator,
        budgets=budgets,
        log_compute=log_compute,
        points=points,
        point_variance=point_variance,
        log_reference=reference,
        log_gamma=log_gamma,
        slope=slope,
        covariance=covariance,
        dof=float(dof),
        ci_method=ci_method,
        r2=r_squared(points, residual),
        lack_of_fit_p=lack_of_fit_p,
        num_runs=num_runs,
        notes=notes,
        levels_at=levels_at,
        levels=read @ np.array([log_gamma, slope]),
        levels_covariance=read @ covariance @ read.T,
        budget_sd=budget_sd,
        item_share=item_share,
        run_dof=run_dof,
    )


def line_rows(log_compute: Array, log_reference: float) -> Array:
    """Return the least-squares rows (level at the reference, slope) over points, (2, point)."""
    design = np.stack([np.ones_like(log_compute), log_compute - log_reference], axis=1)
    return np.asarray(np.linalg.pinv(design))


def share_of(part: float, whole: float) -> float:
    """Return part / whole, and 0 of nothing."""
    return part / whole if whole > 0 else 0.0


def combined_dof(
    own: float, items: float, dof: float, level: float, items_dof: float = float("inf")
) -> float:
    """Return degrees of freedom for a variance from runs plus one from items.

    Chosen so that at `level` the half-width squared is t^2 x runs' variance + t^2 x items'
    variance, each with a t of its degrees of freedom. Simulated coverage of a 95 % interval with
    many items is .97 to .99 where the runs' variance has one degree of freedom and .95 to .96 from
    five on; Satterthwaite's is .89 to .95 with one.

    Args:
        own: variance from the runs.
        items: variance from the items.
        dof: degrees of freedom of the runs' variance.
        level: of the interval.
        items_dof: degrees of freedom of the items' variance, clusters less strata.
    """
    if not (own > 0 and items > 0 and dof > 0):
        return dof
    tail = 0.5 + level / 2
    t, u = _quantile(dof, tail), _quantile(items_dof, tail)
    quantile = np.sqrt((t * t * own + u * u * items) / (own + items))
    low, most = min(dof, items_dof), 1e6
    if quantile <= special.stdtrit(most, tail):
        return most
    if quantile >= special.stdtrit(low, tail):  # equal numbers, or rounding
        return low
    return float(
        optimize.brentq(
            lambda value: float(special.stdtrit(value, tail)) - quantile, low, most, rtol=1e-10
        )
    )


def _quantile(dof: float, tail: float) -> float:
    """Return a quantile of Student's t, the normal one for infinite degrees of freedom."""
    return float(special.stdtrit(dof, tail) if np.isfinite(dof) else special.ndtri(tail))
