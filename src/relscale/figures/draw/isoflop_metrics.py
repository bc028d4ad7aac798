"""Draw IsoFLOP curves of every family and metric with the common optima, a row per metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.directions import lower_is_better
from relscale.contract.typed import flags
from relscale.figures.isoflop_metrics import FIGURE, IsoflopFamily, IsoflopMetricsSettings
from relscale.figures.kit.axes import limits_linear, limits_log, log_axis, panel_grid
from relscale.figures.kit.choose import included, ordered, pick
from relscale.figures.kit.isoflop import (
    budget_colours,
    budget_compute,
    budget_text,
    estimator_mark,
    estimator_name,
    without_positive_error,
)
from relscale.figures.kit.labels import empty, top_legend
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import SMALL_PT, markers, words, wrapped
from relscale.figures.kit.tables import Tables

USED = (
    "corpus",
    "family",
    "domain",
    "metric",
    "budget",
    "tokens",
    "value",
    "excluded_reason",
    "at_chance",
    "training_flops",
    "forward_flops",
)
"""Columns of the losses table that are used; each selection of rows copies all columns."""
LEFT_IN, NAME_IN = 1.42, 0.98
"""Margin of the names of the rows and of the tick labels, and the width of the names."""
GUESSING_SHARE = 0.5
"""Share of runs at chance from which on a row shows noise only, as for the laws."""
FOOT = (
    "One domain of each family, its baseline. The optimum is common to all families and metrics "
    "(laws/optima.csv), so it may differ from the minimum of a curve. Grey crosses: excluded runs."
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of panels: one domain of a family in one metric."""

    family: str
    metric: str
    domain: str


def draw(tables: Tables, settings: IsoflopMetricsSettings) -> Figure:
    """Draw the figure from losses, optima (their tokens) and points (the values there)."""
    losses = tables["losses"]
    losses = losses[[name for name in USED if name in losses.columns]]
    optima, points = tables["optima"], tables["points"]
    corpora = ordered(settings.corpora, losses["corpus"], optima["corpus"])
    colour = budget_colours(list(budget_compute(losses, settings.compute)))
    rows, left_out = _shown(_rows(settings.families, losses), losses)
    foot = " ".join(filter(None, [FOOT, _left_out(left_out, settings.labels)]))
    made = panel_grid(
        rows=len(rows),
        columns=len(corpora),
        row_height_in=max(0.5, min(0.78, 9.2 / max(len(rows), 1) - 0.14)),
        left_in=LEFT_IN,
        gap_in=0.42,
        row_gap_in=0.14,
        foot=foot,
    )
    tokens = limits_log([float(value) for value in losses["tokens"]], pad=0.05)
    for axes, corpus in zip(made.rows[0], corpora or [""], strict=True):
        axes.set_title(words(corpus, settings.labels, 28) or "no corpus", loc="left", pad=4)
        if not rows:
            empty(axes, "no losses in the tables")
    for place, row in enumerate(rows):
        for axes, corpus in zip(made.rows[place], corpora or [""], strict=True):
            key = {"family": row.family, "metric": row.metric, "domain": row.domain}
            runs, values = (pick(table, corpus=corpus, **key) for table in (losses, points))
            if len(runs):
                best = pick(optima, corpus=corpus)
                _curves(axes, runs, colour, markers(corpora)[corpus])
                _optima(axes, values, best, colour)
                log_axis(axes.xaxis, *tokens, least=2, most=5)
                _values_axis(axes, runs, row.metric, has_points=len(values) > 0)
            else:
                empty(axes, "no losses")
            if place == len(rows) - 1:
                axes.set_xlabel("Training tokens")
            else:
                axes.tick_params(labelbottom=False)
        _name(made.rows[place][0], row, settings.labels)
    _legend(made.figure, ordered([], optima["estimator"]), colour)
    return made.figure


def _rows(families: Sequence[IsoflopFamily], losses: pd.DataFrame) -> list[Row]:
    """Return the rows of the families, or else of all families in the table."""
    every = [IsoflopFamily(family=name) for name in ordered([], losses["family"])]
    rows = []
    for family in families or every:
        mine = pick(losses, family=family.family)
        domain = family.domain or next(iter(ordered([], mine["domain"])), "")
        rows += [
            Row(family=family.family, metric=metric, domain=domain)
            for metric in family.metrics or ordered([], mine["metric"])
        ]
    return rows


