"""Power laws E(F) = coefficient x F^-exponent through points, without an irreducible term."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.r_squared import r_squared


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """A straight line in log-log: log E = log_level - exponent * (log F - log_reference)."""

    log_reference: float
    """Natural log of the reference compute (geometric mean of the points)."""
    log_level: float
    """Natural log of E at the reference."""
    exponent: float
    """Positive where E falls with compute."""
    residual_variance: float
    """Variance of log E about the line; NaN with two points."""
    standard_error: float
    """Of the exponent; NaN with two points."""
    level_standard_error: float
    """Of `log_level`; NaN with two points."""
    dof: int
    """Points minus two."""
    ci_low: float
    """Lower end of the exponent's Student-t interval."""
    ci_high: float
    """Upper end."""
    r2: float
    """Share of the variance of log E that the line explains."""
    num_points: int
    """Points fitted."""

    @property
    def log_coefficient(self) -> float:
        """Natural log of the coefficient, E at F = 1."""
        return self.log_level + self.exponent * self.log_reference

    def predict(self, log_compute: Array | float) -> Array:
        """Return log E at the given natural log compute."""
        return np.asarray(
            self.log_level
            - self.exponent * (np.asarray(log_compute, dtype=np.float64) - self.log_reference)
        )

    def prediction_error(self, log_compute: Array | float, new_point: bool = False) -> Array:
        """Return the standard error of the predicted log E.

        It is that of the line, or of a new point about it.
        """
        distance = np.asarray(log_compute, dtype=np.float64) - self.log_reference
        variance = self.level_standard_error**2 + (distance * self.standard_error) ** 2
        return np.asarray(np.sqrt(variance + (self.residual_variance if new_point else 0.0)))


def fit_power_law(log_compute: Array, log_error: Array, level: float = 0.95) -> PowerLaw:
    """Fit a power law by least squares of log E on log F.

    Args:
        log_compute: (point,) natural log of compute.
        log_error: (point,) natural log of the error.
        level: of the Student-t interval with points - 2 degrees of freedom.

    Raises:
        FitError: `too_few_budgets` with fewer than two different compute values.
    """
    if len(np.unique(log_compute)) < 2:
        raise FitError(
            Status.TOO_FEW_BUDGETS,
            f"{len(np.unique(log_compute))} compute value(s), a line needs 2",
        )
    reference = float(np.mean(log_compute))
    x = log_compute - reference
    sxx = float(np.sum(x**2))
    slope = float(np.sum(x * log_error) / sxx)
    mean = float(np.mean(log_error))
    residual = log_error - mean - slope * x
    dof = len(x) - 2
    nan = float("nan")
    variance = float(np.sum(residual**2) / dof) if dof > 0 else nan
    error = float(np.sqrt(variance / sxx)) if dof > 0 else nan
    half = float(stats.t.ppf(0.5 + level / 2, dof)) * error if dof > 0 else nan
    return PowerLaw(
        log_reference=reference,
        log_level=mean,
        exponent=-slope,
        residual_variance=variance,
        standard_error=error,
        level_standard_error=float(np.sqrt(variance / len(x))) if dof > 0 else nan,
        dof=max(dof, 0),
        ci_low=-slope - half,
        ci_high=-slope + half,
        r2=r_squared(log_error, residual),
        num_points=len(x),
    )
