"""Draw how a law is made: IsoFLOP curves, the power law through the optima, accuracy from loss."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relscale.contract.metric_labels import metric_label
from relscale.contract.status import Status
from relscale.figures.figure2_pipeline import FIGURE, PipelineSettings
from relscale.figures.kit.axes import (
    add_footer,
    grid,
    limits_linear,
    limits_log,
    log_axis,
)
from relscale.figures.kit.choose import (
    included,
    one_estimator,
    ordered,
    pick,
    reservation,
    text_of,
)
from relscale.figures.kit.isoflop import (
    budget_colours,
    budget_compute,
    estimator_mark,
    estimator_name,
    isoflop_panel,
    mean_of_domains,
    optimum_errors,
    optimum_metric,
)
from relscale.figures.kit.labels import empty, heading, note, point_labels, y_label
from relscale.figures.kit.laws import has_numbers, span_of
from relscale.figures.kit.panels import (
    LawStyle,
    absolute_heights,
    absolute_panel,
    compute_axis,
)
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import (
    FAINT,
    SMALL_PT,
    compute_label,
    markers,
    words,
)
from relscale.figures.kit.tables import Tables

REASONS: dict[str, str] = {
    Status.FOOT_ONLY: "only the foot of the sigmoid was observed",
    Status.NO_RELATION: "no relation of accuracy to loss was found",
}
"""Sentences for statuses of a two-stage law."""


def draw(tables: Tables, settings: PipelineSettings) -> Figure:
    """Draw the figure from losses, optima, points, absolute, two_stage and predictions."""
    losses, optima = tables["losses"], tables["optima"]
    corpora = ordered(settings.corpora, losses["corpus"], optima["corpus"])
    corpus = settings.corpus or (corpora[0] if corpora else "")
    settings = _completed(settings, tables, corpus)
    compute = budget_compute(pick(losses, corpus=corpus), settings.compute)
    colour, marker = budget_colours(list(compute)), markers(corpora).get(corpus, "o")
    rows = pick(losses, corpus=corpus, family=settings.family, metric=settings.metric)
    made = grid(
        row_heights_in=[1.95],
        column_widths_in=[1.65, 1.4, 1.4],
        column_gap_in=[1.1, 0.62],
        right_in=0.2,
        bottom_in=0.4,
    )
    left, middle, right = made.rows[0]
    shown = words(corpus, settings.labels, 20)
    heading(left, f"IsoFLOP curves ({shown})" if shown else "IsoFLOP curves", "a")
    heading(middle, "Compute-optimal law", "b")
    heading(right, "Accuracy from loss", "c")
    if len(rows):
        best, errors = pick(optima, corpus=corpus), optimum_errors(rows)
        isoflop_panel(left, errors, best, colour=colour, marker=marker, below=0.16)
        y_label(left, metric_label(settings.metric), 0.36)
        _key(left, optima)
    else:
        where = words(corpus, settings.labels, 28) or "any corpus"
        empty(left, f"no losses of {words(settings.family)} on {where}")
    _power_law(middle, tables, settings, corpus, marker)
    _accuracy(
        right, tables, settings, corpus, {budget: (colour[budget], marker) for budget in colour}
    )
    if foot := _foot(rows, settings):
        add_footer(made.figure, foot)
    return made.figure


def _completed(settings: PipelineSettings, tables: Tables, corpus: str) -> PipelineSettings:
    """Return the settings with the metric of the optima and a domain of the tables."""
    metric = optimum_metric(tables["optima"], settings.metric)
    here = {"corpus": corpus, "family": settings.family, "metric": metric}
    found = (pick(tables[name], **here)["domain"] for name in ("points", "absolute"))
    domain = settings.domain or next(iter(ordered([], *found)), "")
    return settings.model_copy(update={"metric": metric, "domain": domain})


def _foot(rows: pd.DataFrame, settings: PipelineSettings) -> str:
    """Return which domains the panels show, if the family has several."""
    mean = mean_of_domains(rows, settings.family)
    return f"(a) {mean} (b) {words(settings.domain, settings.labels, 40)}." if mean else ""


def _main_domain(settings: PipelineSettings) -> dict[str, str]:
    """Return the key of the power law: columns and their values."""
    return {"family": settings.family, "domain": settings.domain, "metric": settings.metric}


def _key(axes: Axes, optima: pd.DataFrame) -> None:
    names = ordered([], optima["estimator"])
    handles = [
        axes.plot([], [], color="black", linestyle="none", **estimator_mark(name))[0]
        for name in names
    ]
    if handles:
        axes.legend(
            handles,
            [estimator_name(name) for name in names],
            loc="lower left",
            ncols=2,
            borderpad=0.1,
            handletextpad=0.2,
            columnspacing=0.8,
            borderaxespad=0.2,
        )


def _power_law(
    axes: Axes, tables: Tables, settings: PipelineSettings, corpus: str, marker: str
) -> None:
    points, laws = (
        one_estimator(
            pick(tables[name], corpus=corpus, **_main_domain(settings)), settings.estimator
        )
        for name in ("points", "absolute")
    )
    if not len(points) and not len(laws):
        where = words(corpus, settings.labels, 28) or "any corpus"
        empty(axes, f"no compute-optimal points of {words(settings.family)} on {where}")
        return
    span = span_of(points, settings.compute, settings.extrapolate_decades)
    style = LawStyle(
        colour={settings.domain: "#0b2545"}, marker=marker, compute=settings.compute, span=span
    )
    absolute_panel(axes, points, laws, style)
    compute_axis(axes, span, room=1.4, single=1.4)
    log_axis(axes.yaxis, *limits_log(absolute_heights(points, laws, style)))
    axes.set_xlabel(compute_label(settings.compute))
    y_label(axes, metric_label(settings.metric))
    texts = [_law_text(row) for _, row in laws.iterrows()] or ["no law was fitted"]
    axes.text(
        0.98,
        0.98,
        "\n".join(texts),
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=SMALL_PT,
        linespacing=1.35,
    )


def _law_text(row: pd.Series) -> str:
    if not has_numbers(row, ("exponent",)):
        return text_of(row["status"]).replace("_", " ")
    offset = float(row["offset"])
    form = "E = αF⁻ᵝ" if math.isnan(offset) else f"E = {offset:.2f} + αF⁻ᵝ"
    lines = [f"{form}, β = {float(row['exponent']):.3f}"]
    if has_numbers(row, ("ci_low", "ci_high")):
        lines.append(f"[{float(row['ci_low']):.3f}, {float(row['ci_high']):.3f}]")
    return "\n".join(lines)


def _accuracy(
    axes: Axes,
    tables: Tables,
    settings: PipelineSettings,
    corpus: str,
    marks: Mapping[str, tuple[str, str]],
) -> None:
    """Draw accuracy against loss with the two-stage law; `marks`: colour and marker per budget."""
    family, domain = settings.choice_family, settings.choice_domain or None
    laws = pick(tables["two_stage"], corpus=corpus, family=family, domain=domain)
    if not len(laws):
        where = words(corpus, settings.labels, 28) or "any corpus"
        empty(axes, f"no two-stage law of {words(family) or 'any family'} on {where}")
        return
    law = laws.iloc[0]
    losses = pick(tables["losses"], corpus=corpus, family=family)
    pairs = accuracy_against_loss(losses[included(losses)], law).dropna()
    for budget, (tint, marker) in marks.items():
        mine = pairs[pairs["budget"] == budget]
        axes.plot(
            mine["loss"],
            mine["accuracy"],
            marker,
            color=tint,
            markersize=3.2,
            markeredgewidth=0,
            zorder=3,
            gid="points",
        )
    if not len(pairs):
        empty(axes, "no run has both the loss and the accuracy of the two-stage law")
        return
    _sigmoid(axes, pairs, outside_models(tables["predictions"], law), law)
    loss = str(law["loss_metric"])
    axes.set_xlabel(metric_label(loss))
    y_label(axes, f"Accuracy, {words(law['domain'], settings.labels, 24)}")
    if reason := reservation(law["status"]):
        note(axes, REASONS.get(law["status"], reason), y=0.97, va="top")


def _sigmoid(axes: Axes, pairs: pd.DataFrame, outside: pd.DataFrame, law: pd.Series) -> None:
    """Draw chance, the models that are not runs, and the law; scale the axes over all of them."""
    chance = float(law["chance"])
    if math.isfinite(chance):
        axes.axhline(chance, color=FAINT, linewidth=0.6, zorder=1)
    if len(outside):
        axes.plot(
            outside["observed_loss"],
            outside["observed"],
            "kD",
            markersize=3.4,
            fillstyle="none",
            zorder=4,
            gid="outside",
        )
    first, last = float(pairs["loss"].min()), float(pairs["loss"].max())
    seen = [first, last, *(float(value) for value in outside["observed_loss"])]
    heights = [*(float(value) for value in pairs["accuracy"]), chance]
    heights += [float(value) for value in outside["observed"]]
    wide = max(seen) - min(seen) or 0.1
    low, high = min(seen) - 0.6 * wide, max(seen) + 0.15 * wide
    if has_numbers(law, ("floor", "ceiling", "steepness", "midpoint")):
        inside, below = np.linspace(first, last, 41), np.linspace(low, first, 41)
        axes.plot(inside, sigmoid(law, inside), color="black", linewidth=1.0, zorder=2, gid="law")
        axes.plot(
            below,
            sigmoid(law, below),
            color="black",
            linewidth=0.9,
            alpha=0.45,
            linestyle=(0, (3.5, 2)),
            gid="extrapolation",
        )
        heights += [float(value) for value in sigmoid(law, np.array([low, high]))]
    axes.set_xlim(low, high)
    axes.set_ylim(*limits_linear(heights))
    if len(outside):
        x, y = (outside[name].astype(float) for name in ("observed_loss", "observed"))
        names = [words(name, None, 18) for name in outside["model"]]
        point_labels(axes, list(zip(x, y, strict=True)), names, ["black"] * len(names))
    if math.isfinite(chance):
        axes.annotate(
            f"chance {chance:g}",
            (high, chance),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            fontsize=SMALL_PT,
            color="#6b6b6b",
        )


def accuracy_against_loss(losses: pd.DataFrame, law: pd.Series) -> pd.DataFrame:
    """Return the loss and accuracy of each run, in the metrics of a two-stage law.

    Args:
        losses: rows of one corpus and family.
        law: a row of two_stage.csv.

    Returns:
        Columns run, budget, loss, accuracy.
    """
    rows = pick(losses, domain=law["domain"])
    loss, accuracy = (
        pick(rows, metric=law[key])[["run", "budget", "value"]].rename(columns={"value": name})
        for key, name in (("loss_metric", "loss"), ("accuracy_metric", "accuracy"))
    )
    return loss.merge(accuracy.drop(columns="budget"), on="run", how="inner", validate="one_to_one")


def outside_models(predictions: pd.DataFrame, law: pd.Series) -> pd.DataFrame:
    """Return the models that are not runs and whose loss and accuracy are known.

    Args:
        predictions: predictions.csv.
        law: a row of two_stage.csv.
    """
    key = {name: law[name] for name in ("corpus", "family", "domain")}
    rows = pick(predictions, **key, kind="outside_from_loss")
    return rows[rows["observed"].notna() & rows["observed_loss"].notna()]


def sigmoid(law: pd.Series, loss: np.ndarray) -> np.ndarray:
    """Return the accuracy of a two-stage law.

    accuracy = floor + (ceiling - floor) / (1 + exp(steepness (loss - midpoint)))
    (arXiv 2510.24626, figure 2).

    Args:
        law: a row of two_stage.csv.
        loss: loss in the unit of the law's metric.  # (n,)

    Returns:
        Accuracy from 0 to 1.  # (n,)
    """
    floor, ceiling = float(law["floor"]), float(law["ceiling"])
    exponent = float(law["steepness"]) * (loss - float(law["midpoint"]))
    growth = np.exp(np.clip(exponent, -60, 60))
    return floor + (ceiling - floor) / (1 + growth)


if __name__ == "__main__":
    run_figure(FIGURE, draw)
