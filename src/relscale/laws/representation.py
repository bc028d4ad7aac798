"""Corpora that differ in the shares of two domains' text: table `representation`.

With log G_c = log(L_A / L_B) of the runs of corpus c, the law of each corpus is
log G_c = level_c + dbeta_c (log F - log F_ref), with one F_ref for all. The difference in
differences is (level, dbeta) of the corpus that leans to A minus those of the one that leans to B:
what the two domains differ by in every corpus (difficulty, items, floors, baseline) is in both.
`dose` is the slope of level and dbeta in x_c = log(share of A / share of B) over all corpora, and
`middle` the distance of a corpus in between from the line through the outer two.

The same is computed of each domain's own log loss (scale `loss`, x_c = log of its share), and of
the gap of reducible losses, log(L_A - E_A) - log(L_B - E_B), with floors that are the same in every
corpus: those that the surfaces identify, and assumed ones, to show how much depends on them.
Read `fit_representation` first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import stats

from relscale.config.representation import Expectation, Representation
from relscale.contract.scales import RATIO, REDUCIBLE
from relscale.contract.status import Status, status_columns
from relscale.contract.tables.representation import REPRESENTATION
from relscale.laws.cells import Array
from relscale.laws.estimators.base import Quantity
from relscale.laws.estimators.linear import LinearEstimator
from relscale.laws.estimators.registry import ESTIMATORS
from relscale.laws.fit import corpora_of
from relscale.laws.fit_error import FitError
from relscale.laws.inputs import prepare
from relscale.laws.metric_fits import CorpusFits, MetricFits, Row
from relscale.laws.scales import Scaled
from relscale.laws.share_contrasts import LEVEL, QUANTITIES, SLOPE, Contrast, CorpusLaw, SharedLaws
from relscale.laws.shared_floors import SharedFloor, shared_floor
from relscale.laws.shared_items import shared_item_covariance
from relscale.laws.spec import RepresentationSpec
from relscale.laws.verdict import p_difference

ONE, DIFFERENCE, DOSE, MIDDLE = "corpus", "difference", "dose", "middle"
"""Kinds of rows."""
LOSS = "loss"
"""Scale of a domain's own log loss."""
NO_FLOORS, SURFACE = "none", "surface"
ASSUMED = (0.25, 0.5, 0.75)
"""Floors as shares of the lowest loss of a domain over all corpora, for the rows that show how much
the slope of reducible losses depends on them."""
AGREES, CONTRADICTS, UNDECIDED = "agrees", "contradicts", "undecided"
"""Answers to an expectation."""


@dataclass(frozen=True, kw_only=True)
class _Question:
    """The corpora of one metric, in the order of the configuration, and the question."""

    asked: Representation
    spec: RepresentationSpec
    corpora: Sequence[tuple[CorpusFits, MetricFits]]
    """Each with the second domain as the baseline."""
    log_reference: float
    """Natural log of the compute at which levels are read."""
    range: float
    """Natural log of the largest budget's compute over the smallest's."""
    _items: dict[str, tuple[Array, float] | None] = field(default_factory=dict)

    @property
    def fits(self) -> list[MetricFits]:
        """The fits of each corpus."""
        return [fits for _, fits in self.corpora]

    @property
    def names(self) -> list[str]:
        """The corpora."""
        return list(self.asked.corpora)

    def doses(self, subject: str) -> Array:
        """Return log odds of the shares, or the log share of one domain, (corpus,)."""
        if subject in self.asked.treatments:
            shares = self.asked.corpora
            return np.log([shares[name][subject] for name in self.names])
        return np.array([self.asked.log_odds(name) for name in self.names])

    def items(self, *domains: str) -> list[tuple[Array, float]] | None:
        """Return the item noise of domains over all corpora; None unless all have items."""
        found = []
        for domain in domains:
            if domain not in self._items:
                self._items[domain] = shared_item_covariance(self.corpora, domain)
            each = self._items[domain]
            if each is None:
                return None
            found.append(each)
        return found


