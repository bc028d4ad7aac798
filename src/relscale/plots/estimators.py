"""Does the conclusion depend on the estimator? Slopes dbeta with intervals by estimator, a row a domain, a column a corpus."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale.plots.axes import empty, grid, top_legend
from relscale.plots.choose import ordered, pick
from relscale.plots.command import Tables, main, settings, table
from relscale.plots.forest import Forest, Group, absent, forest, slope_axis
from relscale.plots.isoflop import ESTIMATOR_NAMES, estimator_mark
from relscale.plots.style import FAINT, PAGE_WIDTH_IN, colours, markers, words

DEFAULTS: dict[str, Any] = {"families": [], "corpora": [], "labels": {}, "estimator": "joint"}
"""Keys of the spec: `families` is a list of {family, metric, baseline, domains}; empty for all in the table, each in its first metric."""
FAMILY = {"family": "", "metric": "", "baseline": "", "domains": [], "title": ""}
PREFERRED = ("bits_per_byte", "choice_probability_per_byte", "choice_loss_nats")


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `relative`.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    relative = table(tables, "relative")
    families = chosen_families(chosen["families"], relative)
    groups = [family_group(family, relative, chosen["labels"]) for family in families]
    corpora = ordered(chosen["corpora"], relative["suite"])
    if not len(relative) or not any(group.rows for group in groups):
        made = grid(row_heights_in=[1.4], column_widths_in=[PAGE_WIDTH_IN - 0.4], left_in=0.2, right_in=0.2)
        empty(made.rows[0][0], "no relative laws in the tables")
        return made.figure
    names = ordered([chosen["estimator"]], relative["estimator"])
    drawn = forest(groups, corpora, labels=chosen["labels"], row_in=0.075 * len(names) + 0.06, top_in=0.52)
    shown = pd.concat([pick(relative, family=family["family"], metric=family["metric"]) for family in families])
    ends = [float(value) for key in ("dbeta", "ci_low", "ci_high") for value in pd.to_numeric(shown[key]).dropna()]
    for axes, corpus in zip(drawn.made.rows[0], corpora, strict=True):
        slope_axis(axes, ends, "Slope dβ")
        _margin(axes, shown)
        for family, group in zip(families, groups, strict=True):
            rows = pick(shown, suite=corpus, family=family["family"], metric=family["metric"])
            _slopes(axes, rows, group, drawn, names, markers(corpora)[corpus])
    _legend(drawn.made.figure, names, markers(corpora)[corpora[0]])
    return drawn.made.figure


def chosen_families(wanted: Sequence[Mapping[str, Any]], relative: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the families asked for; if none, all of the table, sorted, each in bits per byte or the first metric that it has."""
    families = [settings(family, FAMILY) for family in wanted] or [{**FAMILY, "family": name} for name in ordered([], relative["family"])]
    for family in families:
        metrics = set(pick(relative, family=family["family"])["metric"].astype(str))
        if not family["metric"]:
            family["metric"] = next((name for name in PREFERRED if name in metrics), min(metrics, default=""))
    return families


def family_group(family: Mapping[str, Any], relative: pd.DataFrame, labels: Mapping[str, str]) -> Group:
    """Return a family's rows: its treatments in the order of its domains, in their colours."""
    rows = pick(relative, family=family["family"], metric=family["metric"])
    baseline = family["baseline"] or (str(rows["baseline"].iloc[0]) if len(rows) else "")
    domains = ordered(family["domains"], rows["treatment"], rows["baseline"])
    title = family["title"] or words(family["family"]).capitalize()
    return Group(
        title=f"{title} (against {words(baseline, labels, 24)})",
        rows=tuple(name for name in domains if name != baseline),
        colour=colours(domains, baseline),
    )


def _margin(axes: Axes, rows: pd.DataFrame) -> None:
    margins = pd.to_numeric(rows["margin"]).dropna()
    if len(margins):
        axes.axvspan(-float(margins.min()), float(margins.min()), color=FAINT, alpha=0.16, linewidth=0, zorder=0.5)


def _slopes(axes: Axes, rows: pd.DataFrame, group: Group, drawn: Forest, names: Sequence[str], marker: str) -> None:
    for _, row in rows.iterrows():
        place = names.index(str(row["estimator"]))
        y = drawn.height[(group.title, str(row["treatment"]))] + (place - (len(names) - 1) / 2) * 0.78 / max(len(names), 1)
        if not pd.notna(row["dbeta"]):
            absent(axes, y, f"{ESTIMATOR_NAMES.get(names[place], words(names[place]))}: no law")
            continue
        colour = group.colour[str(row["treatment"])]
        width = 1.5 if not place else 0.8
        axes.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour, linewidth=width, solid_capstyle="butt", gid="interval")
        axes.plot([row["dbeta"]], [y], color=colour, linestyle="none", zorder=3, gid="slope", **_mark(place, str(row["estimator"]), marker))


def _mark(place: int, estimator: str, marker: str) -> dict[str, Any]:
    if not place:
        return {"marker": marker, "markersize": 3.6}
    return {
        **estimator_mark(estimator),
        "markersize": 3.3,
        "markeredgewidth": 0.8,
        **({"markerfacecolor": "white"} if estimator != "vertex" else {}),
    }


def _legend(figure: Figure, names: Sequence[str], marker: str) -> None:
    handles = [Line2D([], [], color="#444444", linewidth=1.5 if not k else 0.8, **_mark(k, name, marker)) for k, name in enumerate(names)]
    texts = [f"{ESTIMATOR_NAMES.get(name, words(name))}" for name in names]
    handles.append(Line2D([], [], color="#d9d9d9", linewidth=6))
    texts.append("counts as parallel")
    top_legend(figure, handles, texts)


if __name__ == "__main__":
    main(draw)
