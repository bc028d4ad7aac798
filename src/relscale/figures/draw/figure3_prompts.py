"""Draw predictability: the share of variance that compute explains, and the prompt formats."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.figure3_prompts import FIGURE, PromptsSettings
from relscale.figures.kit.axes import AxesGrid, footer, footer_height_in, grid, limits_linear
from relscale.figures.kit.choose import compute_of, included, numbers, ordered, pick
from relscale.figures.kit.labels import empty, heading, note, top_legend
from relscale.figures.kit.panels import Mark, slope_row
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import INK, PAGE_WIDTH_IN, SMALL_PT, markers, text_width_in, words
from relscale.figures.kit.tables import Tables

DOT = "#4f7ba6"
MEASURE = ["corpus", "family", "metric", "domain"]
"""Columns that name one measure of the runs."""


@dataclass(frozen=True, kw_only=True)
class PromptRows:
    """The prompt formats of the paper and ours."""

    paper: pd.DataFrame
    """The paper's share of each prompt format."""
    own: pd.DataFrame
    """Rows of laws/prompts.csv over all domains."""
    corpora: list[str]

    @property
    def names(self) -> list[str]:
        """Names of the prompt formats, from top to bottom."""
        return ordered([str(name) for name in self.paper["prompt"]], self.own["prompt"])

    def height(self, row: pd.Series) -> float:
        """Return the height of a row of ours: a corpus in the row of a prompt format."""
        place = self.corpora.index(str(row["corpus"])) - (len(self.corpora) - 1) / 2
        return self.names.index(str(row["prompt"])) + place * 0.5 / max(len(self.corpora), 1)


def draw(tables: Tables, settings: PromptsSettings) -> Figure:
    """Draw the figure from losses, prompts (of the paper) and own_prompts (laws/prompts.csv)."""
    shares = explained_shares(tables["losses"], settings.compute)
    for column, kept in (("family", settings.families), ("metric", settings.metrics)):
        if kept:
            shares = shares[shares[column].isin(kept)]
    own = pick(tables["own_prompts"], domain="all")
    corpora = ordered(settings.corpora, shares["corpus"], own["corpus"])
    prompts = PromptRows(paper=tables["prompts"], own=own, corpora=corpora)
    rows = {
        (family, metric): f"{words(family)}, {words(metric).replace(' nats', ' (nats)')}"
        for family, metric in zip(shares["family"], shares["metric"], strict=True)
    }
    foot = _foot(shares)
    made = _layout(list(rows.values()), has_own=len(own) > 0, foot=foot)
    first, second, *third = made.rows[0]
    heading(first, "Here: each domain over all runs", "a")
    heading(second, "Prompts; grey: paper" if len(own) else "Paper: prompt formats", "b")
    if rows:
        _shares(first, shares, rows, corpora)
        _legend(made.figure, corpora, settings.labels)
    else:
        empty(first, "no losses with two or more computes to explain")
    _prompts(second, prompts, settings)
    for axes in third:
        heading(axes, "Accuracy", "c")
        _accuracies(axes, prompts)
    if foot:
        footer(made.figure, foot)
    return made.figure


def _foot(shares: pd.DataFrame) -> str:
    """Return a sentence on measures without a share, if there are any."""
    count = int(shares["r2"].isna().sum())
    if not count:
        return ""
    return f"{count} without R²: one compute, or values that are empty, do not vary or reach 0."


def _layout(names: Sequence[str], *, has_own: bool, foot: str) -> AxesGrid:
    """Return two panels, or three if there are prompt formats of ours."""
    left = max([text_width_in(name, SMALL_PT) for name in names] + [0.4]) + 0.2
    further = [1.0] if has_own else []
    width = PAGE_WIDTH_IN - left - 2.5 - sum(further) - 0.15 * len(further)
    return grid(
        row_heights_in=[max(0.22 * len(names) + 0.1, 1.75)],
        column_widths_in=[width, 1.45, *further],
        left_in=left,
        right_in=0.1,
        column_gap_in=[0.95, *(0.15 for _ in further)],
        top_in=0.5,
        bottom_in=(0.56 if further else 0.42) + footer_height_in(foot, PAGE_WIDTH_IN),
    )


