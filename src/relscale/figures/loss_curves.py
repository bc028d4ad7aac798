"""Training curves of all runs: loss against tokens, a column a corpus, a shade a budget."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import (
    column_widths,
    empty,
    grid,
    heading,
    limits_log,
    log_axis,
    y_label,
)
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.isoflop import budget_colours, budget_size, budget_text
from relscale.figures.kit.style import PAGE_WIDTH_IN, words


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `curve` (all runs) and `suite` (which corpus and budget each run belongs
    to).

    Raises:
        ValueError: for an unknown key of the spec, or a run of `curve` that `suite` does not have.
    """
    chosen = settings(spec, {"corpora": [], "labels": {}, "budgets": []})
    curve, suite = table(tables, "curve"), table(tables, "suite").drop_duplicates("run")
    unknown = sorted(set(curve["run"].astype(str)) - set(suite["run"].astype(str)))
    if unknown:
        raise ValueError(f"curve: run(s) {', '.join(unknown[:5])} are not in the table suite")
    rows = curve.merge(
        suite[["run", "corpus", "budget"]], on="run", how="left", validate="many_to_one"
    )
    corpora = ordered(chosen["corpora"], suite["corpus"])
    budgets = [str(name) for name in chosen["budgets"]] or sorted(
        {str(name) for name in suite["budget"]}, key=budget_size
    )
    colour = budget_colours(budgets)
    widths = column_widths(
        max(len(corpora), 1), width_in=PAGE_WIDTH_IN, left_in=0.6, right_in=0.1, gap_in=0.22
    )
    made = grid(
        row_heights_in=[2.2],
        column_widths_in=widths,
        left_in=0.6,
        right_in=0.1,
        column_gap_in=0.22,
        bottom_in=0.4,
    )
    x, y = (
        limits_log([float(value) for value in rows[key]], pad=0.03)
        for key in ("tokens", "loss_nats_per_token")
    )
    for place, (axes, corpus) in enumerate(zip(made.rows[0], corpora or [""], strict=True)):
        heading(axes, words(corpus, chosen["labels"], 28) or "no corpus")
        mine = pick(rows, corpus=corpus)
        if not len(mine):
            empty(axes, "no training curve")
            continue
        _curves(axes, mine, colour)
        log_axis(axes.xaxis, *x, least=2, most=5)
        log_axis(axes.yaxis, *y)
        axes.set_xlabel("Training tokens")
        if place:
            axes.tick_params(labelleft=False)
        else:
            y_label(axes, "Training loss (nats per token)")
    if len(rows):
        handles = [Line2D([], [], color=tint, linewidth=1.4) for tint in colour.values()]
        made.rows[0][-1].legend(
            handles,
            [f"{budget_text(name)} FLOPs" for name in colour],
            loc="upper right",
            borderpad=0.1,
            labelspacing=0.25,
        )
    return made.figure


def _curves(axes: Axes, rows: pd.DataFrame, colour: dict[str, str]) -> None:
    for place, (budget, tint) in enumerate(colour.items()):
        for _, run in pick(rows, budget=budget).groupby("run", sort=True):
            axes.plot(
                run["tokens"],
                run["loss_nats_per_token"],
                color=tint,
                linewidth=0.55,
                alpha=0.9,
                zorder=2 + 0.01 * place,
                gid="curve",
            )


if __name__ == "__main__":
    main(draw)