def fit_representation(
    losses: pd.DataFrame,
    spec: RepresentationSpec,
    items: pd.DataFrame | None = None,
    optimum_losses: pd.DataFrame | None = None,
    where: str = "losses",
) -> pd.DataFrame:
    """Return the rows of the table `representation`.

    Args:
        losses: rows of the losses table, as for `relscale.laws.fit.fit_family`.
        spec: spec of the family's laws, with the question.
        items: rows of the items table; adds the noise of the shared items.
        optimum_losses: losses with the family `optimum_by`; None looks for it in `losses`.
        where: words for the losses table in errors.

    Raises:
        ValueError: as `fit_family`; naming a corpus or domain that the table lacks.
    """
    family, optimum = prepare(losses, spec, optimum_losses, where)
    found = {fits.runs.corpus: fits for fits in corpora_of(family, optimum, spec, items)}
    asked = spec.representation
    missing = [name for name in asked.corpora if name not in found]
    if missing:
        raise ValueError(
            f"{where}: laws.representation.corpora names {missing[0]}; the corpora of family"
            f" {spec.family!r} are {', '.join(found)}"
        )
    rows: list[Row] = []
    for place, metric in enumerate(spec.metrics):
        corpora = [
            (found[name], found[name].metrics[place].against(asked.treatments[1]))
            for name in asked.corpora
        ]
        for domain in asked.treatments:
            if any(fits.readings.missing(domain) for _, fits in corpora):
                raise ValueError(
                    f"{where}: domain {domain!r} of laws.representation has no value of {metric} in"
                    " every corpus"
                )
        compute = np.concatenate([fits.runs.log_compute for _, fits in corpora])
        question = _Question(
            asked=asked,
            spec=spec,
            corpora=corpora,
            log_reference=float((compute.min() + compute.max()) / 2),
            range=float(np.ptp(compute)),
        )
        rows.extend(_rows(question))
    return pd.DataFrame(rows, columns=list(REPRESENTATION.names))


def _rows(question: _Question) -> Iterator[Row]:
    """Return the rows of one metric."""
    first, second = question.asked.treatments
    gap = f"{first} / {second}"
    names = [name for name in question.spec.estimators if name in _linear()] or ["joint"]
    main = "joint" if "joint" in names else names[0]
    for name in dict.fromkeys([main, *names]):
        yield from _laws_rows(question, gap, RATIO, NO_FLOORS, name, _gaps(question))
    for domain in (first, second):
        of_domain = [fits.quantity_of(domain) for fits in question.fits]
        yield from _laws_rows(question, domain, LOSS, NO_FLOORS, main, of_domain)
    if question.spec.rises(question.fits[0].metric):
        return
    floors = [shared_floor(question.fits, domain) for domain in (first, second)]
    identified = [each for each in floors if isinstance(each, SharedFloor)]
    if len(identified) == len(floors):
        yield from _reducible_rows(question, main, SURFACE, identified)
    else:
        remarks = [each for each in floors if isinstance(each, str)]
        yield from _without(question, gap, REDUCIBLE, SURFACE, main, remarks)
    for share in ASSUMED:
        lowest = [
            min(float(np.exp(np.nanmin(fits.values(domain)))) for fits in question.fits)
            for domain in (first, second)
        ]
        assumed = [
            SharedFloor(value=share * each, drawn=np.array([]), corpora=()) for each in lowest
        ]
        yield from _reducible_rows(question, main, f"assumed {share:g}", assumed)


def _linear() -> dict[str, LinearEstimator]:
    """Return the estimators that are linear in the values of the sizes."""
    return {name: each for name, each in ESTIMATORS.items() if isinstance(each, LinearEstimator)}


def _gaps(question: _Question) -> list[Quantity]:
    """Return the gap of the two domains in each corpus."""
    return [fits.quantity_of(*question.asked.treatments) for fits in question.fits]


def _reducible_rows(
    question: _Question, estimator: str, name: str, floors: Sequence[SharedFloor]
) -> Iterator[Row]:
    """Return the rows of the gap of reducible losses."""
    first, second = question.asked.treatments
    values = np.array([each.value for each in floors])
    quantities = []
    for fits in question.fits:
        fresh = fits.against(second)  # keeps the quantity of one pair of floors
        ours, theirs = fresh.terms(first, second)
        scaled = Scaled.reducible(ours, theirs, values)
        quantities.append(fresh.scaled_quantity(scaled, first))
    drawn = np.stack([each.drawn for each in _equal(floors)], axis=1)  # (draw, 2)
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    remarks = [
        f"floors {first} {values[0]:.4g}, {second} {values[1]:.4g}",
        *(
            f"floor of {domain} from {' and '.join(each.corpora)}"
            for domain, each in zip((first, second), floors, strict=True)
            if each.corpora
        ),
    ]
    yield from _laws_rows(
        question,
        f"{first} / {second}",
        REDUCIBLE,
        name,
        estimator,
        quantities,
        _Floors(values=values, drawn=drawn, remarks=tuple(remarks)),
    )


