"""Draw contrasts between suites: slopes in rows, and gaps over compute."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relscale.contract.scales import RATIO
from relscale.contract.verdict_words import verdict_of_word
from relscale.figures.kit.axes import footer, limits_log, log_axis
from relscale.figures.kit.choose import numbers, ordered, pick
from relscale.figures.kit.clipped import note_cuts, slope_limits
from relscale.figures.kit.compared import nothing_to_show, shown_families
from relscale.figures.kit.forest import Group, absent, family_forests, scale_slopes
from relscale.figures.kit.labels import empty
from relscale.figures.kit.panels import Mark, slope_row, verdict_word
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import (
    BAND_ALPHA,
    SMALL_PT,
    capital,
    colours,
    compute_label,
    words,
)
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings, FamilyView
from relscale.figures.suite_contrasts import FIGURE

SLOPES, GAPS = "Slope of log G, and verdict", "Gap G"
LEAST_IN = 1.15
"""Height of a panel of gaps, in inches, at least."""
FOOT = (
    "G: value under the first corpus over that under the second, each at its own compute-optimal "
    "points. For errors, below 1 the first is better, and with a slope below 0 it improves faster. "
    "Bars and bands: intervals, not adjusted; verdicts: adjusted over the domains of a contrast. "
    "Colours: as the names at the left."
)


@dataclass(frozen=True, kw_only=True)
class _Block:
    """One contrast on the domains of one family."""

    group: Group
    laws: pd.DataFrame
    points: pd.DataFrame


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from suite_contrasts and suite_contrast_points."""
    blocks = _blocks(tables, settings)
    if not blocks:
        return nothing_to_show("no contrasts between suites in the tables")
    drawn = family_forests(
        [block.group for block in blocks],
        (SLOPES, GAPS),
        labels=settings.labels,
        gap_in=1.15,
        least_height_in=LEAST_IN,
        foot=FOOT,
    )
    for block in blocks:
        slopes, gaps = drawn.row(block.group.key)
        scale_slopes(slopes, slope_limits(block.laws))
        for _, row in block.laws.iterrows():
            name = str(row["domain"])
            _slope(slopes, drawn.height[(block.group.key, name)], row, block.group.colour[name])
        _gaps(gaps, block)
    slopes, gaps = drawn.last
    slopes.set_xlabel("Slope dβ")
    gaps.set_xlabel(compute_label(str(blocks[-1].laws["compute"].iloc[0])))
    footer(drawn.figure, FOOT)
    note_cuts(drawn.figure)
    return drawn.figure


def _blocks(tables: Tables, settings: ComparedSettings) -> list[_Block]:
    """Return the contrasts, each with the families that have laws, in the order of the table."""
    laws = pick(tables["suite_contrasts"], scale=RATIO)
    blocks = []
    for treatment, baseline in laws[["treatment", "baseline"]].drop_duplicates().to_numpy():
        of_pair = pick(laws, treatment=treatment, baseline=baseline)
        for family in shown_families(settings.families, of_pair):
            choice = {"family": family.family, "metric": family.metric}
            rows = pick(of_pair, **choice)
            if len(rows):
                points = pick(
                    tables["suite_contrast_points"],
                    treatment=treatment,
                    baseline=baseline,
                    **choice,
                )
                pair = (str(treatment), str(baseline))
                group = _group(pair, family, rows, settings)
                blocks.append(_Block(group=group, laws=rows, points=points))
    return blocks


def _group(
    pair: Sequence[str], family: FamilyView, rows: pd.DataFrame, settings: ComparedSettings
) -> Group:
    """Return the rows of one contrast on one family."""
    first, second = (words(name, settings.labels, 30) for name in pair)
    domains = [
        name for name in ordered(family.domains, rows["domain"]) if name in set(rows["domain"])
    ]
    name = capital(words(family.family, settings.labels))
    return Group(
        key="\x1f".join((*pair, family.family)),
        title=f"{first} against {second}: {name} ({words(family.metric)})",
        rows=tuple(domains),
        colour=colours(domains, family.baseline),
    )


def _slope(axes: Axes, y: float, row: pd.Series, colour: str) -> None:
    """Draw a slope with its interval, and its verdict to the right of the panel."""
    if pd.isna(row["dbeta"]):
        absent(axes, y)
        return
    interval = (float(row["ci_low"]), float(row["ci_high"]))
    slope_row(axes, y, float(row["dbeta"]), interval, Mark(colour=colour))
    word = verdict_word(row)
    known = verdict_of_word(str(row["verdict"]))
    axes.text(
        1.02,
        y,
        f"{known.sign} {word}" if known else word,
        transform=axes.get_yaxis_transform(),
        va="center_baseline",
        fontsize=SMALL_PT,
        color=known.ink if known else "#777777",
    )


def _gaps(axes: Axes, block: _Block) -> None:
    """Draw the gap of each domain over compute, with the fitted law."""
    for stripe in list(axes.patches):  # of the rows of a forest
        stripe.remove()
    points = block.points
    if not len(points):
        axes.set(xticks=[], yticks=[])
        empty(axes, "no gap at two budgets")
        return
    axes.spines["left"].set_visible(True)
    heights = numbers(points, "gap", "fitted_gap_ci_low", "fitted_gap_ci_high")
    log_axis(axes.xaxis, *limits_log(numbers(points, "compute"), pad=0.08), least=2, most=5)
    log_axis(axes.yaxis, *limits_log([*heights, 1.0]), least=3, most=5)
    axes.axhline(1, color="#2b2b2b", linewidth=0.6, zorder=1)
    faint = BAND_ALPHA * min(1.0, 5 / max(len(block.group.rows), 1))
    for name in block.group.rows:
        rows, colour = pick(points, domain=name).sort_values("compute"), block.group.colour[name]
        if not len(rows):
            continue
        compute = rows["compute"].to_numpy(dtype=float)
        low, high = (rows[f"fitted_gap_ci_{end}"].to_numpy(dtype=float) for end in ("low", "high"))
        if np.isfinite([low, high]).all():
            axes.fill_between(
                compute, low, high, color=colour, alpha=faint, linewidth=0, gid="band"
            )
        axes.plot(compute, rows["fitted_gap"], color=colour, linewidth=1.0, zorder=2, gid="law")
        axes.plot(
            compute, rows["gap"], "o", color=colour, markersize=3.0, markeredgecolor="white",
            markeredgewidth=0.3, zorder=3, gid="points",
        )  # fmt: skip


if __name__ == "__main__":
    run_figure(FIGURE, draw)
