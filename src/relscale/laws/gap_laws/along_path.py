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
from relscale.laws.kept import Recent, digest
from relscale.laws.run_points import Places, RunPoints

TokensOnPath = Callable[[Array], Array]
"""Natural log of D of a path, (place,), at natural logs of F, (place,)."""
MIN_RUNS_OF_CURVE = 6
"""Runs from which on s and s^2 are in the law."""
MIN_RUNS_OF_CHANGING_TILT = 8
"""Runs from which on s f is in the law, as in `joint_model`."""
NO_DISTANCE = 0.02
"""Standard deviation of s, in decades, about a line in log F, below which the runs are on a path:
the effect of s is then not distinguishable from that of log F."""
ALIKE = 0.2
"""Share of the standard deviation of a term that must not follow from the terms before it."""
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


_TERMS: Recent[tuple[list[int], Flags]] = Recent(200)
"""Terms of the last designs and the rows of weights that leave too few runs: all gaps of a corpus
share them."""


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
        key = digest(terms, weights)
        kept = _TERMS.get(key)
        used = _identified(terms[weights[0] > 0]) if kept is None else kept[0]
        if 1 not in used:
            raise FitError(Status.TOO_FEW_BUDGETS, "a line in log F needs two compute values")
        if kept is None:
            kept = _TERMS.keep(key, (used, self._too_few(terms, weights, used)))
        log_gap = points.log_gap if len(points.values) == 2 else points.values[0]
        coefficients = np.zeros((len(weights), terms.shape[1]))
        coefficients[:, used] = weighted_solutions(terms[:, used], log_gap, weights)
        # A refit that leaves fewer runs, or runs that are on a path, has fewer terms.
        lost = np.isnan(coefficients[:, 0]) | kept[1]
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
    def _too_few(terms: Array, weights: Array, used: list[int]) -> Flags:
        """Return which rows leave runs that do not tell the terms apart, (draw,).

        Otherwise rounding and noise would fit them, and the law would be far off for other runs.
        """
        kept, row = np.unique(weights > 0, axis=0, return_inverse=True)
        lost = [2 in used and not _apart(terms[runs][:, used]) for runs in kept]
        return np.array(lost, dtype=np.bool_)[row]


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
    if number >= MIN_RUNS_OF_CURVE:
        kept += [2, 3] if number < MIN_RUNS_OF_CHANGING_TILT else [2, 3, 4]
    while len(kept) > 2 and not _apart(terms[:, kept]):
        kept.pop()
    return kept


def _apart(terms: Array) -> bool:
    """Return whether runs tell the terms of s from those of f, and from each other.

    The terms are compared with the distance from a line in f in place of s: runs of one number of
    tokens or of one size are on a path, too, and there s^2 is a curve in f. A single run off that
    line shows an effect of s, and none of s^2.
    """
    if np.linalg.matrix_rank(terms) < terms.shape[1]:
        return False
    f = terms[:, 1]
    off = _beyond(terms[:, :2], terms[:, 2])
    if np.std(off) <= NO_DISTANCE:
        return False
    compared = np.stack([terms[:, 0], f, off, off**2, off * f], axis=1)[:, : terms.shape[1]]
    return all(
        np.std(_beyond(compared[:, :place], compared[:, place]))
        > ALIKE * np.std(compared[:, place])
        for place in range(3, compared.shape[1])
    )


def _beyond(others: Array, term: Array) -> Array:
    """Return the part of a term that other terms do not explain, (run,)."""
    return np.asarray(term - others @ np.linalg.lstsq(others, term, rcond=None)[0])


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
