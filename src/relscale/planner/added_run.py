"""Which run to add to a suite: `relscale plan add`.

The design is V-optimal: a run is judged by the variance of a prediction at a target, not by that of
the parameters. Losses are surfaces L(N, D); with the Jacobian J of log L by a surface's parameters
at the runs, weights W and the gradient g at the target, a prediction is linear in the runs' values,

    h = W J (J' W J)^-1 g,

and the variance of log G there is that of h_t' y_t - h_b' y_b with the covariance of the two
domains' residuals. `add_runs` takes the candidate that lowers the mean variance over the gaps most
per FLOP, then the next one, until the budget is spent (Fedorov, 1972, chapter 3, for one added
point). Budget effects and the choice of the law are not in this variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from relscale.contract.io import write_table
from relscale.contract.table import Table, flags, floats, integers, text
from relscale.laws.cells import Array, average_seeds
from relscale.laws.fit_error import FitError
from relscale.laws.metric_fits import CorpusFits, MetricFits
from relscale.laws.paths import Paths
from relscale.laws.surface_fit.projection import SurfaceBatch
from relscale.planner.candidate_runs import CandidateRun
from relscale.planner.given_table import GivenTable, Losses
from relscale.planner.next_model import (
    allocation_of,
    best_at,
    check_compute,
    check_place,
    identified_surfaces,
)
from relscale.planner.training_cost import CostRule, OwnCount

ADDED = Table(
    name="added",
    description="Runs to add, in order, with the standard error of the prediction at the target.",
    key=("name",),
    columns={
        **integers("rank"),
        **text("name"),
        **floats("params", "tokens", "training_flops", "cumulative_flops"),
        **floats("standard_error_before", "standard_error", "variance_reduction_per_flop"),
        **flags("outside"),
    },
)


@dataclass(frozen=True, kw_only=True)
class FittedDomain:
    """The surface of a domain, as a linear problem about its fit."""

    surface: SurfaceBatch
    """A batch of one."""
    jacobian: Array
    """d log L by (E, log a, log b, alpha, beta), (cell, 5)."""
    residual: Array
    """Observed less fitted log loss, (cell,)."""

    def gradient(self, log_params: Array, log_tokens: Array) -> Array:
        """Return d log L by the parameters at models, (place, 5)."""
        batch = self.surface
        n = log_params - batch.plane.mean_log_params
        d = log_tokens - batch.plane.mean_log_tokens
        first = batch.from_params[0] * np.exp(-batch.alpha[0] * n)
        second = batch.from_tokens[0] * np.exp(-batch.beta[0] * d)
        parts = np.stack([np.ones_like(first), first, second, -n * first, -d * second], axis=-1)
        return np.asarray(parts / (batch.irreducible[0] + first + second)[:, None])


@dataclass(frozen=True, kw_only=True)
class Target:
    """The predictions whose variance is lowered."""

    domains: tuple[FittedDomain, ...]
    """Domains; the first is the baseline where gaps are predicted."""
    contrasts: Array
    """Predictions by domain, (prediction, domain): 1 and -1 for a gap, 1 for a loss."""
    weights: Array
    """Relative inverse variances of the cells, (cell,)."""
    log_params: float
    """Natural log of N at the target."""
    log_tokens: float
    """Natural log of D at the target."""
    names: tuple[str, ...]
    """Names of the predictions."""

    def variance(self, log_params: Array, log_tokens: Array) -> float:
        """Return the mean variance over the predictions with added runs, (run,) each."""
        weights = np.concatenate([self.weights, np.ones(len(log_params))])
        at = np.array([self.log_params]), np.array([self.log_tokens])
        rows = []
        for domain in self.domains:
            added = domain.gradient(log_params, log_tokens)
            jacobian = np.concatenate([domain.jacobian, added])  # (cell + run, 5)
            information = (jacobian.T * weights) @ jacobian
            rows.append(
                weights * (jacobian @ np.linalg.solve(information, domain.gradient(*at)[0]))
            )
        found = np.stack(rows)  # (domain, cell + run)
        products = (found / weights) @ found.T * self.noise
        return float(np.mean(np.einsum("pd,de,pe->p", self.contrasts, products, self.contrasts)))

    @property
    def noise(self) -> Array:
        """Covariance of the domains' residuals for a cell of weight 1, (domain, domain)."""
        residual = np.stack([domain.residual for domain in self.domains])
        spare = max(residual.shape[1] - 5, 1)
        return np.asarray((residual * self.weights) @ residual.T / spare)


