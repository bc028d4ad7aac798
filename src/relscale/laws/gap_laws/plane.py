"""The law `plane`: log G is linear in log N and log D, quadratic from 12 runs on.

`LossPlane` is that of a log loss.
"""

from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.least_squares import weighted_least_squares
from relscale.laws.run_points import Places, RunPoints

QUADRATIC_FROM = 12
"""Runs from which on the squares and the product of log N and log D are in the law: twice the
number of coefficients."""


@dataclass(frozen=True, kw_only=True)
class FittedPlane(FittedGap):
    """log G = c0 + c1 n + c2 d + c3 n^2 + c4 n d + c5 d^2 of centred n = log N, d = log D."""

    center: Array
    """Means of log N and log D over the runs, (2,)."""
    coefficients: Array
    """(draw, 6); the last three are 0 where the law is linear."""

    def log_gap(self, places: Places) -> Array:
        """Return log G, (draw, place)."""
        return np.asarray(
            self.coefficients @ _design(places.log_params, places.log_tokens, self.center).T
        )


class LogPlane(GapLaw):
    """log G by log N and log D, by least squares over runs.

    A row of weights has a quadratic law if its weights sum to at least `QUADRATIC_FROM` and the
    runs identify it, so that a back-test with fewer runs falls back to the linear law.
    """

    name = "plane"
    num_parameters = 6

    def fit(self, points: RunPoints, weights: Array) -> FittedPlane:
        """Fit one plane per row of weights; see `GapLaw.fit`."""
        center = np.array([np.mean(points.log_params), np.mean(points.log_tokens)])
        design = _design(points.log_params, points.log_tokens, center)
        values = points.log_gap
        found = np.zeros((len(weights), 6))
        found[:, :3] = weighted_least_squares(design[:, :3], values, weights)
        if not np.isfinite(found[0]).all():
            raise FitError(
                Status.TOO_FEW_RUNS, "a plane needs 3 runs that vary in size and apart in tokens"
            )
        enough = np.flatnonzero(weights.sum(axis=1) >= QUADRATIC_FROM)
        if len(enough):
            quadratic = weighted_least_squares(design, values, weights[enough])
            known = np.isfinite(quadratic).all(axis=1)
            found[enough[known]] = quadratic[known]
        return FittedPlane(center=center, coefficients=found)


@dataclass(frozen=True, kw_only=True)
class FittedLossPlane(FittedPlane):
    """The same of a log loss."""

    num_terms: int
    """Coefficients of the first fit."""


class LossPlane(GapLaw):
    """The log loss of one domain by log N and log D, by least squares over runs.

    It is quadratic where the runs identify that, else linear, and all refits are as the fit of all
    runs: a loss curves so much that a linear back-test says nothing about a quadratic law.
    """

    name = "plane"
    num_parameters = 6

    def fit(self, points: RunPoints, weights: Array) -> FittedLossPlane:
        """Fit one plane per row of weights; see `GapLaw.fit`."""
        center = np.array([np.mean(points.log_params), np.mean(points.log_tokens)])
        design = _design(points.log_params, points.log_tokens, center)
        for terms in (self.num_parameters, 3):
            if np.sum(weights[0] > 0) <= terms:
                continue
            found = weighted_least_squares(design[:, :terms], points.values[0], weights)
            if np.isfinite(found[0]).all():
                found[np.sum(weights > 0, axis=1) <= terms] = np.nan
                whole = np.zeros((len(weights), self.num_parameters))
                whole[:, :terms] = found
                return FittedLossPlane(center=center, coefficients=whole, num_terms=terms)
        raise FitError(
            Status.TOO_FEW_RUNS, "a plane needs 4 runs that vary in size and apart in tokens"
        )


def _design(log_params: Array, log_tokens: Array, center: Array) -> Array:
    """Return the columns of the quadratic law, (place, 6)."""
    n, d = log_params - center[0], log_tokens - center[1]
    return np.stack([np.ones_like(n), n, d, n**2, n * d, d**2], axis=1)
