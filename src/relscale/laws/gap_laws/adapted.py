"""Laws made of other laws: with a predicted baseline, and of one domain's loss."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.loss_laws.base import FittedLoss, LossLaw
from relscale.laws.run_points import Places, RunPoints


@dataclass(frozen=True, kw_only=True)
class FittedWithBaseline(FittedGap):
    """A law of the gap given the baseline's loss, and a law of that loss."""

    gap: FittedGap
    """Law of the gap."""
    baseline: FittedLoss
    """Law of the baseline's loss; NaN rows of it become NaN rows of the gap."""
    remarks: tuple[str, ...] = ()
    """Notes for a reader."""

    def log_gap(self, places: Places) -> Array:
        """Return log G at the predicted losses of the baseline, (draw, place)."""
        predicted = replace(places, log_baseline=self.baseline.log_loss(places))
        return self.gap.log_gap(predicted)


class WithBaseline(GapLaw):
    """A law that depends on the baseline's loss, together with a law that predicts it."""

    name: str  # type: ignore[misc]
    num_parameters: int  # type: ignore[misc]

    def __init__(self, law: GapLaw, baselines: Sequence[LossLaw], mirrored: bool = False) -> None:
        """Take the laws.

        Args:
            law: of the gap.
            baselines: of the baseline's loss, the preferred one first.
            mirrored: the mean log loss of both domains takes the place of the baseline's, so that
                a swap of the domains changes the sign of the gap and nothing else.
        """
        self.law, self.baselines, self.mirrored = law, tuple(baselines), mirrored
        self.name, self.num_parameters = law.name, law.num_parameters

    def as_chosen(self, fitted: FittedGap) -> "WithBaseline":
        """Return the law with the options of a fit of the gap."""
        assert isinstance(fitted, FittedWithBaseline)
        return WithBaseline(self.law.as_chosen(fitted.gap), self.baselines, self.mirrored)

    def fit(self, points: RunPoints, weights: Array) -> FittedWithBaseline:
        """Fit both laws once per row of weights; see `GapLaw.fit`.

        The first law of the baseline's loss that has a fit is taken.
        """
        if self.mirrored:
            points = about_the_mean(points)
        gap = self.law.fit(points, weights)
        alone = replace(points, values=points.values[-1:])
        whose = "mean" if self.mirrored else "baseline's"
        failure: FitError | None = None
        for law in self.baselines:
            try:
                baseline = law.fit(alone, weights)
            except FitError as error:
                failure = failure or error
                continue
            remarks = (*gap.remarks, f"{whose} loss by the law {law.name}")
            return FittedWithBaseline(gap=gap, baseline=baseline, remarks=remarks)
        assert failure is not None
        raise failure


def about_the_mean(points: RunPoints) -> RunPoints:
    """Return points with the same gap to a baseline that is the mean log loss of both domains."""
    mean = points.values.mean(axis=0)
    return replace(points, values=np.stack([mean + points.log_gap, mean]))


@dataclass(frozen=True, kw_only=True)
class FittedOneDomain(FittedGap):
    """A law of one domain's loss, read as one of a gap to nothing."""

    loss: FittedLoss
    """The law."""

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return the law's notes."""
        return self.loss.remarks

    def log_gap(self, places: Places) -> Array:
        """Return the natural log of the loss, (draw, place)."""
        return self.loss.log_loss(places)


class OneDomain(GapLaw):
    """A law of one domain's loss in the form of a law of a gap."""

    name: str  # type: ignore[misc]
    num_parameters: int  # type: ignore[misc]

    def __init__(self, law: LossLaw) -> None:
        """Take the law of the loss."""
        self.law, self.name, self.num_parameters = law, law.name, law.num_parameters

    def fit(self, points: RunPoints, weights: Array) -> FittedOneDomain:
        """Fit the law once per row of weights; see `GapLaw.fit`."""
        return FittedOneDomain(loss=self.law.fit(points, weights))

    def log_gap_of(
        self, points: RunPoints, fitted: FittedGap, values: Array, places: Places
    ) -> Array:
        """Fit the law of the loss to other values; see `GapLaw.log_gap_of`."""
        assert isinstance(fitted, FittedOneDomain)
        return self.law.log_loss_of(points, fitted.loss, values, places)


def without_nan(values: Array) -> Array:
    """Return the rows of refits that are finite everywhere, (draw, place)."""
    return values[np.isfinite(values).all(axis=1)]