@dataclass(frozen=True, kw_only=True)
class AddRequest:
    """The target and the budget."""

    flops: float
    """Compute of the target; the model there is the compute-optimal one."""
    budget: float
    """FLOPs for all added runs."""
    beyond: bool = False
    """Whether a target far outside the data is wanted."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: for one that is not positive.
        """
        for option, number in (("--target", self.flops), ("--budget", self.budget)):
            if not (np.isfinite(number) and number > 0):
                raise ValueError(f"{option} {number}: a positive number of FLOPs is needed")


@dataclass(frozen=True, kw_only=True, repr=False)
class AddedRuns:
    """Runs to add, in order."""

    table: pd.DataFrame
    """Rows of `ADDED`."""
    flops: float
    """Compute of the target."""
    params: float
    """N at the target."""
    tokens: float
    """D at the target."""
    predictions: tuple[str, ...]
    """Predictions whose mean variance is lowered."""
    start: float
    """Standard error before, the root of the mean variance."""
    extrapolated: bool
    """Whether the target is outside the hull of the runs."""
    notes: tuple[str, ...] = field(default=())
    """Remarks."""

    def __repr__(self) -> str:
        """Return one line."""
        return f"<AddedRuns: {', '.join(self.table['name'])}>"

    def write(self, path: Path) -> None:
        """Write the runs as CSV or Parquet."""
        write_table(self.table, path, ADDED)

    def summary(self) -> str:
        """Return the runs in words and as a table."""
        label = ", extrapolated" if self.extrapolated else ""
        lines = [
            f"Target: {self.flops:.3g} FLOPs, {self.params:.3g} parameters, {self.tokens:.3g} "
            f"tokens{label}; {len(self.predictions)} prediction(s) of log values: "
            f"{', '.join(self.predictions)}",
            f"{'':>4} {'run':<20} {'parameters':>11} {'tokens':>10} {'FLOPs':>10} "
            f"{'in all':>10} {'standard error':>15}",
            f"{'':>4} {'(the table)':<20} {'':>11} {'':>10} {'':>10} {'':>10} {self.start:>15.4g}",
        ]
        lines += [
            f"{row['rank']:>4} {row['name']:<20} {row['params']:>11.3g} {row['tokens']:>10.3g} "
            f"{row['training_flops']:>10.3g} {row['cumulative_flops']:>10.3g} "
            f"{row['standard_error']:>15.4g}{'  outside' if row['outside'] else ''}"
            for row in self.table.to_dict("records")
        ]
        first = self.table.iloc[0]
        lines.append(
            f"Next run: {first['name']}. It lowers the variance most per FLOP; the standard error "
            f"falls from {self.start:.4g} to {first['standard_error']:.4g}. Budget effects and the "
            "form of the law are not in it."
        )
        lines += [f"Note: {note}." for note in self.notes]
        return "\n".join(lines) + "\n"


def add_runs(
    losses: Losses,
    candidates: Sequence[CandidateRun],
    request: AddRequest,
    *,
    mapping: Path | str | None = None,
    corpus: str | None = None,
    **settings: Any,
) -> AddedRuns:
    """Return the runs to add, by the variance at a target that they remove per FLOP.

    Args:
        losses: table of the runs that are there, or its file.
        candidates: runs that could be trained.
        request: the target and the budget.
        mapping: YAML file for a table that is laid out in another way.
        corpus: corpus of the table; the only one if left out.
        **settings: `family`, `baseline`, `metric` and other fields of `LawSpec`; without a baseline
            the losses of all domains are the predictions.

    Raises:
        ValueError: for runs that identify no surface, a target far outside the data, or a budget
            below that of every candidate.
    """
    table = GivenTable.read(losses, mapping, **settings)
    fits = table.corpus(corpus)
    paths = Paths(runs=fits.runs, fits=fits.isoflop)
    rule = OwnCount(cost=paths.cost)
    places = np.log([[one.params for one in candidates], [one.tokens for one in candidates]])
    costs = _costs(candidates, places, rule, request.budget)
    check_compute("--target", request.flops, paths, table.where, request.beyond)
    surface = identified_surfaces(fits, table.where).one(0)
    best = best_at(allocation_of(surface, rule, fits), request.flops, table.where)
    place = float(best.log_params[0]), float(best.log_tokens[0])
    extrapolated = check_place("--target", request.flops, place, paths, request.beyond)
    target, notes = _target(fits, place, table.where)
    rows = _greedy(target, places, costs, request.budget)
    for row in rows:
        index = row.pop("index")
        one, at = candidates[index], paths.model(*places[:, index])
        row |= {"name": one.name, "params": one.params, "tokens": one.tokens}
        row["outside"] = not paths.inside(at)[0]
    return AddedRuns(
        table=pd.DataFrame(rows)[list(ADDED.names)],
        flops=request.flops,
        params=float(np.exp(place[0])),
        tokens=float(np.exp(place[1])),
        predictions=target.names,
        start=float(np.sqrt(target.variance(np.zeros(0), np.zeros(0)))),
        extrapolated=extrapolated,
        notes=notes,
    )


