"""Losses of treatments as functions of the baseline's loss: table `loss_to_loss`.

Over all runs of a corpus, whatever their sizes and token counts: the working law
log G = c0 + c1 log L_b + c2 (log L_b)^2, the parametric law L_t = E_t + K (L_b - E_b)^kappa, the
split of the slope dbeta into floor effect and rate effect, and the test whether size and data
matter once the loss is given.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.loss_to_loss import LOSS_TO_LOSS
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.floors import Floor, fit_floor, identify_floors
from relscale.laws.gap_laws.loss_to_loss import FittedLossToLoss, LossToLoss
from relscale.laws.identifiability import Identification
from relscale.laws.law import Law, per_metric
from relscale.laws.leave_future_out import future_splits, root_mean_square
from relscale.laws.loss_power import sensitivity_band
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.reference_place import Place
from relscale.laws.refits import MOST_LOST, pairs_weights, refit_interval
from relscale.laws.run_points import RunPoints, run_points
from relscale.laws.slope_split import SlopeSplit, split_slope
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.expected import ExpectedLosses
from relscale.laws.through_loss import through_loss

TABLE = LOSS_TO_LOSS

DRAWS = 1000
"""At most: 2.5 % quantiles of 1,000 refits are good to a tenth of a standard error."""
MOST_ENTRIES = 1_000_000
"""Draws x runs, so that memory stays within a few hundred megabytes."""
FEWEST_DRAWS = 200
"""Draws that any number of runs gets."""

_NAN = float("nan")


def fit(fits: MetricFits) -> Iterator[Row]:
    """Return one row per treatment; a failure becomes the status."""
    surfaces = Surfaces(level=fits.spec.level, expected=fits.reader.expected)
    for treatment in fits.treatments:
        baseline = str(fits.spec.baseline)
        label = {**fits.label, "treatment": treatment, "baseline": baseline}
        label |= {"compute": fits.spec.compute}
        if fits.readings.missing(treatment, baseline):
            lost = fits.readings.missing(baseline)
            status = Status.BASELINE_MISSING if lost else Status.DOMAIN_MISSING
            yield {**label, **_nothing(0), **status_columns(status)}
            continue
        remarks = fits.remarks(fits.log_gap(treatment), treatment, baseline)
        points = run_points(fits.runs, fits.values(treatment), fits.values(baseline))
        try:
            if fits.spec.rises(fits.metric):
                raise FitError(Status.RISING_METRIC, "loss-to-loss laws are of losses")
            row = gap_row(points, _score(fits, points, treatment), fits.spec, surfaces, remarks)
        except FitError as error:
            row = _nothing(points.num_runs)
            row |= status_columns(error.status, [*error.remarks, *remarks])
        yield {**label, **row}


@dataclass(frozen=True, kw_only=True)
class Surfaces:
    """Surfaces of domains with their refits, fitted once each."""

    level: float
    """Level of the floors' intervals."""
    expected: ExpectedLosses | None = None
    """Values of domains whose surfaces are judged at once."""
    _evidence: dict[tuple[bytes, ...], Identification] = field(default_factory=dict, repr=False)
    _kept: dict[tuple[bytes, ...], Floor | FitError] = field(default_factory=dict, repr=False)

    def floor(self, points: RunPoints, values: Array, weights: Array) -> Floor:
        """Return the floor of a domain, as `fit_floor`.

        The weights are those of `pairs_weights`, which the number of runs determines.
        """
        key = tuple(array.tobytes() for array in (points.cell, values))
        if key not in self._kept:
            try:
                evidence = self._judged(points, values, weights[0])
                self._kept[key] = fit_floor(points, values, weights, self.level, evidence)
            except FitError as error:
                self._kept[key] = error
        found = self._kept[key]
        if isinstance(found, FitError):
            raise found
        return found

    def _judged(self, points: RunPoints, values: Array, weights: Array) -> Identification:
        """Return whether runs identify the surface of a domain; all domains are judged at once."""
        cells, own = points.cell.tobytes(), values.tobytes()
        if (cells, own) not in self._evidence:
            expected = () if self.expected is None else self.expected.like(points, means=False)
            together = {each[0].tobytes(): each[0] for each in expected} | {own: values}
            stacked = np.stack(list(together.values()))
            found = identify_floors(points, stacked, weights, self.level)
            for name, evidence in zip(together, found, strict=True):
                self._evidence[cells, name] = evidence
        return self._evidence[cells, own]


