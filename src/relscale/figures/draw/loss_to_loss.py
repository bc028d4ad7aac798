"""Draw loss to loss: baseline against treatment in all runs, a row of panels per family."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.directions import lower_is_better
from relscale.contract.metric_labels import metric_label
from relscale.figures.kit.axes import limits_log, log_axis, panel_grid
from relscale.figures.kit.choose import included, ordered, pick
from relscale.figures.kit.compared import family_title, nothing_to_show, with_metrics
from relscale.figures.kit.labels import (
    Label,
    direct_labels,
    empty,
    heading,
    label_size,
    top_legend,
    y_label,
)
from relscale.figures.kit.laws import bounded_exp, has_numbers
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import BASELINE_COLOUR, SMALL_PT, colours, text_width_in, words
from relscale.figures.kit.tables import LARGEST, Tables
from relscale.figures.loss_to_loss import FIGURE
from relscale.figures.settings import ComparedSettings, FamilyView

USED = ("corpus", "family", "domain", "metric", "run", "value", "excluded_reason")
"""Columns of the losses table that are used; each selection of rows copies all columns."""
LAW = ("c0", "c1", "c2")
ROW_IN, MOST_NAMES = 1.75, 14


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from losses and loss_to_loss."""
    losses = tables["losses"]
    losses = losses[[name for name in USED if name in losses.columns]][included(losses)]
    families = _families(settings, losses)
    if not families:
        return nothing_to_show("no losses of two domains in the tables")
    corpora = ordered(settings.corpora, losses["corpus"])
    colour = [_colours(family, losses) for family in families]
    names = [words(name, settings.labels, 22) for of in colour for name in of]
    gutter = max(text_width_in(name, SMALL_PT) for name in names) + 0.2
    made = panel_grid(
        rows=len(families),
        columns=len(corpora),
        row_height_in=ROW_IN,
        left_in=0.62,
        right_in=gutter,
        gap_in=0.42,
        row_gap_in=0.62,
        foot="",
    )
    for place, family in enumerate(families):
        mine = pick(losses, family=family.family, metric=family.metric)
        laws = pick(tables["loss_to_loss"], family=family.family, metric=family.metric)
        limits = limits_log(_values(mine, colour[place]))
        ends: dict[str, float] = {}
        for axes, corpus in zip(made.rows[place], corpora, strict=True):
            runs = _by_run(pick(mine, corpus=corpus))
            ends = _panel(axes, runs, pick(laws, corpus=corpus), colour[place], limits)
        _name_row(made.rows[place], family, corpora, settings)
        _names(made.rows[place][-1], ends, colour[place], settings.labels)
    _legend(made.figure)
    return made.figure


def _families(settings: ComparedSettings, losses: pd.DataFrame) -> list[FamilyView]:
    """Return the families with at least two domains in a metric where lower is better."""
    every = [FamilyView(family=name) for name in ordered([], losses["family"])]
    shown = with_metrics(settings.families or every, losses)
    return [
        family
        for family in shown
        if family.metric and lower_is_better(family.metric) and len(_colours(family, losses)) > 1
    ]


def _colours(family: FamilyView, losses: pd.DataFrame) -> dict[str, str]:
    """Return the colours of the domains; the baseline, nearly black, is the first."""
    mine = pick(losses, family=family.family, metric=family.metric)
    domains = ordered(family.domains, mine["domain"])
    baseline = family.baseline or next(iter(domains), "")
    every = colours(domains, baseline)
    return {name: every[name] for name in sorted(every, key=lambda name: name != baseline)}


def _by_run(losses: pd.DataFrame) -> pd.DataFrame:
    """Return the positive losses with a row per run and a column per domain."""
    value = losses["value"].astype(float)
    kept = losses[value.between(1 / LARGEST, LARGEST)]
    return kept.pivot_table(index="run", columns="domain", values="value", aggfunc="mean")


def _values(losses: pd.DataFrame, colour: Mapping[str, str]) -> list[float]:
    return [float(value) for value in losses.loc[losses["domain"].isin(list(colour)), "value"]]


