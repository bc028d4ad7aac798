"""Draw the IsoFLOP curves of every corpus (top), and the optimal tokens by compute (bottom)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.metric_labels import metric_label
from relscale.figures.isoflop_curves import FIGURE, IsoflopCurvesSettings
from relscale.figures.kit.axes import (
    AxesGrid,
    column_widths,
    footer,
    footer_height_in,
    grid,
    limits_log,
    log_axis,
)
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.isoflop import (
    budget_colours,
    budget_compute,
    estimator_mark,
    estimator_name,
    isoflop_panel,
    mean_of_domains,
    optimum_errors,
    optimum_metric,
    reservations,
)
from relscale.figures.kit.labels import empty, heading, top_legend, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import PAGE_WIDTH_IN, compute_label, markers, words
from relscale.figures.kit.tables import Tables

LEFT_IN = 0.6
GUTTER_IN = 0.48
"""Room for the names of the budgets, right of each panel."""
GAP_IN = GUTTER_IN + 0.36


def draw(tables: Tables, settings: IsoflopCurvesSettings) -> Figure:
    """Draw the figure from losses and optima."""
    optima = tables["optima"]
    metric = optimum_metric(optima, settings.metric)
    rows_of_family = pick(tables["losses"], family=settings.family, metric=metric)
    losses = optimum_errors(rows_of_family)
    corpora = ordered(settings.corpora, losses["corpus"], optima["corpus"])
    compute = budget_compute(losses, settings.compute)
    colour, marker = budget_colours(list(compute)), markers(corpora)
    foot = " ".join(
        part
        for part in (
            mean_of_domains(rows_of_family, settings.family),
            _foot(optima, corpora, settings.labels),
        )
        if part
    )
    made = _layout(len(corpora), foot)
    for place, corpus in enumerate(corpora or [""]):
        top, bottom = made.rows[0][place], made.rows[1][place]
        heading(top, words(corpus, settings.labels, 28) or "no corpus")
        rows, best = pick(losses, corpus=corpus), pick(optima, corpus=corpus)
        if len(rows):
            isoflop_panel(top, rows, best, colour=colour, marker=marker[corpus])
        else:
            empty(top, f"no losses of {words(settings.family)} in {words(metric)}")
        _optima(bottom, best, compute, _limits(optima["optimum_tokens"]))
        if bottom.get_xscale() == "log":
            bottom.set_xlabel(compute_label(settings.compute))
        if not place and len(rows):
            y_label(top, metric_label(metric))
        if not place and len(best):
            y_label(bottom, "Optimal tokens")
    _legend(made.figure, ordered([], optima["estimator"]))
    if foot:
        footer(made.figure, foot)
    return made.figure


def _layout(columns: int, foot: str) -> AxesGrid:
    widths = column_widths(
        max(columns, 1),
        width_in=PAGE_WIDTH_IN,
        left_in=LEFT_IN,
        right_in=GUTTER_IN,
        gap_in=GAP_IN,
    )
    width = LEFT_IN + sum(widths) + GAP_IN * (len(widths) - 1) + GUTTER_IN
    return grid(
        row_heights_in=[1.9, 1.25],
        column_widths_in=widths,
        left_in=LEFT_IN,
        right_in=GUTTER_IN,
        column_gap_in=GAP_IN,
        row_gap_in=0.55,
        top_in=0.5,
        bottom_in=0.4 + footer_height_in(foot, width),
    )


def _limits(tokens: pd.Series) -> tuple[float, float]:
    """Return limits around optima, at least a decade: those of one budget are close together."""
    known = [float(value) for value in tokens if value > 0]
    middle = float(np.exp(np.mean(np.log(known)))) if known else np.nan
    return limits_log([*known, middle / 10**0.5, middle * 10**0.5], pad=0.12)


def _optima(
    axes: Axes, best: pd.DataFrame, compute: Mapping[str, float], limits: tuple[float, float]
) -> None:
    """Draw the optimal tokens of one corpus against compute, one line per estimator.

    Args:
        axes: axes of the panel.
        best: rows of optima.csv of the corpus.
        compute: compute of each budget.
        limits: limits of the y axis.
    """
    usable = best[
        pd.to_numeric(best["optimum_tokens"]).notna()
        & best["budget"].astype(str).isin(list(compute))
    ]
    if not len(usable):
        empty(axes, "no optimum was found")
        return
    for estimator, rows in usable.groupby("estimator", sort=True):
        flops = [compute[str(budget)] for budget in rows["budget"]]
        order = np.argsort(flops, kind="stable")
        x, y = np.array(flops)[order], rows["optimum_tokens"].to_numpy(dtype=float)[order]
        axes.plot(x, y, color="#9a9a9a", linewidth=0.6, zorder=1)
        axes.plot(
            x,
            y,
            color="black",
            linestyle="none",
            gid="optimum",
            zorder=2,
            **estimator_mark(str(estimator)),
        )
    log_axis(axes.xaxis, *limits_log(list(compute.values()), pad=0.12), least=2, most=4)
    log_axis(axes.yaxis, *limits, least=2, most=5)


def _foot(optima: pd.DataFrame, corpora: Sequence[str], labels: Mapping[str, str]) -> str:
    """Return the reservations of the fitted vertices, one sentence per corpus."""
    found = [
        (words(corpus, labels, 28), reservations(pick(optima, corpus=corpus))) for corpus in corpora
    ]
    return " ".join(f"Vertex of {corpus}: {'; '.join(parts)}." for corpus, parts in found if parts)


def _legend(figure: Figure, estimators: Sequence[str]) -> None:
    handles = [
        Line2D([], [], color="black", linestyle="none", **estimator_mark(name))
        for name in estimators
    ]
    handles.append(Line2D([], [], color="#5b8db8", linewidth=1.0))
    texts = [*(estimator_name(name) for name in estimators), "fitted parabola of a budget"]
    top_legend(figure, handles, texts)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