def gap_row(
    points: RunPoints,
    score: Array | None,
    spec: LawSpec,
    surfaces: Surfaces,
    remarks: Sequence[str] = (),
) -> Row:
    """Fit the laws of one gap.

    Args:
        points: runs with treatment and baseline.
        score: log loss that locates the optimum, (run,); None for the baseline's.
        spec: level, draws and seed.
        surfaces: surfaces that are kept between treatments.
        remarks: further notes for the reader.

    Returns:
        The columns of the table from `c0` on.

    Raises:
        FitError: there is no working law.
    """
    if points.num_runs and np.all(points.log_gap == 0):
        raise FitError(Status.IDENTICAL, "treatment and baseline have the same loss in every run")
    room = max(FEWEST_DRAWS, MOST_ENTRIES // max(points.num_runs, 1))
    weights = pairs_weights(points.num_runs, min(spec.draws, DRAWS, room), spec.seed)
    law = LossToLoss().fit(points, weights)
    notes = list(law.remarks)
    try:
        through = through_loss(points).p
    except FitError as error:
        through, notes = _NAN, [*notes, f"no test of the loss: {error.remarks[0]}"]

    def floor_of(values: Array) -> Floor:
        return surfaces.floor(points, values, weights)

    split = split_slope(points, score, weights, floor_of, through, spec.level)
    row = _working_columns(points, law) | {"through_loss_p": through}
    row |= _place_columns(split.place, law, spec.level, points.num_runs)
    row |= {"split_by": split.by, **_split_columns(split, spec.level, points.num_runs)}
    band = sensitivity_band(points, float(split.place.log_baseline[0]), float(split.place.beta[0]))
    for name, ends in (
        ("kappa", band.kappa),
        ("dbeta_floor", band.floor),
        ("dbeta_rate", band.rate),
    ):
        row |= {f"{name}_lowest": ends[0], f"{name}_highest": ends[1]}
    row |= {"draws": len(weights) - 1, "num_runs": points.num_runs}
    status = Status.FLOORS_NOT_IDENTIFIED if split.reason else Status.OK
    return row | status_columns(status, [split.reason, *notes, *remarks])


def _score(fits: MetricFits, points: RunPoints, treatment: str) -> Array | None:
    """Return the loss that locates the optimum at the points, None if a run lacks it."""
    known = np.isfinite(fits.log_gap(treatment))
    score = fits.runs.score[known]
    return score if len(score) == points.num_runs and np.isfinite(score).all() else None


def _nothing(num_runs: int) -> Row:
    """Return the columns of a row without a law."""
    columns = TABLE.between("c0", "draws")
    row: Row = {name: "" if TABLE.columns[name] == "text" else _NAN for name in columns}
    return row | {"draws": 0, "num_runs": num_runs}


def _working_columns(points: RunPoints, law: FittedLossToLoss) -> Row:
    """Return coefficients, nearness and errors at held-out runs of the working law."""
    powers = law.curve.powers()
    lost = np.mean(np.isnan(powers[1:]).any(axis=1)) > MOST_LOST
    row: Row = {}
    for index, name in enumerate(("c0", "c1", "c2")[: law.degree + 1]):
        row[name] = float(powers[0, index])
        row[f"{name}_standard_error"] = (
            _NAN if lost else float(np.nanstd(powers[1:, index], ddof=1))
        )
    if law.degree == 1:
        row |= {"c2": _NAN, "c2_standard_error": _NAN}
    found, unchanged = held_out_errors(points)
    return row | {
        "nearness": law.share,
        "held_out_error_percent": found,
        "held_out_unchanged_percent": unchanged,
    }


def held_out_errors(points: RunPoints) -> tuple[float, float]:
    """Return errors of log G in percent where the highest compute is held out, as in `choice`.

    Returns:
        The root mean square error of the working law given the baseline's loss, and that of "the
        gap stays as it is": the mean log G of the highest group of compute that is left. NaN
        without enough runs.
    """
    splits = future_splits(points)
    if not splits.origins:
        return _NAN, _NAN
    last = splits.origins[-1]
    held, gap = ~last.train, points.log_gap
    unchanged = float(gap[splits.group == last.group - 1].mean())
    try:
        law = LossToLoss().fit(points, last.train[None, :].astype(np.float64))
    except FitError:
        return _NAN, 100 * root_mean_square(unchanged - gap[held])
    predicted = law.log_gap(points.places)[0]
    return (
        100 * root_mean_square((predicted - gap)[held]),
        100 * root_mean_square(unchanged - gap[held]),
    )


def _place_columns(place: Place, law: FittedLossToLoss, level: float, num_runs: int) -> Row:
    """Return path, reference compute and the working law's slope there."""
    slope = law.curve.slope(place.log_baseline[:, None])[:, 0]
    row: Row = {"path": place.path, "reference_compute": float(np.exp(place.log_compute))}
    return row | _with_interval("dbeta", -slope * place.beta, level, num_runs)


def _split_columns(found: SlopeSplit, level: float, num_runs: int) -> Row:
    """Return the parametric law and the split, empty where a floor is not identified."""
    law, split = found.law, found.split
    draws: Mapping[str, Array] = {}
    if law is not None and split is not None:
        draws = {
            "kappa": law.kappa,
            "coefficient": np.exp(law.log_coefficient),
            "floor_treatment": law.floor_treatment,
            "floor_baseline": law.floor_baseline,
            "reducible_share_treatment": split.share_treatment,
            "reducible_share_baseline": split.share_baseline,
            "rho": split.rho,
            "dbeta_floor": split.floor,
            "dbeta_rate": split.rate,
        }
    row: Row = dict.fromkeys(TABLE.between("kappa", "kappa_lowest"), _NAN)
    for name, values in draws.items():
        row |= _with_interval(name, values, level, num_runs)
    return row


def _with_interval(name: str, draws: Array, level: float, num_runs: int) -> Row:
    """Return an estimate and its interval over refits."""
    low, high = refit_interval(draws, level, num_runs)
    return {name: float(draws[0]), f"{name}_ci_low": low, f"{name}_ci_high": high}


LAW = Law(table=TABLE, fit=per_metric(fit))
