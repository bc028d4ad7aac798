"""Teaser: the relative laws of several families on one corpus, with the verdicts in the panels."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relscale.figures.kit.axes import (
    Label,
    direct_labels,
    empty,
    grid,
    heading,
    label_size,
    y_label,
)
from relscale.figures.kit.choose import ordered, pick
from relscale.figures.kit.command import Tables, main, settings, table
from relscale.figures.kit.compared import family_title
from relscale.figures.kit.family import (
    FAMILY_DEFAULTS,
    FamilyView,
    family_view,
    line_texts,
    relative_axes,
)
from relscale.figures.kit.panels import change_label, labels_of
from relscale.figures.kit.style import (
    BASELINE_COLOUR,
    PAGE_WIDTH_IN,
    SMALL_PT,
    text_width_in,
    words,
)

FAMILIES: list[dict[str, Any]] = [
    {"family": "knowledge"},
    {"family": "language"},
    {"family": "behaviour", "metric": "choice_probability_per_byte"},
]
MOST_NAMES = 14


def draw(tables: Tables, spec: dict[str, Any]) -> Figure:
    """Draw the figure from `points` and `relative`.

    The spec's `families` is a list of `FAMILY_DEFAULTS`, one a panel, with `title` besides;
    `corpus` names the corpus.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    defaults = {
        "corpus": "",
        "corpora": [],
        "families": FAMILIES,
        "labels": {},
        "estimator": "joint",
        "compute": "training_flops",
    }
    chosen = settings(spec, {**defaults, "extrapolate_decades": 1.0, "paper_line": False})
    shared = {
        key: chosen[key]
        for key in (
            "corpora",
            "labels",
            "estimator",
            "compute",
            "extrapolate_decades",
            "paper_line",
        )
    }
    panels = [
        settings(family, {**FAMILY_DEFAULTS, **shared, "title": ""})
        for family in chosen["families"]
    ]
    corpora = ordered(
        chosen["corpora"], table(tables, "points")["corpus"], table(tables, "relative")["corpus"]
    )
    corpus = chosen["corpus"] or (corpora[1 % len(corpora)] if corpora else "")
    views = [_only(family_view(tables, panel), corpus) for panel in panels]
    texts = [
        line_texts(view, panel["labels"], corpus, two_lines=len(view.colour) <= 8)
        for view, panel in zip(views, panels, strict=True)
    ]
    gutters = [
        max((text_width_in(text, SMALL_PT) for text in of.values()), default=0.5) + 0.17
        for of in texts
    ]
    left, between = 0.6, 0.5
    width = max(
        (PAGE_WIDTH_IN - left - sum(gutters) - between * (len(panels) - 1)) / max(len(panels), 1),
        0.9,
    )
    made = grid(
        row_heights_in=[2.1],
        column_widths_in=[width] * len(panels),
        left_in=left,
        right_in=gutters[-1],
        column_gap_in=[gutter + between for gutter in gutters[:-1]],
        bottom_in=0.4,
        top_in=0.42,
    )
    named = False
    for place, axes in enumerate(made.rows[0]):
        title = family_title(panels[place], panels[place]["labels"]) or "no family"
        heading(
            axes, title, "abcdefghijklmnopqrstuvwxyz"[place % 26], width + gutters[place] - 0.06
        )
        _panel(axes, views[place], panels[place], texts[place], corpus)
        label = change_label(panels[place]["metric"])
        if axes.get_xscale() == "log" and (
            not named or label != change_label(panels[place - 1]["metric"])
        ):
            y_label(axes, label, 0.41)
            named = True
    figure = made.figure
    where = (
        f"trained on {words(corpus, chosen['labels'], 40)}" if corpus else "no corpus in the tables"
    )
    figure.text(
        1 - 0.06 / figure.get_figwidth(),
        1 - 0.12 / figure.get_figheight(),
        where,
        ha="right",
        fontsize=SMALL_PT,
        style="italic",
    )
    return figure


def _only(view: FamilyView, corpus: str) -> FamilyView:
    """Keep one corpus's rows, with the colours and marker that it has among all."""
    return replace(
        view, points=pick(view.points, corpus=corpus), relative=pick(view.relative, corpus=corpus)
    )


def _panel(
    axes: Axes, view: FamilyView, panel: Mapping[str, Any], texts: Mapping[str, str], corpus: str
) -> None:
    ends = relative_axes(axes, view, panel, corpus)
    if ends is None:
        empty(
            axes, f"no relative law of {words(panel['family'])} on {words(corpus) or 'any corpus'}"
        )
        return
    lines = labels_of(ends, texts, view.colour)
    if len(lines) > MOST_NAMES:
        lines = []
        axes.text(
            1.03,
            1.0,
            f"{len(ends)} domains:\nsee the\nfamily's figure",
            transform=axes.transAxes,
            va="top",
            fontsize=SMALL_PT,
        )
    zero = (
        [Label(y=0.0, text=texts[view.baseline], colour=BASELINE_COLOUR)]
        if view.baseline in texts
        else []
    )
    count = sum(line.text.count("\n") + 1 for line in [*lines, *zero])
    direct_labels(axes, [*lines, *zero], label_size(count, 2.1))


if __name__ == "__main__":
    main(draw)
