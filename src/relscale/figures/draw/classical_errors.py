"""Draw the held-out errors of the classical laws: a row per law, a column per corpus."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.classical_errors import FIGURE
from relscale.figures.kit.axes import footer, limits_log, log_axis
from relscale.figures.kit.choose import ordered, pick, reservation
from relscale.figures.kit.compared import laws_of, nothing_to_show, shown_families
from relscale.figures.kit.forest import Forest, Group, absent, forest
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings

NAMES = {
    "kaplan_params": "L(N), power law",
    "kaplan_params_floor": "L(N) with a floor",
    "kaplan_tokens": "L(D), power law",
    "kaplan_tokens_floor": "L(D) with a floor",
    "kaplan_compute": "L(C), power law",
    "kaplan_compute_floor": "L(C) with a floor",
    "broken_compute": "L(C) with a break",
    "kaplan_surface": "L(N, D), Kaplan",
    "hoffmann_surface": "L(N, D), Hoffmann",
    "overtraining": "L(C, D/N), Gadre",
    "farseer": "L(N, D), Farseer",
}
"""Laws of a loss in the order of the rows, and their words."""
COLOUR, BAR = "#0072b2", "#2b2b2b"
SMALLEST = 0.01
"""Errors are drawn from this number of percent on."""
FOOT = (
    "Domains of all families, each in its first metric. A law without points has the status of "
    "most domains. L(N) and L(D) see only the sizes and tokens that they hold for, L(C) only the "
    "minima of IsoFLOP curves: their errors are of other points."
)
ERROR = "left_out_error_percent"


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from classical."""
    table = tables["classical"]
    parts = [laws_of(family, table) for family in shown_families(settings.families, table)]
    rows = pd.concat(parts, ignore_index=True) if parts else table
    rows = rows[rows["law"].isin(list(NAMES))]
    rows = rows.drop_duplicates(["corpus", "family", "metric", "domain", "law"])
    known = rows[pd.to_numeric(rows[ERROR]).notna()]
    if not len(known):
        return nothing_to_show("no classical law with a held-out error in the tables")
    corpora = ordered(settings.corpora, rows["corpus"])
    laws = [law for law in NAMES if (rows["law"] == law).any()]
    group = Group(key="laws", title="", rows=tuple(laws), colour=dict.fromkeys(laws, "#2b2b2b"))
    labels = {**settings.labels, **NAMES}
    drawn = forest([group], corpora, labels=labels, top_in=0.52, bottom_in=0.44, foot=FOOT)
    limits = limits_log([max(float(error), SMALLEST) for error in known[ERROR]])
    for axes, corpus in zip(drawn.made.rows[0], corpora, strict=True):
        log_axis(axes.xaxis, *limits, least=2, most=4)
        axes.set_xlabel("Held-out error (%)")
        for law in laws:
            here = pick(rows, corpus=corpus, law=law)
            if pd.to_numeric(here[ERROR]).notna().any():
                _row(axes, drawn, law, pick(known, corpus=corpus, law=law))
            else:
                absent(axes, drawn.height[("laws", law)], _why(here))
    handles = [
        Line2D([], [], color=COLOUR, linestyle="none", marker="o", markersize=3.4),
        Line2D([], [], color=COLOUR, linestyle="none", marker="o", markersize=3.4, mfc="white"),
    ]
    bar = Line2D([], [], color=BAR, linestyle="none", marker="|", markersize=7, mew=1.0)
    names = ["identified", "not identified", "median of the domains"]
    top_legend(drawn.made.figure, [*handles, bar], names)
    footer(drawn.made.figure, FOOT)
    return drawn.made.figure


def _why(rows: pd.DataFrame) -> str:
    """Return the most frequent status of rows without an error, and of how many if not of all."""
    if not len(rows):
        return "not fitted"
    counts = rows["status"].value_counts(sort=False).sort_index()
    word = reservation(counts.idxmax()) or "not predicted"
    return word if len(counts) == 1 else f"{word} ({counts.max()} of {len(rows)})"


def _row(axes: Axes, drawn: Forest, law: str, rows: pd.DataFrame) -> None:
    """Draw the errors of one law, a point per domain, and their median."""
    y = drawn.height[("laws", law)]
    errors = np.maximum(pd.to_numeric(rows[ERROR]).to_numpy(dtype=float), SMALLEST)
    shown = (rows["status"] == "ok").to_numpy()
    heights = y + 0.22 * np.linspace(-1, 1, len(errors)) * (len(errors) > 1)
    for kept, face in ((shown, COLOUR), (~shown, "white")):
        axes.plot(
            errors[kept],
            heights[kept],
            "o",
            color=COLOUR,
            markerfacecolor=face,
            markersize=2.6,
            markeredgewidth=0.6,
            gid="error",
        )
    axes.plot([float(np.median(errors))] * 2, [y - 0.36, y + 0.36], color=BAR, linewidth=1.0)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
