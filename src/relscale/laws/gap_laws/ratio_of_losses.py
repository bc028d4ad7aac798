"""Laws of a gap as the ratio of two laws of a loss, each with its own irreducible loss."""

from dataclasses import dataclass, replace

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.identifiability import Identification, identify_saturating, identify_surface
from relscale.laws.loss_laws.base import FittedLoss, LossLaw
from relscale.laws.loss_laws.saturating import SATURATING, FittedSaturating
from relscale.laws.loss_laws.surface import SURFACES, FittedSurface
from relscale.laws.run_points import Places, RunPoints

LEVEL = 0.95
"""Level of the profile intervals by which parameters are judged."""
_JUDGED = "identification"
"""Where the judgement of a fitted loss is kept: the baseline's is in every gap."""


@dataclass(frozen=True, kw_only=True)
class FittedRatio(FittedGap):
    """G is the quotient of two fitted losses."""

    treatment: FittedLoss
    """The treatment's loss."""
    baseline: FittedLoss
    """The baseline's loss."""
    points: RunPoints
    """Runs that both were fitted to."""
    weights: Array
    """Weights of the first fit, (run,)."""

    def identification(self, of: str) -> Identification | None:
        """Return whether the runs identify a loss, `treatment` or `baseline`; judged once.

        None where the law of the loss has no irreducible term to judge.
        """
        place, fit = (0, self.treatment) if of == "treatment" else (-1, self.baseline)
        points = replace(self.points, values=self.points.values[place][None])
        if not isinstance(fit, FittedSurface | FittedSaturating):
            return None
        if _JUDGED not in fit.kept:
            fit.kept[_JUDGED] = _identify(points, fit, self.weights)
        found = fit.kept[_JUDGED]
        assert isinstance(found, Identification)
        return found

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return the remarks on both losses, and why runs do not identify their parameters.

        A gap may be read where its parameters are not identified, as long as held-out budgets are
        predicted; the parameters may not.
        """
        notes = []
        for name, fit in (("treatment", self.treatment), ("baseline", self.baseline)):
            notes += [f"{name}: {remark}" for remark in fit.remarks]
            found = self.identification(name)
            notes += [f"{name}: not identified: {why}" for why in (found.reasons if found else ())]
        return tuple(notes)

    def log_gap(self, places: Places) -> Array:
        """Return log G, (draw, place)."""
        return np.asarray(self.treatment.log_loss(places) - self.baseline.log_loss(places))


class RatioOfLosses(GapLaw):
    """Fit one law to the treatment's loss and the baseline's, and divide."""

    name: str  # type: ignore[misc]
    num_parameters: int  # type: ignore[misc]

    def __init__(self, name: str, law: LossLaw) -> None:
        """Take the name in tables and the law of each loss."""
        self.name, self.law, self.num_parameters = name, law, 2 * law.num_parameters

    def fit(self, points: RunPoints, weights: Array) -> FittedRatio:
        """Fit both losses once per row of weights; see `GapLaw.fit`."""
        treatment, baseline = (
            self.law.fit(replace(points, values=points.values[place : place + 1]), weights)
            for place in (0, len(points.values) - 1)
        )
        return FittedRatio(
            treatment=treatment, baseline=baseline, points=points, weights=weights[0]
        )

    def log_gap_of(
        self, points: RunPoints, fitted: FittedGap, values: Array, places: Places
    ) -> Array:
        """Fit the treatment's law to other values; see `GapLaw.log_gap_of`."""
        assert isinstance(fitted, FittedRatio)
        alone = replace(points, values=points.values[:1])
        moved = self.law.log_loss_of(alone, fitted.treatment, values, places)
        return np.asarray(moved - fitted.baseline.log_loss(places)[0])


def _identify(
    points: RunPoints, fit: FittedSurface | FittedSaturating, weights: Array
) -> Identification:
    if isinstance(fit, FittedSurface):
        return identify_surface(points, fit.batch.one(0), weights, LEVEL)
    return identify_saturating(points, fit, weights, LEVEL)


SURFACE_RATIO = RatioOfLosses("surfaces", SURFACES)
"""The ratio of two surfaces L(N, D)."""
SATURATING_RATIO = RatioOfLosses("saturating", SATURATING)
"""The ratio of two saturating curves L(F)."""
