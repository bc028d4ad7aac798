"""Predictions that are written down before a model is trained: `relscale plan predict`.

`register` predicts the losses and gaps of named models by the laws that `auto` chooses, with the
interval of one more run, next to two plain forecasts: the last value, and a power law of compute
without a floor. The file has digests of the table and of the code, and one of itself, so that
`relscale.planner.scored` can say that nothing was changed afterwards.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from relscale.config.base import Model
from relscale.contract.losses import LOSSES_KEY
from relscale.files import sha256_of
from relscale.laws.calibration import predicted_at
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.metric_fits import CorpusFits, MetricFits
from relscale.laws.paths import Paths
from relscale.laws.power import fit_power_law
from relscale.laws.predict import Subject, calibration_of, model_of, subjects_of
from relscale.planner.given_table import GivenTable, Losses
from relscale.planner.named_model import NamedModel
from relscale.planner.next_model import MOST_TIMES
from relscale.planner.registered_file import RegisteredFile
from relscale.provenance.code import code_digest

CODE = "relscale.laws.predict"
"""Module whose code makes the predictions."""
MIN_FRONTIER = 3
"""Runs on the frontier that a power law with an interval needs."""


class RegisteredValue(Model):
    """The prediction of one loss or gap of one model; numbers that are not known are null."""

    model: str
    """Name of the model."""
    metric: str
    """Metric."""
    domain: str
    """Treatment, or domain."""
    baseline: str
    """Baseline of the ratio; empty for a loss."""
    law: str
    """Law that was taken."""
    value: float | None
    """Predicted loss, or ratio."""
    ci_low: float | None
    """Lower end of the interval of the run's value."""
    ci_high: float | None
    """Upper end."""
    last_value: float | None
    """Value of the run with the largest compute."""
    power_law: float | None
    """Value of the power law of compute through the frontier."""
    power_law_ci_low: float | None
    """Lower end of its interval."""
    power_law_ci_high: float | None
    """Upper end."""
    status: str
    """Status of the law."""


class Register(RegisteredFile):
    """The file of registered predictions."""

    words = "a register of predictions"

    kind: Literal["relscale predictions"] = "relscale predictions"
    """Marks the file."""
    code: str
    """Digest of the code that predicted."""
    table: str
    """Name of the table's file."""
    table_sha256: str
    """SHA-256 of the file, or of the rows as CSV of a table without one."""
    settings: dict[str, Any]
    """Settings of the laws."""
    corpus: str
    """Corpus whose runs were fitted."""
    runs: tuple[str, ...]
    """Runs that were fitted."""
    left_out: tuple[str, ...]
    """Runs of the table that were left out."""
    level: float
    """Level of the intervals."""
    models: tuple[NamedModel, ...]
    """Models that are predicted."""
    predictions: tuple[RegisteredValue, ...]
    """Predictions."""

    def summary(self) -> str:
        """Return the models and the number of predictions in words."""
        known = sum(each.value is not None for each in self.predictions)
        models = ", ".join(
            f"{each.name} ({each.params:.3g} parameters, {each.tokens:.3g} tokens)"
            for each in self.models
        )
        return (
            f"{known} of {len(self.predictions)} losses and ratios predicted from "
            f"{len(self.runs)} runs of corpus {self.corpus} in {self.table} (SHA-256 "
            f"{self.table_sha256[:12]}..., code {self.code}): {models}\n"
        )


def register(
    losses: Losses,
    models: Sequence[NamedModel] = (),
    *,
    mapping: Path | str | None = None,
    corpus: str | None = None,
    leave_out: Sequence[str] = (),
    beyond: bool = False,
    **settings: Any,
) -> Register:
    """Predict the losses and gaps of named models, for a file that is scored later.

    Args:
        losses: table of the runs that are known, or its file.
        models: models to predict; runs that are left out are predicted as well.
        mapping: YAML file for a table that is laid out in another way.
        corpus: corpus of the table; the only one if left out.
        leave_out: runs of the table that are not fitted but predicted.
        beyond: whether models beyond 30 times the largest compute are predicted.
        **settings: `family`, `baseline`, `metric` and other fields of `LawSpec`.

    Raises:
        ValueError: for a table that cannot be used, a run that it lacks, no model, a model that was
            fitted, or one far beyond the data.
    """
    table = GivenTable.read(losses, mapping, **settings)
    return register_models(
        table,
        models,
        digest=_table_digest(losses, table),
        corpus=corpus,
        leave_out=leave_out,
        beyond=beyond,
    )


def register_models(
    table: GivenTable,
    models: Sequence[NamedModel] = (),
    *,
    digest: str | None = None,
    corpus: str | None = None,
    leave_out: Sequence[str] = (),
    beyond: bool = False,
) -> Register:
    """Predict as `register` does, from a table that was read.

    Args:
        table: runs that are known, and settings of their laws.
        models: as for `register`.
        digest: SHA-256 of the table's file; None for that of its rows as CSV.
        corpus: as for `register`.
        leave_out: as for `register`.
        beyond: as for `register`.

    Raises:
        ValueError: as `register`.
    """
    names = table.frame["run"].astype(str)
    missing = [run for run in leave_out if run not in set(names)]
    if missing:
        raise ValueError(f"--leave-out {missing[0]}: {table.where} has no such run")
    kept = table.without_runs(leave_out)
    fits = kept.corpus(corpus)
    wanted = (*models, *_left_out(table, fits.runs.corpus, leave_out))
    _check_models(wanted, fits, table.where, beyond)
    metrics = [metric.on_the_same_items() for metric in fits.metrics]
    values = tuple(value for metric in metrics for one in wanted for value in _values(metric, one))
    from relscale import __version__

    return Register(
        version=__version__,
        code=code_digest(CODE),
        table=Path(table.where).name,
        table_sha256=rows_digest(table.frame) if digest is None else digest,
        settings=table.spec.model_dump(mode="json", exclude_defaults=True),
        corpus=fits.runs.corpus,
        runs=tuple(sorted(fits.runs.runs)),
        left_out=tuple(sorted(leave_out)),
        level=table.spec.level,
        models=wanted,
        predictions=values,
    ).sealed()


