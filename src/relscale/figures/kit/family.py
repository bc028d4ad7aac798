"""The figure of one family: absolute laws (top) and relative laws (bottom), a column per corpus."""

from collections import Counter
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relscale.contract.directions import lower_is_better
from relscale.contract.metric_labels import metric_label
from relscale.contract.verdict_words import in_order
from relscale.figures.kit.axes import (
    AxesGrid,
    column_widths,
    footer,
    footer_height_in,
    grid,
    limits_linear,
    limits_log,
    log_axis,
)
from relscale.figures.kit.controls import (
    control_heights,
    control_key,
    control_lines,
    control_note,
    middle_compute,
)
from relscale.figures.kit.family_rows import (
    FamilyRows,
    family_rows,
    line_texts,
    objections,
    other_points,
    scale_note,
    sign_note,
    sign_texts,
    undecided_changes,
    verdicts_of,
)
from relscale.figures.kit.labels import (
    Label,
    direct_labels,
    empty,
    heading,
    label_size,
    note,
    y_label,
)
from relscale.figures.kit.metrics import change_label
from relscale.figures.kit.panels import (
    absolute_heights,
    absolute_panel,
    compute_axis,
    labels_of,
    relative_heights,
    relative_panel,
    verdict_word,
)
from relscale.figures.kit.style import (
    BASELINE_COLOUR,
    COLUMN_WIDTH_IN,
    PAGE_WIDTH_IN,
    SMALL_PT,
    compute_label,
    ink,
    name_lines,
    text_width_in,
    words,
)
from relscale.figures.kit.tables import Tables
from relscale.figures.settings import FamilySettings

LEFT_IN = 0.6
MOST_WORDS = 8
"""Domains whose labels have the verdict as a word in a line of its own; more have its sign."""


def family_figure(tables: Tables, settings: FamilySettings) -> Figure:
    """Draw the figure of one family from points, absolute, relative and curves."""
    return draw_family(family_rows(tables, settings))[0]


