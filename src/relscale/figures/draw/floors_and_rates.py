"""Draw floors and rates: both parts of each slope, a row per domain, a column per corpus."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from relscale.contract.directions import lower_is_better
from relscale.figures.floors_and_rates import FIGURE
from relscale.figures.kit.axes import footer, limits_linear
from relscale.figures.kit.choose import numbers, ordered, pick, reservation
from relscale.figures.kit.clipped import LONG, note_cuts
from relscale.figures.kit.compared import family_group, laws_of, nothing_to_show, shown_families
from relscale.figures.kit.forest import FamilyForests, Group, absent, family_forests, scale_slopes
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.laws import has_numbers
from relscale.figures.kit.panels import Mark, slope_row
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import words
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings

PARTS = {"floor": ("s", True, -0.2), "rate": ("o", False, 0.2)}
"""By part: the marker, whether it is filled, and the shift from the middle of a row."""
BAND = ("dbeta_floor_lowest", "dbeta_floor_highest")
"""Range of the floor effect over all floors that the losses allow."""
WIDEST = 1.6
"""Bands beyond this multiple of all other numbers run out of the panel."""
FOOT = (
    "Scale: ratio G. Below 0 a part makes the treatment's share of the baseline's loss fall with "
    "compute, above 0 it makes it rise. A band that reaches the edge of a panel continues."
)


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from loss_to_loss."""
    table = tables["loss_to_loss"]
    families = [
        family
        for family in shown_families(settings.families, table)
        if len(laws_of(family, table)) and lower_is_better(family.metric)
    ]
    if not families:
        return nothing_to_show("no laws of loss to loss in the tables")
    groups = [family_group(family, table, settings.labels) for family in families]
    shown = pd.concat([laws_of(family, table) for family in families])
    corpora = ordered(settings.corpora, shown["corpus"])
    foot = " ".join(filter(None, [FOOT, _reasons(shown)]))
    drawn = family_forests(groups, corpora, labels=settings.labels, row_in=0.21, foot=foot)
    for family, group in zip(families, groups, strict=True):
        laws = laws_of(family, shown)
        limits = limits_linear([*_values(laws), 0.0])
        for corpus, axes in zip(corpora, drawn.row(group.key), strict=False):
            scale_slopes(axes, limits)
            _rows(axes, pick(laws, corpus=corpus), group, drawn)
    for axes in drawn.last:
        axes.set_xlabel("Part of the slope dβ")
    _legend(drawn.figure)
    footer(drawn.figure, foot)
    note_cuts(drawn.figure)
    return drawn.figure


def _values(laws: pd.DataFrame) -> list[float]:
    """Return the numbers that the axis of a family includes: parts, sums, and bands up to a limit.

    Intervals many times as long as the median (`LONG`) do not decide it.
    """
    sums = pd.to_numeric(laws["dbeta_floor"]) + pd.to_numeric(laws["dbeta_rate"])
    values = list(sums.dropna())
    for part in PARTS:
        columns = _columns(part)
        low, high = (pd.to_numeric(laws[name]) for name in columns[1:])
        kept = laws[~(high - low > LONG * (high - low).median())]
        values += numbers(kept, *columns)
    bands = numbers(laws[sums.isna()], *BAND)
    most = WIDEST * max(map(abs, values), default=math.inf)
    return values + [max(min(end, most), -most) for end in bands]


def _columns(part: str) -> tuple[str, str, str]:
    return f"dbeta_{part}", f"dbeta_{part}_ci_low", f"dbeta_{part}_ci_high"


def _rows(axes: Axes, rows: pd.DataFrame, group: Group, drawn: FamilyForests) -> None:
    """Draw the slopes of one family on one corpus."""
    for _, row in rows.iterrows():
        name = str(row["treatment"])
        y, colour = drawn.height[(group.key, name)], group.colour[name]
        parts = [float(row[f"dbeta_{part}"]) for part in PARTS]
        if all(math.isfinite(value) for value in parts):
            axes.plot(
                [sum(parts)] * 2, [y - 0.36, y + 0.36], color=colour, linewidth=2.2, alpha=0.55,
                solid_capstyle="butt", zorder=1.8, gid="sum",
            )  # fmt: skip
            for part, (marker, filled, shift) in PARTS.items():
                value, low, high = (float(row[column]) for column in _columns(part))
                mark = Mark(colour=colour, marker=marker, filled=filled)
                slope_row(axes, y + shift, value, (low, high), mark)
        elif has_numbers(row, BAND):
            low, high = (float(row[column]) for column in BAND)
            axes.barh(
                y, high - low, 0.5, left=low, facecolor="none", edgecolor=colour, hatch="////",
                linewidth=0.5, zorder=1.5, gid="band",
            )  # fmt: skip
        else:
            absent(axes, y, reservation(row["status"]) or "no split")


def _reasons(rows: pd.DataFrame) -> str:
    """Return a sentence on the slopes that could not be split."""
    lacking = rows[pd.to_numeric(rows["dbeta_floor"]).isna()]
    found = sorted({reservation(status) for status in lacking["status"]} - {""})
    if not len(lacking):
        return ""
    why = f" ({', '.join(words(one) for one in found)})" if found else ""
    return f"{len(lacking)} of {len(rows)} slopes are not split{why}."


def _legend(figure: Figure) -> None:
    handles: list[Line2D | Patch] = [
        Line2D(
            [], [], color="#444444", linestyle="none", marker=marker, markersize=3.8,
            markerfacecolor="#444444" if filled else "white",
        )
        for marker, filled, _ in PARTS.values()
    ]  # fmt: skip
    handles += [
        Line2D([], [], color="#444444", linewidth=2.2, alpha=0.55),
        Patch(facecolor="none", edgecolor="#444444", hatch="////", linewidth=0.5),
    ]
    texts = ["floor effect", "rate effect", "sum", "floor effect, floors not identified"]
    top_legend(figure, handles, texts)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