def _panel(
    axes: Axes,
    runs: pd.DataFrame,
    laws: pd.DataFrame,
    colour: Mapping[str, str],
    limits: tuple[float, float],
) -> dict[str, float]:
    """Draw the runs of one family on one corpus; the first domain of `colour` is the baseline.

    Returns:
        The height at which the line of each treatment ends, or else its last run.
    """
    baseline, *treatments = colour
    if baseline not in runs.columns or len(runs.columns) < 2:
        empty(axes, "no run with a loss of the baseline and of another domain")
        return {}
    ends: dict[str, float] = {}
    across = limits_log(list(runs[baseline].dropna()), pad=0.05)
    for domain in treatments:
        if domain not in runs.columns:
            continue
        both = runs[[baseline, domain]].dropna().sort_values(baseline)
        if not len(both):
            continue
        ends[domain] = float(both[domain].iloc[-1])
        axes.plot(
            both[baseline],
            both[domain],
            "o",
            color=colour[domain],
            markersize=1.7,
            markeredgewidth=0,
            alpha=0.55,
            zorder=2,
            gid="points",
        )
        for _, law in laws[laws["treatment"] == domain].iterrows():
            if has_numbers(law, LAW[:2]):
                x = np.geomspace(*_ends(both[baseline]), 25)
                y = treatment_loss(law, x)
                axes.plot(x, y, color=colour[domain], linewidth=1.0, gid="law")
                ends[domain] = float(y[-1])
    axes.plot(
        across,
        across,
        color=BASELINE_COLOUR,
        linewidth=0.7,
        linestyle=(0, (3, 2)),
        zorder=1,
        gid="equal",
    )
    log_axis(axes.xaxis, *across, least=2, most=4)
    log_axis(axes.yaxis, *limits, least=3, most=5)
    return ends


def treatment_loss(law: pd.Series, baseline: np.ndarray) -> np.ndarray:
    """Return the treatment's loss at losses L of the baseline.

    log L_t = log L + c0 + c1 log L + c2 (log L)^2; an empty c2 is 0.

    Args:
        law: a row of loss_to_loss.csv.
        baseline: losses.  # (n,)

    Returns:
        Losses.  # (n,)
    """
    c0, c1, c2 = (float(law[name]) if has_numbers(law, (name,)) else 0.0 for name in LAW)
    x = np.log(baseline)
    return bounded_exp(x + c0 + c1 * x + c2 * x**2)


def _ends(values: pd.Series) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _name_row(
    row: tuple[Axes, ...], family: FamilyView, corpora: list[str], settings: ComparedSettings
) -> None:
    """Write the corpora above a row of panels, and the axes' labels."""
    title = family_title(family, settings.labels)
    for place, (axes, corpus) in enumerate(zip(row, corpora, strict=True)):
        shown = words(corpus, settings.labels, 24)
        heading(axes, f"{title}, {shown}" if not place else shown, room_in=_width_in(axes) + 0.3)
        axes.set_xlabel(
            f"{metric_label(family.metric)} of {words(family.baseline, settings.labels, 18)}"
            if family.baseline
            else f"{metric_label(family.metric)} of the baseline"
        )
        if place:
            axes.tick_params(labelleft=False)
    y_label(row[0], f"{metric_label(family.metric)}", 0.42)


def _width_in(axes: Axes) -> float:
    figure = axes.get_figure()
    return float(axes.get_position().width * figure.get_figwidth())  # type: ignore[union-attr]


def _names(
    axes: Axes,
    ends: Mapping[str, float],
    colour: Mapping[str, str],
    labels: Mapping[str, str],
) -> None:
    """Name the domains at the right of the last panel, in the order of their lines there."""
    shown = [
        Label(y=ends[name], text=words(name, labels, 22), colour=colour[name]) for name in ends
    ]
    if shown and len(shown) <= MOST_NAMES:
        direct_labels(axes, shown, label_size(len(shown), ROW_IN))


def _legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], color="#444444", linestyle="none", marker="o", markersize=2.4),
        Line2D([], [], color="#444444", linewidth=1.0),
        Line2D([], [], color=BASELINE_COLOUR, linewidth=0.7, linestyle=(0, (3, 2))),
    ]
    top_legend(figure, handles, ["a run", "law of loss to loss", "equal losses"])


if __name__ == "__main__":
    run_figure(FIGURE, draw)
