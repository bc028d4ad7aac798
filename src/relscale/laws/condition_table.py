"""Laws of training conditions of every corpus that has arms: table `conditions`.

Read `fit_conditions` first. The runs of a corpus and of the arms that change one condition alone
are fitted together, one point per size, budget and condition with the seeds averaged.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from relscale.contract.status import Status
from relscale.contract.tables.conditions import CONDITIONS
from relscale.laws.cells import Array
from relscale.laws.classical.conditions import CONDITION_LAWS, ConditionLaw
from relscale.laws.classical.fitting import DomainLosses, FamilyFits
from relscale.laws.classical.form import Axes
from relscale.laws.classical.quality import QUALITY
from relscale.laws.classical.repetition import UNIQUE
from relscale.laws.classical.width_depth import ASPECT
from relscale.laws.conditions_spec import ConditionsSpec
from relscale.laws.critical_batch import critical_batch_rows
from relscale.laws.fit_error import FitError
from relscale.laws.metric_fits import Row
from relscale.laws.tables.classical import law_rows

TABLE = CONDITIONS
CELL = ["corpus", "budget", "width", "layers", "batch_size"]
"""Columns that runs of one point share."""


def fit_conditions(losses: pd.DataFrame, suite: pd.DataFrame, spec: ConditionsSpec) -> pd.DataFrame:
    """Fit the laws of training conditions.

    Args:
        losses: rows of the losses table of one family.
        suite: rows of suite.csv, with all runs of `losses`.
        spec: metrics, compute axis, level and arms.

    Returns:
        Rows of `CONDITIONS`: a row per corpus with arms, domain, law and parameter.

    Raises:
        ValueError: naming runs of `losses` that are not in `suite`.
    """
    rows: list[Row] = []
    for points in _points(losses, suite, spec):
        label = {
            "corpus": points.corpus,
            "family": spec.family,
            "domain": points.domain,
            "metric": points.metric,
            "ci_level": spec.level,
        }
        for law in CONDITION_LAWS.values():
            rows += [label | row for row in _law_rows(law, points, spec)]
        rows += [label | row for row in critical_batch_rows(points.cells, spec)]
    return pd.DataFrame(rows, columns=list(TABLE.names))


@dataclass(frozen=True, kw_only=True)
class Points:
    """Points of one corpus and its arms, for one domain and metric."""

    corpus: str
    domain: str
    metric: str
    cells: pd.DataFrame
    """A row per point: the columns of `CELL`, sizes, tokens, compute, `log_loss`, and the number of
    `excluded` runs."""


def _points(losses: pd.DataFrame, suite: pd.DataFrame, spec: ConditionsSpec) -> Iterator[Points]:
    shapes = suite.set_index("run")[["width", "layers", "batch_size", "steps"]]
    missing = sorted(set(losses["run"]) - set(shapes.index))
    if missing:
        raise ValueError(f"losses: runs that are not in suite.csv: {', '.join(missing[:5])}")
    frame = losses[losses["family"] == spec.family].join(shapes, on="run")
    usable = frame["excluded_reason"].isna() | (frame["excluded_reason"] == "")
    for corpus in dict.fromkeys(arm.corpus for arm in spec.arms.values()):
        names = [corpus, *(name for name, arm in spec.arms.items() if arm.corpus == corpus)]
        own = frame["corpus"].isin(names)
        for metric in spec.metrics:
            of_metric = frame[own & usable & (frame["metric"] == metric)]
            for domain, rows in of_metric.groupby("domain", sort=True):
                cells = _cells(rows, spec.compute)
                yield Points(corpus=corpus, domain=str(domain), metric=metric, cells=cells)


def _cells(rows: pd.DataFrame, compute: str) -> pd.DataFrame:
    """Average the seeds of each point."""
    given = rows.assign(
        log_loss=np.log(rows["value"]),
        params=rows["num_params_head"] + rows["num_params_transformer"],
        compute=rows[compute],
    )
    means = ["log_loss", "params", "tokens", "steps", "compute"]
    return given.groupby(CELL, sort=True)[means].mean().reset_index()


def _law_rows(law: ConditionLaw, points: Points, spec: ConditionsSpec) -> Iterator[Row]:
    """Return the rows of one law from the runs that it takes."""
    arms = [
        name
        for name, arm in spec.arms.items()
        if arm.corpus == points.corpus and law.takes(set(arm.changed))
    ]
    if not set(arms) & set(points.cells["corpus"]):
        yield from law_rows(law.form, FitError(Status.TOO_FEW_RUNS, f"there are no {law.needs}"))
        return
    cells = points.cells[points.cells["corpus"].isin([points.corpus, *arms])]
    (found,) = FamilyFits(domain_losses(cells, spec)).fit(law.form)
    yield from law_rows(law.form, found)


def domain_losses(cells: pd.DataFrame, spec: ConditionsSpec) -> DomainLosses:
    """Return the losses of one domain with the conditions of its points.

    Args:
        cells: of `Points`.
        spec: with the arms of the cells.
    """
    order = cells.groupby("budget")["compute"].median().rank(method="first").astype(int) - 1
    log_tokens = np.log(cells["tokens"].to_numpy(dtype=np.float64))
    axes = Axes.of(
        np.log(cells["params"].to_numpy(dtype=np.float64)),
        log_tokens,
        np.log(cells["compute"].to_numpy(dtype=np.float64)),
    )
    return DomainLosses(
        axes=replace(axes, conditions=_conditions(cells, axes.mean_tokens, spec)),
        budget=np.asarray(cells["budget"].map(order), dtype=np.int64),
        log_losses=cells["log_loss"].to_numpy(dtype=np.float64)[None],
        level=spec.level,
    )


def _conditions(cells: pd.DataFrame, mean_tokens: float, spec: ConditionsSpec) -> dict[str, Array]:
    """Return the conditions of every point by name, (point,) each."""
    arms = [spec.arms.get(name) for name in cells["corpus"]]
    unique = [np.inf if arm is None else arm.unique_tokens or np.inf for arm in arms]
    share = [0.0 if arm is None else arm.permuted_share or 0.0 for arm in arms]
    aspect = cells["width"].to_numpy(dtype=np.float64) / cells["layers"].to_numpy(dtype=np.float64)
    return {
        UNIQUE: np.log(np.array(unique, dtype=np.float64)) - mean_tokens,
        QUALITY: np.log1p(-np.array(share, dtype=np.float64)),
        ASPECT: np.log(aspect),
    }
