"""The figure of one family: absolute laws above, relative laws below, a column a corpus."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relscale.figures.kit.axes import (
    Grid,
    Label,
    column_widths,
    direct_labels,
    empty,
    footer,
    footer_height_in,
    grid,
    heading,
    label_size,
    limits_linear,
    limits_log,
    log_axis,
    note,
    y_label,
)
from relscale.figures.kit.choose import one_estimator, ordered, pick, sound, status_word
from relscale.figures.kit.command import Tables, table
from relscale.figures.kit.panels import (
    Span,
    absolute_heights,
    absolute_panel,
    change_label,
    labels_of,
    relative_heights,
    relative_panel,
    span_of,
    verdict_word,
)
from relscale.figures.kit.style import (
    BASELINE_COLOUR,
    COLUMN_WIDTH_IN,
    PAGE_WIDTH_IN,
    SMALL_PT,
    colours,
    compute_label,
    ink,
    is_error,
    markers,
    metric_label,
    text_width_in,
    words,
)

FAMILY_DEFAULTS: dict[str, Any] = {
    "family": "",
    "metric": "bits_per_byte",
    "baseline": "",
    "domains": [],
    "corpora": [],
    "labels": {},
    "estimator": "joint",
    "compute": "training_flops",
    "extrapolate_decades": 1.0,
    "paper_line": False,
}
"""Keys of the spec: `domains` and `corpora` give the order (hence colours and markers), `labels`
the names shown."""

MOST_DIRECT_LABELS = 16
LEFT_IN = 0.6


@dataclass(frozen=True, kw_only=True)
class FamilyView:
    """The rows of one family that its figure shows, and how."""

    points: pd.DataFrame
    absolute: pd.DataFrame
    relative: pd.DataFrame
    corpora: list[str]
    baseline: str
    colour: dict[str, str]
    marker: dict[str, str]
    span: Span


def family_view(tables: Tables, chosen: Mapping[str, Any]) -> FamilyView:
    """Choose the rows of one family, metric and estimator, and settle domains, corpora, colours and
    markers."""
    family, metric = chosen["family"], chosen["metric"]
    points = one_estimator(
        pick(table(tables, "points"), family=family, metric=metric), chosen["estimator"]
    )
    absolute = one_estimator(
        pick(table(tables, "absolute"), family=family, metric=metric), chosen["estimator"]
    )
    relative = pick(
        table(tables, "relative"), family=family, metric=metric, estimator=chosen["estimator"]
    )
    baseline = chosen["baseline"] or (str(relative["baseline"].iloc[0]) if len(relative) else "")
    corpora = ordered(chosen["corpora"], points["corpus"], absolute["corpus"], relative["corpus"])
    domains = ordered(
        chosen["domains"],
        points["domain"],
        absolute["domain"],
        relative["treatment"],
        relative["baseline"],
    )
    fitted = (
        pd.to_numeric(relative["dbeta"]).notna().any()
        or pd.to_numeric(absolute["exponent"]).notna().any()
    )
    return FamilyView(
        points=points,
        absolute=absolute,
        relative=relative,
        corpora=corpora,
        baseline=baseline,
        colour=colours(domains, baseline),
        marker=markers(corpora),
        span=span_of(points, chosen["compute"], chosen["extrapolate_decades"] if fitted else 0.0),
    )


def family_figure(
    tables: Tables, chosen: Mapping[str, Any], *, extra_row_in: float = 0.0, extra_foot: str = ""
) -> tuple[Figure, FamilyView, tuple[Axes, ...]]:
    """Draw absolute laws above relative laws, a column a corpus.

    Args:
        tables: points, absolute, relative.
        chosen: The figure's settings (`FAMILY_DEFAULTS`).
        extra_row_in: Height of one more row of axes, left empty for the caller; 0 for none.
        extra_foot: What the caller adds to the figure's foot.

    Returns:
        The figure, what it shows, and the axes of the extra row.
    """
    view = family_view(tables, chosen)
    direct = len(view.colour) <= MOST_DIRECT_LABELS
    columns = max(len(view.corpora), 1)
    texts = (
        [line_texts(view, chosen["labels"], corpus, two_lines=True) for corpus in view.corpora]
        if direct
        else []
    )
    lines = max((sum(text.count("\n") + 1 for text in of.values()) for of in texts), default=0)
    heights = [1.75, max(1.85, 0.09 * lines)] + ([extra_row_in] if extra_row_in else [])
    size = (
        min(label_size(lines, heights[1]), label_size(len(view.colour), heights[0]))
        if direct
        else SMALL_PT
    )
    gutter = _gutter_in(view, chosen["labels"], size, direct)
    widths = column_widths(
        columns, width_in=PAGE_WIDTH_IN, left_in=LEFT_IN, right_in=gutter, gap_in=gutter
    )
    width = max(LEFT_IN + sum(widths) + gutter * columns, COLUMN_WIDTH_IN)
    foot = " ".join(
        part for part in (_objections(view), _other_points(view, chosen), extra_foot) if part
    )
    legend_in = (
        0.0
        if direct
        else 0.13 * -(-len(view.colour) // _legend_columns(view, chosen["labels"], width)) + 0.12
    )
    made = grid(
        row_heights_in=heights,
        column_widths_in=widths,
        left_in=LEFT_IN,
        right_in=gutter,
        bottom_in=0.4 + legend_in + footer_height_in(foot, width),
        column_gap_in=gutter,
        row_gap_in=[0.22, 0.5][: len(heights) - 1],
        width_in=width,
    )
    for place, corpus in enumerate(view.corpora or [""]):
        _column(made, place, corpus, view, chosen, size if direct else 0.0)
    if not direct:
        _legend(made.figure, view, chosen["labels"], footer_height_in(foot, width))
    if foot:
        footer(made.figure, foot)
    return made.figure, view, made.rows[2] if extra_row_in else ()


def _column(
    made: Grid, place: int, corpus: str, view: FamilyView, chosen: Mapping[str, Any], size: float
) -> None:
    top, bottom = made.rows[0][place], made.rows[1][place]
    heading(top, words(corpus, chosen["labels"], 30) or "no corpus")
    points, absolute = pick(view.points, corpus=corpus), pick(view.absolute, corpus=corpus)
    if not len(points) and not len(absolute):
        empty(
            top,
            f"no points or laws of {words(chosen['family']) or 'this family'} in {words(chosen['metric'])}",
        )
    else:
        _absolute(top, place, points, absolute, corpus, view, chosen, size)
        top.tick_params(labelbottom=False)
    _relative(bottom, place, corpus, view, chosen, size)


def _absolute(
    axes: Axes,
    place: int,
    points: pd.DataFrame,
    laws: pd.DataFrame,
    corpus: str,
    view: FamilyView,
    chosen: Mapping[str, Any],
    size: float,
) -> None:
    ends = absolute_panel(
        axes,
        points,
        laws,
        colour=view.colour,
        marker=view.marker[corpus],
        compute=chosen["compute"],
        span=view.span,
    )
    heights = absolute_heights(view.points, view.absolute, view.span)
    if is_error(chosen["metric"]):
        log_axis(axes.yaxis, *limits_log(heights))
    else:
        axes.set_ylim(*limits_linear(heights))
    _compute_axis(axes, view.span)
    if place:
        axes.tick_params(labelleft=False)
    else:
        y_label(axes, metric_label(chosen["metric"]))
    if size:
        direct_labels(
            axes,
            labels_of(
                ends, {name: words(name, chosen["labels"], 22) for name in view.colour}, view.colour
            ),
            size,
        )


def line_texts(
    view: FamilyView, labels: Mapping[str, str], corpus: str, *, two_lines: bool
) -> dict[str, str]:
    """Return what the end of each line is called: the domain and its verdict, below each other
    where that is asked and the name is long."""
    verdicts = {
        str(row["treatment"]): verdict_word(row)
        for _, row in pick(view.relative, corpus=corpus).iterrows()
    }
    found = {}
    for name in view.colour:
        shown = words(name, labels, 18)
        between = "\n" if two_lines and len(shown) > 4 else " "
        found[name] = (
            f"= {shown}"
            if name == view.baseline
            else f"{shown}{between}{verdicts.get(name, 'no law')}"
        )
    return found


def relative_axes(
    axes: Axes, view: FamilyView, chosen: Mapping[str, Any], corpus: str
) -> dict[str, float] | None:
    """Draw the relative laws of one corpus, its axes scaled for all corpora of the view.

    Returns:
        For each treatment, the height at which its line ends; None (and nothing drawn) where the
        tables hold nothing of it.
    """
    points, laws = pick(view.points, corpus=corpus), pick(view.relative, corpus=corpus)
    if not len(points) and not len(laws):
        return None
    metric = chosen["metric"]
    ends = relative_panel(
        axes,
        points,
        laws,
        colour=view.colour,
        baseline=view.baseline,
        metric=metric,
        marker=view.marker[corpus],
        compute=chosen["compute"],
        span=view.span,
        paper_line=chosen["paper_line"],
    )
    low, high = limits_linear(
        relative_heights(view.points, view.relative, view.baseline, metric, view.span)
    )
    single = view.span.first == view.span.last
    axes.set_ylim(low - (0.2 * (high - low) if single else 0.0), high)
    _compute_axis(axes, view.span)
    axes.set_xlabel(compute_label(chosen["compute"]))
    axes.axhline(0.0, color=BASELINE_COLOUR, linewidth=0.6, zorder=1)
    if len(view.colour) < 2:
        note(axes, "one domain: there is no gap to show")
    elif not ends:
        note(axes, "no gap to the baseline in the tables")
    elif single:
        note(axes, "one budget: a law needs two", y=0.03, va="bottom")
    return ends


def _relative(
    axes: Axes, place: int, corpus: str, view: FamilyView, chosen: Mapping[str, Any], size: float
) -> None:
    ends = relative_axes(axes, view, chosen, corpus)
    if ends is None:
        empty(axes, "no relative laws: the tables hold no row")
        return
    if place:
        axes.tick_params(labelleft=False)
    else:
        y_label(axes, change_label(chosen["metric"]))
    if size:
        texts = line_texts(view, chosen["labels"], corpus, two_lines=True)
        zero = (
            [Label(y=0.0, text=texts[view.baseline], colour=BASELINE_COLOUR)]
            if view.baseline in texts
            else []
        )
        direct_labels(axes, [*labels_of(ends, texts, view.colour), *zero], size)
    else:
        verdicts = {
            str(row["treatment"]): verdict_word(row)
            for _, row in pick(view.relative, corpus=corpus).iterrows()
        }
        counts = Counter(verdicts.get(name, "no law") for name in ends)
        lines = "\n".join(f"{count} {word}" for word, count in sorted(counts.items()))
        axes.text(1.03, 0.5, lines, transform=axes.transAxes, va="center", fontsize=SMALL_PT)


def _compute_axis(axes: Axes, span: Span) -> None:
    room = 1.25 if span.last > span.first else 10**0.6
    log_axis(
        axes.xaxis,
        span.first / room,
        span.end if span.end > span.last else span.last * room,
        least=2,
        most=4,
    )


def _gutter_in(view: FamilyView, labels: Mapping[str, str], size: float, direct: bool) -> float:
    if direct:
        texts = [
            text
            for corpus in view.corpora
            for text in line_texts(view, labels, corpus, two_lines=True).values()
        ]
        texts += [words(name, labels, 22) for name in view.colour]
    else:
        texts = [f"00 {verdict_word(row)}" for _, row in view.relative.iterrows()]
    return max(text_width_in(text, size) for text in [*texts, "no law"]) + 0.17


def _objections(view: FamilyView) -> str:
    """Say what the asterisks, missing verdicts and missing laws stand for: statuses of relative
    laws that are not ok."""
    statuses: dict[str, set[str]] = {
        "* law with a reservation": set(),
        "No verdict where": set(),
        "No law where": set(),
    }
    for _, row in view.relative.iterrows():
        if not sound(row["status"]):
            word = verdict_word(row)
            text = {"no verdict": "No verdict where", "no law": "No law where"}.get(
                word, "* law with a reservation"
            )
            statuses[text].add(status_word(row["status"]).replace("_", " "))
    return " ".join(
        f"{text}: {', '.join(sorted(words_of))}." for text, words_of in statuses.items() if words_of
    )


def _other_points(view: FamilyView, chosen: Mapping[str, Any]) -> str:
    """Say so where the points are another estimator's than the laws'."""
    others = sorted(set(view.points["estimator"].astype(str)) - {chosen["estimator"], "vertex"})
    return (
        f"Points of estimator {words(others[0])}: there are none of {words(chosen['estimator'])}."
        if others
        else ""
    )


def _legend_columns(view: FamilyView, labels: Mapping[str, str], width_in: float) -> int:
    widest = (
        max(text_width_in(_legend_text(name, view, labels), SMALL_PT) for name in view.colour)
        + 0.24
    )
    return max(1, int((width_in - 0.2) / widest))


def _legend_text(name: str, view: FamilyView, labels: Mapping[str, str]) -> str:
    return words(name, labels, 34) + (" (baseline)" if name == view.baseline else "")


def _legend(figure: Figure, view: FamilyView, labels: Mapping[str, str], bottom_in: float) -> None:
    """Write a key of many domains in columns at the foot, down each column in the order of the
    domains."""
    width, height = figure.get_figwidth(), figure.get_figheight()
    columns = _legend_columns(view, labels, width)
    rows = -(-len(view.colour) // columns)
    step = (width - 0.2) / columns
    for place, (name, colour) in enumerate(view.colour.items()):
        x, y = 0.1 + (place // rows) * step, bottom_in + 0.06 + 0.13 * (rows - 1 - place % rows)
        figure.text(x / width, y / height, "●", color=colour, fontsize=SMALL_PT, va="baseline")
        figure.text(
            (x + 0.12) / width,
            y / height,
            _legend_text(name, view, labels),
            color=ink(colour),
            fontsize=SMALL_PT,
            va="baseline",
        )