def _left_out(table: GivenTable, corpus: str, leave_out: Sequence[str]) -> list[NamedModel]:
    """Return the runs that are left out, as models."""
    if not leave_out:
        return []
    fits = table.corpus(corpus)
    runs = {run: index for index, run in enumerate(fits.runs.runs)}
    found = []
    for run in leave_out:
        if run not in runs:
            raise ValueError(f"--leave-out {run}: corpus {corpus!r} has no such run")
        cell = fits.runs.run_cell[runs[run]]
        found.append(
            NamedModel(
                name=run,
                params=float(fits.runs.params_model[cell]),
                tokens=float(10 ** fits.runs.log10_tokens[cell]),
            )
        )
    return found


def _check_models(models: Sequence[NamedModel], fits: CorpusFits, where: str, beyond: bool) -> None:
    """Check that there are models, that they are not fitted, and not too far beyond the data.

    Raises:
        ValueError: naming the first model that is wrong.
    """
    if not models:
        raise ValueError("--model NAME=PARAMS,TOKENS or --leave-out RUN: state what is predicted")
    paths = Paths(runs=fits.runs, fits=fits.isoflop)
    seen: set[str] = set()
    for one in models:
        if one.name in fits.runs.runs:
            raise ValueError(
                f"--model {one.name}: {where} has this run, so that it would be fitted: name "
                "another model, or leave the run out (--leave-out)"
            )
        if one.name in seen:
            raise ValueError(f"--model {one.name}: named twice")
        seen.add(one.name)
        place = paths.model(float(np.log(one.params)), float(np.log(one.tokens)))
        times = float(np.exp(place.log_compute[0] - paths.compute_range[1]))
        if times > MOST_TIMES and not beyond:
            raise ValueError(
                f"--model {one.name}: has {times:.3g} times the largest compute of {where}; add "
                "--beyond to extrapolate"
            )


def _table_digest(losses: Losses, table: GivenTable) -> str:
    """Return the SHA-256 of the table's file, or of its rows."""
    if not isinstance(losses, pd.DataFrame) and Path(table.where).is_file():
        return sha256_of(Path(table.where))
    return rows_digest(table.frame)


def rows_digest(frame: pd.DataFrame) -> str:
    """Return the SHA-256 of the keys and values of a losses table as CSV."""
    key = [name for name in (*LOSSES_KEY, "value") if name in frame.columns]
    return hashlib.sha256(frame[key].to_csv(index=False).encode()).hexdigest()


def _values(fits: MetricFits, one: NamedModel) -> Iterator[RegisteredValue]:
    """Return the predictions of one metric of one model."""
    paths = Paths(runs=fits.runs, fits=fits.isoflop)
    place = paths.model(float(np.log(one.params)), float(np.log(one.tokens)))
    for subject in subjects_of(fits):
        plain = _plain(fits, subject, float(place.log_compute[0]))
        model = model_of(fits, subject)
        status, law, numbers = "ok", "", (np.nan, np.nan, np.nan)
        if isinstance(model, FitError):
            status = model.status.value
        else:
            law = model.choice.taken.name
            calibration = calibration_of(fits, bool(subject.baseline))
            found = predicted_at(model, place, calibration, new_run=True)
            middle, half = float(found.mean[0]), float(found.half_width[0])
            numbers = (middle, middle - half, middle + half)
        logs = [*numbers, *plain]
        value = [float(f"{np.exp(each):.8g}") if np.isfinite(each) else None for each in logs]
        yield RegisteredValue(
            model=one.name,
            metric=fits.metric,
            domain=subject.domain,
            baseline=subject.baseline,
            law=law,
            value=value[0],
            ci_low=value[1],
            ci_high=value[2],
            last_value=value[3],
            power_law=value[4],
            power_law_ci_low=value[5],
            power_law_ci_high=value[6],
            status=status,
        )


def _plain(fits: MetricFits, subject: Subject, log_compute: float) -> tuple[float, ...]:
    """Return logs of the last value, and of the power law with the ends of its interval.

    The power law is through the runs on the frontier: no run with as little compute has a lower
    score.
    """
    values = fits.values(subject.domain)
    if subject.baseline:
        values = values - fits.values(subject.baseline)
    compute = fits.runs.log_compute[fits.runs.run_cell]
    known = np.isfinite(values)
    if not known.any():
        return (np.nan,) * 4
    last = values[known][int(np.argmax(compute[known]))]
    best = known & on_frontier(compute, fits.runs.score)
    if len(np.unique(compute[best])) < MIN_FRONTIER:
        return float(last), np.nan, np.nan, np.nan
    law = fit_power_law(compute[best], values[best], fits.spec.level)
    middle = float(law.predict(log_compute))
    tail = 0.5 + fits.spec.level / 2
    half = float(stats.t.ppf(tail, law.dof) * law.prediction_error(log_compute, new_point=True))
    return float(last), middle, middle - half, middle + half


def on_frontier(log_compute: Array, score: Array) -> np.ndarray:
    """Return whether no run with at most as much compute has a lower score, (run,)."""
    scores = np.where(np.isfinite(score), score, np.inf)
    order = np.lexsort((scores, log_compute))
    lowest = np.minimum.accumulate(scores[order])
    found = np.zeros(len(scores), dtype=bool)
    found[order] = (scores[order] <= lowest) & np.isfinite(scores[order])
    return found
