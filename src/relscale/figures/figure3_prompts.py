"""Predictability: share of the variance of each measure that compute explains; and what this scale
cannot show of the three prompts."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import (
    empty,
    footer,
    footer_height_in,
    grid,
    heading,
    note,
    top_legend,
)
from relscale.figures.kit.choose import compute_of, included, ordered
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.panels import slope_row
from relscale.figures.kit.style import INK, PAGE_WIDTH_IN, SMALL_PT, markers, text_width_in, words

DOT = "#4f7ba6"
DEFAULTS: dict[str, Any] = {
    "corpora": [],
    "labels": {},
    "families": [],
    "metrics": [],
    "compute": "training_flops",
    "window": 0,
    "prompt_window": 2048,
}
"""Keys of the spec: `families` and `metrics` narrow the rows (all if empty); `window` is the
models' context in tokens (0: not said)."""


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `losses`; where given, `prompts` (the paper's share by prompt format)
    and `own_prompts` (laws/prompts.csv).

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    shares = explained_shares(table(tables, "losses"), chosen["compute"])
    for key in ("families", "metrics"):
        if chosen[key]:
            shares = shares[shares[key.replace("ies", "y").removesuffix("s")].isin(chosen[key])]
    rows = list(dict.fromkeys(zip(shares["family"], shares["metric"], strict=True)))
    names = [
        f"{words(family)}, {words(metric).replace(' nats', ' (nats)')}" for family, metric in rows
    ]
    unexplained = int(shares["r2"].isna().sum())
    foot = (
        f"{unexplained} without R²: one compute, or values that are empty, do not vary or reach 0."
        if unexplained
        else ""
    )
    left = max([text_width_in(name, SMALL_PT) for name in names] + [0.4]) + 0.2
    prompts, own = table(tables, "prompts"), table(tables, "own_prompts")
    own = own[own["domain"] == "all"]
    further = [1.0] if len(own) else []
    width = PAGE_WIDTH_IN - left - 2.5 - sum(further) - 0.15 * len(further)
    made = grid(
        row_heights_in=[max(0.22 * len(rows) + 0.1, 1.75)],
        column_widths_in=[width, 1.45, *further],
        left_in=left,
        right_in=0.1,
        column_gap_in=[0.95, *(0.15 for _ in further)],
        top_in=0.5,
        bottom_in=(0.56 if further else 0.42) + footer_height_in(foot, PAGE_WIDTH_IN),
    )
    first, second, *third = made.rows[0]
    heading(first, "Here: each domain over all runs", "a")
    heading(second, "Prompts; grey: paper" if len(own) else "Paper: prompt formats", "b")
    corpora = ordered(chosen["corpora"], shares["corpus"], own["corpus"])
    if rows:
        _shares(first, shares, rows, names, corpora)
        _legend(made.figure, corpora, chosen["labels"])
    else:
        empty(first, "no losses with two or more computes to explain")
    _prompts(second, prompts, own, chosen, corpora)
    for axes in third:
        heading(axes, "Accuracy", "c")
        _accuracies(
            axes, own, ordered([str(name) for name in prompts["prompt"]], own["prompt"]), corpora
        )
    if foot:
        footer(made.figure, foot)
    return made.figure


def explained_shares(losses: pd.DataFrame, compute: str) -> pd.DataFrame:
    """Return R^2 of log(measure) on log(compute) over the runs of each suite, family, metric and
    domain (excluded runs left out).

    Args:
        losses: The losses table.
        compute: `training_flops` or `forward_flops`.

    Returns:
        Columns suite, family, metric, domain, r2 (NaN where compute or the measure does not vary,
        or a value is not above 0), num_runs.
    """
    kept = losses[included(losses)].copy() if len(losses) else losses.copy()
    kept["log_compute"] = (
        np.log(compute_of(kept, compute).to_numpy(dtype=float))
        if len(kept)
        else pd.Series(dtype=float)
    )
    rows = []
    for (suite, family, metric, domain), part in kept.groupby(
        ["corpus", "family", "metric", "domain"], sort=True
    ):
        y = part["value"].to_numpy(dtype=float)
        rows.append(
            (
                suite,
                family,
                metric,
                domain,
                _r2(part["log_compute"].to_numpy(dtype=float), y),
                len(part),
            )
        )
    return pd.DataFrame(rows, columns=["corpus", "family", "metric", "domain", "r2", "num_runs"])


def _r2(log_compute: np.ndarray, values: np.ndarray) -> float:
    if (
        not np.isfinite(log_compute).all()
        or not (values > 0).all()
        or np.ptp(log_compute) == 0
        or np.ptp(values) == 0
    ):
        return math.nan
    return float(np.corrcoef(log_compute, np.log(values))[0, 1] ** 2)


def _shares(
    axes: Axes,
    shares: pd.DataFrame,
    rows: list[tuple[str, str]],
    names: list[str],
    corpora: list[str],
) -> None:
    marker = markers(corpora)
    for y, row in enumerate(rows):
        if y % 2 == 0:
            axes.axhspan(y - 0.5, y + 0.5, color="#f3f3f3", linewidth=0, zorder=0)
        for place, corpus in enumerate(corpora):
            mine = shares[
                (shares["corpus"] == corpus)
                & (shares["family"] == row[0])
                & (shares["metric"] == row[1])
            ]
            height = y + (place - (len(corpora) - 1) / 2) * 0.7 / max(len(corpora), 1)
            axes.plot(
                mine["r2"],
                [height] * len(mine),
                marker[corpus],
                color=DOT,
                markersize=3.0,
                markeredgewidth=0,
                alpha=0.75,
                gid="shares",
            )
            if mine["r2"].notna().any():
                axes.plot(
                    [float(mine["r2"].median())] * 2,
                    [height - 0.13, height + 0.13],
                    color=INK,
                    linewidth=1.1,
                    zorder=4,
                    gid="median",
                )
    axes.set_yticks(range(len(rows)), names, fontsize=SMALL_PT)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("Share of variance explained by compute (R²)")


def _prompts(
    axes: Axes,
    prompts: pd.DataFrame,
    own: pd.DataFrame,
    chosen: Mapping[str, Any],
    corpora: list[str],
) -> None:
    names = ordered([str(name) for name in prompts["prompt"]], own["prompt"])
    reads = f" and these models read {chosen['window']:,}" if chosen["window"] else ""
    text = (
        ""
        if len(own)
        else f"Not shown for our runs: the three prompts need windows of {chosen['prompt_window']:,} tokens{reads}."
    )
    if not names:
        empty(axes, text)
        return
    place = {name: y for y, name in enumerate(names)}
    values = prompts["r2"].to_numpy(dtype=float)
    axes.barh(
        [place[str(name)] for name in prompts["prompt"]],
        values,
        height=0.5,
        color="#d0d0d0",
        gid="paper",
    )
    for name, value in zip(prompts["prompt"], values, strict=True) if not len(own) else ():
        axes.annotate(
            f"{value:.2f}",
            (value, place[str(name)]),
            xytext=(3, 0),
            textcoords="offset points",
            va="center_baseline",
            fontsize=SMALL_PT,
        )
    for _, row in own.iterrows():
        ends = (float(row[key]) for key in ("r2", "ci_low", "ci_high"))
        slope_row(
            axes,
            place[str(row["prompt"])] + _shift(row, corpora),
            *ends,
            colour=DOT,
            marker=markers(corpora)[str(row["corpus"])],
        )
    axes.set_yticks(range(len(names)), names, fontsize=SMALL_PT)
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.02)
    axes.set_xticks([0, 0.5, 1])
    axes.set_ylim(len(names) + (1.3 if text else -0.4), -0.6)
    axes.set_xlabel("R², MMLU loss")
    if text:
        note(axes, text, y=0.03, va="bottom", size_pt=SMALL_PT - 0.2)


