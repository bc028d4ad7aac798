"""Size or data: the slopes of log G on model size and on tokens over all runs, and the paper's two
slices, a column a corpus."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import top_legend
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.compared import FAMILY, family_group, first_metric, nothing_to_show
from relscale.figures.kit.forest import Forest, Group, absent, forest, slope_axis
from relscale.figures.kit.panels import slope_row
from relscale.figures.kit.style import markers, words

DEFAULTS: dict[str, Any] = {**FAMILY, "family": "language", "corpora": [], "labels": {}}


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `decomposition`.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    rows = pick(table(tables, "decomposition"), family=chosen["family"])
    metric = chosen["metric"] or first_metric(rows)
    rows = pick(rows, metric=metric)
    corpora = ordered(chosen["corpora"], rows["corpus"])
    group = family_group({**chosen, "metric": metric}, rows, chosen["labels"])
    if not len(rows):
        return nothing_to_show(
            f"no decomposition of {words(chosen['family']) or 'a family'} into size and data"
        )
    drawn = forest([group], corpora, labels=chosen["labels"], blocks=2, row_in=0.21, top_in=0.52)
    kinds = {
        "slopes": [
            f"slope_{side}{end}"
            for side in ("params", "tokens")
            for end in ("", "_ci_low", "_ci_high")
        ],
        "slices": ["slice_params_points_per_decade", "slice_tokens_points_per_decade"],
    }
    ends = {
        kind: [float(value) for key in keys for value in pd.to_numeric(rows[key]).dropna()]
        for kind, keys in kinds.items()
    }
    for place, corpus in enumerate(corpora):
        mine, marker = pick(rows, corpus=corpus), markers(corpora)[corpus]
        above, below = drawn.made.rows[0][place], drawn.made.rows[1][place]
        slope_axis(above, ends["slopes"], "d log G / d log (size or tokens)")
        slope_axis(below, ends["slices"], "Along a slice (points per decade)")
        _slopes(above, mine, group, drawn, marker)
        _slices(below, mine, group, drawn, marker)
    _legend(drawn.made.figure, markers(corpora)[corpora[0]])
    return drawn.made.figure


def _slopes(axes: Axes, rows: pd.DataFrame, group: Group, drawn: Forest, marker: str) -> None:
    for _, row in rows.iterrows():
        y, colour = _place(row, group, drawn)
        for side, shift in (("params", -0.2), ("tokens", 0.2)):
            if not pd.notna(row[f"slope_{side}"]):
                absent(
                    axes,
                    y + shift,
                    "no slope on size" if side == "params" else "no slope on tokens",
                )
                continue
            low, high = (float(row[f"slope_{side}_{end}"]) for end in ("ci_low", "ci_high"))
            slope_row(
                axes,
                y + shift,
                float(row[f"slope_{side}"]),
                low,
                high,
                colour=colour,
                marker=marker,
                filled=side == "params",
            )


def _slices(axes: Axes, rows: pd.DataFrame, group: Group, drawn: Forest, marker: str) -> None:
    nothing = float("nan")
    for _, row in rows.iterrows():
        y, colour = _place(row, group, drawn)
        for side, shift in (("params", -0.2), ("tokens", 0.2)):
            value = float(row[f"slice_{side}_points_per_decade"])
            if not pd.notna(value):
                absent(
                    axes,
                    y + shift,
                    "no slice of size" if side == "params" else "no slice of tokens",
                )
            slope_row(
                axes,
                y + shift,
                value,
                nothing,
                nothing,
                colour=colour,
                marker=marker,
                filled=side == "params",
            )


def _place(row: Mapping[str, Any] | pd.Series, group: Group, drawn: Forest) -> tuple[float, str]:
    name = str(row["treatment"])
    return drawn.height[(group.title, name)], group.colour[name]


def _legend(figure: Figure, marker: str) -> None:
    handles = [
        Line2D(
            [],
            [],
            color="#444444",
            linestyle="none",
            marker=marker,
            markersize=3.8,
            markerfacecolor=face,
        )
        for face in ("#444444", "white")
    ]
    texts = ["model size (at fixed tokens)", "data (tokens, at fixed size)"]
    top_legend(figure, handles, texts)


if __name__ == "__main__":
    main(draw)
