"""Draw the exponents of the optimal size, one row per approach and per way of counting."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.exponents import FIGURE
from relscale.figures.kit.axes import footer, limits_linear
from relscale.figures.kit.choose import numbers, ordered, pick, reservation
from relscale.figures.kit.compared import nothing_to_show
from relscale.figures.kit.forest import Forest, Group, absent, forest
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import MarkStyle
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings

APPROACHES = {
    "approach_1": "1 hull of all sizes",
    "approach_2": "2 IsoFLOP curves",
    "approach_3": "3 surface L(N, D)",
}
COUNTS = {
    "transformer_and_head": "transformer + head",
    "total": "all",
    "transformer": "transformer",
}
FLOPS = {"exact": "exact", "6ND": "6ND"}
MARKS: dict[str, MarkStyle] = {
    "approach_1": {"marker": "D"},
    "approach_2": {"marker": "o"},
    "approach_3": {"marker": "s"},
}
COLOUR = "#0072b2"
EVEN = 0.5
LIMITS = (-0.5, 1.5)
"""Exponents and ends of intervals beyond are cut off, with an arrow."""
FOOT = (
    "Intervals: 1, bootstrap of sizes; 2, scatter of the minima about the line; 3, robust variance "
    "of the surface, where C = 6ND. Arrows: the interval is longer. Counting: parameters, and "
    "FLOPs as in the table (exact) or 6ND; an approach without a mark has no result."
)
LOW, HIGH = "params_exponent_ci_low", "params_exponent_ci_high"


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from exponents and counts."""
    found = tables["exponents"].drop_duplicates(["corpus", "approach"])
    counts = tables["counts"].drop_duplicates(
        ["corpus", "counted_params", "counted_flops", "approach"]
    )
    if not len(found):
        return nothing_to_show("no exponents in the tables")
    corpora = ordered(settings.corpora, found["corpus"])
    ways = [
        (way, flops)
        for way in COUNTS
        for flops in FLOPS
        if len(pick(counts, counted_params=way, counted_flops=flops))
    ]
    labels = {
        **settings.labels,
        **APPROACHES,
        **{f"{way} {flops}": f"{COUNTS[way]}, {FLOPS[flops]}" for way, flops in ways},
    }
    groups = [_group("approaches", "Approach", list(APPROACHES))]
    if ways:
        groups.append(_group("counts", "Way of counting", [" ".join(way) for way in ways]))
    drawn = forest(groups, corpora, labels=labels, top_in=0.52, bottom_in=0.44, foot=FOOT)
    shown = pd.concat([found, counts])
    ends = [min(max(end, LIMITS[0]), LIMITS[1]) for end in numbers(shown, LOW, HIGH)]
    limits = limits_linear([*ends, EVEN, *numbers(shown, "params_exponent")])
    for axes, corpus in zip(drawn.made.rows[0], corpora, strict=True):
        axes.set_xlim(max(limits[0], LIMITS[0]), min(limits[1], LIMITS[1]))
        axes.set_xlabel("Exponent a of N*")
        axes.axvline(EVEN, color="#2b2b2b", linewidth=0.7, linestyle=(0, (1, 1.6)), zorder=1)
        for approach in APPROACHES:
            rows = pick(found, corpus=corpus, approach=approach)
            _row(axes, drawn, ("approaches", approach), rows, 0.0)
        for way, flops in ways:
            here = pick(counts, corpus=corpus, counted_params=way, counted_flops=flops)
            place = ("counts", f"{way} {flops}")
            if len(here) and not numbers(here, "params_exponent"):
                _why(axes, drawn.height[place], reservation(here.iloc[0]["status"]))
                continue
            for approach, shift in (("approach_2", -0.16), ("approach_3", 0.16)):
                rows = pick(here, approach=approach)
                if len(rows):
                    _row(axes, drawn, place, rows, shift)
    top_legend(
        drawn.made.figure,
        [
            Line2D([], [], color=COLOUR, linestyle="none", markersize=4.0, **MARKS[approach])
            for approach in APPROACHES
        ],
        [approach.replace("_", " ") for approach in APPROACHES],
    )
    footer(drawn.made.figure, FOOT)
    return drawn.made.figure


def _group(key: str, title: str, rows: list[str]) -> Group:
    return Group(key=key, title=title, rows=tuple(rows), colour=dict.fromkeys(rows, "#2b2b2b"))


def _why(axes: Axes, y: float, text: str) -> None:
    """Write why a row has no result, on top of the dotted line."""
    absent(axes, y, text)
    axes.texts[-1].set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})


def _row(
    axes: Axes, drawn: Forest, place: tuple[str, str], rows: pd.DataFrame, shift: float
) -> None:
    """Draw an exponent and its interval, or the word for its status."""
    y = drawn.height[place] + shift
    row = rows.iloc[0] if len(rows) else None
    if row is None or pd.isna(row["params_exponent"]):
        if not shift:
            _why(axes, y, reservation(row["status"]) if row is not None else "no result")
        return
    left, right = axes.get_xlim()
    low, high = float(row[LOW]), float(row[HIGH])
    if pd.notna(low) and pd.notna(high):
        inside = [min(max(end, left), right) for end in (low, high)]
        axes.plot(inside, [y, y], color=COLOUR, linewidth=1.0, gid="interval")
        for end, inner, arrow in ((low, left, "<"), (high, right, ">")):
            if (end < left) if arrow == "<" else (end > right):
                axes.plot([inner], [y], arrow, color=COLOUR, markersize=3.4, clip_on=False)
    axes.plot(
        [float(row["params_exponent"])],
        [y],
        color=COLOUR,
        linestyle="none",
        markersize=4.0,
        gid="exponent",
        **MARKS[str(row["approach"])],
    )


if __name__ == "__main__":
    run_figure(FIGURE, draw)
