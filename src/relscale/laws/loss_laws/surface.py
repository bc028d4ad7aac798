"""The law `surface`: L = E + A / N^alpha + B / D^beta (Hoffmann et al., 2022, equation 2)."""

from dataclasses import dataclass, field

import numpy as np

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.loss_laws.base import FittedLoss, LossLaw
from relscale.laws.run_points import Places, RunPoints
from relscale.laws.surface_fit.projection import (
    BOUNDS,
    NEUTRAL_START,
    Plane,
    SurfaceBatch,
    fit_domains,
    fit_each,
    fit_surfaces,
)
from relscale.laws.surface_fit.search import Flags

TOGETHER = 1e-3
"""log N and log D vary along one line where their second principal axis is this share of the
first."""


@dataclass(frozen=True, kw_only=True)
class FittedSurface(FittedLoss):
    """Surfaces of one domain, one per row of weights."""

    batch: SurfaceBatch
    """The surfaces."""
    remarks: tuple[str, ...] = ()
    """Notes on the first of them."""
    kept: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    """Results of the fit that several laws read, computed once."""

    def log_loss(self, places: Places) -> Array:
        """Return the natural log of the loss, (draw, place)."""
        batch = self.batch
        n = places.log_params - batch.plane.mean_log_params
        d = places.log_tokens - batch.plane.mean_log_tokens
        with np.errstate(divide="ignore"):
            return np.asarray(
                np.log(
                    batch.irreducible[:, None]
                    + batch.from_params[:, None] * np.exp(-batch.alpha[:, None] * n)
                    + batch.from_tokens[:, None] * np.exp(-batch.beta[:, None] * d)
                )
            )


class SurfaceLaw(LossLaw):
    """A surface through all runs by least squares of fit / observed - 1."""

    name = "surface"
    num_parameters = 5

    def fit(self, points: RunPoints, weights: Array) -> FittedSurface:
        """Fit one surface per row of weights; see `LossLaw.fit`.

        Refits start from the first fit. Those that end on a bound or do not end start again from
        middling exponents, and the better of the two is kept.
        """
        return self.fit_domains(points, points.values[:1], weights)[0]

    def fit_domains(self, points: RunPoints, values: Array, weights: Array) -> list[FittedSurface]:
        """Fit the surfaces of several domains over the same runs at once; see `LossLaw.fit`.

        Args:
            points: the runs; their values are not read.
            values: natural logs of the losses, (domain, run).
            weights: (draw, run), the same for all domains.

        Returns:
            One per domain, as `fit` returns them.

        Raises:
            FitError: the runs of the first row do not identify a surface.
        """
        plane = plane_of(points, weights[0])
        losses = np.exp(values)
        firsts = [found for found, _ in fit_domains(plane, losses, weights[0])]
        batches = firsts
        if len(weights) > 1:
            count = len(weights) - 1
            starts = np.array([[first.alpha[0], first.beta[0]] for first in firsts])
            if len(losses) == 1:
                refits = refit_surfaces(plane, losses[0], starts[0], weights[1:])
            else:
                refits = refit_surfaces(
                    plane,
                    np.repeat(losses, count, axis=0),
                    np.repeat(starts, count, axis=0),
                    np.tile(weights[1:], (len(losses), 1)),
                )
            batches = [
                SurfaceBatch.joined(first, refits.some(slice(at * count, (at + 1) * count)))
                for at, first in enumerate(firsts)
            ]
        unknown = np.flatnonzero(~identified_rows(points, weights))
        if len(unknown):
            nothing = SurfaceBatch.nothing(plane, len(unknown))
            batches = [batch.replaced(unknown, nothing) for batch in batches]
        return [
            FittedSurface(
                batch=batch,
                remarks=() if first.converged[0] else ("the surface did not converge",),
            )
            for batch, first in zip(batches, firsts, strict=True)
        ]

    def log_loss_of(
        self, points: RunPoints, fitted: FittedLoss, values: Array, places: Places
    ) -> Array:
        """Fit all surfaces at once; see `LossLaw.log_loss_of`."""
        assert isinstance(fitted, FittedSurface)
        moved, _ = fit_each(fitted.batch.plane, np.exp(values))
        return FittedSurface(batch=moved).log_loss(places)


def plane_of(points: RunPoints, weights: Array) -> Plane:
    """Return the plane of all runs, centred on those with weight.

    Raises:
        FitError: the runs with weight, (run,), do not identify a surface.
    """
    used = weights > 0
    n, d = points.log_params[used], points.log_tokens[used]
    seen = Plane.of(np.exp(n), np.exp(d))
    spread = np.linalg.svd(np.stack([seen.log_params, seen.log_tokens]), compute_uv=False)
    if spread[1] <= TOGETHER * spread[0]:
        raise FitError(
            Status.NOT_IDENTIFIED,
            "sizes and tokens rise together: alpha and beta cannot be separated",
        )
    return Plane(
        log_params=points.log_params - seen.mean_log_params,
        log_tokens=points.log_tokens - seen.mean_log_tokens,
        mean_log_params=seen.mean_log_params,
        mean_log_tokens=seen.mean_log_tokens,
    )


def identified_rows(points: Plane | RunPoints, weights: Array) -> Flags:
    """Return which rows of weights have enough different runs for a surface, (draw,).

    That is five different places with three sizes and three token counts, not all on one line.
    """
    used = (weights > 0).astype(np.float64)
    enough = np.ones(len(weights), dtype=bool)
    place = np.stack([points.log_params, points.log_tokens], axis=1)
    for columns, least in (([0], 3), ([1], 3), ([0, 1], SurfaceLaw.num_parameters)):
        _, group = np.unique(place[:, columns], axis=0, return_inverse=True)
        order = np.argsort(group.ravel(), kind="stable")
        first = np.searchsorted(group.ravel()[order], np.arange(group.max() + 1))
        enough &= np.maximum.reduceat(used[:, order], first, axis=1).sum(axis=1) >= least
    mean = used @ place / np.maximum(used.sum(axis=1), 1)[:, None]
    second = (used @ (place[:, :, None] * place[:, None, :]).reshape(-1, 4)).reshape(-1, 2, 2)
    spread = np.linalg.eigvalsh(
        second / np.maximum(used.sum(axis=1), 1)[:, None, None]
        - mean[:, :, None] * mean[:, None, :]
    )
    return np.asarray(enough & (spread[:, 0] > TOGETHER**2 * spread[:, 1]))


def refit_surfaces(plane: Plane, losses: Array, start: Array, weights: Array) -> SurfaceBatch:
    """Fit surfaces from one start, (2,), or one each, (surface, 2).

    Those without a clean end are also fitted from `NEUTRAL_START`.
    """
    found = fit_surfaces(plane, losses, start, weights)
    exponents = np.stack([found.alpha, found.beta])
    low, high = BOUNDS[0] * (1 + 1e-3), BOUNDS[1] * (1 - 1e-3)
    again = np.flatnonzero(
        ~found.converged | ((exponents <= low) | (exponents >= high)).any(axis=0)
    )
    if len(again):
        rows = losses[again] if losses.ndim == 2 else losses
        other = fit_surfaces(plane, rows, np.array(NEUTRAL_START), weights[again])
        better = other.objective < found.objective[again]
        found = found.replaced(again[better], other.some(better))
    return found


SURFACES = SurfaceLaw()
