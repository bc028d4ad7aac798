"""The laws that `auto` chooses from, by the design of a table."""

from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from relscale.laws.cells import Array
from relscale.laws.gap_laws.adapted import OneDomain, WithBaseline
from relscale.laws.gap_laws.along_path import LineAlongPath
from relscale.laws.gap_laws.base import GapLaw
from relscale.laws.gap_laws.loss_to_loss import LossToLoss
from relscale.laws.gap_laws.plane import LogPlane, LossPlane
from relscale.laws.gap_laws.ratio_of_losses import SATURATING_RATIO, SURFACE_RATIO, RatioOfLosses
from relscale.laws.gap_laws.shared import SHARED_KAPPA, SHARED_SURFACES
from relscale.laws.leave_future_out import AXES, COMPUTE
from relscale.laws.loss_laws.base import FittedLoss, LossLaw
from relscale.laws.loss_laws.power import POWER
from relscale.laws.loss_laws.saturating import SATURATING
from relscale.laws.loss_laws.surface import SURFACES, SurfaceLaw
from relscale.laws.paths import Path, Paths
from relscale.laws.run_points import Places, RunPoints
from relscale.laws.surface_fit.expected import ExpectedLosses

MIN_COMPUTES_OF_FLOOR = 5
"""Compute values from which on a curve L(F) with a floor is tried: two more than parameters."""


MOST_ROWS_TOGETHER = 16
"""Rows of weights up to which the surfaces of all domains are fitted at once, as those of
back-tests. Refits to draws have more, and are not asked for in every domain."""


class Remembered(LossLaw):
    """A law of a loss that is fitted to the same values with the same weights only once.

    The baseline's loss is in every gap, and a domain's loss in its gap and in its absolute law.
    """

    name: str  # type: ignore[misc]
    num_parameters: int  # type: ignore[misc]

    def __init__(self, law: LossLaw, expected: ExpectedLosses | None = None) -> None:
        """Take the law.

        Args:
            law: of a loss.
            expected: values that are likely to be fitted, too: surfaces of domains with the same
                runs are fitted together.
        """
        self.law, self.name, self.num_parameters = law, law.name, law.num_parameters
        self.expected = expected
        self._kept: dict[bytes, FittedLoss] = {}

    def fit(self, points: RunPoints, weights: Array) -> FittedLoss:
        """Fit the law once per row of weights, or return the fit; see `LossLaw.fit`."""
        where = blake2b(digest_size=16)
        for part in (weights, points.log_params, points.log_tokens):
            where.update(np.ascontiguousarray(part).tobytes())

        def key(values: Array) -> bytes:
            digest = where.copy()
            digest.update(np.ascontiguousarray(values).tobytes())
            return digest.digest()

        own = key(points.values)
        if own in self._kept:
            return self._kept[own]
        if isinstance(self.law, SurfaceLaw) and self.expected is not None:
            few = len(weights) <= MOST_ROWS_TOGETHER
            together = {key(each): each for each in self.expected.like(points)} if few else {}
            fresh = [each for each in together if each not in self._kept]
            if own in fresh:
                values = np.concatenate([together[each] for each in fresh])
                self._kept.update(
                    zip(fresh, self.law.fit_domains(points, values, weights), strict=True)
                )
                return self._kept[own]
        self._kept[own] = self.law.fit(points, weights)
        return self._kept[own]

    def log_loss_of(
        self, points: RunPoints, fitted: FittedLoss, values: Array, places: Places
    ) -> Array:
        """Fit the law to values near those that it was fitted to; see `LossLaw.log_loss_of`."""
        return self.law.log_loss_of(points, fitted, values, places)


@dataclass(frozen=True, kw_only=True)
class LossLaws:
    """Laws of a loss for one corpus, remembered."""

    surface: LossLaw
    """L(N, D)."""
    saturating: LossLaw = field(default_factory=lambda: Remembered(SATURATING))
    """L(F) with a floor."""
    power: LossLaw = POWER
    """L(F) without a floor."""

    @classmethod
    def of(cls, expected: ExpectedLosses | None = None) -> "LossLaws":
        """Return the laws for a corpus whose expected values are fitted together."""
        return cls(surface=Remembered(SURFACES, expected))


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """The design of a table, and the laws that it allows."""

    paths: Paths
    """Paths through the runs of the corpus."""
    path: Path
    """The path on which the straight line is."""
    isoflop: bool
    """Whether the budgets have optima. Laws of compute alone are left out there, since the runs of
    a budget differ in size."""
    rises: bool
    """Whether the metric rises with compute; laws of a loss do not fit it."""
    laws: LossLaws
    """Laws of a loss."""
    mirrored: bool = False
    """Whether a swap of treatment and baseline must change nothing but the sign: on the scale
    `difference`, which has no denominator."""

    @property
    def line(self) -> LineAlongPath:
        """The straight line along the path."""
        return LineAlongPath(lambda at: self.paths.places(self.path, at).log_tokens)

    @property
    def floor(self) -> bool:
        """Whether a curve L(F) with a floor is tried."""
        computes = len(np.unique(np.round(self.paths.runs.log_compute, 6)))
        return not self.paths.vary_apart and computes >= MIN_COMPUTES_OF_FLOOR

    @property
    def apart(self) -> bool:
        """Whether the runs are of sizes times tokens without optima."""
        return self.paths.vary_apart and not self.isoflop

    @property
    def axes_of_gaps(self) -> tuple[str, ...]:
        """Axes along which the future of a gap is left out."""
        return (COMPUTE,)

    @property
    def axes_of_losses(self) -> tuple[str, ...]:
        """Axes along which the future of a loss is left out.

        A larger model may have no more compute than the runs: by compute alone it would count as
        known, and no law would be judged by larger sizes than it was fitted to.
        """
        return AXES if self.apart else (COMPUTE,)

    def loss_laws(self) -> tuple[GapLaw, ...]:
        """Return the laws of one domain's loss to try, the preferred one first.

        About a path the line is the plane without a curve along the path. A loss with a floor has
        one: its share of the error grows with the square of the horizon and is the smallest where
        runs can be held out. The line is therefore not preferred to a plane that predicts as well.
        """
        plane: list[GapLaw] = [LossPlane()] if self.apart else []
        if self.rises:
            return (self.line, *plane)
        found: list[GapLaw] = [*plane, self.line]
        if self.floor:
            found.append(OneDomain(self.laws.saturating))
        if self.paths.vary_apart:
            found.append(OneDomain(self.laws.surface))
        return tuple(found)

    def gap_laws(self) -> tuple[GapLaw, ...]:
        """Return the laws of a gap to try, the simplest first."""
        apart = self.paths.vary_apart
        plane: list[GapLaw] = [LogPlane()] if apart else []
        if self.rises:
            return (self.line, *plane)
        baselines = (self.laws.surface, self.laws.saturating, self.laws.power)
        through_loss = WithBaseline(LossToLoss(), baselines, self.mirrored)
        # About a path the line has three terms more than on it, which makes it the less simple law
        # of the two. With optima it is the law of `joint`.
        first = self.isoflop or not apart
        laws: list[GapLaw] = [self.line, through_loss] if first else [through_loss, self.line]
        laws += plane
        if self.floor:
            laws.append(RatioOfLosses(SATURATING_RATIO.name, self.laws.saturating))
        if apart:
            # Simulated with optima, they are no better than surfaces of their own.
            laws += [] if self.isoflop else [SHARED_SURFACES, SHARED_KAPPA]
            laws.append(RatioOfLosses(SURFACE_RATIO.name, self.laws.surface))
        return tuple(laws)
