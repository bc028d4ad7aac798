"""The candidates for one quantity, and the choice among them by the errors of its family."""

import numpy as np
from scipy import stats

from relscale.contract.scales import DIFFERENCE
from relscale.contract.status import Status
from relscale.laws.candidates import Candidates, LossLaws
from relscale.laws.choice import Choice, Ranking, Trials, choose, try_laws
from relscale.laws.estimators.base import Quantity
from relscale.laws.estimators.joint import Joint
from relscale.laws.estimators.vertex import Vertex
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.leave_future_out import Origin
from relscale.laws.paths import OPTIMAL, Path, Paths
from relscale.laws.run_points import RunPoints, run_points

RISING_P = 1e-3
"""p value below which a loss is taken to rise with compute; far from chance, since a law of losses
is not tried then."""


def choice_of(
    quantity: Quantity, trials: Trials, origin: Origin | None = None, pooled: bool = True
) -> Choice:
    """Choose a law by the errors of the family, or of the quantity alone where it has few peers.

    Args:
        quantity: a gap or a loss.
        trials: the candidates fitted to it.
        origin: choose by the runs that it fits; None by all.
        pooled: whether errors are pooled over the family.
    """
    if origin is not None:
        trials = trials.before(origin.group, origin.axis)
    ranking = _family_ranking(quantity, origin) if pooled else None
    return choose(trials, ranking or Ranking.of_runs(trials))


def _family_ranking(quantity: Quantity, origin: Origin | None) -> Ranking | None:
    if quantity.peers is None:
        return None
    key = "ranking" if origin is None else f"ranking {origin.axis} {origin.group}"
    kept = quantity.peers.kept
    if key not in kept:
        found = [_trials_or_none(peer) for peer in quantity.peers.quantities()]
        family = [trials for trials in found if trials is not None]
        kept[key] = Ranking.of_family(
            family
            if origin is None
            else [trials.before(origin.group, origin.axis) for trials in family]
        )
    ranking = kept[key]
    assert ranking is None or isinstance(ranking, Ranking)
    return ranking


def joint_of(quantity: Quantity, below: int | None) -> GapFit | None:
    """Return the fit of `joint`; None where the budgets have no optima."""
    try:
        return Joint(Vertex()).fit(quantity, below)
    except FitError:
        return None


def paths_of(quantity: Quantity) -> Paths:
    """Return the paths through the runs of a corpus; they are kept with its surfaces."""
    paths = quantity.reader.kept.setdefault("paths", Paths(runs=quantity.runs, fits=quantity.fits))
    assert isinstance(paths, Paths)
    return paths


def points_of(quantity: Quantity, below: int | None) -> RunPoints:
    """Return the runs of a quantity.

    Raises:
        FitError: there are fewer than two, or they have the same compute.
    """
    points = run_points(quantity.runs, *(term.log_error for term in quantity.terms))
    if below is not None:
        points = points.where(points.budget < below)
    if points.num_runs < 2 or len(np.unique(np.round(points.log_compute, 9))) < 2:
        raise FitError(
            Status.TOO_FEW_BUDGETS,
            f"{points.num_runs} run(s) at one compute, a law needs runs at two: add runs with more "
            "or less compute",
        )
    return points


def _loss_laws(quantity: Quantity) -> LossLaws:
    reader = quantity.reader
    laws = reader.kept.get("loss laws") or LossLaws.of(reader.expected)
    reader.kept["loss laws"] = laws
    assert isinstance(laws, LossLaws)
    return laws


def trials_of(quantity: Quantity, below: int | None = None) -> Trials:
    """Return the candidates fitted to a quantity; they are kept with it."""
    key = f"trials {below}"
    if key not in quantity.kept:
        joint, paths = joint_of(quantity, below), paths_of(quantity)
        path = Path(kind=OPTIMAL) if joint is not None else paths.default
        design = Candidates(
            paths=paths,
            path=path,
            isoflop=joint is not None,
            rises=quantity.rises or losses_rise(quantity, below),
            laws=_loss_laws(quantity),
            mirrored=quantity.scale == DIFFERENCE,
        )
        is_gap = len(quantity.terms) == 2
        laws = design.gap_laws() if is_gap else design.loss_laws()
        axes = design.axes_of_gaps if is_gap else design.axes_of_losses
        quantity.kept[key] = try_laws(points_of(quantity, below), laws, axes)
    found = quantity.kept[key]
    assert isinstance(found, Trials)
    return found


def losses_rise(quantity: Quantity, below: int | None = None) -> bool:
    """Return whether the loss of a domain rises with compute by more than chance.

    Laws of a loss, E + A / N^a + B / D^b and those of compute, fall in all of their arguments. A
    domain unlike the corpus, such as old spelling, may become less probable as models learn the
    corpus; the gap then has a law of its own only.

    Args:
        quantity: a gap or a loss.
        below: use only budgets with a lower index.
    """
    runs = quantity.runs
    compute = runs.log_compute[runs.run_cell]
    kept = np.ones(len(compute), dtype=bool)
    if below is not None:
        kept = runs.cell_budget[runs.run_cell] < below
    for term in quantity.terms:
        known = kept & np.isfinite(term.log_error)
        if known.sum() < 3 or not np.ptp(compute[known]) > 0:
            continue
        fit = stats.linregress(compute[known], term.log_error[known])
        if fit.slope > 0 and fit.pvalue < RISING_P:
            return True
    return False


def _trials_or_none(quantity: Quantity) -> Trials | None:
    try:
        return trials_of(quantity)
    except FitError:
        return None
