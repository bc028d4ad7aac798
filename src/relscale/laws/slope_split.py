"""The slope of a gap in its floor effect and its rate effect, from the runs of one gap.

The baseline's floor comes from its surface. There are two ways to the treatment's, and the test
`through_loss` decides between them. Where the gap depends on size and data only through the loss,
L_t = E_t + K (L_b - E_b)^kappa holds for every run, and E_t is fitted with K and kappa: a surface
of the treatment would be of another form than this law unless kappa is 1, and would bend E_t. Where
the test rejects that, no such law holds, and E_t and the local exponent
kappa = (d log R_t / d log F) / (d log R_b / d log F) come from the surfaces of both domains. Read
`split_slope` first.
"""

from collections.abc import Callable
from dataclasses import dataclass

from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.floors import Floor, gate_treatment_floor
from relscale.laws.loss_power import LossPower, Split, fit_loss_power, fit_treatment_floor
from relscale.laws.reference_place import Place, observed_place, optimal_place
from relscale.laws.run_points import RunPoints

REJECTED = 0.01
"""p of `through_loss` below which the gap depends on size or data beyond the loss. With 0.05, one
in twenty laws that hold would be split by surfaces, which moves kappa by up to 0.14 in simulated
suites."""

FloorOf = Callable[[Array], Floor]
"""Returns the floor of a domain from its log losses, (run,)."""


@dataclass(frozen=True, kw_only=True)
class SlopeSplit:
    """Law and split of one gap, one per draw; the first is the fit."""

    place: Place
    """Where the slope is split."""
    law: LossPower | None
    """The parametric law; None where a floor is not identified."""
    split: Split | None
    """The split; None where a floor is not identified."""
    by: str
    """`loss_to_loss` or `surfaces`; empty where a floor is not identified."""
    reason: str
    """Why a floor is not identified; empty where both are."""


def split_slope(
    points: RunPoints,
    score: Array | None,
    weights: Array,
    floor_of: FloorOf,
    through: float,
    level: float,
) -> SlopeSplit:
    """Split the slope of a gap at the reference compute.

    Args:
        points: runs with treatment and baseline.
        score: log loss that locates the optimum, (run,); None for the baseline's.
        weights: (draw, run); the first row is the fit.
        floor_of: fits the surfaces of a domain with these weights.
        through: p of `through_loss`, NaN where there is none.
        level: level of the intervals that must be inside the bounds of the floors.
    """
    try:
        baseline = floor_of(points.values[-1])
        located = baseline if score is None else floor_of(score)
    except FitError as error:
        place = observed_place(points, weights)
        return SlopeSplit(place=place, law=None, split=None, by="", reason=error.remarks[0])
    place = optimal_place(points, located.surfaces, baseline.surfaces) or observed_place(
        points, weights
    )
    if not baseline.gate.identified:
        reason = f"floor of the baseline: {baseline.gate.reason}"
        return SlopeSplit(place=place, law=None, split=None, by="", reason=reason)
    if through >= REJECTED:
        law = fit_treatment_floor(points, baseline.draws, weights)
        reason = gate_treatment_floor(
            points, law.floor_treatment, float(baseline.draws[0]), weights[0], level
        ).reason
        by = "loss_to_loss"
    else:
        treatment = floor_of(points.values[0])
        law, reason = _local_law(points, place, treatment, baseline, weights), treatment.gate.reason
        by = "surfaces"
    if reason:
        reason = f"floor of the treatment: {reason}"
        return SlopeSplit(place=place, law=None, split=None, by="", reason=reason)
    split = law.split(place.log_baseline, place.beta)
    return SlopeSplit(place=place, law=law, split=split, by=by, reason="")


def _local_law(
    points: RunPoints, place: Place, treatment: Floor, baseline: Floor, weights: Array
) -> LossPower:
    """Return the law that both surfaces follow near the place along its path.

    On the path `observed`, which has no sizes, it is the line of log R_t on log R_b over the runs.
    """
    if place.where is None:
        return fit_loss_power(points, treatment.draws, baseline.draws, weights)
    log_treatment, of_treatment = place.rho(treatment.surfaces)
    log_baseline, of_baseline = place.rho(baseline.surfaces)
    kappa = of_treatment / of_baseline
    return LossPower(
        floor_treatment=treatment.draws,
        floor_baseline=baseline.draws,
        kappa=kappa,
        log_coefficient=log_treatment - kappa * log_baseline,
    )
