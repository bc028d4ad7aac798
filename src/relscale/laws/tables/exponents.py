"""Exponents of the optimal size and data by three approaches: table `exponents`.

The loss is that which locates the optima (`optimum_by`), N the parameters of transformer and head.
"""

from collections.abc import Callable, Iterator

import numpy as np

from relscale.contract.status import Status, status_columns
from relscale.contract.tables.exponents import EXPONENTS
from relscale.laws.cells import Array, SuiteRuns
from relscale.laws.classical.exponents import (
    Curves,
    Growth,
    approach_1,
    approach_2,
    approach_2_bias,
    approach_3,
)
from relscale.laws.classical.fitted import FittedForm
from relscale.laws.classical.fitting import DomainLosses, FamilyFits
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE
from relscale.laws.fit_error import FitError
from relscale.laws.law import Law
from relscale.laws.metric_fits import CorpusFits, Row

TABLE = EXPONENTS
NAN = float("nan")


def fit(corpus: CorpusFits) -> Iterator[Row]:
    """Return one row per approach."""
    spec, runs = corpus.spec, corpus.runs
    curves = curves_of(corpus, runs.params_model, runs.log_compute)
    surface = fitted_surface(curves, corpus, spec.level)
    bias = NAN
    if isinstance(surface, FittedForm) and surface.status == Status.OK:
        bias = approach_2_bias(curves, surface.parameters)
    label: Row = {
        "corpus": runs.corpus,
        "family": spec.family,
        "counted_params": "transformer_and_head" if runs.params_split else "total",
        "compute": spec.compute,
        "optimum_by": runs.optimum_by,
        "ci_level": spec.level,
    }
    ways: tuple[tuple[str, str, Callable[[], Growth]], ...] = (
        (
            "approach_1",
            "bootstrap of sizes",
            lambda: approach_1(curves, spec.level, spec.draws, spec.seed),
        ),
        ("approach_2", "budgets", lambda: approach_2(curves, spec.level)),
        ("approach_3", "robust variance", lambda: approach_3(curves, surface)),
    )
    for name, method, approach in ways:
        row = {**label, "approach": name, "ci_method": method}
        row["surface_bias"] = bias if name == "approach_2" else NAN
        try:
            yield {**row, **_columns(approach())}
        except FitError as error:
            empty: Row = dict.fromkeys(TABLE.between("params_exponent", "ci_level"), NAN)
            empty |= dict.fromkeys(TABLE.between("tokens_per_param_lowest", "surface_bias"), NAN)
            yield {
                **row,
                **empty,
                "num_points": 0,
                **status_columns(error.status, error.remarks),
            }


def curves_of(corpus: CorpusFits, params: Array, log_compute: Array) -> Curves:
    """Return the cells of a corpus that have a score, by a way of counting.

    Args:
        corpus: its fits.
        params: parameters, (cell,), NaN where they are not known.
        log_compute: natural log of the compute, (cell,).
    """
    isoflop, runs = corpus.isoflop, corpus.runs
    kept = np.flatnonzero(np.isfinite(isoflop.score) & np.isfinite(params) & (params > 0))
    place = np.full(runs.num_cells, -1)
    place[kept] = np.arange(len(kept))
    groups = tuple(place[cells][place[cells] >= 0] for cells in isoflop.groups)
    return Curves(
        log_params=np.log(params[kept]),
        log_tokens=runs.log10_tokens[kept] * np.log(10),
        log_compute=log_compute[kept],
        log_loss=isoflop.score[kept],
        weights=isoflop.weights[kept],
        groups=tuple(cells for cells in groups if len(cells)),
    )


def fitted_surface(curves: Curves, corpus: CorpusFits, level: float) -> FittedForm | FitError:
    """Fit the surface E + A / N^alpha + B / D^beta to the loss that locates the optima."""
    if not len(curves.log_loss):
        return FitError(Status.NO_USABLE_OPTIMUM, "no run has the loss that locates optima")
    budget = np.concatenate(
        [np.full(len(cells), index) for index, cells in enumerate(curves.groups)]
    )
    order = np.argsort(np.concatenate(curves.groups), kind="stable")
    losses = DomainLosses(
        axes=curves.axes,
        budget=budget[order].astype(np.int64),
        log_losses=curves.log_loss[None],
        level=level,
    )
    return FamilyFits(losses).fit(HOFFMANN_SURFACE, curves.weights[None])[0]


def _columns(found: Growth) -> Row:
    """Return the columns of exponents.csv that an approach fills."""
    return {
        "params_exponent": found.a[0],
        "params_exponent_ci_low": found.a[1],
        "params_exponent_ci_high": found.a[2],
        "tokens_exponent": found.b[0],
        "tokens_exponent_ci_low": found.b[1],
        "tokens_exponent_ci_high": found.b[2],
        "tokens_per_param_lowest": found.tokens_per_param[0],
        "tokens_per_param_highest": found.tokens_per_param[1],
        "num_points": found.num_points,
        **status_columns(Status.OK, found.remarks),
    }


def params_by_count(runs: SuiteRuns) -> dict[str, Array]:
    """Return the parameters of the cells by way of counting, (cell,) each."""
    ways = {"total": runs.params_total}
    if runs.params_split:
        ways["transformer_and_head"] = runs.params_model
        ways["transformer"] = runs.params_transformer
    return ways


LAW = Law(table=TABLE, fit=fit)