def _shift(row: pd.Series, corpora: list[str]) -> float:
    return (corpora.index(str(row["corpus"])) - (len(corpora) - 1) / 2) * 0.5 / max(len(corpora), 1)


def _accuracies(axes: Axes, own: pd.DataFrame, names: list[str], corpora: list[str]) -> None:
    """Draw each prompt's accuracy against the traditional one's, beside the rows of the shares."""
    axes.axvline(0, color=INK, linewidth=0.6, zorder=1)
    rows = own[own["accuracy_minus_traditional"].notna()]
    for _, row in rows.iterrows():
        ends = (float(row[f"accuracy_minus_traditional{end}"]) for end in ("", "_low", "_high"))
        slope_row(
            axes,
            names.index(str(row["prompt"])) + _shift(row, corpora),
            *ends,
            colour=DOT,
            marker=markers(corpora)[str(row["corpus"])],
        )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel("Accuracy against\ntraditional (points)")
    if not len(rows):
        note(axes, "no accuracy of two prompts")


def _legend(figure: Figure, corpora: list[str], labels: Mapping[str, str]) -> None:
    marker = markers(corpora)
    handles = [
        Line2D([], [], linestyle="none", marker=marker[name], color=DOT, markersize=4)
        for name in corpora
    ]
    handles.append(
        Line2D([], [], linestyle="none", marker="|", color=INK, markersize=6, markeredgewidth=1.1)
    )
    texts = [*(words(name, labels, 26) for name in corpora), "median of domains"]
    top_legend(figure, handles, texts)


if __name__ == "__main__":
    main(draw)
