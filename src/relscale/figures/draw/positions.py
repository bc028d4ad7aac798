"""Draw the loss per token by position in the context: a column per corpus, a shade per budget."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import limits_linear, limits_log, log_axis, panel_grid
from relscale.figures.kit.choose import numbers, ordered, pick
from relscale.figures.kit.compared import nothing_to_show
from relscale.figures.kit.isoflop import budget_colours, budget_size, budget_text
from relscale.figures.kit.labels import empty, heading, top_legend, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import words
from relscale.figures.kit.tables import Tables
from relscale.figures.positions import FIGURE, PositionsSettings

MEAN = "family_mean"
"""Domain of the rows over all domains; a family of one domain has none."""
PARAMETERS = ("loss_inf", "amplitude", "exponent")
Z = 1.96


def draw(tables: Tables, settings: PositionsSettings) -> Figure:
    """Draw the figure from positions, and the exponents from position_laws."""
    rows = pick(tables["positions"], family=settings.family or None)
    if not len(rows):
        return nothing_to_show("no losses by position in the tables")
    family = str(rows["family"].iloc[0])
    rows = pick(rows, family=family)
    laws = pick(tables["position_laws"], family=family)
    if MEAN in set(rows["domain"].astype(str)):
        rows, laws = pick(rows, domain=MEAN), pick(laws, domain=MEAN)
    corpora = ordered(settings.corpora, rows["corpus"])
    known = sorted({str(name) for name in rows["budget"]}, key=budget_size)
    colour = budget_colours([name for name in settings.budgets if name in known] or known)
    foot = (
        f"Family {words(family, settings.labels, 40)}, mean over its domains; position 1 is the "
        "first token of a document's window, which begins a sentence. Numbers: the exponent p with "
        "its 95 % interval, by budget; a dash: not identified, so that no law is drawn. Tokens "
        "near the beginning of a text differ in kind from later ones: the law describes these "
        "texts, not the use of context alone."
    )
    made = panel_grid(
        rows=1,
        columns=len(corpora),
        row_height_in=2.3,
        left_in=0.55,
        gap_in=0.2,
        row_gap_in=0.3,
        foot=foot,
    )
    low, high = (
        pd.to_numeric(rows["loss"]) + sign * Z * pd.to_numeric(rows["standard_error"]).fillna(0)
        for sign in (-1, 1)
    )
    heights = limits_linear([*low.dropna(), *high.dropna()])
    across = limits_log(numbers(rows, "mean_position"), pad=0.05)
    for place, (axes, corpus) in enumerate(zip(made.rows[0], corpora or [""], strict=True)):
        heading(axes, words(corpus, settings.labels, 28))
        mine = pick(rows, corpus=corpus)
        if not len(mine):
            empty(axes, "no losses by position")
            continue
        for budget, tint in colour.items():
            here = pick(mine, budget=budget)
            _points(axes, here, tint)
            _law(axes, here, pick(laws, corpus=corpus, budget=budget), tint)
        axes.set_ylim(*heights)
        log_axis(axes.xaxis, *across)
        axes.set_xlabel("Position t in the context")
        _exponents(axes, pick(laws, corpus=corpus), colour)
        if place:
            axes.tick_params(labelleft=False)
        else:
            y_label(axes, "Loss (nats per token)")
    top_legend(
        made.figure,
        [Line2D([], [], color=tint, marker="o", markersize=3.2) for tint in colour.values()],
        [f"{budget_text(name)} FLOPs" for name in colour],
    )
    return made.figure


def _points(axes: Axes, rows: pd.DataFrame, tint: str) -> None:
    """Draw the losses of one budget."""
    at, loss, error = (
        pd.to_numeric(rows[name]).to_numpy(dtype=float)
        for name in ("mean_position", "loss", "standard_error")
    )
    axes.errorbar(
        at, loss, yerr=Z * np.nan_to_num(error), fmt="o", color=tint, markersize=3.2,
        elinewidth=0.8, capsize=0, zorder=3, gid="points",
    )  # fmt: skip


def _law(axes: Axes, rows: pd.DataFrame, laws: pd.DataFrame, tint: str) -> None:
    """Draw the law of one budget over the buckets that it was fitted to, if it is identified."""
    at = pd.to_numeric(rows.loc[rows["first_position"] > 1, "mean_position"])
    at = at[np.isfinite(at) & (at > 0)]
    law = [float(laws[name].iloc[0]) for name in PARAMETERS] if len(laws) else [np.nan]
    if not len(at) or not np.isfinite(law).all():
        return
    positions = np.geomspace(float(at.min()), float(at.max()), 60)
    height = law[0] + law[1] * positions ** -law[2]
    axes.plot(positions, height, color=tint, linewidth=1.0, zorder=2, gid="law")


def _exponents(axes: Axes, laws: pd.DataFrame, colour: dict[str, str]) -> None:
    """Write the exponent of each budget into the upper right corner, the largest budget last."""
    for place, (budget, tint) in enumerate(colour.items()):
        found = pick(laws, budget=budget)
        row = found.iloc[0] if len(found) else None
        text = "p = –"
        if row is not None and pd.notna(row["exponent"]):
            ends = [float(row[f"exponent_ci_{end}"]) for end in ("low", "high")]
            text = f"p = {float(row['exponent']):.2f} [{ends[0]:.2f}, {ends[1]:.2f}]"
        axes.text(
            0.99, 0.985 - 0.06 * place, text, transform=axes.transAxes, fontsize=5.8, color=tint,
            ha="right", va="top", gid="exponent",
        )  # fmt: skip


if __name__ == "__main__":
    run_figure(FIGURE, draw)
