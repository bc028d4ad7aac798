"""IsoFLOP panels: error of one corpus against tokens, a curve per budget, optima per estimator."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from relscale.figures.kit.axes import limits_log, log_axis, number
from relscale.figures.kit.choose import compute_of, included, ordered, pick, reservation
from relscale.figures.kit.labels import Label, direct_labels, note
from relscale.figures.kit.laws import bounded_exp
from relscale.figures.kit.style import FAINT, MarkStyle, shade, words

ESTIMATOR_MARKS: dict[str, MarkStyle] = {
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
    "joint": {"marker": "v", "markersize": 5.0, "markeredgewidth": 0.9, "markerfacecolor": "none"},
    "auto": {"marker": "p", "markersize": 5.5, "markeredgewidth": 0.9, "markerfacecolor": "none"},
}
"""Marks of estimators, arguments of `Axes.plot`: none is a filled marker, which corpora use."""
ESTIMATOR_NAMES = {
    "vertex": "fitted vertex",
    "best_run": "lowest run",
    "joint": "joint",
    "akima": "Akima curve",
    "surface": "surface L(N, D)",
}
"""Words for estimators."""


LEAST_ROOM = 1.5
"""Factor beyond the runs within which an optimum extends the axes of a panel, unless half of the
runs' range on the log axis is more."""


def estimator_mark(estimator: str) -> MarkStyle:
    """Return the mark of an estimator: arguments of `Axes.plot`."""
    other: MarkStyle = {
        "marker": "d",
        "markersize": 4.5,
        "markeredgewidth": 0.9,
        "markerfacecolor": "none",
    }
    return ESTIMATOR_MARKS.get(estimator, other)


def estimator_name(estimator: str) -> str:
    """Return an estimator in words."""
    return ESTIMATOR_NAMES.get(estimator, words(estimator))


def optimum_metric(optima: pd.DataFrame, metric: str) -> str:
    """Return the given metric, or if it is empty that of the optima (bits per byte without any)."""
    return metric or next(iter(ordered([], optima["metric"])), "bits_per_byte")


def optimum_errors(losses: pd.DataFrame) -> pd.DataFrame:
    """Return the error whose minimum is the optimum: one row per run.

    It is the geometric mean over the domains of the family. A run without a positive value of every
    domain has none (NaN), as in the laws.

    Args:
        losses: rows of the losses table of one family and metric.

    Returns:
        The same rows if there is one domain; else the first row of each run with the mean as its
        value, excluded if one of its rows is.
    """
    domains = losses.groupby("corpus")["domain"].nunique()
    if not (domains > 1).any():
        return losses
    value = pd.to_numeric(losses["value"], errors="coerce")
    rows = losses.assign(
        log_value=np.log(value.where(np.isfinite(value) & (value > 0))), excluded=~included(losses)
    )
    runs = rows.groupby(["corpus", "run"], sort=False)
    mean = np.exp(runs["log_value"].transform("mean"))
    is_whole = runs["log_value"].transform("count") == rows["corpus"].map(domains)
    rows = rows.assign(
        value=mean.where(is_whole),
        excluded_reason=np.where(runs["excluded"].transform("any"), "excluded", ""),
    )
    return rows.drop_duplicates(["corpus", "run"]).drop(columns=["log_value", "excluded"])


def mean_of_domains(losses: pd.DataFrame, family: str) -> str:
    """Return a sentence on the mean that `optimum_errors` takes; empty for one domain."""
    count = losses["domain"].nunique()
    if count < 2:
        return ""
    return f"Error: geometric mean over the {count} domains of {words(family, None, 40)}."


def budget_compute(losses: pd.DataFrame, compute: str) -> dict[str, float]:
    """Return the median compute of the runs of each budget, by rising compute.

    A budget of unknown compute is last, with NaN.
    """
    flops = compute_of(losses, compute).groupby(losses["budget"].astype(str)).median()
    found = {str(budget): float(value) for budget, value in flops.items()}
    return dict(
        sorted(found.items(), key=lambda item: (np.nan_to_num(item[1], nan=np.inf), item[0]))
    )


def budget_text(budget: str) -> str:
    """Return the label of a budget as a number (5e10 as 5×10¹⁰); other labels are unchanged."""
    try:
        return number(float(budget))
    except ValueError:
        return budget


def budget_size(budget: str) -> tuple[float, str]:
    """Return the sort key of a budget: its number; labels that are not numbers are last."""
    try:
        return float(budget), budget
    except ValueError:
        return float("inf"), budget


def budget_colours(budgets: Sequence[str]) -> dict[str, str]:
    """Return the shade of each budget, from light (small) to dark (large)."""
    return {budget: shade(place, len(budgets)) for place, budget in enumerate(budgets)}


def parabola(optimum: pd.Series, tokens: np.ndarray) -> np.ndarray:
    """Return the fitted IsoFLOP parabola: log E = log E* + curvature (log10 D - log10 D*)^2.

    Args:
        optimum: a row of optima.csv of the estimator `vertex`.
        tokens: D.  # (n,)

    Returns:
        E in the unit of the metric.  # (n,)
    """
    away = np.log10(tokens) - np.log10(float(optimum["optimum_tokens"]))
    return float(optimum["value"]) * bounded_exp(float(optimum["curvature"]) * away**2)


