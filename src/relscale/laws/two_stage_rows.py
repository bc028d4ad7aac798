"""The two stages of one suite: what they are fitted to, and the rows of two_stage.csv and
predictions.csv.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from relscale.contract.status import status_columns
from relscale.laws.cells import RISING, Array, SuiteRuns, readings_of
from relscale.laws.fit_error import FitError
from relscale.laws.isoflop import IsoflopFits
from relscale.laws.job import Job, Rows
from relscale.laws.outside_models import OutsideModel, outside_failures
from relscale.laws.settings import LawSettings
from relscale.laws.surface import Flags
from relscale.laws.surface_gap import SurfaceReader
from relscale.laws.two_stage_table import KINDS, Pairs, prediction_rows, sigmoid_columns


def check_two_stages(
    family: pd.DataFrame, settings: LawSettings, outside: Sequence[OutsideModel]
) -> None:
    """Check that a family with a chance level has both metrics, and that outside models belong
    somewhere.

    Raises:
        ValueError: naming the metric, or the model and what would be right.
    """
    if settings.chance is None:
        if outside:
            raise ValueError(
                f"outside models: family {settings.family!r} has no two-stage law: give the accuracy of guessing (chance)"
            )
        return
    present = sorted(family["metric"].unique())
    for key, rising in (("loss_metric", False), ("accuracy_metric", True)):
        metric = getattr(settings, key)
        if metric not in present:
            raise ValueError(
                f"{key} is {metric!r}: family {settings.family!r} has no such metric for its two-stage law; it has {', '.join(present)}"
            )
        if (metric in RISING) != rising:
            raise ValueError(
                f"{key} is {metric!r}: {'an accuracy' if rising else 'an error that falls with compute'} is needed"
            )
    for key in ("domain", "corpus"):
        choices = sorted(family[key].astype(str).unique())
        for model in outside:
            if getattr(model, key) and getattr(model, key) not in choices:
                raise ValueError(
                    f"outside model {model.name!r}: {key} is {getattr(model, key)!r}; the choices are {', '.join(choices)}"
                )


def two_stage_rows(
    family: pd.DataFrame,
    runs: SuiteRuns,
    fits: IsoflopFits,
    reader: SurfaceReader,
    settings: LawSettings,
    outside: Sequence[OutsideModel],
    rows: dict[str, Rows],
) -> None:
    """Accuracy against loss, and from compute, for every domain of a suite that has both; arguments
    as in `fit.fit_family`.
    """
    assert settings.chance is not None
    metrics = settings.loss_metric, settings.accuracy_metric
    jobs = {}
    for metric in metrics:
        readings = readings_of(family, runs, metric)
        jobs[metric] = Job(
            runs=runs,
            fits=fits,
            metric=metric,
            readings=readings,
            noise={},
            settings=settings,
            reader=reader,
        )
    loss, accuracy = (jobs[metric].readings for metric in metrics)
    names = {"loss_metric": metrics[0], "accuracy_metric": metrics[1]}
    for domain in (name for name in loss.domains if name in accuracy.domains):
        label = {"corpus": runs.corpus, "family": settings.family, "domain": domain, **names}
        pairs, known = _pairs(family, runs, domain, jobs, metrics)
        notes = accuracy.lacking(np.where(known, 1.0, np.nan), runs)
        rows["two_stage"].append(
            {
                **label,
                **sigmoid_columns(pairs, settings.chance, settings.level, notes, settings.seed),
            }
        )
        estimator = settings.estimators[0]
        label |= {"estimator": estimator}
        beside = [model for model in outside if model.belongs(runs.corpus, domain)]
        try:
            points = [jobs[metric].fit(estimator, domain) for metric in metrics]
        except FitError as error:
            empty = (
                "compute",
                "observed_loss",
                "loss",
                "accuracy",
                "ci_low",
                "ci_high",
                "observed",
            )
            nothing = {
                **dict.fromkeys(empty, float("nan")),
                "budget": "",
                "model": "",
                **status_columns(error.status, error.remarks),
            }
            rows["predictions"].extend({**label, **nothing, "kind": kind} for kind in KINDS)
            rows["predictions"].extend({**label, **row} for row in outside_failures(beside, error))
            continue
        predicted = prediction_rows(
            pairs,
            points[0],
            points[1],
            runs.budgets,
            settings.chance,
            settings.level,
            settings.seed,
            beside,
        )
        rows["predictions"].extend({**label, **row} for row in predicted)


def _pairs(
    family: pd.DataFrame,
    runs: SuiteRuns,
    domain: str,
    jobs: Mapping[str, Job],
    metrics: tuple[str, str],
) -> tuple[Pairs, Flags]:
    """Return a domain's runs with both metrics, and which those are, (run,)."""
    x, y = (np.exp(jobs[metric].values(domain)) for metric in metrics)
    known = np.isfinite(x) & np.isfinite(y)
    budget = runs.cell_budget[runs.run_cell]
    items = _column(family, runs, domain, metrics[1], "num_items", known)
    errors = _column(family, runs, domain, metrics[0], "standard_error", known)
    return Pairs(
        loss=x[known], accuracy=y[known], budget=budget[known], num_items=items, loss_error=errors
    ), known


def _column(
    family: pd.DataFrame, runs: SuiteRuns, domain: str, metric: str, column: str, known: Flags
) -> Array | None:
    """A column of the losses table for known runs, (run,); None unless all are above 0."""
    if column not in family.columns:
        return None
    frame = family[
        (family["corpus"] == runs.corpus)
        & (family["domain"] == domain)
        & (family["metric"] == metric)
    ]
    values = (
        frame.set_index("run")[column].reindex(list(runs.runs)).to_numpy(dtype=np.float64)[known]
    )
    return values if len(values) and np.all(np.isfinite(values) & (values > 0)) else None
