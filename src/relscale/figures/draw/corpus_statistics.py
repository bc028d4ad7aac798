"""Draw statistics of the domains' text against exponents, relative to the means of families."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from relscale.contract.corpus_statistics import SAME_SIZE, ends_of
from relscale.figures.corpus_statistics import FIGURE, METRIC
from relscale.figures.kit.axes import footer, limits_linear, panel_grid
from relscale.figures.kit.choose import numbers, one_estimator, ordered, pick
from relscale.figures.kit.compared import nothing_to_show
from relscale.figures.kit.labels import empty, top_legend, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import (
    BASELINE_COLOUR,
    INK,
    PALETTE,
    SMALL_PT,
    markers,
    words,
)
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings

SHOWN = {
    "zipf_exponent": "Zipf exponent",
    "heaps_exponent": "Heaps exponent",
    "entropy_3": "entropy, order 3 (bits/byte)",
    "lzma_bits_per_byte": "compressed (bits/byte)",
}
"""Statistics with a panel, and their words."""
EXPONENTS = {"exponent": "Exponent", "dbeta": "Slope dβ"}
"""Exponents with a row of panels, and their words."""
VERDICTS = {
    "goes_with": "goes with it",
    "goes_against": "goes against it",
    "not_shown": "not shown to go with it",
}
FOOT = (
    "Both axes: less the mean of the family (vertical: of the family in the corpus). Statistics of "
    "the text that runs are scored on, of samples of {sizes}. Bars are 95 % intervals; some "
    "extend beyond the panel. r: Spearman's correlation of ranks within families, all corpora "
    "together, with its 95 % interval over n domains; p by permutation of domains within families, "
    "adjusted by Holm's method."
)


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from corpus_statistics, statistics_exponents, absolute and relative."""
    texts = pick(tables["corpus_statistics"], kind="domain")
    points = {name: _points(tables, texts, name, settings) for name in EXPONENTS}
    if not any(len(found) for found in points.values()):
        return nothing_to_show("no domain with statistics and an exponent")
    every = pd.concat(points.values())
    corpora = ordered(settings.corpora, every["corpus"])
    colour = {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(corpora)}
    present = set(every["family"])
    order = [view.family for view in settings.families if view.family in present]
    families = ordered(order, every["family"])
    mark = markers(families)
    foot = FOOT.format(sizes=_sizes(every))
    made = panel_grid(
        rows=len(EXPONENTS), columns=len(SHOWN), row_height_in=1.5, left_in=0.78, gap_in=0.3,
        row_gap_in=0.62, foot=foot,
    )  # fmt: skip
    rows = tables["statistics_exponents"]
    for axes_row, (name, label) in zip(made.rows, EXPONENTS.items(), strict=True):
        _row(axes_row, points[name], colour, mark)
        found = one_estimator(pick(rows, quantity=name, metric=METRIC), settings.estimator)
        for axes, statistic in zip(axes_row, SHOWN, strict=True):
            _write_reading(axes, _reading(pick(found, covariate=statistic)))
        y_label(axes_row[0], f"{label}, relative\nto the family", 0.42)
    for axes, label in zip(made.rows[-1], SHOWN.values(), strict=True):
        axes.set_xlabel(label[:1].upper() + label[1:])
    _legend(made.figure, colour, mark, settings)
    footer(made.figure, foot)
    return made.figure


def _sizes(points: pd.DataFrame) -> str:
    """Return in words whether samples have the same size."""
    sizes = pd.to_numeric(points["sample_bytes"]).dropna()
    if not len(sizes) or sizes.min() >= SAME_SIZE * sizes.max():
        return "equal size"
    return f"{sizes.min():,.0f} to {sizes.max():,.0f} bytes, on which statistics depend"


