"""Laws of a gap as the ratio of two laws of a loss, each with its own irreducible loss."""

from dataclasses import dataclass, replace

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.gap_laws.base import FittedGap, GapLaw
from relscale.laws.loss_laws.base import FittedLoss, LossLaw
from relscale.laws.loss_laws.saturating import SATURATING
from relscale.laws.loss_laws.surface import SURFACES
from relscale.laws.run_points import Places, RunPoints


@dataclass(frozen=True, kw_only=True)
class FittedRatio(FittedGap):
    """G is the quotient of two fitted losses."""

    treatment: FittedLoss
    """The treatment's loss."""
    baseline: FittedLoss
    """The baseline's loss."""

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        """Return the remarks on both losses."""
        return (
            *(f"treatment: {remark}" for remark in self.treatment.remarks),
            *(f"baseline: {remark}" for remark in self.baseline.remarks),
        )

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
        return FittedRatio(treatment=treatment, baseline=baseline)


SURFACE_RATIO = RatioOfLosses("surfaces", SURFACES)
"""The ratio of two surfaces L(N, D)."""
SATURATING_RATIO = RatioOfLosses("saturating", SATURATING)
"""The ratio of two saturating curves L(F)."""
