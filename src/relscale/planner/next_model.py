"""The model to train for a budget, from a losses table: `relscale plan next`.

`next_model` reads the surface of the loss that places the optima (`optimum_by`), finds the best
model at a cost, the sizes that do about as well, models of the same loss, and with inference tokens
the model that reaches a loss for the least compute in all. Losses and gaps come from the laws that
`auto` chooses (`relscale.laws.predict`).
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from relscale.config.experiment import Experiment
from relscale.laws.auto_model import MOST_LOST
from relscale.laws.cells import Array
from relscale.laws.fit_error import FitError
from relscale.laws.metric_fits import CorpusFits
from relscale.laws.paths import TOLERANCE, Paths
from relscale.laws.surface_fit.projection import SurfaceBatch
from relscale.planner.allocation import Allocation, Best
from relscale.planner.given_table import GivenTable, Losses
from relscale.planner.next_answer import BuiltShape, NextModel, NextRequest, PlannedModel
from relscale.planner.three_scales import predictions
from relscale.planner.training_cost import CostRule, OwnCount, RecipeCount, SixND

MOST_TIMES = 30.0
"""Compute over the largest of the table, beyond which `beyond` is needed."""
SEARCHED = 1e3
"""Sizes are searched up to this factor outside those of the table."""
NEAR_LIMIT = 0.01
"""Natural log: a model within 1 % of the limit of tokens is limited by it."""
MULTIPLES = (0.25, 0.5, 2.0, 4.0)
"""Sizes of models of the same loss, over the best one."""


def next_model(
    losses: Losses,
    request: NextRequest,
    *,
    mapping: Path | str | None = None,
    corpus: str | None = None,
    experiment: Experiment | None = None,
    **settings: Any,
) -> NextModel:
    """Return the model to train for a budget.

    Args:
        losses: table with parameters and tokens of each run, or its file.
        request: the budget and the costs.
        mapping: YAML file for a table that is laid out in another way.
        corpus: corpus of the table; the only one if left out.
        experiment: configuration whose recipe counts the FLOPs and builds the shapes.
        **settings: `family`, `baseline`, `metric` and other fields of `LawSpec`.

    Raises:
        ValueError: for a table whose runs do not identify a surface, or a budget beyond the data
            without `request.beyond`.
    """
    table = GivenTable.read(losses, mapping, **settings)
    fits = table.corpus(corpus)
    paths = Paths(runs=fits.runs, fits=fits.isoflop)
    times = check_compute("--flops", request.flops, paths, table.where, request.beyond)
    surfaces = identified_surfaces(fits, table.where)
    rule = _rule(request, paths, fits, experiment)
    plan = allocation_of(surfaces, rule, fits, request.max_tokens)
    found = best_at(plan, request.flops, table.where)
    level = fits.spec.level
    best = _model(plan, found.log_params, found.log_tokens, level, None)
    least = _diagonal(plan, found.log_params, found.log_tokens)
    served = None
    if request.inference_tokens is not None:
        served = _served(plan, request, least, level, table.where)
    chosen = best if served is None else served
    flat = plan.flat_range(float(np.log(request.flops)))
    place = float(np.log(chosen.params)), float(np.log(chosen.tokens))
    extrapolated = check_place("--flops", request.flops, place, paths, request.beyond)
    return NextModel(
        request=request,
        corpus=fits.runs.corpus,
        counted=rule.words,
        params_counted="transformer and head" if fits.runs.params_split else "all parameters",
        loss_of=f"{fits.runs.error_metric} of {fits.runs.optimum_by}",
        best=best,
        loss=float(least[0]),
        loss_ci=interval(least, level),
        flat=(float(np.exp(flat[0])), float(np.exp(flat[1]))),
        limited_by_tokens=bool(found.log_tokens[0] > np.log(plan.most_tokens) - NEAR_LIMIT),
        times=times,
        extrapolated=extrapolated,
        served=served,
        shape=_shape(rule, plan, chosen),
        alternatives=_alternatives(plan, chosen, request.loss or float(least[0])),
        predicted=predictions(fits, chosen.params, chosen.tokens),
        level=level,
    )


def allocation_of(
    surfaces: SurfaceBatch, rule: CostRule, fits: CorpusFits, most_tokens: float | None = None
) -> Allocation:
    """Return surfaces and their costs, searched over sizes about those of the runs."""
    sizes = fits.runs.params_model
    ends = float(sizes.min()) / SEARCHED, float(sizes.max()) * SEARCHED
    return Allocation.between(surfaces, rule, ends, most_tokens)


def best_at(plan: Allocation, flops: float, where: str) -> Best:
    """Return the models with the least loss for a compute.

    Raises:
        ValueError: if the surface has no optimum between the sizes that are searched.
    """
    found = plan.at_budget(float(np.log(flops)))
    limited = found.log_tokens[0] > np.log(plan.most_tokens) - NEAR_LIMIT
    if found.at_end and not limited:
        raise ValueError(
            f"{where}: the surface has no optimum at {flops:.3g} FLOPs between "
            f"{np.exp(plan.grid[0]):.3g} and {np.exp(plan.grid[-1]):.3g} parameters: add runs on "
            "both sides of the optimum"
        )
    return found


def identified_surfaces(fits: CorpusFits, where: str) -> SurfaceBatch:
    """Return the surface of the loss that places the optima, then its refits.

    Raises:
        ValueError: unless the runs identify it; the message says what to add.
    """
    known = np.flatnonzero(fits.isoflop.weights > 0)
    values = fits.isoflop.score[known]
    advice = (
        "a plan needs runs whose parameters and tokens vary apart: add several sizes at several "
        "token counts (six runs with three sizes and three token counts at least, over a decade "
        "of each), or place the optimum by another family (--optimum-by)"
    )
    try:
        reasons = fits.reader.identification(values, known).reasons
        if not reasons:
            found = fits.reader.surface(values, known)
            return SurfaceBatch.joined(found.fit, found.drawn)
    except FitError as error:
        reasons = error.remarks
    raise ValueError(
        f"{where}: the runs of corpus {fits.runs.corpus!r} do not identify the surface of the loss "
        f"of {fits.runs.optimum_by} ({'; '.join(reasons)}): {advice}"
    )


def interval(values: Array, level: float) -> tuple[float, float]:
    """Return the interval of refits, (draw,), of which the first is the fit.

    It is NaN where more than `MOST_LOST` of the refits have no value.
    """
    known = values[1:][np.isfinite(values[1:])]
    if len(known) < max(2, (1 - MOST_LOST) * (len(values) - 1)):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def check_compute(option: str, flops: float, paths: Paths, where: str, beyond: bool) -> float:
    """Return a compute over the largest one of the runs, after checking it.

    Raises:
        ValueError: for more than `MOST_TIMES`, without `beyond`.
    """
    times = flops / float(np.exp(paths.compute_range[1]))
    if times > MOST_TIMES and not beyond:
        raise ValueError(
            f"{option} {flops:g} is {times:.3g} times the largest compute of corpus "
            f"{paths.runs.corpus!r} in {where}, and predictions are tested up to {MOST_TIMES:g} "
            "times: add --beyond to extrapolate, or larger runs to the table"
        )
    return times


def check_place(
    option: str, flops: float, place: tuple[float, float], paths: Paths, beyond: bool
) -> bool:
    """Return whether a model is outside the hull of the runs.

    Beyond the largest compute every model is, and its tokens per parameter must be among those of
    the runs.

    Args:
        option: option that states the compute, for errors.
        flops: compute.
        place: natural logs of N and D.
        paths: paths through the runs.
        beyond: whether any model is answered.

    Raises:
        ValueError: for a model whose tokens per parameter are outside those of the runs, or that is
            outside the hull within the runs' compute, without `beyond`.
    """
    runs = paths.runs
    inside = bool(paths.inside(paths.model(*place))[0])
    ratios = runs.log10_tokens * np.log(10) - np.log(runs.params_model)
    ratio = place[1] - place[0]
    among = ratios.min() - TOLERANCE <= ratio <= ratios.max() + TOLERANCE
    larger = flops > np.exp(paths.compute_range[1])
    if not (inside or (larger and among)) and not beyond:
        raise ValueError(
            f"{option} {flops:g}: the model has {np.exp(place[0]):.3g} parameters and "
            f"{np.exp(place[1]):.3g} tokens, {np.exp(ratio):.3g} tokens per parameter, outside the "
            f"runs of corpus {runs.corpus!r} ({runs.params_model.min():.3g} to "
            f"{runs.params_model.max():.3g} parameters, {np.exp(ratios.min()):.3g} to "
            f"{np.exp(ratios.max()):.3g} tokens per parameter): add runs there, or --beyond to "
            "extrapolate"
        )
    return not inside


def _rule(
    request: NextRequest, paths: Paths, fits: CorpusFits, experiment: Experiment | None
) -> CostRule:
    """Return the way of counting FLOPs."""
    if experiment is not None:
        if request.six_nd:
            raise ValueError("--six-nd and --config count FLOPs in two ways: state one")
        return RecipeCount.of(experiment, request.flops, not fits.runs.params_split)
    return SixND() if request.six_nd else OwnCount(cost=paths.cost)


def _diagonal(plan: Allocation, log_params: Array, log_tokens: Array) -> Array:
    """Return the loss of every surface at its own model, (surface,)."""
    batch = plan.surfaces
    return batch.predict(log_params, log_tokens)


def _model(
    plan: Allocation,
    log_params: Array,
    log_tokens: Array,
    level: float,
    inference_tokens: float | None,
) -> PlannedModel:
    """Return the model of the first surface, with intervals over the others."""
    params, tokens = np.exp(log_params), np.exp(log_tokens)
    per_token = float(np.exp(plan.rule.log_rate(log_params[:1]) + log_params[:1])[0])
    return PlannedModel(
        params=float(params[0]),
        params_ci=interval(params, level),
        tokens=float(tokens[0]),
        tokens_ci=interval(tokens, level),
        training_flops=per_token * float(tokens[0]),
        inference_flops=per_token / 3 * (inference_tokens or 0.0),
    )


def _served(
    plan: Allocation, request: NextRequest, least: Array, level: float, where: str
) -> PlannedModel:
    """Return the model that reaches the loss for the least compute with inference.

    Raises:
        ValueError: for a loss that no model reaches.
    """
    assert request.inference_tokens is not None
    wanted = least if request.loss is None else np.full_like(least, request.loss)
    found = plan.cheapest(wanted, request.inference_tokens)
    if not np.isfinite(found.log_params[0]):
        floor = float(plan.surfaces.irreducible[0])
        limit = "" if request.max_tokens is None else f" with {request.max_tokens:g} tokens"
        raise ValueError(
            f"--loss {wanted[0]:g}: no model reaches it{limit}; the irreducible loss that "
            f"{where} gives is {floor:.4g}"
        )
    return _model(plan, found.log_params, found.log_tokens, level, request.inference_tokens)


def _alternatives(plan: Allocation, chosen: PlannedModel, loss: float) -> pd.DataFrame:
    """Return models of the same loss, smaller and larger than the chosen one."""
    one = Allocation(surfaces=plan.surfaces.one(0), rule=plan.rule, grid=plan.grid)
    rows = []
    for times in (*MULTIPLES[:2], 1.0, *MULTIPLES[2:]):
        size = np.array([np.log(times * chosen.params)])
        tokens = float(np.exp(one.tokens_for(size, np.array([loss]))[0, 0]))
        flops = float(np.exp(plan.rule.log_rate(size) + size)[0]) * tokens
        reached = np.isfinite(tokens)
        rows.append(
            {
                "params": times * chosen.params,
                "tokens": tokens,
                "training_flops": flops,
                "flops_ratio": flops / chosen.training_flops,
                "status": "ok"
                if reached and tokens <= plan.most_tokens
                else "too_many_tokens"
                if reached
                else "loss_not_reached",
            }
        )
    return pd.DataFrame(rows)


def _shape(rule: CostRule, plan: Allocation, chosen: PlannedModel) -> BuiltShape | None:
    """Return the nearest shape of the recipe."""
    if not isinstance(rule, RecipeCount):
        return None
    at = rule.nearest(float(np.log(chosen.params)))
    size, params = rule.sizes[at], float(np.exp(rule.log_sizes[at]))
    tokens = size.batch_size * size.steps * size.shape.context_length
    place = np.log(np.array([params])), np.log(np.array([float(tokens)]))
    return BuiltShape(
        shape=size.label,
        params=params,
        tokens=tokens,
        batch_size=size.batch_size,
        steps=size.steps,
        training_flops=float(np.exp(rule.log_rates[at])) * params * tokens,
        loss=float(plan.losses(*place)[0, 0]),
    )
