"""Draw controls: gaps by size of text, then gaps and slopes against those of the runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from relscale.figures.controls import FIGURE, METRIC, ControlsSettings
from relscale.figures.kit.axes import (
    AxesGrid,
    footer,
    footer_height_in,
    grid,
    limits_linear,
    limits_log,
    log_axis,
)
from relscale.figures.kit.choose import one_estimator, ordered, pick
from relscale.figures.kit.compared import family_title, nothing_to_show
from relscale.figures.kit.controls import texts_of_compute
from relscale.figures.kit.labels import Label, direct_labels, empty, heading, top_legend, y_label
from relscale.figures.kit.metrics import change, change_formula
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import (
    BASELINE_COLOUR,
    FAINT,
    PAGE_WIDTH_IN,
    SMALL_PT,
    MarkStyle,
    colours,
    markers,
    text_width_in,
    words,
)
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import FamilyView

ROW_IN, SQUARE_IN, LEFT_IN = 1.5, 1.42, 0.62
LEVEL = ("gap", "gap_ci_low", "gap_ci_high")
LEVEL_RUNS = ("gap_runs", "gap_runs_ci_low", "gap_runs_ci_high")
SLOPE = ("slope", "slope_ci_low", "slope_ci_high")
SLOPE_RUNS = ("slope_runs", "slope_runs_ci_low", "slope_runs_ci_high")
FOOT = (
    f"Gap: {change_formula(METRIC)}, G = L(treatment) / L(baseline), in bits per byte. Slope: "
    "d log G / d log text. Middle and right: all corpora; bars are 95 % intervals, over items for "
    "the n-grams."
)


@dataclass(frozen=True, kw_only=True)
class _Shown:
    """A family of the figure."""

    view: FamilyView
    colour: Mapping[str, str]
    """Colours of the treatments."""
    slopes: pd.DataFrame
    """Rows of control_slopes.csv."""
    corpora: Sequence[str]
    """All corpora."""


def draw(tables: Tables, settings: ControlsSettings) -> Figure:
    """Draw the figure from controls, control_slopes and points."""
    slopes = tables["control_slopes"]
    families = _families(slopes, settings)
    if not families:
        return nothing_to_show("no gap of a control in the tables")
    corpora = families[0].corpora
    corpus = settings.corpus or corpora[min(1, len(corpora) - 1)]
    made = _layout(families, settings)
    for place, (family, row) in enumerate(zip(families, made.rows, strict=True)):
        title = family_title(family.view, settings.labels)
        heading(row[0], f"{title}, {words(corpus, settings.labels, 20)}")
        mine = pick(tables["controls"], corpus=corpus, family=family.view.family, metric=METRIC)
        runs = one_estimator(
            pick(tables["points"], corpus=corpus, family=family.view.family, metric=METRIC),
            settings.estimator,
        )
        _by_text(row[0], family, mine, runs, corpus, settings)
        _against(row[1], family, LEVEL, LEVEL_RUNS, percent=True)
        _against(row[2], family, SLOPE, SLOPE_RUNS, percent=False)
        if not place:
            heading(row[1], "Gap at the same text (%)")
            heading(row[2], "Slope over the same text")
        y_label(row[0], "Error below the\nbaseline's (%)", 0.32)
        y_label(row[1], "runs", 0.3)
        y_label(row[2], "runs", 0.42)
    for axes, label in zip(made.rows[-1], ("Text read (bytes)", "n-grams", "n-grams"), strict=True):
        axes.set_xlabel(label)
    _legend(made.figure, corpora, settings)
    footer(made.figure, FOOT)
    return made.figure


def _families(slopes: pd.DataFrame, settings: ControlsSettings) -> list[_Shown]:
    """Return the families in which some gap of a control has a slope."""
    every = [FamilyView(family=name) for name in ordered([], slopes["family"])]
    corpora = ordered(settings.corpora, slopes["corpus"])
    found = []
    for view in settings.families or every:
        rows = pick(slopes, family=view.family, metric=METRIC)
        if not pd.to_numeric(rows["slope"]).notna().any():
            continue
        baseline = view.baseline or str(rows["baseline"].iloc[0])
        domains = ordered(view.domains, rows["treatment"], rows["baseline"])
        colour = colours(domains, baseline)
        colour.pop(baseline, None)
        found.append(_Shown(view=view, colour=colour, slopes=rows, corpora=corpora))
    return found


def _layout(families: Sequence[_Shown], settings: ControlsSettings) -> AxesGrid:
    names = [words(name, settings.labels, 22) for family in families for name in family.colour]
    gutter = max(text_width_in(name, SMALL_PT) for name in names) + 0.2
    widest = PAGE_WIDTH_IN - LEFT_IN - gutter - 2 * SQUARE_IN - 0.36 - 0.62 - 0.14
    return grid(
        row_heights_in=[ROW_IN] * len(families),
        column_widths_in=[max(1.4, widest), SQUARE_IN, SQUARE_IN],
        left_in=LEFT_IN,
        right_in=0.14,
        top_in=0.5,
        bottom_in=0.4 + footer_height_in(FOOT, PAGE_WIDTH_IN),
        column_gap_in=[gutter + 0.36, 0.62],
        row_gap_in=0.4,
    )


def _by_text(
    axes: Axes,
    family: _Shown,
    controls: pd.DataFrame,
    runs: pd.DataFrame,
    corpus: str,
    settings: ControlsSettings,
) -> None:
    """Draw the gaps of one corpus by size of text."""
    best = controls[controls["best"].astype(bool)]
    drawn: list[tuple[str, str, np.ndarray, np.ndarray]] = []
    for name in family.colour:
        rows = pick(best, domain=name).dropna(subset=["gap"]).sort_values("text_bytes")
        drawn.append(("control", name, rows["text_bytes"].to_numpy(dtype=float), _percent(rows)))
        points = pick(runs, domain=name).dropna(subset=["gap"]).sort_values("training_flops")
        law = pick(family.slopes, corpus=corpus, treatment=name)
        flops = points["training_flops"].to_numpy(dtype=float)
        drawn.append(("runs", name, texts_of_compute(flops, law), _percent(points)))
    heights = [float(y) for _, _, _, values in drawn for y in values]
    if not heights:
        empty(axes, "no gap in the tables")
        return
    ends: dict[str, float] = {}
    for kind, name, x, y in drawn:
        is_runs = kind == "runs"
        axes.plot(
            x, y, "-o" if is_runs else ":o", color=family.colour[name], gid=kind,
            linewidth=1.2 if is_runs else 0.7, markersize=2.6 if is_runs else 2.0,
            markerfacecolor=family.colour[name] if is_runs else "white", markeredgewidth=0.5,
            zorder=3 if is_runs else 2,
        )  # fmt: skip
        if len(y):
            ends.setdefault(name, float(y[-1]))
    axes.axhline(0.0, color=BASELINE_COLOUR, linewidth=0.6, zorder=1)
    log_axis(axes.xaxis, *limits_log([float(at) for _, _, x, _ in drawn for at in x]), most=4)
    axes.set_ylim(*limits_linear([*heights, 0.0]))
    labels = [
        Label(y=ends[name], text=words(name, settings.labels, 22), colour=family.colour[name])
        for name in ends
    ]
    direct_labels(
        axes,
        labels,
        size_pt=max(4.6, min(SMALL_PT, ROW_IN * 72 * 1.1 / max(len(labels), 1) / 1.22)),
    )


def _percent(rows: pd.DataFrame) -> np.ndarray:
    return change(rows["gap"].to_numpy(dtype=float), METRIC)


def _against(
    axes: Axes,
    family: _Shown,
    across: tuple[str, str, str],
    along: tuple[str, str, str],
    *,
    percent: bool,
) -> None:
    """Draw an estimate of the control against the same of the runs, with both intervals."""
    rows = family.slopes.dropna(subset=[across[0], along[0]])
    if not len(rows):
        empty(axes, "no estimate of both")
        return
    shown = rows[[*across, *along]].astype(float)
    if percent:
        shown = shown.apply(lambda column: pd.Series(change(column, METRIC), index=column.index))
    low, high = limits_linear([*map(float, shown.to_numpy().ravel()), 0.0])
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.plot(
        [low, high], [low, high], color=FAINT, linewidth=0.7, linestyle=":", zorder=1, gid="equal"
    )
    for line in (axes.axhline, axes.axvline):
        line(0.0, color=BASELINE_COLOUR, linewidth=0.5, zorder=1)
    mark = markers(family.corpora)
    for (_, row), (_, seen) in zip(rows.iterrows(), shown.iterrows(), strict=True):
        colour = family.colour[str(row["treatment"])]
        x, *x_ends = (float(seen[name]) for name in across)
        y, *y_ends = (float(seen[name]) for name in along)
        axes.plot(x_ends, [y, y], color=colour, linewidth=0.45, alpha=0.7, zorder=2, gid="interval")
        axes.plot([x, x], y_ends, color=colour, linewidth=0.45, alpha=0.7, zorder=2, gid="interval")
        axes.plot(
            [x], [y], mark[str(row["corpus"])], color=colour, markersize=3.2,
            markeredgecolor="white", markeredgewidth=0.35, zorder=3, gid="pair",
        )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=4))


def _legend(figure: Figure, corpora: Sequence[str], settings: ControlsSettings) -> None:
    look: MarkStyle = {"color": "#444444", "marker": "o", "markeredgewidth": 0.5}
    handles = [
        Line2D([], [], linewidth=1.2, markersize=2.6, **look),
        Line2D(
            [], [], linewidth=0.7, linestyle=":", markersize=2.0, markerfacecolor="white", **look
        ),
        *(
            Line2D([], [], linestyle="none", color="#444444", marker=mark, markersize=3.4)
            for mark in markers(corpora).values()
        ),
        Line2D([], [], color=FAINT, linewidth=0.7, linestyle=":"),
    ]
    names = [words(corpus, settings.labels, 20) for corpus in corpora]
    top_legend(figure, handles, ["runs", "n-grams", *names, "equal"])


if __name__ == "__main__":
    run_figure(FIGURE, draw)
