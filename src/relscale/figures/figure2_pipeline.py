"""The argument in three panels: IsoFLOP curves of one corpus, its compute-optimal power law, and
accuracy against loss."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relscale.figures.kit.axes import (
    empty,
    grid,
    heading,
    limits_linear,
    limits_log,
    log_axis,
    note,
    point_labels,
    y_label,
)
from relscale.figures.kit.choose import included, one_estimator, ordered, pick, sound, status_word
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.isoflop import (
    ESTIMATOR_NAMES,
    budget_colours,
    budget_compute,
    estimator_mark,
    isoflop_panel,
)
from relscale.figures.kit.panels import absolute_heights, absolute_panel, has_numbers, span_of
from relscale.figures.kit.style import FAINT, SMALL_PT, compute_label, markers, metric_label, words

DEFAULTS: dict[str, Any] = {
    "corpus": "",
    "corpora": [],
    "labels": {},
    "family": "validation",
    "domain": "own",
    "metric": "bits_per_byte",
    "estimator": "vertex",
    "compute": "training_flops",
    "choice_family": "continuation",
    "choice_domain": "",
    "extrapolate_decades": 1.0,
}
"""Keys of the spec: `corpus` is the one shown (the first if empty), `choice_family` the one with a
two-stage law."""

SAID = {
    "foot_only": "only the foot of the sigmoid was observed",
    "no_relation": "no relation of accuracy to loss was found",
}
"""Statuses of the two-stage law in plain words."""


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `losses`, `optima`, `points`, `absolute`, `two_stage` and `predictions`.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    losses, optima = table(tables, "losses"), table(tables, "optima")
    corpora = ordered(chosen["corpora"], losses["corpus"], optima["corpus"])
    corpus = chosen["corpus"] or (corpora[0] if corpora else "")
    compute = budget_compute(pick(losses, corpus=corpus), chosen["compute"])
    colour, marker = budget_colours(list(compute)), markers(corpora).get(corpus, "o")
    made = grid(
        row_heights_in=[1.95],
        column_widths_in=[1.65, 1.4, 1.4],
        column_gap_in=[1.1, 0.62],
        right_in=0.2,
        bottom_in=0.4,
    )
    left, middle, right = made.rows[0]
    shown = words(corpus, chosen["labels"], 20)
    heading(left, f"IsoFLOP curves ({shown})" if shown else "IsoFLOP curves", "a")
    heading(middle, "Compute-optimal law", "b")
    heading(right, "Accuracy from loss", "c")
    rows = pick(
        losses,
        corpus=corpus,
        family=chosen["family"],
        domain=chosen["domain"],
        metric=chosen["metric"],
    )
    if len(rows):
        isoflop_panel(
            left, rows, pick(optima, corpus=corpus), colour=colour, marker=marker, below=0.16
        )
        y_label(left, metric_label(chosen["metric"]), 0.36)
        _key(left, optima)
    else:
        empty(left, "no losses on the corpus's own validation")
    _power_law(middle, tables, chosen, corpus, marker)
    _two_stage(right, tables, chosen, corpus, marker, colour)
    return made.figure


def _key(axes: Axes, optima: pd.DataFrame) -> None:
    names = [str(name) for name in ordered([], optima["estimator"])]
    handles = [
        axes.plot([], [], color="black", linestyle="none", **estimator_mark(name))[0]
        for name in names
    ]
    if handles:
        texts = [ESTIMATOR_NAMES.get(name, words(name)) for name in names]
        axes.legend(
            handles,
            texts,
            loc="lower left",
            ncols=2,
            borderpad=0.1,
            handletextpad=0.2,
            columnspacing=0.8,
            borderaxespad=0.2,
        )


def _power_law(
    axes: Axes, tables: Tables, chosen: Mapping[str, Any], corpus: str, marker: str
) -> None:
    about = {
        "corpus": corpus,
        "family": chosen["family"],
        "domain": chosen["domain"],
        "metric": chosen["metric"],
    }
    points = one_estimator(pick(table(tables, "points"), **about), chosen["estimator"])
    laws = one_estimator(pick(table(tables, "absolute"), **about), chosen["estimator"])
    if not len(points) and not len(laws):
        empty(axes, "no compute-optimal points of the corpus's own validation")
        return
    span = span_of(points, chosen["compute"], chosen["extrapolate_decades"])
    absolute_panel(
        axes,
        points,
        laws,
        colour={chosen["domain"]: "#0b2545"},
        marker=marker,
        compute=chosen["compute"],
        span=span,
    )
    log_axis(
        axes.xaxis,
        span.first / 1.4,
        span.end if span.end > span.last else span.last * 1.4,
        least=2,
        most=4,
    )
    log_axis(axes.yaxis, *limits_log(absolute_heights(points, laws, span)))
    axes.set_xlabel(compute_label(chosen["compute"]))
    y_label(axes, metric_label(chosen["metric"]))
    said = [_law_text(row) for _, row in laws.iterrows()] or ["no law was fitted"]
    axes.text(
        0.98,
        0.98,
        "\n".join(said),
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=SMALL_PT,
        linespacing=1.35,
    )


def _law_text(row: pd.Series) -> str:
    if not has_numbers(row, ("exponent",)):
        return status_word(row["status"]).replace("_", " ")
    lines = [f"E = αF⁻ᵝ, β = {float(row['exponent']):.3f}"]
    if has_numbers(row, ("ci_low", "ci_high")):
        lines.append(f"[{float(row['ci_low']):.3f}, {float(row['ci_high']):.3f}]")
    if has_numbers(row, ("r2",)):
        lines.append(f"R² = {float(row['r2']):.3f}")
    return "\n".join(lines)


def _two_stage(
    axes: Axes,
    tables: Tables,
    chosen: Mapping[str, Any],
    corpus: str,
    marker: str,
    colour: Mapping[str, str],
) -> None:
    domain = chosen["choice_domain"] or None
    laws = pick(
        table(tables, "two_stage"), corpus=corpus, family=chosen["choice_family"], domain=domain
    )
    losses = pick(table(tables, "losses"), corpus=corpus, family=chosen["choice_family"])
    if not len(laws):
        empty(
            axes,
            f"no two-stage law of {words(chosen['choice_family']) or 'any family'} on {shown_corpus(corpus, chosen)}",
        )
        return
    law = laws.iloc[0]
    pairs = accuracy_against_loss(losses[included(losses)], law)
    for budget, tint in colour.items():
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
    seen = [float(value) for value in pairs["loss"]]
    if not seen:
        empty(axes, "no run has both the loss and the accuracy of the two-stage law")
        return
    chance = float(law["chance"])
    axes.axhline(chance, color=FAINT, linewidth=0.6, zorder=1)
    heights = [float(value) for value in pairs["accuracy"]] + [chance]
    first, last = min(seen), max(seen)
    outside = outside_models(tables, law)
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
    seen += [float(value) for value in outside["observed_loss"]]
    heights += [float(value) for value in outside["observed"]]
    wide = max(seen) - min(seen) or 0.1
    low, high = min(seen) - 0.6 * wide, max(seen) + 0.15 * wide
    if has_numbers(law, ("ceiling", "steepness", "midpoint")):
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
        places = list(
            zip(
                outside["observed_loss"].astype(float),
                outside["observed"].astype(float),
                strict=True,
            )
        )
        point_labels(
            axes,
            places,
            [words(name, None, 18) for name in outside["model"]],
            ["black"] * len(places),
        )
    axes.annotate(
        f"chance {chance:g}",
        (high, chance),
        xytext=(0, 2),
        textcoords="offset points",
        ha="right",
        fontsize=SMALL_PT,
        color="#6b6b6b",
    )
    axes.set_xlabel(
        "Choice loss (nats)"
        if law["loss_metric"] == "choice_loss_nats"
        else metric_label(str(law["loss_metric"]))
    )
    y_label(axes, f"Accuracy, {words(law['domain'], chosen['labels'], 24)}")
    if not sound(law["status"]):
        note(
            axes,
            SAID.get(word := status_word(law["status"]), word.replace("_", " ")),
            y=0.97,
            va="top",
        )


def shown_corpus(corpus: str, chosen: Mapping[str, Any]) -> str:
    """Return a corpus's name in words, or `any corpus`."""
    return words(corpus, chosen["labels"], 28) or "any corpus"


