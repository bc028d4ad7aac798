"""IsoFLOP panels: a corpus's own validation error against tokens, one curve a budget, with the
optima of each estimator."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from relscale.figures.kit.axes import Label, direct_labels, limits_log, log_axis, note, number
from relscale.figures.kit.choose import compute_of, included, pick, sound, status_word
from relscale.figures.kit.style import FAINT, shade

ESTIMATOR_MARKS: dict[str, dict[str, Any]] = {
    "vertex": {"marker": "x", "markersize": 5.2, "markeredgewidth": 1.3},
    "best_run": {
        "marker": "o",
        "markersize": 6.2,
        "markeredgewidth": 0.9,
        "markerfacecolor": "none",
    },
    "akima": {"marker": "+", "markersize": 6.0, "markeredgewidth": 1.1},
    "surface": {
        "marker": "d",
        "markersize": 5.5,
        "markeredgewidth": 0.9,
        "markerfacecolor": "none",
    },
}
"""Estimators are told apart by marks that no corpus uses filled: a cross for the fitted vertex, a
ring around the lowest run."""
ESTIMATOR_NAMES = {
    "vertex": "fitted vertex", "best_run": "lowest run", "joint": "joint", "akima": "Akima curve", "surface": "surface L(N, D)",
}  # fmt: skip


def estimator_mark(estimator: str) -> dict[str, Any]:
    """Return the mark of an estimator (arguments of `Axes.plot`)."""
    other: dict[str, Any] = {
        "marker": "d",
        "markersize": 4.5,
        "markeredgewidth": 0.9,
        "markerfacecolor": "none",
    }
    return ESTIMATOR_MARKS.get(estimator, other)


def budget_compute(losses: pd.DataFrame, compute: str) -> dict[str, float]:
    """Return the median compute of each budget's runs, by rising compute; a budget without any is
    put last, as NaN."""
    flops = compute_of(losses, compute).groupby(losses["budget"].astype(str)).median()
    found = {str(budget): float(value) for budget, value in flops.items()}
    return dict(
        sorted(found.items(), key=lambda item: (np.nan_to_num(item[1], nan=np.inf), item[0]))
    )


def budget_text(budget: str) -> str:
    """Write a budget's label as a number where it is one (5e10 as 5×10¹⁰), else as it stands."""
    try:
        return number(float(budget))
    except ValueError:
        return budget


def budget_size(budget: str) -> tuple[float, str]:
    """Return what budgets are sorted by: their number; labels that are no number come last, by
    name."""
    try:
        return float(budget), budget
    except ValueError:
        return float("inf"), budget


def budget_colours(budgets: Sequence[str]) -> dict[str, str]:
    """Give budgets shades from light (small) to dark (large)."""
    return {budget: shade(place, len(budgets)) for place, budget in enumerate(budgets)}


def parabola(optimum: pd.Series, tokens: np.ndarray) -> np.ndarray:
    """Return the fitted IsoFLOP parabola: log E = log E* + curvature (log10 D - log10 D*)^2.

    Args:
        optimum: A row of optima.csv of the estimator `vertex`.
        tokens: D.  # (n,)
    """
    away = np.log10(tokens) - np.log10(float(optimum["optimum_tokens"]))
    return float(optimum["value"]) * np.exp(float(optimum["curvature"]) * away**2)


def isoflop_panel(
    axes: Axes,
    losses: pd.DataFrame,
    optima: pd.DataFrame,
    *,
    colour: dict[str, str],
    marker: str,
    below: float = 0.0,
) -> list[str]:
    """Draw one corpus's runs (excluded ones as grey crosses), the fitted parabolas and the optima.

    Args:
        axes: Where; its limits are set here, over this corpus alone.
        losses: Rows of one corpus, own validation, one metric.
        optima: Rows of one corpus.
        colour: Of each budget.
        marker: Of the corpus.
        below: Room under the curves for a key, as a share of their height.

    Returns:
        What to say about budgets whose optimum has a reservation.
    """
    kept = included(losses)
    ends: list[tuple[float, float, str]] = []
    for budget, tint in colour.items():
        rows = pick(losses, budget=budget)
        good, bad = (
            rows[kept[losses["budget"].to_numpy() == budget]],
            rows[~kept[losses["budget"].to_numpy() == budget]],
        )
        axes.plot(
            good["tokens"],
            good["value"],
            marker,
            color=tint,
            markersize=3.0,
            markeredgewidth=0,
            zorder=3,
            gid="points",
        )
        if len(bad):
            axes.plot(
                bad["tokens"],
                bad["value"],
                "x",
                color=FAINT,
                markersize=3.0,
                zorder=2,
                gid="excluded",
            )
        for _, optimum in pick(optima, budget=budget).iterrows():
            if not np.isfinite(float(optimum["optimum_tokens"])) or not np.isfinite(
                float(optimum["value"])
            ):
                continue
            if (
                optimum["estimator"] == "vertex"
                and np.isfinite(float(optimum["curvature"]))
                and len(good)
            ):
                tokens = np.geomspace(good["tokens"].min(), good["tokens"].max(), 41)
                axes.plot(
                    tokens,
                    parabola(optimum, tokens),
                    color=tint,
                    linewidth=1.0,
                    zorder=2,
                    gid="parabola",
                )
            mark = estimator_mark(str(optimum["estimator"]))
            axes.plot(
                [optimum["optimum_tokens"]],
                [optimum["value"]],
                color="black",
                linestyle="none",
                zorder=4,
                gid="optimum",
                **mark,
            )
        if len(good):
            last = good.sort_values(["tokens", "value"]).iloc[-1]
            ends.append((float(last["tokens"]), float(last["value"]), budget))
    low, high = limits_log([float(value) for value in losses["tokens"]], pad=0.05)
    log_axis(axes.xaxis, low, high, least=2, most=5)
    lost = without_positive_error(losses)
    if lost:
        note(axes, lost, y=0.98, va="top")
    bottom, top = limits_log([float(value) for value in losses["value"]])
    log_axis(axes.yaxis, bottom * (bottom / top) ** below, top)
    axes.set_xlabel("Training tokens")
    if len(ends) <= 12:
        highest = max(ends, key=lambda end: end[1], default=None)
        texts = [budget_text(end[2]) + ("\nFLOPs" if end is highest else "") for end in ends]
        direct_labels(
            axes,
            [
                Label(x=x, y=y, text=text, colour=colour[name])
                for (x, y, name), text in zip(ends, texts, strict=True)
            ],
        )
    return reservations(optima)


def without_positive_error(losses: pd.DataFrame) -> str:
    """Say how many of the runs not left out a log axis cannot show; empty where there is none."""
    count = int((~(pd.to_numeric(losses["value"]) > 0))[included(losses)].sum())
    return f"{count} run{'s' * (count > 1)} without a positive error" if count else ""


def reservations(optima: pd.DataFrame) -> list[str]:
    """Say which budgets' fitted vertex has a reservation, as `flat within noise: 5e10, 1e11`."""
    found: dict[str, list[str]] = {}
    for _, row in optima[optima["estimator"] == "vertex"].iterrows():
        if not sound(row["status"]):
            found.setdefault(status_word(row["status"]).replace("_", " "), []).append(
                budget_text(str(row["budget"]))
            )
    return [f"{word}: {', '.join(budgets)}" for word, budgets in sorted(found.items())]
