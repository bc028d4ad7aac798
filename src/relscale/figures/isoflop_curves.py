"""IsoFLOP curves of every corpus on its own validation set, with the optima by estimator, and how
the optimum moves with compute."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import (
    column_widths,
    empty,
    footer,
    footer_height_in,
    grid,
    heading,
    limits_log,
    log_axis,
    top_legend,
    y_label,
)
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.isoflop import (
    ESTIMATOR_NAMES,
    budget_colours,
    budget_compute,
    estimator_mark,
    isoflop_panel,
    reservations,
)
from relscale.figures.kit.style import PAGE_WIDTH_IN, compute_label, markers, metric_label, words

DEFAULTS: dict[str, Any] = {
    "family": "validation",
    "domain": "own",
    "metric": "bits_per_byte",
    "corpora": [],
    "labels": {},
    "compute": "training_flops",
}

GUTTER_IN = 0.48
"""Right of each panel, for the budgets' names."""


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `losses` and `optima`.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    optima = table(tables, "optima")
    losses = pick(
        table(tables, "losses"),
        family=chosen["family"],
        domain=chosen["domain"],
        metric=chosen["metric"],
    )
    corpora = ordered(chosen["corpora"], losses["corpus"], optima["corpus"])
    compute = budget_compute(losses, chosen["compute"])
    colour, marker = budget_colours(list(compute)), markers(corpora)
    widths = column_widths(
        max(len(corpora), 1),
        width_in=PAGE_WIDTH_IN,
        left_in=0.6,
        right_in=GUTTER_IN,
        gap_in=GUTTER_IN + 0.36,
    )
    width = 0.6 + sum(widths) + (GUTTER_IN + 0.36) * (len(widths) - 1) + GUTTER_IN
    foot = _foot(optima, corpora, chosen)
    made = grid(
        row_heights_in=[1.9, 1.25],
        column_widths_in=widths,
        left_in=0.6,
        right_in=GUTTER_IN,
        column_gap_in=GUTTER_IN + 0.36,
        row_gap_in=0.55,
        top_in=0.5,
        bottom_in=0.4 + footer_height_in(foot, width),
    )
    for place, corpus in enumerate(corpora or [""]):
        top, bottom = made.rows[0][place], made.rows[1][place]
        heading(top, words(corpus, chosen["labels"], 28) or "no corpus")
        rows, best = pick(losses, corpus=corpus), pick(optima, corpus=corpus)
        if not len(rows):
            empty(
                top,
                f"no losses of {words(chosen['family'])} / {words(chosen['domain'])} in {words(chosen['metric'])}",
            )
        else:
            isoflop_panel(top, rows, best, colour=colour, marker=marker[corpus])
        _optima(bottom, best, pick(optima), compute, chosen["compute"])
        if not place:
            y_label(top, metric_label(chosen["metric"])) if len(rows) else None
            y_label(bottom, "Optimal tokens") if len(best) else None
    _legend(made.figure, [str(name) for name in dict.fromkeys(optima["estimator"])])
    if foot:
        footer(made.figure, foot)
    return made.figure


def _optima(
    axes: Axes, best: pd.DataFrame, everything: pd.DataFrame, compute: dict[str, float], axis: str
) -> None:
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
    log_axis(
        axes.yaxis,
        *limits_log([float(value) for value in everything["optimum_tokens"]], pad=0.12),
        least=2,
        most=5,
    )
    axes.set_xlabel(compute_label(axis))


def _foot(optima: pd.DataFrame, corpora: list[str], chosen: dict[str, Any]) -> str:
    said = [
        (words(corpus, chosen["labels"], 28), reservations(pick(optima, corpus=corpus)))
        for corpus in corpora
    ]
    return " ".join(f"Vertex of {corpus}: {'; '.join(parts)}." for corpus, parts in said if parts)


def _legend(figure: Figure, estimators: list[str]) -> None:
    handles = [
        Line2D([], [], color="black", linestyle="none", **estimator_mark(name))
        for name in sorted(estimators)
    ]
    names = [ESTIMATOR_NAMES.get(name, words(name)) for name in sorted(estimators)]
    handles.append(Line2D([], [], color="#5b8db8", linewidth=1.0))
    names.append("fitted parabola of a budget")
    top_legend(figure, handles, names)


if __name__ == "__main__":
    main(draw)