def accuracy_against_loss(losses: pd.DataFrame, law: pd.Series) -> pd.DataFrame:
    """Pair each run's loss with its accuracy, by the metrics that a two-stage law names.

    Returns:
        Columns run, budget, loss, accuracy.
    """
    rows = pick(losses, domain=law["domain"])
    sides = [
        pick(rows, metric=law[key])[["run", "budget", "value"]].rename(columns={"value": name})
        for key, name in (("loss_metric", "loss"), ("accuracy_metric", "accuracy"))
    ]
    return sides[0].merge(
        sides[1].drop(columns="budget"), on="run", how="inner", validate="one_to_one"
    )


def outside_models(tables: Tables, law: pd.Series) -> pd.DataFrame:
    """Return the models that are no runs, of which loss and accuracy are known: rows of
    predictions.csv."""
    rows = pick(
        table(tables, "predictions"),
        corpus=law["corpus"],
        family=law["family"],
        domain=law["domain"],
        kind="outside_from_loss",
    )
    return rows[rows["observed"].notna()]


def sigmoid(law: pd.Series, loss: np.ndarray) -> np.ndarray:
    """Return accuracy = chance + (ceiling - chance) / (1 + exp(steepness (loss - midpoint))) (arXiv
    2510.24626, its figure 2)."""
    return float(law["chance"]) + (float(law["ceiling"]) - float(law["chance"])) / (
        1 + np.exp(float(law["steepness"]) * (loss - float(law["midpoint"])))
    )


if __name__ == "__main__":
    main(draw)