def draw_family(rows: FamilyRows, *, extra_row_in: float = 0.0) -> tuple[Figure, tuple[Axes, ...]]:
    """Draw absolute laws above relative laws, one column per corpus.

    Args:
        rows: the rows of the family.
        extra_row_in: height of a third row of axes, which stays empty; 0 for none.

    Returns:
        The figure, and the axes of the third row.
    """
    labels, lines = rows.settings.labels, _label_lines(rows)
    heights = [1.75, max(1.85, 0.09 * lines)] + ([extra_row_in] if extra_row_in else [])
    size = SMALL_PT
    if rows.direct:
        size = min(label_size(lines, heights[1]), label_size(len(rows.colour), heights[0]))
    columns, gutter = max(len(rows.corpora), 1), _gutter_in(rows, size)
    widths = column_widths(
        columns, width_in=PAGE_WIDTH_IN, left_in=LEFT_IN, right_in=gutter, gap_in=gutter
    )
    width = max(LEFT_IN + sum(widths) + gutter * columns, COLUMN_WIDTH_IN)
    signs = sign_note(rows) if rows.direct and len(rows.colour) > MOST_WORDS else ""
    parts = (
        scale_note(rows),
        signs,
        undecided_changes(rows.relative),
        objections(rows),
        other_points(rows),
        control_note(rows.controls, rows.corpora, labels),
    )
    foot = " ".join(part for part in parts if part)
    foot_in, key_in = footer_height_in(foot, width), 0.0
    if not rows.direct:
        key_in = 0.13 * -(-len(rows.colour) // _key_columns(rows, width)) + 0.12
    made = grid(
        row_heights_in=heights,
        column_widths_in=widths,
        left_in=LEFT_IN,
        right_in=gutter,
        bottom_in=0.4 + key_in + foot_in,
        column_gap_in=gutter,
        row_gap_in=[0.22, 0.5][: len(heights) - 1],
        width_in=width,
    )
    for place, corpus in enumerate(rows.corpora or [""]):
        heading(made.rows[0][place], words(corpus, labels, 30) or "no corpus")
        _column(made, place, corpus, rows, size if rows.direct else 0.0)
    if not rows.direct:
        _key(made.figure, rows, foot_in)
    if foot:
        footer(made.figure, foot)
    if rows.controls:
        control_key(made.figure)
    return made.figure, made.rows[2] if extra_row_in else ()


def _label_lines(rows: FamilyRows) -> int:
    """Return the number of lines of the labels of a panel; 0 if there are no labels."""
    if not rows.direct:
        return 0
    texts = [_texts(rows, corpus) for corpus in rows.corpora]
    return max((sum(text.count("\n") + 1 for text in of.values()) for of in texts), default=0)


def _texts(rows: FamilyRows, corpus: str) -> dict[str, str]:
    """Return the labels of the relative laws of one corpus."""
    if len(rows.colour) > MOST_WORDS:
        return sign_texts(rows, corpus)
    return line_texts(rows, corpus, two_lines=True)


def _column(made: AxesGrid, place: int, corpus: str, rows: FamilyRows, size: float) -> None:
    """Draw the panels of one corpus, with labels of `size` points; 0 for no labels."""
    top, bottom = made.rows[0][place], made.rows[1][place]
    if len(rows.only(corpus).points) or len(rows.only(corpus).absolute):
        _absolute(top, corpus, rows, size)
        top.tick_params(labelbottom=False)
        _y_label(top, place, metric_label(rows.settings.metric))
    else:
        family = words(rows.settings.family) or "this family"
        empty(top, f"no points or laws of {family} in {words(rows.settings.metric)}")
    ends = relative_axes(bottom, rows, corpus)
    if ends is None:
        empty(bottom, "no relative laws in the tables")
        return
    _y_label(bottom, place, change_label(rows.settings.metric))
    if size:
        texts = _texts(rows, corpus)
        labels = labels_of(ends, texts, rows.colour) + baseline_label(rows, texts)
        direct_labels(bottom, labels, size)
    else:
        _verdict_counts(bottom, rows, corpus, ends)


def _y_label(axes: Axes, place: int, text: str) -> None:
    """Label the y axis of the first column; the others have no tick labels."""
    if place:
        axes.tick_params(labelleft=False)
    else:
        y_label(axes, text)


def _absolute(axes: Axes, corpus: str, rows: FamilyRows, size: float) -> None:
    mine = rows.only(corpus)
    ends = absolute_panel(axes, mine.points, mine.absolute, rows.style(corpus))
    heights = [
        height
        for one in rows.corpora
        for height in absolute_heights(
            rows.only(one).points, rows.only(one).absolute, rows.style(one)
        )
    ]
    if lower_is_better(rows.settings.metric):
        log_axis(axes.yaxis, *limits_log(heights))
    else:
        axes.set_ylim(*limits_linear(heights))
    compute_axis(axes, rows.span, room=1.25, single=10**0.6)
    if size:
        names = {name: name_lines(name, rows.settings.labels) for name in rows.colour}
        direct_labels(axes, labels_of(ends, names, rows.colour), size)


def baseline_label(rows: FamilyRows, texts: Mapping[str, str]) -> list[Label]:
    """Return the label of the baseline's line at 0, if it has a text."""
    if rows.baseline not in texts:
        return []
    return [Label(y=0.0, text=texts[rows.baseline], colour=BASELINE_COLOUR)]


def relative_axes(axes: Axes, rows: FamilyRows, corpus: str) -> dict[str, float] | None:
    """Draw the relative laws of one corpus, on axes that are scaled for all rows.

    Returns:
        The height at which the line of each treatment ends; None, and nothing is drawn, if the
        tables have no row of the corpus.
    """
    mine, style = rows.only(corpus), rows.style(corpus) if corpus in rows.marker else None
    if style is None or (not len(mine.points) and not len(mine.relative)):
        return None
    ends = relative_panel(
        axes, mine.points, mine.relative, style, paper_line=rows.settings.paper_line
    )
    treatments = {name: paint for name, paint in rows.colour.items() if name != rows.baseline}
    span, metric = rows.span, rows.settings.metric
    middle = {
        one: middle_compute(rows.only(one).points, rows.settings.compute) for one in rows.corpora
    }
    control_lines(axes, mine.controls, treatments, span, middle[corpus], metric)
    heights = [
        height
        for one in rows.corpora
        for height in relative_heights(
            rows.only(one).points, rows.only(one).relative, rows.style(one)
        )
    ]
    for one, at in middle.items():
        heights += control_heights(rows.only(one).controls, list(treatments), span, at, metric)
    low, high = limits_linear(heights)
    single = rows.span.first == rows.span.last
    axes.set_ylim(low - (0.2 * (high - low) if single else 0.0), high)
    compute_axis(axes, rows.span, room=1.25, single=10**0.6)
    axes.set_xlabel(compute_label(rows.settings.compute))
    axes.axhline(0.0, color=BASELINE_COLOUR, linewidth=0.6, zorder=1)
    if len(rows.colour) < 2:
        note(axes, "one domain: there is no gap to show")
    elif not ends:
        note(axes, "no gap to the baseline in the tables")
    elif single:
        note(axes, "one budget: a law needs two", y=0.03, va="bottom")
    return ends


def _verdict_counts(axes: Axes, rows: FamilyRows, corpus: str, ends: Mapping[str, float]) -> None:
    """Write how many treatments have each verdict to the right of a panel."""
    verdicts = verdicts_of(rows, corpus)
    counts = Counter(verdicts.get(name, "no law") for name in ends)
    lines = "\n".join(f"{counts[word]} {word}" for word in in_order(list(counts)))
    axes.text(1.03, 0.5, lines, transform=axes.transAxes, va="center", fontsize=SMALL_PT)


def _gutter_in(rows: FamilyRows, size: float) -> float:
    """Return the width in inches of the labels to the right of each panel."""
    if rows.direct:
        texts = [text for corpus in rows.corpora for text in _texts(rows, corpus).values()]
        texts += [name_lines(name, rows.settings.labels) for name in rows.colour]
    else:
        texts = [f"00 {verdict_word(row)}" for _, row in rows.relative.iterrows()]
    return max(text_width_in(text, size) for text in [*texts, "no law"]) + 0.17


def _key_columns(rows: FamilyRows, width_in: float) -> int:
    widest = max(text_width_in(_key_text(name, rows), SMALL_PT) for name in rows.colour) + 0.24
    return max(1, int((width_in - 0.2) / widest))


def _key_text(name: str, rows: FamilyRows) -> str:
    shown = words(name, rows.settings.labels, 34)
    return f"{shown} (baseline)" if name == rows.baseline else shown


def _key(figure: Figure, rows: FamilyRows, bottom_in: float) -> None:
    """Write a key of many domains at the foot, column by column in the order of the domains."""
    width, height = figure.get_figwidth(), figure.get_figheight()
    columns = _key_columns(rows, width)
    lines = -(-len(rows.colour) // columns)
    step = (width - 0.2) / columns
    for place, (name, colour) in enumerate(rows.colour.items()):
        x = 0.1 + (place // lines) * step
        y = bottom_in + 0.06 + 0.13 * (lines - 1 - place % lines)
        figure.text(x / width, y / height, "●", color=colour, fontsize=SMALL_PT, va="baseline")
        figure.text(
            (x + 0.12) / width,
            y / height,
            _key_text(name, rows),
            color=ink(colour),
            fontsize=SMALL_PT,
            va="baseline",
        )
