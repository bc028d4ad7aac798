"""Draw the slopes by estimator, with intervals: a row per domain, a column per corpus."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.contract.scales import slope_margin
from relscale.figures.estimators import FIGURE
from relscale.figures.kit.axes import add_footer
from relscale.figures.kit.choose import numbers
from relscale.figures.kit.compared import Comparison, compare, nothing_to_show
from relscale.figures.kit.forest import Forest, absent, forest, slope_axis
from relscale.figures.kit.isoflop import estimator_mark, estimator_name
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import FAINT, MarkStyle, markers
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import ComparedSettings


def draw(tables: Tables, settings: ComparedSettings) -> Figure:
    """Draw the figure from relative."""
    view = compare(tables["relative"], settings)
    if view is None:
        return nothing_to_show("no relative laws in the tables")
    names, corpora = _with_laws(view), view.corpora
    lacking = [estimator_name(name) for name in view.estimators if name not in names]
    row_in = 0.075 * len(names) + 0.06
    drawn = forest(view.groups, corpora, labels=settings.labels, row_in=row_in, top_in=0.52)
    ends = numbers(view.shown, "dbeta", "ci_low", "ci_high")
    for axes, corpus in zip(drawn.made.rows[0], corpora, strict=True):
        slope_axis(axes, ends, "Slope dβ")
        _slopes(axes, view, drawn, corpus, names)
    _legend(drawn.made.figure, names, markers(corpora)[corpora[0]])
    if lacking:
        add_footer(drawn.made.figure, f"Estimators with no law of any gap: {', '.join(lacking)}.")
    return drawn.made.figure


def _margin(axes: Axes, row: pd.Series, y: float) -> None:
    """Shade the slopes within the margin of one gap."""
    margin = slope_margin(row)
    if pd.notna(margin):
        axes.fill_betweenx(
            [y - 0.45, y + 0.45],
            -margin,
            margin,
            color=FAINT,
            alpha=0.16,
            linewidth=0,
            zorder=0.5,
        )


def _with_laws(view: Comparison) -> list[str]:
    """Return the estimators with a slope of any gap; all, if none has one."""
    rows = view.shown[pd.to_numeric(view.shown["dbeta"]).notna()]
    found = set(rows["estimator"].astype(str))
    return [name for name in view.estimators if name in found] or list(view.estimators)


def _slopes(axes: Axes, view: Comparison, drawn: Forest, corpus: str, names: Sequence[str]) -> None:
    """Draw the slopes of one corpus, those of a domain one below the other."""
    marker = markers(view.corpora)[corpus]
    for rows, group in view.rows_of(corpus):
        for _, row in rows[rows["estimator"].astype(str).isin(names)].iterrows():
            place = names.index(str(row["estimator"]))
            shift = (place - (len(names) - 1) / 2) * 0.78 / max(len(names), 1)
            height = drawn.height[(group.key, str(row["treatment"]))]
            if not place:
                _margin(axes, row, height)
            y = height + shift
            if not pd.notna(row["dbeta"]):
                absent(axes, y, f"{estimator_name(names[place])}: no law")
                continue
            colour = group.colour[str(row["treatment"])]
            axes.plot(
                [row["ci_low"], row["ci_high"]],
                [y, y],
                color=colour,
                linewidth=0.8 if place else 1.5,
                solid_capstyle="butt",
                gid="interval",
            )
            axes.plot(
                [row["dbeta"]],
                [y],
                color=colour,
                linestyle="none",
                zorder=3,
                gid="slope",
                **_mark(place, names[place], marker),
            )


def _mark(place: int, estimator: str, marker: str) -> MarkStyle:
    """Return the mark of an estimator; the estimator of the verdicts has the corpus's marker."""
    if not place:
        return {"marker": marker, "markersize": 3.6}
    return {
        **estimator_mark(estimator),
        "markersize": 3.3,
        "markeredgewidth": 0.8,
        **({"markerfacecolor": "white"} if estimator != "vertex" else {}),
    }


def _legend(figure: Figure, names: Sequence[str], marker: str) -> None:
    handles = [
        Line2D([], [], color="#444444", linewidth=1.5 if not k else 0.8, **_mark(k, name, marker))
        for k, name in enumerate(names)
    ]
    handles.append(Line2D([], [], color="#d9d9d9", linewidth=6, solid_capstyle="butt"))
    top_legend(figure, handles, [*(estimator_name(name) for name in names), "within the margin"])


if __name__ == "__main__":
    run_figure(FIGURE, draw)