def _equal(floors: Sequence[SharedFloor]) -> list[SharedFloor]:
    """Return floors with the same number of draws."""
    number = min(len(each.drawn) for each in floors)
    return [replace(each, drawn=each.drawn[:number]) for each in floors]


@dataclass(frozen=True, kw_only=True)
class _Floors:
    """Floors of the two domains, and remarks on them."""

    values: Array
    """(2,)."""
    drawn: Array
    """(draw, 2); no draws for assumed floors."""
    remarks: tuple[str, ...]


def _laws_rows(
    question: _Question,
    subject: str,
    scale: str,
    floors_name: str,
    estimator: str,
    quantities: Sequence[Quantity],
    floors: _Floors | None = None,
) -> Iterator[Row]:
    """Return the rows of one quantity: of each corpus, and the contrasts of corpora."""
    try:
        laws = [
            CorpusLaw.of(_linear()[estimator], each, question.log_reference) for each in quantities
        ]
    except (FitError, np.linalg.LinAlgError) as error:
        remarks = list(error.remarks) if isinstance(error, FitError) else [f"no solution: {error}"]
        status = error.status if isinstance(error, FitError) else Status.NO_VARIATION
        yield from _without(question, subject, scale, floors_name, estimator, remarks, status)
        return
    shared = _shared(question, subject, laws, quantities, floors)
    level = shared.contrast(_ends(question)).values[0]
    margin = max(question.spec.margin_share * abs(float(level)), question.spec.margin_floor)
    for kind, corpus, weights, dose in _contrasts(question, subject):
        found = shared.contrast(weights)
        used = [law for law, weight in zip(laws, weights, strict=True) if weight]
        notes = dict.fromkeys(note for law in used for note in law.reading.notes)
        for place, quantity in enumerate(QUANTITIES):
            of_margin = margin / question.range if quantity == SLOPE else margin
            yield {
                **_key(question, corpus, subject, kind, scale, floors_name, estimator, quantity),
                "log_share": dose,
                **_interval(found, place, question.spec.level),
                "margin": of_margin if kind == DIFFERENCE else float("nan"),
                **_answer(question, (kind, scale, subject, estimator), quantity, found, of_margin),
                "num_runs": sum(law.num_runs for law in used),
                **status_columns(Status.OK, [*(floors.remarks if floors else ()), *notes]),
            }


def _shared(
    question: _Question,
    subject: str,
    laws: Sequence[CorpusLaw],
    quantities: Sequence[Quantity],
    floors: _Floors | None,
) -> SharedLaws:
    """Return the laws of all corpora with the noise of the shared items."""
    domains = (subject,) if subject in question.asked.treatments else question.asked.treatments
    noise = question.items(*domains)
    covariance, dof = None, float("inf")
    if noise is not None:
        covariance, dof = np.zeros_like(noise[0][0]), min(each for _, each in noise)
        for place, (each, _) in enumerate(noise):
            rates = np.ones(len(each))
            if floors is not None:
                loss = np.exp(
                    np.concatenate([fits.values(domains[place]) for fits in question.fits])
                )
                rates = np.nan_to_num(loss / (loss - floors.values[place]))
            covariance = covariance + np.outer(rates, rates) * each
    moved = None if floors is None or not len(floors.drawn) else _moved(question, laws, floors)
    return SharedLaws(
        laws=laws,
        known=[np.isfinite(each.values) for each in quantities],
        items=covariance,
        items_dof=dof,
        level=question.spec.level,
        floors=moved,
    )


def _moved(question: _Question, laws: Sequence[CorpusLaw], floors: _Floors) -> Array:
    """Return level and slope of each corpus for drawn floors, (draw, corpus, 2)."""
    found = np.empty((len(floors.drawn), len(laws), 2))
    for place, (law, fits) in enumerate(zip(laws, question.fits, strict=True)):
        values = np.stack([np.exp(fits.values(name)) for name in question.asked.treatments])
        known = np.isfinite(values).all(axis=0)
        left = np.where(known, values, 1.0)[None] - floors.drawn[:, :, None]  # (draw, 2, run)
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = np.where(known, np.log(left[:, 0]) - np.log(left[:, 1]), 0.0)
        found[:, place] = gap @ law.averaging(known).T @ law.rows.T
    return found[np.isfinite(found).all(axis=(1, 2))]


def _ends(question: _Question) -> Array:
    """Return the weights of the difference in differences, (corpus,)."""
    leaning, other = question.asked.ends()
    return np.array([float(name == leaning) - float(name == other) for name in question.names])


