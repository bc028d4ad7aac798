"""Draw the residuals of the laws in percent: a row per family, a column per corpus."""

from collections.abc import Mapping
from string import ascii_lowercase

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.figures.kit.axes import limits_linear, panel_grid
from relscale.figures.kit.choose import one_estimator, ordered, pick
from relscale.figures.kit.compared import family_title, laws_of, shown_families
from relscale.figures.kit.labels import empty, heading, note, top_legend, y_label
from relscale.figures.kit.laws import bounded_exp, span_of
from relscale.figures.kit.panels import compute_axis
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import (
    FAINT,
    FONT_PT,
    colours,
    compute_label,
    ink,
    markers,
    text_width_in,
    words,
)
from relscale.figures.kit.tables import LARGEST, Tables
from relscale.figures.residuals import FIGURE, ResidualsSettings
from relscale.figures.settings import FamilyView

DOMAIN = ["corpus", "family", "metric", "domain"]
"""Columns that name a domain of a corpus."""
KEY_PT = 5.6
"""Size of the names of the colours."""
FOOT = (
    "Residual: percent by which a point is above its law. If one budget is off in all domains, "
    "its optimum is suspect; if the line of one domain bends, its law is not a power law."
)


def draw(tables: Tables, settings: ResidualsSettings) -> Figure:
    """Draw the figure from points, absolute and relative."""
    relative = pick(tables["relative"], estimator=settings.estimator)
    points, absolute = (
        one_estimator(tables[name], settings.estimator) for name in ("points", "absolute")
    )
    families = shown_families(settings.families, relative)
    corpora = ordered(settings.corpora, points["corpus"], relative["corpus"])
    tints = {family.family: _tints(family, points) for family in families}
    named = [words(name, settings.labels, 24) for tint in tints.values() for name in tint]
    made = panel_grid(
        rows=len(families),
        columns=len(corpora),
        row_height_in=1.05,
        left_in=0.62,
        gap_in=0.16,
        row_gap_in=0.32,
        foot=FOOT,
        right_in=max((text_width_in(name, KEY_PT) for name in named), default=0.0) + 0.2,
    )
    for axes, corpus in zip(made.rows[0], corpora or [""], strict=True):
        axes.set_title(
            words(corpus, settings.labels, 28) or "no corpus",
            loc="right",
            fontsize=FONT_PT,
            style="italic",
            pad=3,
        )
        if not families:
            empty(axes, "no relative laws in the tables")
    for place, family in enumerate(families):
        found = residuals(
            laws_of(family, points),
            laws_of(family, absolute),
            laws_of(family, relative),
            settings.compute,
        )
        tint = tints[family.family]
        for axes, corpus in zip(made.rows[place], corpora or [""], strict=True):
            mine = pick(found, corpus=corpus)
            if len(mine):
                _panel(axes, mine, tint, markers(corpora)[corpus])
                span = span_of(points, settings.compute, 0.0)
                compute_axis(axes, span, room=1.35, single=4.0)
                low, high = limits_linear([*found["percent"], 0.0])
                axes.set_ylim(low, high + 0.12 * (high - low))
                axes.locator_params(axis="y", nbins=4)
            else:
                empty(axes, f"no law of {words(family.family)}")
            if place == len(families) - 1:
                axes.set_xlabel(compute_label(settings.compute))
            else:
                axes.tick_params(labelbottom=False)
        _name(made.rows[place], place, family, settings.labels)
        if len(found):
            _key(made.rows[place][-1], tint, family.baseline, settings.labels)
    _legend(made.figure)
    return made.figure


def _tints(family: FamilyView, points: pd.DataFrame) -> dict[str, str]:
    """Return the colours of the domains of a family, as in its figure."""
    return colours(ordered(family.domains, laws_of(family, points)["domain"]), family.baseline)


def _key(axes: Axes, tint: Mapping[str, str], baseline: str, labels: Mapping[str, str]) -> None:
    """Name the colours of the treatments to the right of a row."""
    height_in = axes.get_position().height * axes.get_figure().get_figheight()  # type: ignore[union-attr]
    width_in = axes.get_position().width * axes.get_figure().get_figwidth()  # type: ignore[union-attr]
    names = [name for name in tint if name != baseline]
    most = max(int(height_in * 72 / (1.2 * KEY_PT)), 1)
    if len(names) > most:
        names = names[: most - 1]
    step = 1.2 * KEY_PT / 72 / height_in
    for place, name in enumerate(names):
        axes.text(
            1 + 0.08 / width_in,
            1 - (place + 0.5) * step,
            words(name, labels, 24),
            transform=axes.transAxes,
            color=ink(tint[name]),
            fontsize=KEY_PT,
            va="center_baseline",
        )
    if len(names) < len(tint) - (baseline in tint):
        more = len(tint) - (baseline in tint) - len(names)
        axes.text(
            1 + 0.08 / width_in,
            1 - (len(names) + 0.5) * step,
            f"and {more} more",
            transform=axes.transAxes,
            fontsize=KEY_PT,
            va="center_baseline",
        )