def _costs(
    candidates: Sequence[CandidateRun], places: Array, rule: CostRule, budget: float
) -> Array:
    """Return the FLOPs of the candidates, (candidate,).

    Raises:
        ValueError: if there is none, or none is within the budget.
    """
    if not candidates:
        raise ValueError("--candidates: the pool is empty")
    counted = np.exp(rule.log_rate(places[0]) + places[0] + places[1])
    stated = np.array([one.training_flops or np.nan for one in candidates])
    costs = np.where(np.isnan(stated), counted, stated)
    if not (costs <= budget).any():
        cheapest = candidates[int(np.argmin(costs))].name
        raise ValueError(
            f"--budget {budget:g}: the cheapest candidate, {cheapest!r}, costs {costs.min():.3g} "
            "FLOPs"
        )
    return costs


def _greedy(target: Target, places: Array, costs: Array, budget: float) -> list[dict[str, Any]]:
    """Return the runs in the order in which they are added.

    Args:
        target: the predictions.
        places: log N and log D of the candidates, (2, candidate).
        costs: their FLOPs, (candidate,).
        budget: FLOPs for all.
    """
    taken: list[int] = []
    spent = 0.0
    rows: list[dict[str, Any]] = []
    variance = target.variance(places[0][taken], places[1][taken])
    while True:
        left = [
            index
            for index, cost in enumerate(costs)
            if index not in taken and spent + cost <= budget * (1 + 1e-12)
        ]
        if not left:
            return rows
        after = np.array([target.variance(*places[:, [*taken, index]]) for index in left])
        gains = (variance - after) / costs[left]
        at = int(np.argmax(gains))
        index = left[at]
        taken.append(index)
        spent += float(costs[index])
        rows.append(
            {
                "index": index,
                "rank": len(taken),
                "training_flops": float(costs[index]),
                "cumulative_flops": spent,
                "standard_error_before": float(np.sqrt(variance)),
                "standard_error": float(np.sqrt(after[at])),
                "variance_reduction_per_flop": float(gains[at]),
            }
        )
        variance = float(after[at])


def _target(
    fits: CorpusFits, place: tuple[float, float], where: str
) -> tuple[Target, tuple[str, ...]]:
    """Return the predictions at a model, and notes on domains without a surface.

    Raises:
        ValueError: if no gap, or no domain, has an identified surface.
    """
    metric = fits.metrics[0]
    if fits.spec.rises(metric.metric):
        raise ValueError(f"{where}: metric {metric.metric!r} rises; surfaces are of losses")
    known = fits.isoflop.weights > 0
    values = {
        name: average_seeds(metric.values(name), fits.runs.run_cell, fits.runs.num_cells)[0]
        for name in metric.readings.domains
        if not metric.readings.missing(name)
    }
    for each in values.values():
        known = known & np.isfinite(each)
    cells = np.flatnonzero(known)
    found: dict[str, FittedDomain] = {}
    notes = []
    for name, each in values.items():
        try:
            reasons = fits.reader.identification(each[cells], cells).reasons
            if not reasons:
                found[name] = _fitted(metric, each[cells], cells)
                continue
        except FitError as error:
            reasons = error.remarks
        notes.append(f"{name} left out: its surface is not identified ({reasons[0]})")
    baseline = fits.spec.baseline
    names = [name for name in found if name != baseline]
    if not names or (baseline is not None and baseline not in found):
        lacks = "the baseline" if names else "any domain to compare"
        raise ValueError(
            f"{where}: the runs identify no surface of {lacks} ({'; '.join(notes)}): add runs with "
            "other sizes and token counts, or choose another --baseline"
        )
    ordered = names if baseline is None else [baseline, *names]
    contrasts = np.eye(len(ordered))
    if baseline is not None:
        contrasts = contrasts[1:]
        contrasts[:, 0] = -1
    labels = names if baseline is None else [f"{name} / {baseline}" for name in names]
    target = Target(
        domains=tuple(found[name] for name in ordered),
        contrasts=contrasts,
        weights=fits.isoflop.weights[cells],
        log_params=place[0],
        log_tokens=place[1],
        names=tuple(labels),
    )
    return target, tuple(notes)


def _fitted(metric: MetricFits, values: Array, cells: np.ndarray) -> FittedDomain:
    """Return the surface of a domain about its fit."""
    surface = metric.reader.fit(values, cells)
    return FittedDomain(
        surface=surface,
        jacobian=surface.jacobian()[0],
        residual=values - np.log(surface.fitted()[0]),
    )
