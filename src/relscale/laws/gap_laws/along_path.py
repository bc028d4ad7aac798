"""The law `line`: a straight line in log F along a path, with a curve about the path.

log G = a + dbeta f + (k + k' f) s + q s^2, with f = log F less its mean and s = log10 D less that
of the path at the same F: the model of `relscale.laws.estimators.joint_model` for any path. Terms
that the runs do not determine are left out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array, Flags
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.run_points import Places, RunPoints

TokensOnPath = Callable[[Array], Array]
"""Natural log of D of a path, (place,), at natural logs of F, (place,)."""
MIN_RUNS_OF_CURVE = 6
"""Runs from which on s and s^2 are in the law."""
MIN_RUNS_OF_CHANGING_TILT = 8
"""Runs from which on s f is in the law, as in `joint_model`."""
NO_DISTANCE = 0.02
"""Standard deviation of s, in decades, about a line in log F, below which the runs are on a path:
s has no effect that could be told from that of log F."""
WELL_POSED = 1e-10
"""Smallest share of the largest eigenvalue of normal equations that are solved."""


@dataclass(frozen=True, kw_only=True)
class FittedAlongPath(FittedGap):
    """The line with its curve about the path."""

    tokens_on_path: TokensOnPath
    """The path."""
    centre: float
    """Mean log F of the runs."""
    coefficients: Array
    """Of 1, f, s, s^2 and s f, (draw, 5); 0 for terms that are left out."""
    num_terms: int
    """Terms of the first fit."""

    def log_gap(self, places: Places) -> Array:
        """Return log G, (draw, place)."""
        return np.asarray(self.coefficients @ design(places, self.tokens_on_path, self.centre).T)


class LineAlongPath(GapLaw):
    """A straight line in log F along a path."""

    name = "line"
    num_parameters = 2

    def __init__(self, tokens_on_path: TokensOnPath) -> None:
        """Take the path."""
        self.tokens_on_path = tokens_on_path

    def fit(self, points: RunPoints, weights: Array) -> FittedAlongPath:
        """Fit the line once per row of weights; see `GapLaw.fit`."""
        centre = float(np.mean(points.log_compute))
        terms = design(points.places, self.tokens_on_path, centre)
        used = _identified(terms[weights[0] > 0])
        if 1 not in used:
            raise FitError(Status.TOO_FEW_BUDGETS, "a line in log F needs two compute values")
        log_gap = points.log_gap if len(points.values) == 2 else points.values[0]
        coefficients = np.zeros((len(weights), terms.shape[1]))
        coefficients[:, used] = weighted_solutions(terms[:, used], log_gap, weights)
        # A refit that leaves fewer runs, or only runs on a path, has fewer terms.
        lost = np.isnan(coefficients[:, 0]) | self._on_a_path(terms, weights, used)
        for row in np.flatnonzero(lost):
            fewer = _identified(terms[weights[row] > 0])
            if 1 in fewer:
                coefficients[row] = 0.0
                coefficients[row, fewer] = weighted_solutions(
                    terms[:, fewer], log_gap, weights[row : row + 1]
                )[0]
        return FittedAlongPath(
            tokens_on_path=self.tokens_on_path,
            centre=centre,
            coefficients=coefficients,
            num_terms=len(used),
        )

    @staticmethod
    def _on_a_path(terms: Array, weights: Array, used: list[int]) -> Flags:
        """Return which rows leave runs that are on a path, so that s has no effect to fit, (draw,).

        Otherwise rounding and noise would fit it, and the law would be far off for other runs.
        """
        kept, row = np.unique(weights > 0, axis=0, return_inverse=True)
        on = [2 in used and _distance(terms[runs]) <= NO_DISTANCE for runs in kept]
        return np.array(on, dtype=np.bool_)[row]


def design(places: Places, tokens_on_path: TokensOnPath, centre: float) -> Array:
    """Return the terms of the law, (place, 5)."""
    f = places.log_compute - centre
    s = (places.log_tokens - tokens_on_path(places.log_compute)) / np.log(10)
    return np.stack([np.ones_like(f), f, s, s**2, s * f], axis=1)


def _identified(terms: Array) -> list[int]:
    """Return the indices of the terms that runs determine."""
    kept = [0]
    if np.ptp(terms[:, 1]) > 1e-6:
        kept.append(1)
    number = len(terms)
    if number >= MIN_RUNS_OF_CURVE and _distance(terms) > NO_DISTANCE:
        kept += [2, 3] if number < MIN_RUNS_OF_CHANGING_TILT else [2, 3, 4]
    while len(kept) > 2 and np.linalg.matrix_rank(terms[:, kept]) < len(kept):
        kept.pop()
    return kept


def _distance(terms: Array) -> float:
    """Return the standard deviation of s about a straight line in f.

    Runs of one number of tokens or of one size are on a path, too, whatever their s is.
    """
    line = terms[:, :2]
    fitted = line @ np.linalg.lstsq(line, terms[:, 2], rcond=None)[0]
    return float(np.std(terms[:, 2] - fitted)) if len(terms) else 0.0


def weighted_solutions(terms: Array, values: Array, weights: Array) -> Array:
    """Solve least squares once per row of weights.

    Args:
        terms: (run, term).
        values: (run,).
        weights: (draw, run).

    Returns:
        Coefficients, (draw, term); NaN where the weighted runs do not determine them.
    """
    scale = np.sqrt(np.mean(terms**2, axis=0))
    scaled = terms / scale
    normal = np.einsum("ki,ij,il->kjl", weights, scaled, scaled)
    right = weights @ (scaled * values[:, None])  # (draw, term)
    eigenvalues = np.linalg.eigvalsh(normal)
    good = eigenvalues[:, 0] > WELL_POSED * eigenvalues[:, -1]
    found = np.full(right.shape, np.nan)
    if good.any():
        found[good] = np.linalg.solve(normal[good], right[good, :, None])[:, :, 0] / scale
    return found
