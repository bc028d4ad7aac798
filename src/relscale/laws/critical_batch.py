"""The critical batch of one size, from arms with several batch sizes and learning rates.

For each batch size the best learning rate is taken at each budget. The tokens that reach a target
loss are read between budgets, on the line of log tokens over log loss. The target is the middle of
the losses that every batch size reaches.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.classical.batch import CRITICAL_BATCH
from relscale.laws.classical.fitted import FittedForm
from relscale.laws.classical.fitting import DomainLosses, FamilyFits
from relscale.laws.classical.form import Axes
from relscale.laws.conditions_spec import ConditionsSpec
from relscale.laws.fit_error import FitError
from relscale.laws.metric_fits import Row
from relscale.laws.tables.classical import law_rows

LEAST_RATES = 3
"""Learning rates that tune a batch size: the best must have one on either side."""


@dataclass(frozen=True, kw_only=True)
class StepsToTarget:
    """Steps to a target loss by batch size."""

    log_batch: Array
    """Natural log of the tokens per step, (batch,)."""
    log_steps: Array
    """Natural log of the steps that reach the target, (batch,)."""
    log_target: float
    """Natural log of the target loss."""
    untuned: tuple[float, ...]
    """Batch sizes in tokens whose best learning rate is on the edge of those tried."""


def critical_batch_rows(cells: pd.DataFrame, spec: ConditionsSpec) -> Iterator[Row]:
    """Return the rows of the law of the critical batch.

    Args:
        cells: points of a corpus and its arms, of one domain and metric.
        spec: with the arms.
    """
    try:
        read = steps_to_target(cells, spec)
    except FitError as error:
        yield from law_rows(CRITICAL_BATCH, error)
        return
    losses = DomainLosses(
        axes=Axes.of(read.log_batch, read.log_batch, read.log_batch),
        budget=np.arange(len(read.log_batch)),
        log_losses=read.log_steps[None],
        level=spec.level,
    )
    (found,) = FamilyFits(losses).fit(CRITICAL_BATCH)
    target = f"target loss {np.exp(read.log_target):.4g}"
    tuned = isinstance(found, FittedForm) and found.status == Status.OK and read.untuned
    for row in law_rows(CRITICAL_BATCH, found):
        notes = [str(row["remarks"]), target]
        if read.untuned:
            batches = ", ".join(f"{batch:g}" for batch in read.untuned)
            notes.append(f"the best learning rate is on the edge at batches of {batches} tokens")
        status = Status.LR_NOT_TUNED.value if tuned else row["status"]
        yield row | {"status": status, "remarks": "; ".join(filter(None, notes))}


def steps_to_target(cells: pd.DataFrame, spec: ConditionsSpec) -> StepsToTarget:
    """Return the steps to the target loss of every batch size.

    Args:
        cells: points of a corpus and its arms, of one domain and metric.
        spec: with the arms.

    Raises:
        FitError: `too_few_runs`, if there are no arms with several batch sizes and budgets, or no
            loss is reached at every batch size.
    """
    arms = {
        name: arm
        for name, arm in spec.arms.items()
        if "batch_size" in arm.changed
        and set(arm.changed) <= {"batch_size", "learning_rate_factor"}
    }
    own = cells[cells["corpus"].isin(list(arms))]
    if own.empty:
        raise FitError(Status.TOO_FEW_RUNS, "there are no arms that change batch_size alone")
    sizes = own[["width", "layers"]].value_counts()
    width, layers = sizes.index[0]
    own = own[(own["width"] == width) & (own["layers"] == layers)]
    own = own.assign(
        batch=own["tokens"] / own["steps"],
        factor=[arms[name].learning_rate_factor for name in own["corpus"]],
    )
    curves = {float(batch): _best_rates(rows) for batch, rows in own.groupby("batch", sort=True)}
    lowest = max(float(curve["log_loss"].min()) for curve in curves.values())
    highest = min(float(curve["log_loss"].max()) for curve in curves.values())
    if not lowest < highest:
        raise FitError(Status.TOO_FEW_RUNS, "no loss is reached at every batch size")
    target = (lowest + highest) / 2
    log_tokens = [_tokens_at(curve, target) for curve in curves.values()]
    log_batch = np.log(np.array(list(curves)))
    untuned = [batch for batch, curve in curves.items() if bool(curve["on_edge"].any())]
    return StepsToTarget(
        log_batch=log_batch,
        log_steps=np.array(log_tokens) - log_batch,
        log_target=target,
        untuned=tuple(untuned),
    )


def _best_rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the best learning rate of one batch size at every budget, by rising tokens."""
    found = []
    for _, tried in rows.groupby("budget", sort=False):
        best = tried.iloc[int(np.argmin(tried["log_loss"]))]
        factors = sorted(tried["factor"])
        on_edge = len(factors) < LEAST_RATES or best["factor"] in (factors[0], factors[-1])
        found.append(
            {
                "log_tokens": np.log(best["tokens"]),
                "log_loss": best["log_loss"],
                "on_edge": on_edge,
            }
        )
    return pd.DataFrame(found).sort_values("log_tokens")


def _tokens_at(curve: pd.DataFrame, log_loss: float) -> float:
    """Return the log tokens at which a falling curve reaches a loss, on the line between points."""
    ordered = curve.sort_values("log_loss")
    return float(np.interp(log_loss, ordered["log_loss"], ordered["log_tokens"]))
