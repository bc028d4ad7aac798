"""Draw level and slope against shares, and the differences in differences."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from relscale.contract.status import Status
from relscale.figures.kit.axes import (
    AxesGrid,
    footer,
    footer_height_in,
    grid,
    limits_linear,
    limits_log,
    log_axis,
)
from relscale.figures.kit.choose import numbers, pick, text_of
from relscale.figures.kit.clipped import bar, note_cuts, point
from relscale.figures.kit.compared import nothing_to_show
from relscale.figures.kit.isoflop import estimator_name
from relscale.figures.kit.labels import empty, heading, top_legend, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import SMALL_PT, colours, words
from relscale.figures.kit.tables import Tables
from relscale.figures.representation import FIGURE
from relscale.figures.settings import Shown

QUANTITIES = ("level", "slope")
SURFACE = "surface"
"""Source of the floors that surfaces identify."""
COLOUR = "#222222"
PANEL_IN = 1.55
NOTES_IN = 0.24
"""Room below a panel for the slopes of its lines."""
MARKERS = ("o", "s")
BAND = "#e4e4e4"
DODGE = (0.94, 1.06)
"""Factors of the shares at which the two domains are drawn."""
ITEMS = (
    "Bars of single corpora include the noise of the test items, which all corpora share and which "
    "cancels in the differences. E = 25 %: assumed floors of 25 % of each domain's lowest loss. "
    "Lines: least squares; below each panel their slopes per natural log of the share, or of the "
    "ratio of shares, with 95 % intervals. Floors from surfaces, the least certain row, do not set "
    "the range of c and f."
)


@dataclass(frozen=True, kw_only=True)
class _View:
    """The rows of one metric and family, and how they are drawn."""

    rows: pd.DataFrame
    gap: str
    """Subject of the gap."""
    domains: tuple[str, str]
    colour: dict[str, str]
    labels: dict[str, str]

    def of(self, **equal: object) -> pd.DataFrame:
        """Return the rows with some values, by rising share."""
        return pick(self.rows, **equal).sort_values("log_share")


def draw(tables: Tables, settings: Shown) -> Figure:
    """Draw the figure from representation."""
    view = _view(tables["representation"], settings)
    if view is None:
        return nothing_to_show("no corpora that differ in shares in the tables")
    foot = _foot(view)
    width = 7.0
    made = grid(
        row_heights_in=[PANEL_IN, PANEL_IN],
        column_widths_in=[1.5, 1.5, 1.4],
        left_in=0.66,
        right_in=0.1,
        top_in=0.62,
        bottom_in=0.42 + NOTES_IN + footer_height_in(foot, width),
        column_gap_in=[0.66, 1.16],
        row_gap_in=0.58 + NOTES_IN,
        width_in=width,
    )
    for place, quantity in enumerate(QUANTITIES):
        _domains(made.rows[place][0], view, quantity)
        _gap(made.rows[place][1], view, quantity)
        _differences(made.rows[place][2], view, quantity)
    _words(made, view)
    footer(made.figure, foot)
    note_cuts(made.figure)
    return made.figure


def _view(table: pd.DataFrame, settings: Shown) -> _View | None:
    """Return the rows of the first family and metric; None without any."""
    if not len(table):
        return None
    first = table.iloc[0]
    rows = pick(table, family=first["family"], metric=first["metric"])
    subjects = list(dict.fromkeys(rows["subject"].astype(str)))
    gap = next((name for name in subjects if " / " in name), "")
    domains = [name for name in subjects if name != gap]
    if not gap or len(domains) != 2:
        domains = [*gap.split(" / ", 1), ""][:2]
    pair = (domains[0], domains[1])
    return _View(
        rows=rows,
        gap=gap,
        domains=pair,
        colour=colours(list(dict.fromkeys(pair)), None),
        labels=dict(settings.labels),
    )


def _main(view: _View) -> str:
    """Return the first estimator."""
    return text_of(view.rows.iloc[0]["estimator"])


def _domains(axes: Axes, view: _View, quantity: str) -> None:
    """Draw the loss of each domain, or its slope, against its share."""
    shown, logged = [], quantity == "level"
    for place, domain in enumerate(view.domains):
        rows = view.of(subject=domain, scale="loss", quantity=quantity)
        shown.append(rows)
        colour = view.colour.get(domain, COLOUR)
        _response(axes, rows, logged, (colour, MARKERS[place]), DODGE[place])
        _slope_below(axes, rows, colour, place)
    _scale(axes, pick(pd.concat(shown), kind="corpus"), logged)


def _gap(axes: Axes, view: _View, quantity: str) -> None:
    """Draw the ratio of the losses, or dbeta, against the ratio of the shares."""
    logged = quantity == "level"
    rows = view.of(
        subject=view.gap,
        scale="ratio",
        quantity=quantity,
        estimator=_main(view),
    )
    reference = 1.0 if logged else 0.0
    axes.axhline(reference, color="#999999", linewidth=0.6, zorder=0)
    _response(axes, rows, logged, (COLOUR, "D"))
    _slope_below(axes, rows, COLOUR)
    _scale(axes, pick(rows, kind="corpus"), logged, reference)


def _response(
    axes: Axes, rows: pd.DataFrame, logged: bool, style: tuple[str, str], dodge: float = 1.0
) -> None:
    """Draw points with intervals over shares, and the line of the dose response.

    Args:
        axes: of the panel.
        rows: of all kinds, by rising share.
        logged: whether the drawn heights are the exponentials of the values.
        style: colour and marker.
        dodge: factor of the shares, so that intervals of two domains do not hide each other.
    """
    colour, marker = style
    line = pick(rows, kind="line")
    if len(line):
        heights = line["value"].to_numpy(dtype=float)
        ends = np.exp(line["log_share"].to_numpy(dtype=float))
        axes.plot(
            ends,
            np.exp(heights) if logged else heights,
            color=colour,
            linewidth=0.9,
            gid=f"line {line['subject'].iloc[0]} {line['quantity'].iloc[0]}",
        )
    rows = pick(rows, kind="corpus")
    rows = rows[pd.to_numeric(rows["value"]).notna()]
    if not len(rows):
        return
    x = np.exp(rows["log_share"].to_numpy(dtype=float))
    y, low, high = (rows[name].to_numpy(dtype=float) for name in ("value", "ci_low", "ci_high"))
    if logged:
        y, low, high = np.exp(y), np.exp(low), np.exp(high)
    axes.vlines(x * dodge, low, high, color=colour, linewidth=1.1)
    axes.plot(
        x * dodge,
        y,
        linestyle="none",
        marker=marker,
        color=colour,
        markersize=4,
        gid=f"representation {rows['subject'].iloc[0]} {rows['quantity'].iloc[0]}",
    )


def _slope_below(axes: Axes, rows: pd.DataFrame, colour: str, place: int = 0) -> None:
    """Write the slope of a line with its interval below a panel.

    Args:
        axes: of the panel.
        rows: of one quantity and of all kinds.
        colour: of the line.
        place: number of slopes above it.
    """
    dose = pick(rows, kind="dose")
    if not len(dose):
        return
    row = dose.iloc[0]
    value, low, high = (float(row[name]) for name in ("value", "ci_low", "ci_high"))
    text = f"line: {value:+.4f}"
    if np.isfinite(low) and np.isfinite(high):
        text += f" [{low:+.4f}, {high:+.4f}]"
    axes.annotate(
        text.replace("-", "\u2212"),
        (0.5, 0.0),
        xycoords="axes fraction",
        xytext=(0, -9 * place - (29 if row["quantity"] == "slope" else 17)),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=SMALL_PT,
        color=colour,
        annotation_clip=False,
    )


def _scale(axes: Axes, rows: pd.DataFrame, logged: bool, *also: float) -> None:
    """Scale the axes of a panel; name the rows that are missing."""
    found = rows[pd.to_numeric(rows["value"]).notna()]
    if not len(found):
        empty(axes, "no laws of these corpora")
        return
    shares = np.exp(found["log_share"].to_numpy(dtype=float))
    low, high = limits_log(list(shares), pad=0.1)
    axes.set_xlim(low, high)
    axes.set_xscale("log")
    ticks = sorted(set(np.round(shares, 4)))
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    heights = numbers(found, "value", "ci_low", "ci_high")
    if logged:
        bounds = limits_log([*np.exp(heights), *also], pad=0.1)
        log_axis(axes.yaxis, *bounds, least=2, most=5)
    else:
        axes.set_ylim(*limits_linear([*heights, *also], pad=0.12))
        axes.yaxis.set_major_locator(MaxNLocator(5))


def _differences(axes: Axes, view: _View, quantity: str) -> None:
    """Draw the differences in differences, one row per estimator and scale."""
    rows = pick(view.rows, kind="difference", subject=view.gap, quantity=quantity)
    if not len(rows):
        empty(axes, "no difference in differences")
        return
    names = [_row_name(row) for _, row in rows.iterrows()]
    heights = list(range(len(rows)))[::-1]
    margin = float(rows.iloc[0]["margin"])
    if quantity == "slope" and np.isfinite(margin):
        axes.axvspan(-margin, margin, color=BAND, linewidth=0, zorder=0)
    axes.axvline(0, color="#999999", linewidth=0.6, zorder=1)
    # Before the intervals, which are cut at the limits. Floors from surfaces are the least certain
    # row by far, and would leave no room for the others.
    certain = rows[rows["floors"].map(text_of) != SURFACE]
    scaled = certain if pd.to_numeric(certain["value"]).notna().any() else rows
    axes.set_xlim(*limits_linear([*numbers(scaled, "value", "ci_low", "ci_high"), 0.0], pad=0.08))
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    for height, (_, row) in zip(heights, rows.iterrows(), strict=True):
        value = float(row["value"])
        if not np.isfinite(value):
            reason = words(text_of(row["status"]) or Status.NOT_IDENTIFIED.value)
            axes.text(
                0.03,
                height,
                reason,
                fontsize=SMALL_PT,
                color="#777777",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
                transform=axes.get_yaxis_transform(),
            )
            continue
        main = text_of(row["estimator"]) == _main(view) and text_of(row["scale"]) == "ratio"
        colour = COLOUR if main else "#0072b2" if text_of(row["scale"]) == "ratio" else "#b3611a"
        interval = (float(row["ci_low"]), float(row["ci_high"]))
        bar(axes, height, interval, colour=colour, width_pt=2.0 if main else 0.9)
        point(
            axes,
            height,
            value,
            color=colour,
            marker="D" if main else "o",
            markersize=4.0 if main else 3.0,
        )
        left, right = axes.get_xlim()
        if not left <= value <= right:
            _beyond(axes, height, row, colour)
    axes.set_yticks(heights, names, fontsize=SMALL_PT)
    axes.tick_params(axis="y", length=0)


def _beyond(axes: Axes, height: float, row: pd.Series, colour: str) -> None:
    """Write the numbers of a row whose value is beyond the panel."""
    value, low, high = (float(row[name]) for name in ("value", "ci_low", "ci_high"))
    text = f"{value:.2f} [{low:.2f}, {high:.2f}]".replace("-", "\u2212")
    right = value > axes.get_xlim()[1]
    axes.text(
        0.95 if right else 0.05,
        height,
        text,
        fontsize=SMALL_PT,
        color=colour,
        ha="right" if right else "left",
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        zorder=2.5,
        transform=axes.get_yaxis_transform(),
    )


def _row_name(row: pd.Series) -> str:
    """Return the words of a row: the scale, and the floors or the estimator."""
    if text_of(row["scale"]) == "ratio":
        return f"ratio, {estimator_name(text_of(row['estimator']))}"
    floors = text_of(row["floors"])
    if floors.startswith("assumed "):
        return f"reducible, E = {100 * float(floors.removeprefix('assumed ')):g} %"
    return "reducible, surface"


def _words(made: AxesGrid, view: _View) -> None:
    """Write headings, axis labels and the key."""
    first, second = (words(name, view.labels) for name in view.domains)
    titles = ("each domain", f"{first} / {second}", "difference in differences")
    for axes, title, letter in zip(made.rows[0], titles, "abc", strict=True):
        heading(axes, title, letter)
    for axes, letter in zip(made.rows[1], "def", strict=True):
        heading(axes, "", letter)
    y_label(made.rows[0][0], "Loss")
    y_label(made.rows[0][1], "Ratio of losses")
    y_label(made.rows[1][0], "Slope in log F", away_in=0.5)
    y_label(made.rows[1][1], "dβ of the ratio", away_in=0.5)
    made.rows[1][0].set_xlabel("Share of the corpus")
    made.rows[1][1].set_xlabel("Ratio of the shares")
    made.rows[0][2].set_xlabel("Level, log ratio")
    made.rows[1][2].set_xlabel("dβ")
    handles = [
        Line2D([], [], color=view.colour.get(name, COLOUR), marker=marker, markersize=4)
        for name, marker in zip(view.domains, MARKERS, strict=True)
    ]
    top_legend(made.figure, handles, [first, second])


def _foot(view: _View) -> str:
    """Return the corpora that are compared, and the expectation."""
    rows = pick(view.rows, kind="difference", subject=view.gap)
    parts = []
    if len(rows):
        ends = [words(name, view.labels) for name in text_of(rows.iloc[0]["corpus"]).split(" - ")]
        parts.append(f"Difference in differences: corpus {' minus corpus '.join(ends)}.")
    for (quantity, scale), word in (
        (("level", "ratio"), "level"),
        (("slope", "ratio"), "dβ of the ratio"),
        (("slope", "reducible"), "dβ of reducible losses"),
    ):
        of = pick(rows, quantity=quantity, scale=scale)
        of = of[of["expected"].map(text_of) != ""]
        if len(of):
            row = of.iloc[0]
            parts.append(
                f"Expected on {text_of(row['written'])} of the {word}: {text_of(row['expected'])};"
                f" the result {_verb(text_of(row['agreement']))}."
            )
    return " ".join([*parts, ITEMS])


def _verb(agreement: str) -> str:
    """Return an answer as a verb."""
    return "leaves it undecided" if agreement == "undecided" else f"{agreement}"


if __name__ == "__main__":
    run_figure(FIGURE, draw)
