"""Draw the loss under four conditions of training, with the laws of the conditions."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import grid, limits_linear, limits_log, log_axis, number
from relscale.figures.kit.choose import included, pick, reservation
from relscale.figures.kit.isoflop import budget_colours, budget_size, budget_text
from relscale.figures.kit.labels import empty, heading, note, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import FAINT, INK, MARKERS, PALETTE, MarkStyle, words
from relscale.figures.kit.tables import Tables
from relscale.figures.training_conditions import FIGURE, ConditionsSettings

CELL = ["corpus", "budget", "width", "layers", "batch_size"]
MEANS = ["value", "params", "tokens", "steps"]
PARAMETERS = {
    "data_constrained": ("R_tokens",),
    "quality": ("gamma",),
    "width_or_depth": ("m", "c"),
    "critical_batch": ("B_crit",),
}
"""Parameters of each law that a panel states."""
LEGEND_ROW = 0.06
"""Height of a row of the legend as a share of the panel."""
SAME_SIZE = 0.05
"""Shapes count as one size if their parameters differ by less than this share."""


def draw(tables: Tables, settings: ConditionsSettings) -> Figure:
    """Draw the figure from losses, suite and conditions."""
    points = _points(tables, settings)
    made = grid(
        row_heights_in=[1.9, 1.9],
        column_widths_in=[2.75, 2.75],
        left_in=0.55,
        right_in=0.3,
        column_gap_in=0.65,
        row_gap_in=0.75,
        bottom_in=0.42,
    )
    (first, second), (third, fourth) = made.rows
    laws = tables["conditions"]
    _repetition(first, points, settings)
    _quality(second, points, settings)
    _shapes(third, points, settings)
    _batches(fourth, points, settings)
    titles = (
        (first, "a", "Repeated tokens", "data_constrained"),
        (second, "b", "Permuted tokens", "quality"),
        (third, "c", "Width or depth", "width_or_depth"),
        (fourth, "d", "Batch and learning rate", "critical_batch"),
    )
    for axes, letter, title, law in titles:
        heading(axes, f"{title}: {_stated(pick(laws, law=law), law)}", letter, room_in=3.0)
    unit = "bits per byte" if settings.metric in ("", "bits_per_byte") else words(settings.metric)
    for axes in (first, third):
        y_label(axes, f"Loss ({unit})")
    return made.figure


def _points(tables: Tables, settings: ConditionsSettings) -> pd.DataFrame:
    """Return one row per point of the corpus and its arms: the mean loss of its seeds."""
    losses = tables["losses"][included(tables["losses"])]
    suite = tables["suite"]
    shape = [name for name in ("width", "layers", "batch_size", "steps") if name in suite]
    if len(shape) < 4 or not len(losses):
        return pd.DataFrame(columns=[*CELL, *MEANS])
    metric = settings.metric or str(losses["metric"].iloc[0])
    names = [settings.corpus, *settings.arms]
    rows = losses[(losses["metric"] == metric) & losses["corpus"].isin(names)]
    rows = rows.merge(suite[["run", *shape]].drop_duplicates("run"), on="run")
    params = rows["num_params_total"]
    if {"num_params_head", "num_params_transformer"} <= set(rows.columns):
        params = rows["num_params_head"] + rows["num_params_transformer"]
    rows = rows.assign(params=params)
    return rows.groupby(CELL)[MEANS].mean().reset_index()


def _stated(rows: pd.DataFrame, law: str) -> str:
    """Return the parameters of a law with their intervals, or why there are none."""
    found = rows[rows["parameter"].isin(PARAMETERS[law])]
    if not len(found):
        return "no law"
    status = reservation(found["status"].iloc[0])
    if found["value"].isna().all():
        return status
    texts = [
        f"{row['parameter']} {number(float(f'{row.value:.3g}'))} "
        f"[{number(float(f'{row.ci_low:.3g}'))}, {number(float(f'{row.ci_high:.3g}'))}]"
        for name in PARAMETERS[law]
        for _, row in pick(found, parameter=name).iterrows()
    ]
    return ", ".join([*texts, *([status] if status else [])])


def _of(
    points: pd.DataFrame, settings: ConditionsSettings, *changed: str
) -> tuple[list[str], pd.DataFrame]:
    """Return the arms that change these settings alone, and the points of them and the corpus."""
    arms = [name for name, arm in settings.arms.items() if set(arm.changed) == set(changed)]
    return arms, points[points["corpus"].isin([settings.corpus, *arms])]


def _repetition(axes: Axes, points: pd.DataFrame, settings: ConditionsSettings) -> None:
    """Draw loss against tokens at one size, a line per number of unique tokens."""
    arms, rows = _of(points, settings, "unique_tokens")
    if not set(arms) & set(rows["corpus"]):
        empty(axes, "no arms that repeat tokens")
        return
    sizes = rows[rows["corpus"].isin(arms)].groupby(["width", "layers"]).size()
    width, layers = max(sizes.index, key=lambda size: (sizes[size], size))
    rows = pick(rows, width=width, layers=layers)
    arms = sorted(arms, key=lambda name: settings.arms[name].unique_tokens or 0)
    handles = []
    for place, name in enumerate([*arms, settings.corpus]):
        mine = pick(rows, corpus=name).sort_values("tokens")
        colour = INK if name == settings.corpus else PALETTE[place % len(PALETTE)]
        unique = None if name == settings.corpus else settings.arms[name].unique_tokens
        text = "all tokens" if unique is None else f"{number(unique)} tokens"
        if len(mine):
            axes.plot(mine["tokens"], mine["value"], "-o", color=colour, gid="repeated")
            handles.append((Line2D([], [], color=colour, marker="o"), text))
    _log_axes(axes, rows["tokens"], rows["value"], f"Tokens trained on ({width}x{layers})")
    _legend(axes, handles)


def _quality(axes: Axes, points: pd.DataFrame, settings: ConditionsSettings) -> None:
    """Draw loss against the share of permuted windows, a line per size of the largest budget."""
    arms, rows = _of(points, settings, "permuted_share")
    present = [name for name in arms if name in set(rows["corpus"])]
    if not present:
        empty(axes, "no arms that permute tokens")
        return
    largest = max(rows[rows["corpus"].isin(present)]["budget"], key=budget_size)
    rows = pick(rows, budget=largest)
    shares = {name: settings.arms[name].permuted_share or 0.0 for name in present}
    rows = rows.assign(share=[shares.get(name, 0.0) for name in rows["corpus"]])
    handles = []
    sizes = rows[rows["corpus"].isin(present)][["width", "layers"]].drop_duplicates()
    for place, (width, layers) in enumerate(sizes.itertuples(index=False)):
        mine = pick(rows, width=width, layers=layers).sort_values("share")
        colour = PALETTE[place % len(PALETTE)]
        axes.plot(mine["share"], mine["value"], "-o", color=colour, gid="permuted")
        handles.append((Line2D([], [], color=colour, marker="o"), f"{width}x{layers}"))
    axes.set_xlim(*limits_linear(list(rows["share"])))
    axes.set_ylim(*limits_linear(list(rows["value"])))
    axes.set_xlabel(f"Share of permuted windows ({budget_text(largest)} FLOPs)")
    _legend(axes, handles)


def _shapes(axes: Axes, points: pd.DataFrame, settings: ConditionsSettings) -> None:
    """Draw loss against width over layers, a line per size and budget."""
    arms, _ = _of(points, settings)
    rows = points[points["corpus"].isin(arms)].sort_values("params")
    if not len(rows):
        empty(axes, "no arms that change shapes")
        return
    jumps = np.diff(np.log(rows["params"]), prepend=np.log(rows["params"].iloc[0])) > SAME_SIZE
    rows = rows.assign(size=np.cumsum(jumps), aspect=rows["width"] / rows["layers"])
    colour = budget_colours(sorted(set(rows["budget"]), key=budget_size))
    handles = []
    for (budget, _), mine in rows.groupby(["budget", "size"], sort=True):
        ordered = mine.sort_values("aspect")
        marker = MARKERS[int(mine["size"].iloc[0]) % len(MARKERS)]
        style: MarkStyle = {"color": colour[str(budget)], "marker": marker}
        axes.plot(ordered["aspect"], ordered["value"], linestyle="-", gid="shape", **style)
        text = (
            f"{number(float(f'{mine.params.mean():.2g}'))} parameters, {budget_text(str(budget))}"
        )
        handles.append((Line2D([], [], **style), text))
    _log_axes(axes, rows["aspect"], rows["value"], "Width / layers")
    _legend(axes, handles)


def _batches(axes: Axes, points: pd.DataFrame, settings: ConditionsSettings) -> None:
    """Draw loss against the batch, a line per budget through the best learning rates."""
    arms = {
        name: arm
        for name, arm in settings.arms.items()
        if "batch_size" in arm.changed
        and set(arm.changed) <= {"batch_size", "learning_rate_factor"}
    }
    rows = points[points["corpus"].isin(list(arms))]
    if not len(rows):
        empty(axes, "no arms that change the batch")
        return
    rows = rows.assign(batch=rows["tokens"] / rows["steps"])
    colour = budget_colours(sorted(set(rows["budget"]), key=budget_size))
    handles = []
    for budget, tint in colour.items():
        mine = pick(rows, budget=budget)
        best = mine.loc[mine.groupby("batch")["value"].idxmin()].sort_values("batch")
        others = mine.drop(best.index)
        axes.plot(others["batch"], others["value"], ".", color=FAINT, markersize=2.4, gid="rate")
        axes.plot(best["batch"], best["value"], "-o", color=tint, gid="batch")
        handles.append((Line2D([], [], color=tint, marker="o"), f"{budget_text(budget)} FLOPs"))
    _log_axes(axes, rows["batch"], rows["value"], "Batch (tokens per step)")
    _legend(axes, handles)
    if not all(len(rows[rows["batch"] == batch]) >= 3 for batch in set(rows["batch"])):
        note(axes, "not every batch has several learning rates", y=0.02, va="bottom")


def _log_axes(axes: Axes, x: pd.Series, y: pd.Series, label: str) -> None:
    log_axis(axes.xaxis, *limits_log([float(value) for value in x]))
    axes.set_ylim(*limits_linear([float(value) for value in y]))
    axes.set_xlabel(label)


def _legend(axes: Axes, handles: Sequence[tuple[Line2D, str]]) -> None:
    """Write the legend above the points, for which the axis is made longer."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, low + (high - low) / (1 - LEGEND_ROW * len(handles)))
    axes.legend(
        [handle for handle, _ in handles],
        [text for _, text in handles],
        loc="upper right",
        borderpad=0.1,
        labelspacing=0.25,
        handlelength=1.4,
    )


if __name__ == "__main__":
    run_figure(FIGURE, draw)
