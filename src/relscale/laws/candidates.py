"""The laws that `auto` chooses from, by the design of a table."""

import numpy as np

from relscale.laws.gap_laws.adapted import OneDomain, WithBaseline
from relscale.laws.gap_laws.along_path import LineAlongPath
from relscale.laws.gap_laws.base import GapLaw
from relscale.laws.gap_laws.loss_to_loss import LossToLoss
from relscale.laws.gap_laws.plane import LogPlane
from relscale.laws.gap_laws.ratio_of_losses import SATURATING_RATIO, SURFACE_RATIO
from relscale.laws.loss_laws.power import POWER
from relscale.laws.loss_laws.saturating import SATURATING
from relscale.laws.loss_laws.surface import SURFACES
from relscale.laws.paths import Path, Paths

BASELINES = (SURFACES, SATURATING, POWER)
"""Laws of the baseline's loss, for laws that depend on it; the first that has a fit is taken."""
MIN_COMPUTES_OF_FLOOR = 5
"""Compute values from which on a curve L(F) with a floor is tried: two more than parameters."""


def candidates(paths: Paths, path: Path, domains: int, isoflop: bool) -> tuple[GapLaw, ...]:
    """Return the laws to try, the simplest first.

    Args:
        paths: paths through the runs of the corpus.
        path: the path on which the straight line is.
        domains: 1 for a loss, 2 for a gap.
        isoflop: whether the budgets have optima. Laws of compute alone are left out there, since
            the runs of a budget differ in size.
    """
    line = LineAlongPath(lambda at: paths.places(path, at).log_tokens)
    on_a_line = not paths.vary_apart
    few = len(np.unique(np.round(paths.runs.log_compute, 6))) < MIN_COMPUTES_OF_FLOOR
    if domains == 1:
        floor: list[GapLaw] = [] if isoflop or few else [OneDomain(SATURATING)]
        return (line, *floor, *([] if on_a_line else [OneDomain(SURFACES)]))
    through_loss = WithBaseline(LossToLoss(), BASELINES)
    # About a path the line has three terms more, which makes it the less simple law of the two.
    # With optima it is the law of `joint`.
    first = isoflop or on_a_line
    laws: list[GapLaw] = [line, through_loss] if first else [through_loss, line]
    if not on_a_line:
        laws.append(LogPlane())
    if on_a_line and not few:
        laws.append(SATURATING_RATIO)
    if not on_a_line:
        laws.append(SURFACE_RATIO)
    return tuple(laws)