def _points(
    tables: Tables, texts: pd.DataFrame, name: str, settings: ComparedSettings
) -> pd.DataFrame:
    """Return one row per corpus and domain with statistics and an exponent, both centred.

    Columns: corpus, family, domain, y, y_low, y_high, and for each statistic x, x_low and x_high
    as `<statistic>`, `<statistic>_ci_low` and `<statistic>_ci_high`.
    """
    table = tables["absolute" if name == "exponent" else "relative"]
    law = one_estimator(pick(table, metric=METRIC), settings.estimator)
    law = law.rename(columns={"treatment": "domain", name: "y"})
    law = law.rename(columns={"ci_low": "y_low", "ci_high": "y_high"})
    columns = ["corpus", "family", "domain", "y", "y_low", "y_high"]
    found = (
        law[columns]
        .dropna(subset=["y"])
        .merge(texts.drop(columns="corpus"), on=["family", "domain"], how="inner")
    )
    if settings.families:
        found = found[found["family"].isin([view.family for view in settings.families])]
    found = _centred(found, ["corpus", "family"], ("y", "y_low", "y_high"))
    for statistic in SHOWN:
        found = _centred(found, ["family"], (statistic, *ends_of(statistic)))
    return found


def _centred(frame: pd.DataFrame, by: list[str], columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a table with the mean of the first column in each group taken from some columns.

    A domain counts once, whatever the number of corpora.
    """
    once = frame.drop_duplicates([*by, "domain"])
    mean = once.groupby(by)[columns[0]].mean().rename("mean")
    middle = frame.join(mean, on=by)["mean"]
    return frame.assign(**{name: frame[name].astype(float) - middle for name in columns})


def _row(
    axes_row: Sequence[Axes],
    points: pd.DataFrame,
    colour: Mapping[str, str],
    mark: Mapping[str, str],
) -> None:
    """Draw the panels of one exponent, with the same vertical axis."""
    shown = points.dropna(subset=["y"])
    if not len(shown):
        for axes in axes_row:
            empty(axes, "no exponent in the tables")
        return
    limits = limits_linear([*shown["y"].astype(float), 0.0], pad=0.1)
    for place, (axes, statistic) in enumerate(zip(axes_row, SHOWN, strict=True)):
        low, high = ends_of(statistic)
        found = shown.dropna(subset=[statistic])
        if not len(found):
            empty(axes, "no statistic in the tables")
            continue
        ends = [*numbers(found, statistic, low, high), 0.0]
        axes.set(xlim=limits_linear(ends, pad=0.05), ylim=limits)
        for line in (axes.axhline, axes.axvline):
            line(0.0, color=BASELINE_COLOUR, linewidth=0.5, zorder=1)
        for _, row in found.iterrows():
            x, y, tint = float(row[statistic]), float(row["y"]), colour[str(row["corpus"])]
            for across, along in (
                ([row[low], row[high]], [y, y]),
                ([x, x], [row["y_low"], row["y_high"]]),
            ):
                axes.plot(across, along, color=tint, linewidth=0.35, alpha=0.35, gid="interval")
            axes.plot(
                [x], [y], mark[str(row["family"])], color=tint, markersize=3.2, gid="domain",
                markeredgecolor="white", markeredgewidth=0.3, zorder=3,
            )  # fmt: skip
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=4))
        if place:
            axes.tick_params(labelleft=False)


def _reading(rows: pd.DataFrame) -> str:
    """Return correlation, interval, p and verdict of a row of statistics_exponents.csv."""
    if not len(rows) or not np.isfinite(float(rows["spearman_r"].iloc[0])):
        return "no correlation"
    row = rows.iloc[0]
    text = (
        f"r = {row['spearman_r']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}], "
        f"n = {int(row['n'])}\np = {row['p_holm']:.2g}: {VERDICTS[str(row['verdict'])]}"
    )
    return text.replace("-", "−")


def _write_reading(axes: Axes, text: str) -> None:
    """Write the correlation of a panel above it."""
    axes.annotate(
        text, (0, 1), xytext=(0, 4), xycoords="axes fraction", textcoords="offset points",
        fontsize=SMALL_PT - 0.4, color=INK, linespacing=1.15, gid="reading",
    )  # fmt: skip


def _legend(
    figure: Figure, colour: Mapping[str, str], mark: Mapping[str, str], settings: ComparedSettings
) -> None:
    handles = [
        Line2D([], [], linestyle="none", color=tint, marker="o", markersize=3.4)
        for tint in colour.values()
    ] + [
        Line2D([], [], linestyle="none", color="#666666", marker=each, markersize=3.4)
        for each in mark.values()
    ]
    names = [words(name, settings.labels, 26) for name in (*colour, *mark)]
    top_legend(figure, handles, names)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