def _shown(rows: Sequence[Row], losses: pd.DataFrame) -> tuple[list[Row], dict[str, list[Row]]]:
    """Return the rows that are shown, and by reason those that are left out.

    Rows without losses, and those whose runs mostly cannot be distinguished from guessing, are left
    out unless no other row remains.
    """
    shown: list[Row] = []
    left_out: dict[str, list[Row]] = {}
    for row in rows:
        mine = pick(losses, family=row.family, metric=row.metric, domain=row.domain)
        guessing = flags(mine["at_chance"]) if "at_chance" in mine.columns else np.zeros(len(mine))
        if not len(mine):
            left_out.setdefault("without losses", []).append(row)
        elif guessing.mean() >= GUESSING_SHARE:
            left_out.setdefault("at chance", []).append(row)
        else:
            shown.append(row)
    return (shown, left_out) if shown else (list(rows), {})


def _left_out(rows: Mapping[str, Sequence[Row]], labels: Mapping[str, str]) -> str:
    """Return a sentence on each reason for which rows are left out."""
    said = []
    for reason, of in rows.items():
        names: dict[str, list[str]] = {}
        for row in of:
            names.setdefault(row.family, []).append(words(row.metric, None, 40))
        listed = "; ".join(
            f"{words(family, labels, 40)} in {', '.join(metrics)}"
            for family, metrics in names.items()
        )
        said.append(f"Left out, {reason}: {listed}.")
    return " ".join(said)


def _curves(axes: Axes, runs: pd.DataFrame, colour: Mapping[str, str], marker: str) -> None:
    """Draw the runs of each budget (grey crosses: excluded runs) and the means of their seeds."""
    kept = included(runs)
    for budget, tint in colour.items():
        here = (runs["budget"] == budget).to_numpy(dtype=bool)
        good, excluded = runs[kept & here].sort_values("tokens"), runs[~kept & here]
        axes.plot(
            good["tokens"],
            good["value"],
            marker,
            color=tint,
            markersize=2.4,
            markeredgewidth=0,
            zorder=3,
            gid="points",
        )
        means = good.groupby("tokens", sort=True)["value"].mean()
        axes.plot(means.index, means.to_numpy(), color=tint, linewidth=0.6, zorder=2)
        if len(excluded):
            axes.plot(
                excluded["tokens"],
                excluded["value"],
                "x",
                color="#8a8a8a",
                markersize=2.6,
                zorder=2,
                gid="excluded",
            )


def _optima(
    axes: Axes, points: pd.DataFrame, optima: pd.DataFrame, budgets: Mapping[str, str]
) -> None:
    """Draw the value at the common optimum of each budget, by estimator."""
    for budget in budgets:
        for _, optimum in pick(optima, budget=budget).iterrows():
            at = pick(points, budget=budget, estimator=optimum["estimator"])
            if len(at) and np.isfinite(float(optimum["optimum_tokens"])):
                mark = {**estimator_mark(str(optimum["estimator"])), "markersize": 4.2}
                axes.plot(
                    [optimum["optimum_tokens"]],
                    [at["value"].iloc[0]],
                    color="black",
                    linestyle="none",
                    zorder=4,
                    gid="optimum",
                    **mark,
                )


def _values_axis(axes: Axes, runs: pd.DataFrame, metric: str, *, has_points: bool) -> None:
    """Scale the y axis over the included runs, and note values that are missing in the panel."""
    heights = [float(value) for value in runs.loc[included(runs), "value"]]
    missing = [] if has_points else ["no point at the optimum"]
    if lower_is_better(metric):
        log_axis(axes.yaxis, *limits_log(heights), least=2, most=3)
        if lost := without_positive_error(runs):
            missing.append(lost)
    else:
        axes.set_ylim(*limits_linear(heights))
        axes.locator_params(axis="y", nbins=3)
    if missing:
        axes.text(
            0.99,
            0.98,
            "\n".join(missing),
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=5.4,
            style="italic",
        )


def _name(axes: Axes, row: Row, labels: Mapping[str, str]) -> None:
    """Write family, domain and metric left of a row, broken to the margin."""
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    parts = (
        words(row.family, labels, 40),
        f"({words(row.domain, labels, 20)})",
        words(row.metric, None, 40),
    )
    text = "\n".join(wrapped(part, NAME_IN, SMALL_PT - 0.4) for part in parts)
    axes.text(
        -(LEFT_IN - 0.06) / width_in,
        0.5,
        text,
        transform=axes.transAxes,
        va="center",
        fontsize=SMALL_PT - 0.4,
        linespacing=1.12,
    )


def _legend(figure: Figure, estimators: Sequence[str], colour: Mapping[str, str]) -> None:
    handles = [
        Line2D([], [], color="black", linestyle="none", **estimator_mark(name))
        for name in estimators
    ]
    texts = [estimator_name(name) for name in estimators]
    budgets = list(colour)
    shown = budgets if len(budgets) <= 6 else [budgets[0], budgets[-1]]
    handles += [Line2D([], [], color=colour[name], linewidth=1.6) for name in shown]
    texts += [budget_text(name) + ("" if place else " FLOPs") for place, name in enumerate(shown)]
    if handles:
        top_legend(figure, handles, texts)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
