"""Language: absolute laws above, relative laws in the middle, slopes against a covariate of the
domains below, a column a corpus."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relscale.figures.kit.axes import (
    empty,
    limits_linear,
    limits_log,
    log_axis,
    note,
    point_labels,
    y_label,
)
from relscale.figures.kit.choose import pick
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.family import (
    FAMILY_DEFAULTS,
    MOST_DIRECT_LABELS,
    FamilyView,
    family_figure,
)
from relscale.figures.kit.style import BASELINE_COLOUR, SMALL_PT, words


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `points`, `absolute`, `relative` and `covariates` (domain, value > 0, or
    empty where unknown).

    Raises:
        ValueError: for an unknown key of the spec, or a covariate of 0 or less.
    """
    defaults = {
        **FAMILY_DEFAULTS,
        "family": "language",
        "covariate_label": "Population online, 1999 (%)",
    }
    chosen = settings(spec, defaults)
    covariates = table(tables, "covariates")
    known = covariates[covariates["value"].notna()]
    wrong = known[~(pd.to_numeric(known["value"]) > 0)]
    if len(wrong):
        raise ValueError(
            f"covariates: value of {', '.join(map(str, wrong['domain']))} must be a number above 0 (the axis is logarithmic)"
        )
    figure, view, extra = family_figure(tables, chosen, extra_row_in=1.5)
    value_of = dict(
        zip(known["domain"].astype(str), pd.to_numeric(known["value"]).astype(float), strict=True)
    )
    rows = view.relative[view.relative["treatment"].isin(list(value_of))]
    heights = [
        float(value)
        for key in ("dbeta", "ci_low", "ci_high")
        for value in rows[key]
        if pd.notna(value)
    ]
    for place, (axes, corpus) in enumerate(zip(extra, view.corpora or [""], strict=True)):
        _slopes(axes, pick(view.relative, corpus=corpus), value_of, heights, corpus, view, chosen)
        if place:
            axes.tick_params(labelleft=False)
        elif axes.get_xscale() == "log":
            y_label(axes, "Slope dβ")
    return figure


def pearson_r(x: np.ndarray, y: np.ndarray) -> float:
    """Return Pearson's correlation, NaN below three points or where one side does not vary."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])


def _slopes(
    axes: Axes,
    laws: pd.DataFrame,
    value_of: Mapping[str, float],
    heights: list[float],
    corpus: str,
    view: FamilyView,
    chosen: Mapping[str, Any],
) -> None:
    rows = laws[laws["treatment"].isin(list(value_of)) & pd.to_numeric(laws["dbeta"]).notna()]
    if not len(rows):
        empty(axes, "no slope of a domain that has a covariate")
        return
    x = np.array([value_of[str(name)] for name in rows["treatment"]])
    y = rows["dbeta"].to_numpy(dtype=float)
    inks = [view.colour[str(name)] for name in rows["treatment"]]
    for place, (_, row) in enumerate(rows.iterrows()):
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
            view.marker[corpus],
            color=inks[place],
            markersize=3.6,
            gid="slope",
            zorder=3,
        )
    axes.axhline(0, color=BASELINE_COLOUR, linewidth=0.6, zorder=1)
    low, high = limits_linear([*heights, 0.0])
    axes.set_ylim(low, high + 0.12 * (high - low))
    log_axis(axes.xaxis, *limits_log(list(value_of.values()), pad=0.1), least=2, most=5)
    axes.set_xlabel(str(chosen["covariate_label"]))
    if len(rows) <= MOST_DIRECT_LABELS:
        point_labels(
            axes,
            list(zip(x.tolist(), y.tolist(), strict=True)),
            [words(name, chosen["labels"], 22) for name in rows["treatment"]],
            inks,
        )
    r = pearson_r(np.log10(x), y)
    sample = f"n = {len(x)}" if len(x) >= 10 else f"n = {len(x)}: illustration only"
    text = (
        f"r = {r:+.2f} ({sample})".replace("-", "−")
        if math.isfinite(r)
        else f"no correlation (n = {len(x)})"
    )
    axes.text(0.02, 0.99, text, transform=axes.transAxes, va="top", fontsize=SMALL_PT)
    left_out = sorted(set(laws["treatment"].astype(str)) - set(value_of))
    if left_out:
        listed = ", ".join(words(name, chosen["labels"], 16) for name in left_out[:6]) + (
            " …" if len(left_out) > 6 else ""
        )
        note(axes, f"no covariate: {listed}", y=0.02, va="bottom")


if __name__ == "__main__":
    main(draw)