def explained_shares(losses: pd.DataFrame, compute: str) -> pd.DataFrame:
    """Return R^2 of log(value) on log(compute) over the runs of each measure.

    Args:
        losses: the losses table; excluded runs are left out.
        compute: `training_flops` or `forward_flops`.

    Returns:
        Columns corpus, family, metric, domain, r2 (NaN if compute or the value does not vary, or if
        a value is not above 0), num_runs.
    """
    kept = losses[included(losses)].copy() if len(losses) else losses.copy()
    flops = compute_of(kept, compute).astype(float)
    kept["log_compute"] = np.log(flops.where(flops > 0))
    rows = []
    for key, part in kept.groupby(MEASURE, sort=True):
        x, y = (part[name].to_numpy(dtype=float) for name in ("log_compute", "value"))
        rows.append((*key, _r2(x, y), len(part)))
    return pd.DataFrame(rows, columns=[*MEASURE, "r2", "num_runs"])


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
    rows: Mapping[tuple[str, str], str],
    corpora: list[str],
) -> None:
    """Draw one row per family and metric, with a point per domain and a median per corpus."""
    for y, (family, metric) in enumerate(rows):
        if y % 2 == 0:
            axes.axhspan(y - 0.5, y + 0.5, color="#f3f3f3", linewidth=0, zorder=0)
        for place, corpus in enumerate(corpora):
            mine = pick(shares, corpus=corpus, family=family, metric=metric)
            height = y + (place - (len(corpora) - 1) / 2) * 0.7 / max(len(corpora), 1)
            axes.plot(
                mine["r2"],
                [height] * len(mine),
                markers(corpora)[corpus],
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
    axes.set_yticks(range(len(rows)), list(rows.values()), fontsize=SMALL_PT)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("Share of variance explained by compute (R²)")


def _prompts(axes: Axes, prompts: PromptRows, settings: PromptsSettings) -> None:
    """Draw the share of each prompt format: the paper's as bars, ours with intervals."""
    text, has_own = "", len(prompts.own) > 0
    if not has_own:
        reads = f" and these models read {settings.window:,}" if settings.window else ""
        text = (
            "Not shown for our runs: the three prompts need windows of "
            f"{settings.prompt_window:,} tokens{reads}."
        )
    names = prompts.names
    if not names:
        empty(axes, text)
        return
    heights = [names.index(str(name)) for name in prompts.paper["prompt"]]
    values = prompts.paper["r2"].to_numpy(dtype=float)
    axes.barh(heights, values, height=0.5, color="#d0d0d0", gid="paper")
    if not has_own:
        for height, value in zip(heights, values, strict=True):
            axes.annotate(
                f"{value:.2f}",
                (value, height),
                xytext=(3, 0),
                textcoords="offset points",
                va="center_baseline",
                fontsize=SMALL_PT,
            )
    axes.set_xlim(0, 1.02)
    for _, row in prompts.own.iterrows():
        interval = (float(row["ci_low"]), float(row["ci_high"]))
        _own_row(axes, prompts, row, float(row["r2"]), interval)
    axes.set_yticks(range(len(names)), names, fontsize=SMALL_PT)
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([0, 0.5, 1])
    axes.set_ylim(len(names) + (1.3 if text else -0.4), -0.6)
    axes.set_xlabel("R², MMLU loss")
    if text:
        note(axes, text, y=0.03, va="bottom", size_pt=SMALL_PT - 0.2)


def _accuracies(axes: Axes, prompts: PromptRows) -> None:
    """Draw the accuracy of each prompt format relative to the traditional one, in the same rows."""
    axes.axvline(0, color=INK, linewidth=0.6, zorder=1)
    own = prompts.own
    rows = own[own["accuracy_minus_traditional"].notna()]
    ends = (f"accuracy_minus_traditional{end}" for end in ("", "_low", "_high"))
    axes.set_xlim(*limits_linear([*numbers(rows, *ends), 0.0]))
    for _, row in rows.iterrows():
        value, low, high = (
            float(row[f"accuracy_minus_traditional{end}"]) for end in ("", "_low", "_high")
        )
        _own_row(axes, prompts, row, value, (low, high))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(prompts.names) - 0.4, -0.6)
    axes.set_xlabel("Accuracy against\ntraditional (points)")
    if not len(rows):
        note(axes, "no accuracy of two prompts")


def _own_row(
    axes: Axes, prompts: PromptRows, row: pd.Series, value: float, interval: tuple[float, float]
) -> None:
    mark = Mark(colour=DOT, marker=markers(prompts.corpora)[str(row["corpus"])])
    slope_row(axes, prompts.height(row), value, interval, mark)


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
    run_figure(FIGURE, draw)
