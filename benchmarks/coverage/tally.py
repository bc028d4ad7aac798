"""Numbers of a scenario, added up over suites.

A tally can be continued: that of further suites is added to it. Read `tally_of` first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy import stats

from relscale.laws.cells import Array
from relscale.laws.gap import GapFit
from relscale.laws.verdict import holm, p_difference

from .simulation import Gap, Simulator
from .truth import Planted

LEVEL = 0.05
"""Of the tests; intervals have level 1 - this."""
STRICT_LEVEL = 0.005
"""Another level of the tests."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Sums over the suites of a scenario, and over their gaps."""

    suites: int = 0
    """Suites."""
    gaps: int = 0
    """Gaps."""
    fitted: int = 0
    """Gaps with an estimate."""
    known: int = 0
    """Gaps with an interval."""
    covered: int = 0
    """Gaps whose interval contains the slope of the line through the true gaps."""
    covered_tangent: int = 0
    """Gaps whose interval contains the true slope at the reference compute."""
    covered_change: int = 0
    """Gaps whose interval of the change contains the true change."""
    rejected: int = 0
    """Gaps whose true slope is rejected at `LEVEL`, without adjustment."""
    rejected_strictly: int = 0
    """Those at `STRICT_LEVEL`."""
    lines: int = 0
    """Gaps with an interval whose law is a straight line."""
    error: float = 0.0
    """Sum of estimated less true slopes."""
    squared_error: float = 0.0
    """Sum of their squares."""
    half_width: float = 0.0
    """Sum of half the widths of the intervals."""
    inverse_dof: float = 0.0
    """Sum of the inverse degrees of freedom."""
    judged: int = 0
    """Suites that have a gap with an interval."""
    coverage: float = 0.0
    """Sum of these suites' shares of intervals that contain the true slope."""
    squared_coverage: float = 0.0
    """Sum of the squares of these shares."""
    in_error: int = 0
    """Suites in which a true slope is rejected after adjustment over all gaps of the suite."""
    planted: int = 0
    """Gaps with a planted slope, in scenarios where some gaps have one and others do not."""
    detected: int = 0
    """Those whose change differs significantly from 0 in the right direction after adjustment."""
    detected_alone: int = 0
    """The same without adjustment."""

    def __add__(self, other: "Tally") -> "Tally":
        """Return the sums over the suites of both."""
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in NAMES})

    @property
    def fingerprint(self) -> float:
        """Return a number that changes with the estimates and with their intervals."""
        return self.squared_error * (self.half_width or 1.0)

    @property
    def coverage_error(self) -> float:
        """Return the standard error of the coverage, from its spread over suites.

        Gaps of a suite share noise, so that they are not independent; suites are.
        """
        if self.judged < 2:
            return float("nan")
        spread = self.squared_coverage - self.coverage**2 / self.judged
        return float(np.sqrt(max(spread, 0.0) / (self.judged - 1) / self.judged))

    @property
    def standard_deviation(self) -> float:
        """Return the standard deviation of the errors of the estimates."""
        if self.fitted < 2:
            return float("nan")
        spread = self.squared_error - self.error**2 / self.fitted
        return float(np.sqrt(max(spread, 0.0) / (self.fitted - 1)))


NAMES = tuple(each.name for each in fields(Tally))


def tally_of(simulator: Simulator, gaps: Sequence[Gap]) -> Tally:
    """Return the numbers of one suite."""
    planted = simulator.planted
    fitted = [gap for gap in gaps if gap.fit is not None]
    found = [_compare(gap.fit, planted, gap.treatment) for gap in fitted if gap.fit is not None]
    errors = np.array([each["error"] for each in found])
    rows = {name: _column(found, name) for name in found[0]} if found else {}
    known = np.isfinite(rows["half"]) if rows else np.zeros(0, dtype=bool)
    sums: dict[str, float] = {
        "suites": 1,
        "gaps": len(gaps),
        "fitted": len(fitted),
        "known": int(known.sum()),
        "error": float(errors.sum()),
        "squared_error": float(errors @ errors),
    }
    if known.any():
        sums |= _of_intervals({name: column[known] for name, column in rows.items()})
    sloped = simulator.scenario.sloped
    if sloped is not None:
        target = np.array([gap.treatment < sloped for gap in fitted], dtype=np.bool_)
        sums |= _of_power(rows, target) if rows else {}
        sums["planted"] = sum(gap.treatment < sloped for gap in gaps)
    return Tally(**sums)  # type: ignore[arg-type]


def _compare(fit: GapFit, planted: Planted, treatment: int) -> dict[str, float]:
    """Compare a fit with the truth."""
    known = np.isfinite(fit.standard_error) and fit.dof > 0
    t = float(stats.t.ppf(1 - LEVEL / 2, fit.dof)) if known else float("nan")
    error = fit.slope - float(planted.line[treatment])
    true_change = float(planted.change[treatment])
    p = p_difference(fit.change, fit.change_standard_error, fit.dof)
    return {
        "error": error,
        "tangent": fit.slope - float(planted.tangent[treatment]),
        "change": fit.change - true_change,
        "half": t * fit.standard_error,
        "change_half": t * fit.change_standard_error,
        "inverse_dof": 1 / fit.dof if known else float("nan"),
        "p": p_difference(error, fit.standard_error, fit.dof),
        "p_no_change": p,
        "right": float(fit.change * true_change > 0),
        "line": float(fit.law == "line"),
    }


def _column(found: Sequence[Mapping[str, float]], name: str) -> Array:
    return np.array([each[name] for each in found])


def _of_intervals(rows: Mapping[str, Array]) -> dict[str, float]:
    """Return the sums over gaps that have an interval."""
    half, p = rows["half"], rows["p"]
    covered = np.abs(rows["error"]) <= half
    return {
        "covered": int(covered.sum()),
        "covered_tangent": int((np.abs(rows["tangent"]) <= half).sum()),
        "covered_change": int((np.abs(rows["change"]) <= rows["change_half"]).sum()),
        "rejected": int((p < LEVEL).sum()),
        "rejected_strictly": int((p < STRICT_LEVEL).sum()),
        "lines": int(rows["line"].sum()),
        "half_width": float(half.sum()),
        "inverse_dof": float(rows["inverse_dof"].sum()),
        "judged": 1,
        "coverage": float(covered.mean()),
        "squared_coverage": float(covered.mean() ** 2),
        "in_error": int((holm(p) < LEVEL).any()),
    }


def _of_power(rows: Mapping[str, Array], target: Flags) -> dict[str, float]:
    """Return how many of the planted slopes are detected."""
    p = rows["p_no_change"]
    right = target & (rows["right"] > 0)
    return {
        "detected": int((right & (holm(p) < LEVEL)).sum()),
        "detected_alone": int((right & (p < LEVEL)).sum()),
    }
