"""Residuals of the laws: how far each budget's point lies from its relative and its absolute law, a
row a family, a column a corpus."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import (
    empty,
    heading,
    limits_linear,
    log_axis,
    note,
    panel_grid,
    top_legend,
    y_label,
)
from relscale.figures.kit.choose import one_estimator, ordered, pick
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.compared import DEFAULTS as COMPARED
from relscale.figures.kit.compared import chosen_families, family_title
from relscale.figures.kit.panels import span_of
from relscale.figures.kit.style import FAINT, FONT_PT, colours, compute_label, markers, words

DEFAULTS: dict[str, Any] = {**COMPARED, "compute": "training_flops"}


def residuals(
    points: pd.DataFrame, absolute: pd.DataFrame, relative: pd.DataFrame, compute: str
) -> pd.DataFrame:
    """Return how far points lie from their laws, in percent: 100 (observed / fitted - 1).

    Args:
        points: rows of points.csv of one estimator.
        absolute: rows of absolute.csv, one a suite, metric, family and domain.
        relative: rows of relative.csv, one a suite, metric, family and treatment.
        compute: column of the laws' axis.

    Returns:
        Columns suite, family, metric, domain, compute, quantity (`error` or `gap`), percent; a
        point without a law has no row.
    """
    key = ["corpus", "family", "metric", "domain"]
    parts = []
    for quantity, laws, fitted in (
        ("value", absolute, _fitted_error),
        ("gap", relative.rename(columns={"treatment": "domain"}), _fitted_gap),
    ):
        rows = points[[*key, compute, quantity]].merge(
            laws.drop(columns="compute"), on=key, how="inner", validate="many_to_one"
        )
        numbers = rows[[compute, quantity]].apply(pd.to_numeric)
        percent = 100 * (numbers[quantity] / fitted(rows, numbers[compute]) - 1)
        found = rows[key].assign(compute=numbers[compute], quantity=quantity, percent=percent)
        parts.append(found[found["percent"].notna()])
    return pd.concat(parts, ignore_index=True)


def _fitted_error(laws: pd.DataFrame, flops: pd.Series) -> pd.Series:
    coefficient, exponent, offset = (
        pd.to_numeric(laws[name]) for name in ("coefficient", "exponent", "offset")
    )
    return np.exp(
        np.log(coefficient.where(coefficient > 0)) - exponent * np.log(flops)
    ) + offset.fillna(0.0)


def _fitted_gap(laws: pd.DataFrame, flops: pd.Series) -> pd.Series:
    gamma, dbeta, reference = (
        pd.to_numeric(laws[name]) for name in ("gamma", "dbeta", "reference_compute")
    )
    return gamma * (flops / reference) ** dbeta


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `points`, `absolute` and `relative`.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    relative = pick(table(tables, "relative"), estimator=chosen["estimator"])
    points = one_estimator(table(tables, "points"), chosen["estimator"])
    absolute = one_estimator(table(tables, "absolute"), chosen["estimator"])
    families = chosen_families(chosen["families"], relative)
    corpora = ordered(chosen["corpora"], points["corpus"], relative["corpus"])
    foot = (
        "Percent by which a point lies above its law. A single budget that is off for all domains at once points to its optimum, "
        "a bend in one domain's line to a law that is no power law. Colours are those of the families' own figures."
    )
    made = panel_grid(
        rows=len(families),
        columns=len(corpora),
        row_height_in=1.05,
        left_in=0.62,
        gap_in=0.16,
        row_gap_in=0.32,
        foot=foot,
    )
    for place, (axes, corpus) in enumerate(zip(made.rows[0], corpora or [""], strict=True)):
        axes.set_title(
            words(corpus, chosen["labels"], 28) or "no corpus",
            loc="right",
            fontsize=FONT_PT,
            style="italic",
            pad=3,
        )
        if not families:
            empty(axes, "no relative laws in the tables")
        for row, family in enumerate(families):
            mine = {"family": family["family"], "metric": family["metric"]}
            found = residuals(
                pick(points, **mine),
                pick(absolute, **mine),
                pick(relative, **mine),
                chosen["compute"],
            )
            _panel(made.rows[row][place], found, corpus, family, corpora, points, chosen)
            _frame(made.rows[row][place], row, place, row == len(families) - 1, family, chosen)
    _legend(made.figure)
    return made.figure


def _frame(
    axes: Axes,
    row: int,
    place: int,
    last: bool,
    family: Mapping[str, Any],
    chosen: Mapping[str, Any],
) -> None:
    """Name the row at its first panel, the axis at its last."""
    if place:
        axes.tick_params(labelleft=False)
    else:
        heading(
            axes, family_title(family, chosen["labels"]), "abcdefghijklmnopqrstuvwxyz"[row % 26]
        )
        y_label(axes, "Off the law (%)", 0.46)
    if last:
        axes.set_xlabel(compute_label(chosen["compute"]))
    else:
        axes.tick_params(labelbottom=False)


def _panel(
    axes: Axes,
    found: pd.DataFrame,
    corpus: str,
    family: Mapping[str, Any],
    corpora: list[str],
    points: pd.DataFrame,
    chosen: Mapping[str, Any],
) -> None:
    mine = pick(found, corpus=corpus)
    if not len(mine):
        empty(axes, f"no law of {words(family['family'])}")
        return
    baseline = family["baseline"]
    tint = colours(ordered(family["domains"], found["domain"]), baseline)
    axes.axhline(0, color="#2b2b2b", linewidth=0.6, zorder=1)
    for _, rows in pick(mine, quantity="value").groupby("domain", sort=True):
        rows = rows.sort_values("compute")
        axes.plot(
            rows["compute"], rows["percent"], color=FAINT, linewidth=0.4, alpha=0.7, zorder=1.5
        )
        axes.plot(
            rows["compute"],
            rows["percent"],
            "o",
            color=FAINT,
            markersize=2.2,
            markerfacecolor="white",
            markeredgewidth=0.5,
            gid="value",
        )
    gaps = pick(mine, quantity="gap")
    for domain, rows in gaps.groupby("domain", sort=True):
        rows = rows.sort_values("compute")
        colour = tint[str(domain)]
        axes.plot(rows["compute"], rows["percent"], color=colour, linewidth=0.8, zorder=2)
        axes.plot(
            rows["compute"],
            rows["percent"],
            markers(corpora)[corpus],
            color=colour,
            markersize=2.8,
            markeredgewidth=0,
            zorder=3,
            gid="gap",
        )
    span = span_of(points, chosen["compute"], 0.0)
    room = 1.35 if span.last > span.first else 4.0
    log_axis(axes.xaxis, span.first / room, span.last * room, least=2, most=4)
    low, high = limits_linear([*found["percent"], 0.0])
    axes.set_ylim(low, high + 0.12 * (high - low))
    axes.locator_params(axis="y", nbins=4)
    if len(gaps) > 1:
        spread = float(np.sqrt(np.mean(np.square(gaps["percent"].to_numpy(dtype=float)))))
        axes.text(
            0.985,
            0.97,
            f"rms of G {spread:.2g} %",
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=5.8,
            color="#555555",
        )
    elif not len(gaps):
        note(axes, "no relative law", y=0.97, va="top")


def _legend(figure: Figure) -> None:
    handles = [
        Line2D([], [], color="#444444", marker="o", markersize=2.8, linewidth=0.8),
        Line2D(
            [],
            [],
            color=FAINT,
            marker="o",
            markersize=2.4,
            markerfacecolor="white",
            markeredgewidth=0.5,
            linewidth=0.4,
        ),
    ]
    top_legend(
        figure,
        handles,
        ["gap G from its relative law, a colour a domain", "error E from its absolute law"],
    )


if __name__ == "__main__":
    main(draw)
