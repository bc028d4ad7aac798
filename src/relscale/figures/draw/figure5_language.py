"""Draw language: absolute laws (top), relative laws (middle), slopes by covariate (bottom)."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from relscale.figures.figure5_language import FIGURE, LanguageSettings
from relscale.figures.kit.axes import limits_linear, limits_log, log_axis
from relscale.figures.kit.choose import numbers, pick
from relscale.figures.kit.family import draw_family
from relscale.figures.kit.family_rows import MOST_DIRECT_LABELS, FamilyRows, family_rows
from relscale.figures.kit.labels import empty, note, point_labels, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import BASELINE_COLOUR, SMALL_PT, words
from relscale.figures.kit.tables import LARGEST, Tables

BEYOND_IN = 0.6
"""Inches by which a name may extend to the right of a panel: the room of the labels above."""
MANY = 10
"""Domains from which on a correlation is more than an illustration."""


def draw(tables: Tables, settings: LanguageSettings) -> Figure:
    """Draw the figure from points, absolute, relative and covariates.

    Raises:
        ValueError: if a covariate is not above 0.
    """
    covariate = _covariate(tables["covariates"])
    rows = family_rows(tables, settings)
    figure, extra = draw_family(rows, extra_row_in=1.5)
    for place, (axes, corpus) in enumerate(zip(extra, rows.corpora or [""], strict=True)):
        _slopes(axes, rows, corpus, covariate)
        if axes.get_xscale() == "log":
            axes.set_xlabel(settings.covariate_label)
        if place:
            axes.tick_params(labelleft=False)
        elif axes.get_xscale() == "log":
            y_label(axes, "Slope dβ")
    return figure


def pearson_r(x: np.ndarray, y: np.ndarray) -> float:
    """Return Pearson's correlation; NaN for fewer than three points or for a constant.

    Args:
        x: numbers.  # (n,)
        y: numbers.  # (n,)
    """
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def _covariate(table: pd.DataFrame) -> dict[str, float]:
    """Return the covariate of each domain that has one.

    Raises:
        ValueError: if a value is not a number above 0.
    """
    known = table[table["value"].notna()]
    value = pd.to_numeric(known["value"], errors="coerce")
    wrong = known[~value.between(1 / LARGEST, LARGEST)]
    if len(wrong):
        domains = ", ".join(map(str, wrong["domain"]))
        raise ValueError(
            f"covariates: value of {domains} must be a number above 0 (the axis is logarithmic)"
        )
    return dict(zip(known["domain"].astype(str), value.astype(float), strict=True))


def _slopes(axes: Axes, rows: FamilyRows, corpus: str, covariate: Mapping[str, float]) -> None:
    """Draw the slopes of one corpus against the covariate, on axes that are scaled for all."""
    every = rows.relative[rows.relative["treatment"].isin(list(covariate))]
    laws = pick(rows.relative, corpus=corpus)
    mine = pick(every, corpus=corpus)
    mine = mine[pd.to_numeric(mine["dbeta"]).notna()]
    if not len(mine):
        empty(axes, "no slope of a domain that has a covariate")
        return
    x = np.array([covariate[str(name)] for name in mine["treatment"]])
    y = mine["dbeta"].to_numpy(dtype=float)
    inks = [rows.colour[str(name)] for name in mine["treatment"]]
    for place, (_, row) in enumerate(mine.iterrows()):
        axes.plot(
            [x[place]] * 2,
            [float(row["ci_low"]), float(row["ci_high"])],
            color=inks[place],
            linewidth=0.8,
            gid="interval",
        )
        axes.plot(
            [x[place]],
            [y[place]],
            rows.marker[corpus],
            color=inks[place],
            markersize=3.6,
            gid="slope",
            zorder=3,
        )
    axes.axhline(0, color=BASELINE_COLOUR, linewidth=0.6, zorder=1)
    low, high = limits_linear([*numbers(every, "dbeta", "ci_low", "ci_high"), 0.0])
    every_law = set(rows.relative["treatment"].astype(str))
    below = 0.25 if every_law - set(covariate) else 0.0  # room for the note
    axes.set_ylim(low - below * (high - low), high + 0.24 * (high - low))  # room for r
    log_axis(axes.xaxis, *limits_log(list(covariate.values()), pad=0.1), least=2, most=5)
    labels = rows.settings.labels
    if len(mine) <= MOST_DIRECT_LABELS:
        places = list(zip(x.tolist(), y.tolist(), strict=True))
        point_labels(
            axes,
            places,
            [words(name, labels, 22) for name in mine["treatment"]],
            inks,
            beyond_in=BEYOND_IN,
            bars=list(
                zip(mine["ci_low"].astype(float), mine["ci_high"].astype(float), strict=True)
            ),
        )
    axes.text(
        0.02,
        0.99,
        _correlation_text(np.log10(x), y),
        transform=axes.transAxes,
        va="top",
        fontsize=SMALL_PT,
    )
    left_out = sorted(set(laws["treatment"].astype(str)) - set(covariate))
    if left_out:
        listed = ", ".join(words(name, labels, 16) for name in left_out[:6])
        more = " …" if len(left_out) > 6 else ""
        note(axes, f"no covariate: {listed}{more}", y=0.02, va="bottom")


def _correlation_text(x: np.ndarray, y: np.ndarray) -> str:
    """Return Pearson's r with the p-value of no correlation, and what so few domains show."""
    r, count = pearson_r(x, y), len(x)
    if not math.isfinite(r):
        return f"no correlation (n = {count})"
    p = float(stats.pearsonr(x, y).pvalue)
    said = f"r = {r:+.2f}, n = {count}, p = {p:.2g}".replace("-", "−")
    return said if count >= MANY else f"{said}:\nweak evidence, n < {MANY}"


if __name__ == "__main__":
    run_figure(FIGURE, draw)