def _contrasts(question: _Question, subject: str) -> Iterator[tuple[str, str, Array, float]]:
    """Yield kind, corpora, weights and dose of each contrast."""
    names, doses = question.names, question.doses(subject)
    for place, name in enumerate(names):
        yield ONE, name, np.eye(len(names))[place], float(doses[place])
    leaning, other = question.asked.ends()
    ends = _ends(question)
    yield DIFFERENCE, f"{leaning} - {other}", ends, float(ends @ doses)
    if len(names) < 3:
        return
    away = doses - doses.mean()
    yield DOSE, "all", away / np.sum(away**2), float("nan")
    low, high = int(np.argmin(doses)), int(np.argmax(doses))
    for place, name in enumerate(names):
        if place in (low, high):
            continue
        share = (doses[place] - doses[low]) / (doses[high] - doses[low])
        weights = np.eye(len(names))[place].copy()
        weights[low] -= 1 - share
        weights[high] -= share
        yield MIDDLE, name, weights, float(doses[place])


def _interval(found: Contrast, place: int, level: float) -> Row:
    """Return value and interval of level (0) or slope (1)."""
    value, error = float(found.values[place]), float(np.sqrt(found.variance[place]))
    dof = float(found.dof[place])
    t = float(stats.t.ppf(0.5 + level / 2, dof)) if dof > 0 else float("nan")
    return {
        "value": value,
        "standard_error": error,
        "dof": dof,
        "ci_low": value - t * error,
        "ci_high": value + t * error,
        "p_difference": p_difference(value, error, dof),
        "item_share": float(found.item_share[place]),
    }


def _key(question: _Question, *names: str) -> Row:
    """Return the columns that name a row."""
    corpus, subject, kind, scale, floors, estimator, quantity = names
    return {
        "corpus": corpus,
        "family": question.spec.family,
        "metric": question.fits[0].metric,
        "subject": subject,
        "kind": kind,
        "scale": scale,
        "floors": floors,
        "estimator": estimator,
        "quantity": quantity,
    }


def _answer(
    question: _Question,
    row: tuple[str, str, str, str],
    quantity: str,
    found: Contrast,
    margin: float,
) -> Row:
    """Return the expectation of a row, its day, and whether the result agrees."""
    kind, scale, subject, _ = row
    written = question.asked.expectation
    expected = None
    if written is not None and kind == DIFFERENCE and subject not in question.asked.treatments:
        expected = _expected(written).get((scale, quantity))
    if written is None or expected is None:
        return {"expected": "", "written": "", "agreement": ""}
    interval = _interval(found, QUANTITIES.index(quantity), question.spec.level)
    low, high = (float(str(interval[name])) for name in ("ci_low", "ci_high"))
    return {
        "expected": expected,
        "written": written.written.isoformat(),
        "agreement": agreement(expected, low, high, margin),
    }


def _expected(written: Expectation) -> Mapping[tuple[str, str], str]:
    """Return the expected signs by scale and quantity."""
    return {
        (RATIO, LEVEL): written.level,
        (RATIO, SLOPE): written.slope_ratio,
        (REDUCIBLE, SLOPE): written.slope_reducible,
    }


def agreement(expected: str, low: float, high: float, margin: float) -> str:
    """Compare an interval with an expected sign.

    `zero` is agreed with where the whole interval is within the margin, and contradicted where 0 is
    outside the interval.

    Examples:
        >>> agreement("negative", -0.3, -0.1, 0.02)
        'agrees'
        >>> agreement("zero", -0.01, 0.03, 0.02)
        'undecided'
    """
    if not (np.isfinite(low) and np.isfinite(high)):
        return UNDECIDED
    if expected == "zero":
        if low > 0 or high < 0:
            return CONTRADICTS
        return AGREES if max(-low, high) <= margin else UNDECIDED
    sign = 1 if expected == "positive" else -1
    low, high = sorted((sign * low, sign * high))
    if low > 0:
        return AGREES
    return CONTRADICTS if high < 0 else UNDECIDED


def _without(
    question: _Question,
    subject: str,
    scale: str,
    floors: str,
    estimator: str,
    remarks: Sequence[str],
    status: Status = Status.NOT_IDENTIFIED,
) -> Iterator[Row]:
    """Return the rows of the difference in differences without an estimate."""
    leaning, other = question.asked.ends()
    for quantity in QUANTITIES:
        yield {
            **_key(
                question,
                f"{leaning} - {other}",
                subject,
                DIFFERENCE,
                scale,
                floors,
                estimator,
                quantity,
            ),
            "expected": "",
            "written": "",
            "agreement": "",
            **status_columns(status, [remark.replace(";", ",") for remark in remarks]),
        }
