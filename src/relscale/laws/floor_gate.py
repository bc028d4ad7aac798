"""The gate of irreducible losses: the one rule that says whether a floor is identified.

A floor E is shown, and read by other laws, only where

1. the law that it belongs to is identified (`relscale.laws.identifiability`): the condition number
   of the scaled Jacobian is below its limit, the profile interval of every parameter ends inside
   its bounds, and budgets that are left out are not predicted worse than by the next simpler law;
2. the search for the law converged;
3. the interval that is printed, that of refits, ends between 0 and the lowest observed loss. A
   profile interval takes all runs as equally noisy; refits to drawn runs do not.

`gate_floor` is the rule, `gate_surface` applies it to a surface of a corpus, and `fit_floor` of
`relscale.laws.floors` to one of the runs of a gap.
"""

from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array, Index
from relscale.laws.identifiability import Identification
from relscale.laws.refits import refit_interval
from relscale.laws.surface_fit.reader import DrawnSurface, SurfaceReader

MARGIN = 0.005
"""A floor that is closer to 0 or to the lowest observed loss than this share of that loss is at its
bound."""


@dataclass(frozen=True, kw_only=True)
class GatedFloor:
    """The interval of a floor, and whether the gate lets it pass."""

    low: float
    """Lower end of the interval of the refits; the fit without any."""
    high: float
    """Upper end."""
    reasons: tuple[str, ...]
    """Why the floor is not identified; empty where it is."""

    @property
    def identified(self) -> bool:
        """Whether the floor may be shown and read by other laws."""
        return not self.reasons

    @property
    def reason(self) -> str:
        """The first reason; empty where the floor is identified."""
        return self.reasons[0] if self.reasons else ""


def gate_floor(
    evidence: Identification,
    draws: Array,
    lowest: float,
    level: float,
    num_runs: int | None = None,
    converged: bool = True,
) -> GatedFloor:
    """Say whether a floor is identified.

    Args:
        evidence: of the law that the floor belongs to.
        draws: the floor, (draw,); the first is the fit, the others are refits.
        lowest: the domain's lowest observed loss.
        level: level of the interval.
        num_runs: number of runs that are drawn, as in `refit_interval`.
        converged: whether the search for the fit converged.
    """
    low, high = refit_interval(draws, level, num_runs)
    reasons = list(evidence.reasons)
    if not converged:
        reasons.append("the search did not converge")
    if not (low > MARGIN * lowest and draws[0] > 0):
        reasons.append("0 is in its interval")
    elif not high < (1 - MARGIN) * lowest:
        reasons.append("the lowest loss is in its interval")
    return GatedFloor(low=low, high=high, reasons=tuple(reasons))


def gate_surface(
    reader: SurfaceReader, values: Array, cells: Index
) -> tuple[GatedFloor, DrawnSurface]:
    """Return the gate of the floor of a corpus' surface through cells, and the surface.

    Args:
        reader: surfaces of the corpus.
        values: log losses, (cell,).
        cells: the cells.

    Raises:
        FitError: `too_few_runs`.
    """
    surface = reader.surface(values, cells)
    gate = gate_floor(
        reader.identification(values, cells),
        np.concatenate([surface.fit.irreducible, surface.drawn.irreducible]),
        float(np.exp(values.min())),
        reader.spec.level,
        len(cells) if surface.bootstrap == "pairs" else None,
        bool(surface.fit.converged[0]),
    )
    return gate, surface
