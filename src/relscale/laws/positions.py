"""Losses per token by position at the best size of each budget, for the laws of positions."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from relscale.laws.cells import Array, Index
from relscale.laws.metric_fits import CorpusFits
from relscale.laws.position_law import PositionPoints
from relscale.laws.spec import FAMILY_MEAN


@dataclass(frozen=True, kw_only=True)
class DomainPositions:
    """Losses by position of one domain at one budget."""

    domain: str
    """Name of the domain."""
    budget: str
    """Label of the budget."""
    num_params_total: float
    """Parameters of the best size of the budget."""
    num_runs: int
    """Runs of that size, whose losses are averaged."""
    buckets: "Buckets"
    """Losses by bucket of positions."""


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """Losses of the buckets of positions."""

    first: Index
    """First position of each bucket, (bucket,)."""
    last: Index
    """Last position of each bucket, (bucket,)."""
    num_tokens: Index
    """Tokens of each bucket, (bucket,)."""
    points: PositionPoints
    """Losses of the buckets."""


def domain_positions(corpus: CorpusFits) -> Iterator[DomainPositions]:
    """Yield the losses by position of each domain, and of their mean, at each budget.

    The best size of a budget is the one with the lowest mean loss of the family that locates the
    optimum. A budget without such a loss has none.
    """
    if corpus.parts is None:
        return
    frame = corpus.parts.positions
    frame = frame[(frame["corpus"] == corpus.runs.corpus) & (frame["num_tokens"] > 0)]
    for number, budget in enumerate(corpus.runs.budgets):
        cell = _best_cell(corpus, number)
        if cell is None:
            continue
        names = [
            run
            for run, of in zip(corpus.runs.runs, corpus.runs.run_cell, strict=True)
            if of == cell
        ]
        here = frame[frame["run"].isin(names)]
        found = []
        for domain, rows in here.groupby("domain", sort=True):
            found.append(
                DomainPositions(
                    domain=str(domain),
                    budget=budget,
                    num_params_total=float(corpus.runs.params_total[cell]),
                    num_runs=int(rows["run"].nunique()),
                    buckets=_buckets(rows),
                )
            )
        yield from found
        if len(found) > 1:
            yield _mean(found)


def _best_cell(corpus: CorpusFits, budget: int) -> int | None:
    """Return the cell of a budget with the lowest loss; None without a loss."""
    runs = corpus.runs
    found: dict[int, float] = {}
    for cell in np.flatnonzero(runs.cell_budget == budget):
        scores = runs.score[runs.run_cell == cell]
        if np.isfinite(scores).any():
            found[int(cell)] = float(np.nanmean(scores))
    return min(found, key=found.__getitem__) if found else None


def _mean(found: list[DomainPositions]) -> DomainPositions:
    """Return the unweighted mean over the domains of a family, over the buckets that all have."""
    shared = set.intersection(*(set(each.buckets.first.tolist()) for each in found))
    kept = [np.isin(each.buckets.first, sorted(shared)) for each in found]

    def stacked(name: str) -> Array:
        pairs = zip(found, kept, strict=True)
        return np.array([getattr(each.buckets.points, name)[at] for each, at in pairs])

    pairs = list(zip(found, kept, strict=True))
    one = found[0]
    return DomainPositions(
        domain=FAMILY_MEAN,
        budget=one.budget,
        num_params_total=one.num_params_total,
        num_runs=max(each.num_runs for each in found),
        buckets=Buckets(
            first=one.buckets.first[kept[0]],
            last=one.buckets.last[kept[0]],
            num_tokens=np.sum([each.buckets.num_tokens[at] for each, at in pairs], axis=0),
            points=PositionPoints(
                mean_log=stacked("mean_log").mean(axis=0),
                var_log=stacked("var_log").mean(axis=0),
                loss=stacked("loss").mean(axis=0),
                standard_error=np.sqrt((stacked("standard_error") ** 2).sum(axis=0)) / len(found),
            ),
        ),
    )


def _buckets(rows: pd.DataFrame) -> Buckets:
    """Return the buckets of a domain; runs of one size are averaged.

    All runs score the same tokens, so that the error over documents does not fall with the runs.
    """
    parts = []
    for (first, last), some in rows.groupby(["first_position", "last_position"], sort=True):
        tokens = some["num_tokens"].to_numpy(dtype=np.float64)
        parts.append(
            (
                first,
                last,
                tokens.mean(),
                some["mean_log_position"].mean(),
                some["var_log_position"].mean(),
                float(np.mean(some["nats"].to_numpy(dtype=np.float64) / tokens)),
                some["standard_error"].mean(),
            )
        )
    table: Array = np.array(parts, dtype=np.float64)
    return Buckets(
        first=table[:, 0].astype(np.int64),
        last=table[:, 1].astype(np.int64),
        num_tokens=table[:, 2].astype(np.int64),
        points=PositionPoints(
            mean_log=table[:, 3],
            var_log=table[:, 4],
            loss=table[:, 5],
            standard_error=np.nan_to_num(table[:, 6], nan=0.0),
        ),
    )
