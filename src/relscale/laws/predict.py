"""Laws read at named places: rows of the tables `curves` and `predicted`.

`Request` says where; `predicted_rows` returns the losses and gaps of a request.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.curves import READING
from relscale.laws.auto_model import AutoModel, auto_model
from relscale.laws.calibration import BackTest, Calibration, back_tests, predicted_at
from relscale.laws.fit_error import FitError
from relscale.laws.leave_future_out import Origin
from relscale.laws.metric_fits import MetricFits, Row
from relscale.laws.paths import Path, Paths
from relscale.laws.run_points import Places

GAP, VALUE = "gap", "value"
RATIO = "ratio"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Models at which laws are read."""

    at: tuple[float, ...] = ()
    """Compute in FLOPs, on the axis of the laws."""
    params: float | None = None
    """Parameters of a named model; None takes those of the path."""
    tokens: float | None = None
    """Tokens of a named model; None takes those of the path."""
    path: str | None = None
    """Name of the path; None for that of the law."""
    beyond: bool = False
    """Whether models outside the hull of the runs are answered."""

    def __post_init__(self) -> None:
        """Check that the request names models in one way.

        Raises:
            ValueError: naming the options that contradict each other, or a wrong number.
        """
        for option, values in (
            ("--at", self.at),
            ("--params", () if self.params is None else (self.params,)),
            ("--tokens", () if self.tokens is None else (self.tokens,)),
        ):
            for value in values:
                if not (np.isfinite(value) and value > 0):
                    raise ValueError(f"{option} is {value}: a positive number is needed")
        if self.path is not None:
            Path.read(self.path)
            if self.params is not None or self.tokens is not None:
                raise ValueError("--path and --params or --tokens name models in two ways: use one")
        named = (self.params is not None) + (self.tokens is not None)
        if named == 1 and not self.at:
            raise ValueError("--params or --tokens alone: add the other, or --at with the compute")
        if named == 2 and self.at:
            raise ValueError("--params and --tokens give the compute: leave --at out")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not self.at and self.params is None

    def places(self, paths: Paths, default: Path) -> tuple[str, Places]:
        """Return the path's name and the models.

        Raises:
            ValueError: for a model outside the hull of the runs without `beyond`.
            FitError: the path is `optimal`, and there are no optima.
        """
        if self.params is not None and self.tokens is not None:
            path, places = "model", paths.model(np.log(self.params), np.log(self.tokens))
            where = "a named model"
        else:
            chosen = default if self.path is None else Path.read(self.path)
            if self.params is not None:
                chosen = Path(kind="fixed_params", number=self.params)
            elif self.tokens is not None:
                chosen = Path(kind="fixed_tokens", number=self.tokens)
            path, places = chosen.name, paths.places(chosen, np.log(np.array(self.at)))
            where = f"path {path}"
        paths.check_inside(where, places, self.beyond)
        return path, places


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A gap or the value of a domain."""

    domain: str
    """Treatment, or domain."""
    baseline: str
    """Baseline of the gap; empty for a value."""

    @property
    def names(self) -> tuple[str, ...]:
        """The domains that are read."""
        return (self.domain, self.baseline) if self.baseline else (self.domain,)

    @property
    def labels(self) -> Row:
        """Columns that name the subject."""
        return {
            "domain": self.domain,
            "baseline": self.baseline,
            "quantity": GAP if self.baseline else VALUE,
            "scale": RATIO if self.baseline else "",
        }


def subjects_of(fits: MetricFits) -> Iterator[Subject]:
    """Return the values of all domains, then the gaps of all treatments."""
    for domain in fits.readings.domains:
        yield Subject(domain=domain, baseline="")
    for treatment in fits.treatments:
        yield Subject(domain=treatment, baseline=str(fits.spec.baseline))


def model_of(fits: MetricFits, subject: Subject) -> AutoModel | FitError:
    """Return the law of a subject, or its failure."""
    fitted = (
        fits.fit_gap("auto", subject.domain)
        if subject.baseline
        else fits.fit("auto", subject.domain)
    )
    if isinstance(fitted, FitError):
        return fitted
    return auto_model(fits.quantity_of(*subject.names))


def calibration_of(fits: MetricFits, gaps: bool, origin: Origin | None = None) -> Calibration:
    """Return the back-tests of all gaps, or of the values of all domains.

    Args:
        fits: one metric of one corpus.
        gaps: gaps or values.
        origin: errors known from the runs that it fits; None for all.
    """
    peers = fits.gaps if gaps else fits.losses
    key = "calibration" if origin is None else f"calibration {origin.axis} {origin.group}"
    if key not in peers.kept:
        tests: list[BackTest] = []
        for subject in subjects_of(fits):
            if bool(subject.baseline) == gaps:
                model = model_of(fits, subject)
                if isinstance(model, AutoModel):
                    tests += back_tests(model)
        peers.kept[key] = Calibration.of(tests, origin)
    found = peers.kept[key]
    assert isinstance(found, Calibration)
    return found


def predicted_rows(fits: MetricFits, request: Request) -> Iterator[Row]:
    """Return the rows of a request for one metric of one corpus; failures have a status.

    Raises:
        ValueError: as `Request.places`.
    """
    yield from rows_at(fits, lambda model: request.places(model.paths, model.path))


def rows_at(
    fits: MetricFits, places_of: Callable[[AutoModel], tuple[str, Places]]
) -> Iterator[Row]:
    """Return the rows of all laws of one metric of one corpus; failures have a status.

    Args:
        fits: the metric.
        places_of: gives the name of the path and the places where a law is read; may raise
            `FitError`.
    """
    for subject in subjects_of(fits):
        label = {**fits.label, **subject.labels}
        model = model_of(fits, subject)
        try:
            if isinstance(model, FitError):
                raise model
            path, places = places_of(model)
        except FitError as error:
            yield {**label, **nothing(error)}
            continue
        for row in reading_rows(fits, model, places, bool(subject.baseline)):
            yield {**label, "path": path, **row}


def nothing(error: FitError) -> Row:
    """Return the columns of a law that has no fit."""
    return {
        "path": "",
        "law": "",
        **dict.fromkeys(READING, float("nan")),
        "beyond": False,
        **status_columns(error.status, error.remarks),
    }


def reading_rows(fits: MetricFits, model: AutoModel, places: Places, is_gap: bool) -> Iterator[Row]:
    """Return the columns of a law read at places, from `law` on."""
    found = predicted_at(model, places, calibration_of(fits, is_gap))
    inside = model.paths.inside(places) & (found.horizon == 0)
    low, high = found.mean - found.half_width, found.mean + found.half_width
    notes = [model.choice.why, "" if model.has_interval else "no interval: too few runs"]
    for place, within in enumerate(inside):
        yield {
            "law": model.choice.taken.name,
            "compute": float(np.exp(places.log_compute[place])),
            "params": float(np.exp(places.log_params[place])),
            "tokens": float(np.exp(places.log_tokens[place])),
            "value": float(np.exp(found.mean[place])),
            "ci_low": float(np.exp(low[place])),
            "ci_high": float(np.exp(high[place])),
            "ci_level": fits.spec.level,
            "beyond": not within,
            "horizon": float(10 ** found.horizon[place]),
            "factor": float(found.factor[place]),
            **status_columns(Status.OK, notes),
        }
