"""Draw the teaser: relative laws of several families on one corpus, with their verdicts."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relscale.figures.figure1_teaser import FIGURE, TeaserSettings
from relscale.figures.kit.axes import footer, footer_height_in, grid
from relscale.figures.kit.choose import numbers, ordered
from relscale.figures.kit.compared import family_title, nothing_to_show
from relscale.figures.kit.family import baseline_label, relative_axes
from relscale.figures.kit.family_rows import (
    FamilyRows,
    family_rows,
    line_texts,
    undecided_changes,
)
from relscale.figures.kit.labels import direct_labels, empty, heading, label_size, y_label
from relscale.figures.kit.metrics import change_formula, change_label
from relscale.figures.kit.panels import labels_of
from relscale.figures.kit.runner import run_figure
from relscale.figures.kit.style import PAGE_WIDTH_IN, SMALL_PT, text_width_in, words
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import FamilySettings, FamilyView

MOST_NAMES = 14
LEFT_IN, BETWEEN_IN = 0.6, 0.42
LEAST_IN, MOST_IN = 2.1, 2.9
"""Least and largest height of the panels."""
FOOT = (
    "Grey wedges: changes since the lowest budget that count as small (the margin). Coloured fans: "
    "95 % interval of the change. Verdicts: on this scale, the ratio. Dashed: beyond the data, "
    "without an interval."
)


def draw(tables: Tables, settings: TeaserSettings) -> Figure:
    """Draw the figure from points and relative."""
    corpora = ordered(settings.corpora, tables["points"]["corpus"], tables["relative"]["corpus"])
    corpus = settings.corpus or (corpora[1 % len(corpora)] if corpora else "")
    panels = [
        family_rows(tables, _of_family(settings, family), shows_change=True).only(corpus)
        for family in settings.families
    ]
    if not panels:
        return nothing_to_show("no family of the teaser is evaluated")
    texts = [line_texts(rows, corpus, two_lines=True) for rows in panels]
    gutters = [
        max((text_width_in(text, SMALL_PT) for text in of.values()), default=0.5) + 0.17
        for of in texts
    ]
    free = PAGE_WIDTH_IN - LEFT_IN - sum(gutters) - BETWEEN_IN * (len(panels) - 1)
    width = max(free / len(panels), 0.8)
    lines = [
        sum(text.count("\n") + 1 for text in of.values()) if len(of) <= MOST_NAMES else 0
        for of in texts
    ]
    height = min(max(LEAST_IN, 1.24 * SMALL_PT / 72 * max(lines)), MOST_IN)
    foot = _foot(panels, settings)
    made = grid(
        row_heights_in=[height],
        column_widths_in=[width] * len(panels),
        left_in=LEFT_IN,
        right_in=gutters[-1],
        column_gap_in=[gutter + BETWEEN_IN for gutter in gutters[:-1]],
        bottom_in=0.4 + footer_height_in(foot, PAGE_WIDTH_IN),
        top_in=0.42,
    )
    footer(made.figure, foot)
    named = ""
    for place, (axes, rows) in enumerate(zip(made.rows[0], panels, strict=True)):
        title = family_title(settings.families[place], settings.labels) or "no family"
        letter = "abcdefghijklmnopqrstuvwxyz"[place % 26]
        heading(axes, title, letter, width + gutters[place] - 0.06)
        _panel(axes, rows, texts[place], corpus, height)
        label = change_label(rows.settings.metric)
        if axes.get_xscale() == "log" and label != named:
            y_label(axes, label, 0.41)
        named = label if named or axes.get_xscale() == "log" else ""
    _name_corpus(made.figure, corpus, settings.labels)
    return made.figure


def _of_family(settings: TeaserSettings, family: FamilyView) -> FamilySettings:
    """Return the settings of the panel of one family."""
    return FamilySettings(
        corpora=settings.corpora,
        labels=settings.labels,
        family=family.family,
        metric=family.metric or "bits_per_byte",
        baseline=family.baseline,
        domains=family.domains,
        estimator=settings.estimator,
        compute=settings.compute,
        extrapolate_decades=settings.extrapolate_decades,
        paper_line=settings.paper_line,
    )


def _foot(panels: Sequence[FamilyRows], settings: TeaserSettings) -> str:
    """Return the footer: what the axes, wedges and fans mean, and the errors of the points."""
    formulas = dict.fromkeys(change_formula(rows.settings.metric) for rows in panels)
    said = f"Height: {' or '.join(formulas)}, G = E(treatment) / E(baseline)"
    said += "; each panel has its own range." if len(panels) > 1 else "."
    errors = []
    for rows in panels:
        found = [100 * error for error in numbers(rows.points, "gap_standard_error") if error > 0]
        if found:
            family = words(rows.settings.family, settings.labels, 40)
            ends = dict.fromkeys(f"{end:.2g}" for end in (min(found), max(found)))
            errors.append(f"{family} {' to '.join(ends)}")
    changes = undecided_changes(pd.concat([rows.relative for rows in panels]))
    said = " ".join(filter(None, [said, FOOT, changes]))
    if not errors:
        return said
    return (
        f"{said} Not drawn: standard errors of single points, which include that of the "
        f"level of their line: {', '.join(errors)} (%)."
    )


def _panel(
    axes: Axes, rows: FamilyRows, texts: Mapping[str, str], corpus: str, height_in: float
) -> None:
    ends = relative_axes(axes, rows, corpus)
    if ends is None:
        where = words(corpus) or "any corpus"
        empty(axes, f"no relative law of {words(rows.settings.family)} on {where}")
        return
    lines = labels_of(ends, texts, rows.colour)
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
    labels = lines + baseline_label(rows, texts)
    count = sum(label.text.count("\n") + 1 for label in labels)
    direct_labels(axes, labels, label_size(count, height_in))


def _name_corpus(figure: Figure, corpus: str, labels: Mapping[str, str]) -> None:
    """Write the corpus at the top right."""
    where = f"trained on {words(corpus, labels, 40)}" if corpus else "no corpus in the tables"
    figure.text(
        1 - 0.06 / figure.get_figwidth(),
        1 - 0.12 / figure.get_figheight(),
        where,
        ha="right",
        fontsize=SMALL_PT,
        style="italic",
    )


if __name__ == "__main__":
    run_figure(FIGURE, draw)
