"""The figure of a comparison: the difference of each domain with its interval."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.text import Text

from relscale.compare.variance import Array
from relscale.contract.comparison_tables import ComparisonStatus, comparison_status
from relscale.contract.metric_labels import metric_label
from relscale.figures.kit.axes import (
    add_footer,
    footer,
    footer_height_in,
    grid,
    limits_linear,
)
from relscale.figures.kit.forest import absent
from relscale.figures.kit.labels import heading, top_legend
from relscale.figures.kit.panels import Mark, slope_row
from relscale.figures.kit.style import (
    FAINT,
    PAGE_WIDTH_IN,
    PALETTE,
    SMALL_PT,
    capital,
    missing_letters,
    save,
    styled,
    text_width_in,
    words,
)

ENDINGS = ("svg", "pdf", "png")
"""Formats of a figure."""
DIFFERS = "differs"
"""A difference in a metric whose better side is not known."""
COLOURS = {"a": PALETTE[1], "b": PALETTE[0], DIFFERS: "#7b1fa2", "": "#777777"}
"""Colour of the better side by the verdict; grey without a difference."""
ROW_IN, GAP_IN, TOP_IN = 0.19, 0.62, 0.56
"""Heights of a row, of the room between two families, and above the first."""


def write_figure(
    draw: Callable[[pd.DataFrame], Drawing], domains: pd.DataFrame, folder: Path
) -> None:
    """Draw the figure and write comparison.svg, .pdf and .png; equal tables give equal bytes."""
    with styled():
        drawing = draw(domains)
        texts = [text.get_text() for text in drawing.findobj(Text)]
        if lost := missing_letters("".join(texts)):
            add_footer(
                drawing,
                f"{len(lost)} letter(s) have no glyph in the font: boxes in PNG and PDF files; the "
                "SVG file shows them.",
            )
        for ending in ENDINGS:
            save(drawing, folder / f"comparison.{ending}")


def draw_comparison(domains: pd.DataFrame) -> Drawing:
    """Draw one block per family and metric, and one row per domain.

    Args:
        domains: comparison.csv.
    """
    blocks = [
        (f"{capital(words(family))}: {metric_label(str(metric))}", rows)
        for (family, metric), rows in domains.groupby(["family", "metric"], sort=True)
    ]
    first = domains.iloc[0]
    foot = _foot(first)
    names = [words(name, width=30) for name in domains["domain"]]
    verdicts = [_verdict(row) for _, row in domains.iterrows()]
    left = max([text_width_in(name, SMALL_PT) for name in names] + [0.7]) + 0.2
    right = max([text_width_in(text, SMALL_PT) for text in verdicts] + [0.7]) + 0.2
    width = max(PAGE_WIDTH_IN, left + right + 2.2)
    made = grid(
        row_heights_in=[ROW_IN * max(len(rows), 1) for _, rows in blocks],
        column_widths_in=[width - left - right],
        left_in=left,
        right_in=right,
        top_in=TOP_IN,
        bottom_in=0.44 + footer_height_in(foot, width),
        row_gap_in=GAP_IN,
    )
    for (title, rows), (axes,) in zip(blocks, made.rows, strict=True):
        _block(axes, rows, title)
    top_legend(
        made.figure,
        [_handle("a"), _handle("b"), _handle(""), _detectable_handle()],
        ["a better", "b better", "not shown to differ", "less than detectable"],
    )
    footer(made.figure, foot)
    return made.figure


def _foot(first: pd.Series) -> str:
    level = f"{100 * float(first['ci_level']):g}"
    return (
        f"a: {words(first['name_a'], width=60)}. b: {words(first['name_b'], width=60)}. "
        f"Bars: {level} % intervals of the paired difference, not adjusted. Verdicts are adjusted "
        "over the domains of a family (Holm). Grey band: differences that the adjusted test finds "
        "with a chance below 80 %."
    )


def _handle(better: str) -> Line2D:
    colour, marker = COLOURS[better], "o" if better else "D"
    fill = colour if better else "white"
    return Line2D(
        [], [], color=colour, marker=marker, markerfacecolor=fill, markersize=3.8, linewidth=1
    )


def _detectable_handle() -> Line2D:
    return Line2D([], [], color=FAINT, linewidth=3.6, alpha=0.35, solid_capstyle="butt")


def _verdict(row: pd.Series) -> str:
    status = comparison_status(row["status"])
    if not status.is_tested:
        return words(status)
    return str(row["verdict"]) + ("" if status is ComparisonStatus.OK else f" ({words(status)})")


def _numbers(rows: pd.DataFrame, *names: str) -> Array:
    found = rows[list(names)].to_numpy(dtype=np.float64).ravel()
    return np.asarray(found[np.isfinite(found) & (np.abs(found) < 1e100)])


def _block(axes: Axes, rows: pd.DataFrame, title: str) -> None:
    """Draw the domains of one family in one metric."""
    heading(axes, title)
    axes.set_ylim(len(rows) - 0.5, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    reach = _numbers(rows, "detectable_difference")
    ends = _numbers(rows, "difference", "ci_low", "ci_high")
    axes.set_xlim(*limits_linear([*ends, *reach, *-reach, 0.0]))
    axes.axvline(0, color="#2b2b2b", linewidth=0.6, zorder=1)
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel("a − b")
    for y, (_, row) in enumerate(rows.iterrows()):
        if y % 2 == 0:
            axes.axhspan(y - 0.5, y + 0.5, color="#f3f3f3", linewidth=0, zorder=0)
        _row(axes, float(y), row)


def _row(axes: Axes, y: float, row: pd.Series) -> None:
    """Draw one domain: its name, the detectable differences, the difference and the verdict."""
    across = axes.get_yaxis_transform()
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    better = _better(row)
    for x, text, side in (
        (-0.08 / width_in, words(row["domain"], width=30), "right"),
        (1 + 0.08 / width_in, _verdict(row), "left"),
    ):
        axes.text(x, y, text, transform=across, ha=side, va="center_baseline", fontsize=SMALL_PT)
    names = ("difference", "ci_low", "ci_high", "detectable_difference")
    value, low, high, reach = (float(row[name]) for name in names)
    if np.isfinite(reach):
        axes.plot(
            [-reach, reach],
            [y, y],
            color=FAINT,
            linewidth=3.6,
            alpha=0.35,
            solid_capstyle="butt",
            zorder=1.5,
            gid="detectable",
        )
    if not np.isfinite(value):
        absent(axes, y, "no common items")
        return
    mark = Mark(colour=COLOURS[better], marker="o" if better else "D", filled=bool(better))
    slope_row(axes, y, value, (low, high), mark)


def _better(row: pd.Series) -> str:
    """Return the better side by the verdict, `DIFFERS`, or nothing without a difference."""
    if not str(row["verdict"]).startswith(("a ", "b ")):
        return ""
    return str(row["better"]) or DIFFERS
