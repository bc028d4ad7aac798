"""Draw the training curves of all runs: loss against tokens, a column per corpus."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import column_widths, grid, limits_log, log_axis
from relscale.figures.kit.choose import numbers, ordered, pick
from relscale.figures.kit.isoflop import budget_colours, budget_size, budget_text
from relscale.figures.kit.labels import empty, heading, y_label
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import PAGE_WIDTH_IN, words
from relscale.figures.kit.tables import Tables
from relscale.figures.loss_curves import FIGURE, LossCurvesSettings


def draw(tables: Tables, settings: LossCurvesSettings) -> Figure:
    """Draw the figure from curve (all runs) and suite (corpus and budget of each run).

    Raises:
        ValueError: if a run of curve is not in suite.
    """
    suite = tables["suite"].drop_duplicates("run")
    rows = _with_budgets(tables["curve"], suite)
    corpora = ordered(settings.corpora, suite["corpus"])
    known = sorted({str(name) for name in suite["budget"]}, key=budget_size)
    colour = budget_colours(list(settings.budgets) or known)
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
    tokens, losses = (
        limits_log(numbers(rows, column), pad=0.03) for column in ("tokens", "loss_nats_per_token")
    )
    for place, (axes, corpus) in enumerate(zip(made.rows[0], corpora or [""], strict=True)):
        heading(axes, words(corpus, settings.labels, 28) or "no corpus")
        mine = pick(rows, corpus=corpus)
        if not len(mine):
            empty(axes, "no training curve")
            continue
        _curves(axes, mine, colour)
        log_axis(axes.xaxis, *tokens, least=2, most=5)
        log_axis(axes.yaxis, *losses)
        axes.set_xlabel("Training tokens")
        if place:
            axes.tick_params(labelleft=False)
        else:
            y_label(axes, "Training loss (nats per token)")
    if len(rows):
        _legend(made.rows[0][-1], colour)
    return made.figure


def _with_budgets(curve: pd.DataFrame, suite: pd.DataFrame) -> pd.DataFrame:
    """Return the training curves with the corpus and budget of each run.

    Raises:
        ValueError: if a run is not in the suite.
    """
    unknown = sorted(set(curve["run"].astype(str)) - set(suite["run"].astype(str)))
    if unknown:
        raise ValueError(f"curve: run(s) {', '.join(unknown[:5])} are not in the table suite")
    return curve.merge(
        suite[["run", "corpus", "budget"]], on="run", how="left", validate="many_to_one"
    )


def _curves(axes: Axes, rows: pd.DataFrame, colour: Mapping[str, str]) -> None:
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


def _legend(axes: Axes, colour: Mapping[str, str]) -> None:
    axes.legend(
        [Line2D([], [], color=tint, linewidth=1.4) for tint in colour.values()],
        [f"{budget_text(name)} FLOPs" for name in colour],
        loc="upper right",
        borderpad=0.1,
        labelspacing=0.25,
    )


if __name__ == "__main__":
    run_figure(FIGURE, draw)
