"""IsoFLOP curves of every family in every metric asked, with the common optima by estimator; a row
a metric, a column a corpus."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import (
    empty,
    limits_linear,
    limits_log,
    log_axis,
    panel_grid,
    top_legend,
)
from relscale.figures.kit.choose import included, ordered, pick
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.isoflop import (
    ESTIMATOR_NAMES,
    budget_colours,
    budget_compute,
    budget_text,
    estimator_mark,
    without_positive_error,
)
from relscale.figures.kit.style import SMALL_PT, is_error, markers, words

DEFAULTS: dict[str, Any] = {
    "families": [],
    "corpora": [],
    "labels": {},
    "compute": "training_flops",
}
"""Keys of the spec: `families` lists {family, metrics, domain}, the domain being the one that is
drawn (the baseline); without any, everything in the table, each family in its first domain by
name."""
FAMILY: dict[str, Any] = {"family": "", "metrics": [], "domain": ""}
USED = (
    "corpus",
    "family",
    "domain",
    "metric",
    "budget",
    "tokens",
    "value",
    "excluded_reason",
    "training_flops",
    "forward_flops",
)
LEFT_IN = 1.12


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `losses`, `optima` (where the optima lie) and `points` (what a domain's
    error is there).

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    losses, optima, points = (table(tables, name) for name in ("losses", "optima", "points"))
    losses = losses[
        [name for name in USED if name in losses.columns]
    ]  # choosing rows copies every column
    corpora = ordered(chosen["corpora"], losses["corpus"], optima["corpus"])
    compute = budget_compute(losses, chosen["compute"])
    colour, marker = budget_colours(list(compute)), markers(corpora)
    rows = _rows(chosen["families"], losses)
    foot = (
        "One domain of each family, its baseline. The optimum is common to all families and metrics (laws/optima.csv), so it need not lie "
        "at a curve's own minimum. Grey crosses: runs left out."
    )
    height = max(0.5, min(0.78, 9.2 / max(len(rows), 1) - 0.14))
    made = panel_grid(
        rows=len(rows),
        columns=len(corpora),
        row_height_in=height,
        left_in=LEFT_IN,
        gap_in=0.36,
        row_gap_in=0.14,
        foot=foot,
    )
    ends = limits_log([float(value) for value in losses["tokens"]], pad=0.05)
    for axes, corpus in zip(made.rows[0], corpora or [""], strict=True):
        axes.set_title(words(corpus, chosen["labels"], 28) or "no corpus", loc="left", pad=4)
        if not rows:
            empty(axes, "no losses in the tables")
    for place, row in enumerate(rows):
        family, metric, domain = row
        for axes, corpus in zip(made.rows[place], corpora or [""], strict=True):
            mine = {"corpus": corpus, "family": family, "metric": metric, "domain": domain}
            _panel(
                axes,
                pick(losses, **mine),
                pick(points, **mine),
                pick(optima, corpus=corpus),
                colour,
                marker[corpus],
                metric,
                ends,
            )
            if axes is made.rows[place][0]:
                _name(axes, row, chosen["labels"])
            if place == len(rows) - 1:
                axes.set_xlabel("Training tokens")
            else:
                axes.tick_params(labelbottom=False)
    _legend(made.figure, ordered([], optima["estimator"]), colour)
    return made.figure


def _rows(
    families: Sequence[Mapping[str, Any]], losses: pd.DataFrame
) -> list[tuple[str, str, str]]:
    """Return (family, metric, domain) of each row."""
    asked = [settings(family, FAMILY) for family in families] or [
        {**FAMILY, "family": name} for name in ordered([], losses["family"])
    ]
    rows = []
    for family in asked:
        mine = pick(losses, family=family["family"])
        domains = ordered([], mine["domain"])
        domain = family["domain"] or (domains[0] if domains else "")
        rows += [
            (str(family["family"]), metric, domain)
            for metric in family["metrics"] or ordered([], mine["metric"])
        ]
    return rows


def _panel(
    axes: Axes,
    losses: pd.DataFrame,
    points: pd.DataFrame,
    optima: pd.DataFrame,
    colour: Mapping[str, str],
    marker: str,
    metric: str,
    ends: tuple[float, float],
) -> None:
    if not len(losses):
        empty(axes, "no losses")
        return
    kept = included(losses)
    for budget, tint in colour.items():
        here = (losses["budget"] == budget).to_numpy(dtype=bool)
        good, bad = losses[kept & here].sort_values("tokens"), losses[~kept & here]
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
        if len(bad):
            axes.plot(
                bad["tokens"],
                bad["value"],
                "x",
                color="#8a8a8a",
                markersize=2.6,
                zorder=2,
                gid="excluded",
            )
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
    log_axis(axes.xaxis, *ends, least=2, most=5)
    heights = [float(value) for value in losses.loc[kept, "value"]]
    if is_error(metric):
        log_axis(axes.yaxis, *limits_log(heights), least=2, most=3)
    else:
        axes.set_ylim(*limits_linear(heights))
        axes.locator_params(axis="y", nbins=3)
    said = [] if len(points) else ["no point at the optimum"]
    said += [lost] if is_error(metric) and (lost := without_positive_error(losses)) else []
    if said:
        axes.text(
            0.99,
            0.98,
            "\n".join(said),
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=5.4,
            style="italic",
        )


def _name(axes: Axes, row: tuple[str, str, str], labels: Mapping[str, str]) -> None:
    """Write family, domain and metric at the left of a row, each broken to the margin."""
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    parts = (words(row[0], labels, 40), f"({words(row[2], labels, 20)})", words(row[1], None, 40))
    text = "\n".join(line for part in parts for line in textwrap.wrap(part, 17))
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
    texts = [ESTIMATOR_NAMES.get(name, words(name)) for name in estimators]
    budgets = list(colour)
    shown = budgets if len(budgets) <= 6 else [budgets[0], budgets[-1]]
    handles += [Line2D([], [], color=colour[name], linewidth=1.6) for name in shown]
    texts += [budget_text(name) + ("" if place else " FLOPs") for place, name in enumerate(shown)]
    if handles:
        top_legend(figure, handles, texts)


if __name__ == "__main__":
    main(draw)