def isoflop_panel(
    axes: Axes,
    losses: pd.DataFrame,
    optima: pd.DataFrame,
    *,
    colour: Mapping[str, str],
    marker: str,
    below: float = 0.0,
) -> None:
    """Draw the runs of one corpus (grey crosses: excluded runs), fitted parabolas and optima.

    Args:
        axes: axes of the panel; the limits are set for this corpus alone.
        losses: rows of one corpus, domain and metric.
        optima: rows of one corpus.
        colour: shade of each budget.
        marker: marker of the corpus.
        below: room under the curves for a key, as a share of their height.
    """
    kept = included(losses)
    ends: list[tuple[float, float, str]] = []
    for budget, tint in colour.items():
        mine = losses["budget"].to_numpy() == budget
        good = losses[kept & mine]
        _runs(axes, good, losses[~kept & mine], tint, marker)
        for _, optimum in pick(optima, budget=budget).iterrows():
            _optimum(axes, optimum, good, tint)
        if len(good):
            last = good.sort_values(["tokens", "value"]).iloc[-1]
            ends.append((float(last["tokens"]), float(last["value"]), budget))
    drawn = optima[optima["budget"].isin(colour)]
    is_near = _is_near(drawn, losses)
    near, far = drawn[is_near], int((~is_near).sum())
    low, high = limits_log([*map(float, losses["tokens"]), *near["optimum_tokens"]], pad=0.05)
    log_axis(axes.xaxis, low, high, least=2, most=5)
    beyond = f"{far} {'optima' if far > 1 else 'optimum'} beyond the panel" if far else ""
    lost = "; ".join(filter(None, [without_positive_error(losses), beyond]))
    if lost:
        note(axes, lost, y=0.98, va="top")
    bottom, top = limits_log([*map(float, losses["value"]), *near["value"]])
    log_axis(axes.yaxis, bottom * (bottom / top) ** below, top)
    axes.set_xlabel("Training tokens")
    if len(ends) <= 12:
        _budget_labels(axes, ends, colour)


def _is_near(optima: pd.DataFrame, losses: pd.DataFrame) -> pd.Series:
    """Return of each optimum whether it is among the runs, or near enough to show it with them.

    An optimum that does not exist (not positive) has nothing to show and counts as near.
    """
    near = pd.Series(True, index=optima.index)
    for name, column in (("optimum_tokens", "tokens"), ("value", "value")):
        runs = pd.to_numeric(losses[column], errors="coerce")
        runs = runs[np.isfinite(runs) & (runs > 0)]
        if len(runs):
            room = max(float(runs.max() / runs.min()) ** 0.5, LEAST_ROOM)
            near &= optima[name].between(runs.min() / room, runs.max() * room)
    return near | ~((optima["optimum_tokens"] > 0) & (optima["value"] > 0))


def _runs(axes: Axes, good: pd.DataFrame, excluded: pd.DataFrame, tint: str, marker: str) -> None:
    """Draw the runs of one budget."""
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
    if len(excluded):
        axes.plot(
            excluded["tokens"],
            excluded["value"],
            "x",
            color=FAINT,
            markersize=3.0,
            zorder=2,
            gid="excluded",
        )


def _optimum(axes: Axes, optimum: pd.Series, good: pd.DataFrame, tint: str) -> None:
    """Draw an optimum of one budget, and the parabola of the fitted vertex over its runs."""
    tokens, value, curvature = (
        float(optimum[key]) for key in ("optimum_tokens", "value", "curvature")
    )
    if not (tokens > 0 and value > 0):
        return
    sizes = good.loc[good["tokens"] > 0, "tokens"]
    if optimum["estimator"] == "vertex" and np.isfinite(curvature) and len(sizes):
        along = np.geomspace(sizes.min(), sizes.max(), 41)
        axes.plot(
            along,
            parabola(optimum, along),
            color=tint,
            linewidth=1.0,
            zorder=2,
            gid="parabola",
        )
    axes.plot(
        [tokens],
        [value],
        color="black",
        linestyle="none",
        zorder=4,
        gid="optimum",
        **estimator_mark(str(optimum["estimator"])),
    )


def _budget_labels(
    axes: Axes, ends: Sequence[tuple[float, float, str]], colour: Mapping[str, str]
) -> None:
    """Name each budget at the end of its curve (tokens, value); the highest one with its unit."""
    highest = max(ends, key=lambda end: end[1], default=None)
    labels = []
    for x, y, budget in ends:
        unit = "\nFLOPs" if (x, y, budget) == highest else ""
        labels.append(Label(x=x, y=y, text=budget_text(budget) + unit, colour=colour[budget]))
    direct_labels(axes, labels)


def without_positive_error(losses: pd.DataFrame) -> str:
    """Return how many included runs a log axis cannot show, in words; empty for none."""
    count = int((~(pd.to_numeric(losses["value"]) > 0))[included(losses)].sum())
    return f"{count} run{'s' * (count > 1)} without a positive error" if count else ""


def reservations(optima: pd.DataFrame) -> list[str]:
    """Return the budgets whose fitted vertex has a reservation, as `flat within noise: 5e10`."""
    found: dict[str, list[str]] = {}
    for _, row in optima[optima["estimator"] == "vertex"].iterrows():
        if reason := reservation(row["status"]):
            found.setdefault(reason, []).append(budget_text(str(row["budget"])))
    return [f"{reason}: {', '.join(budgets)}" for reason, budgets in sorted(found.items())]