def residuals(
    points: pd.DataFrame, absolute: pd.DataFrame, relative: pd.DataFrame, compute: str
) -> pd.DataFrame:
    """Return the distances of points from their laws in percent: 100 (observed / fitted - 1).

    Args:
        points: rows of points.csv of one estimator.
        absolute: rows of absolute.csv, one per corpus, metric, family and domain.
        relative: rows of relative.csv, one per corpus, metric, family and treatment.
        compute: column of the axis of the laws.

    Returns:
        Columns corpus, family, metric, domain, compute, quantity (`value` or `gap`), percent; a
        point without a law has no row.
    """
    parts = []
    for quantity, laws, fitted in (
        ("value", absolute, _fitted_value),
        ("gap", relative.rename(columns={"treatment": "domain"}), _fitted_gap),
    ):
        rows = points[[*DOMAIN, compute, quantity]].merge(
            laws.drop(columns="compute"), on=DOMAIN, how="inner", validate="many_to_one"
        )
        observed = rows[[compute, quantity]].apply(pd.to_numeric)
        flops = observed[compute].where(observed[compute] > 0)
        percent = 100 * (observed[quantity] / fitted(rows, flops) - 1)
        percent = percent.where(percent.abs() < LARGEST)
        found = rows[DOMAIN].assign(compute=observed[compute], quantity=quantity, percent=percent)
        parts.append(found[found["percent"].notna()])
    return pd.concat(parts, ignore_index=True)


def _fitted_value(laws: pd.DataFrame, flops: pd.Series) -> pd.Series:
    """Return coefficient F^-exponent + offset for each row."""
    coefficient, exponent, offset = (
        pd.to_numeric(laws[name]) for name in ("coefficient", "exponent", "offset")
    )
    level = np.log(coefficient.where(coefficient > 0))
    log_value = level - exponent * np.log(flops)
    return pd.Series(bounded_exp(log_value.to_numpy()), log_value.index) + offset.fillna(0.0)


def _fitted_gap(laws: pd.DataFrame, flops: pd.Series) -> pd.Series:
    """Return gamma (F / reference)^dbeta for each row."""
    gamma, dbeta, reference = (
        pd.to_numeric(laws[name]) for name in ("gamma", "dbeta", "reference_compute")
    )
    return gamma * (flops / reference) ** dbeta


def _panel(axes: Axes, found: pd.DataFrame, tint: Mapping[str, str], marker: str) -> None:
    """Draw the residuals of one family on one corpus."""
    axes.axhline(0, color="#2b2b2b", linewidth=0.6, zorder=1)
    for _, rows in pick(found, quantity="value").groupby("domain", sort=True):
        rows = rows.sort_values("compute")
        x, y = rows["compute"], rows["percent"]
        axes.plot(x, y, color=FAINT, linewidth=0.4, alpha=0.7, zorder=1.5)
        axes.plot(
            x,
            y,
            "o",
            color=FAINT,
            markersize=2.2,
            markerfacecolor="white",
            markeredgewidth=0.5,
            gid="value",
        )
    gaps = pick(found, quantity="gap")
    for domain, rows in gaps.groupby("domain", sort=True):
        rows = rows.sort_values("compute")
        x, y, colour = rows["compute"], rows["percent"], tint[str(domain)]
        axes.plot(x, y, color=colour, linewidth=0.8, zorder=2)
        axes.plot(
            x, y, marker, color=colour, markersize=2.8, markeredgewidth=0, zorder=3, gid="gap"
        )
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


def _name(row: tuple[Axes, ...], place: int, family: FamilyView, labels: Mapping[str, str]) -> None:
    """Name a row and its y axis at its first panel; the others have no tick labels."""
    first, *others = row
    heading(first, family_title(family, labels), ascii_lowercase[place % 26])
    y_label(first, "Residual (%)", 0.46)
    for axes in others:
        axes.tick_params(labelleft=False)


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
        ["gap G from its relative law, one colour per domain", "error E from its absolute law"],
    )


if __name__ == "__main__":
    run_figure(FIGURE, draw)
