"""Controls: gaps of n-gram models next to those of the runs, by the text that both have read."""

from relscale.figures.context import Context, compared, compared_settings, law_tables, suite_law
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings

METRIC = "bits_per_byte"
"""The metric of controls."""


class ControlsSettings(ComparedSettings):
    """Settings of the figure of controls."""

    corpus: str = ""
    """Corpus whose gaps are shown by size of text; empty for the second or the only one."""


def _settings_of(context: Context) -> ControlsSettings:
    common = compared_settings(context, compared(context), METRIC)
    return ControlsSettings(**dict(common), corpus=context.corpus)


FIGURE = Figure(
    name="controls",
    category=Category.DIAGNOSTICS,
    caption=(
        "Gaps of a control, back-off n-gram models over bytes of the same corpus, next to those of "
        "the runs, in bits per byte of the same items. Left: gaps of one corpus by the text that "
        "the models have read; hollow: n-grams of the order with the lowest validation loss, "
        "filled: runs at the compute-optimal point of each budget. Middle: gaps of both at the "
        "runs' mean text. Right: slopes d log G / d log text of both over the same range of text. "
        "Bars: 95 % intervals, over items for the control. On the dotted line both are equal: such "
        "a gap needs nothing beyond counts of neighbouring bytes. "
        "Source: laws/controls.csv, laws/control_slopes.csv and laws/points.csv."
    ),
    tables={
        "controls": suite_law("controls"),
        "control_slopes": suite_law("control_slopes"),
        **law_tables(compared, "points"),
    },
    settings=ControlsSettings,
    settings_of=_settings_of,
    needs_runs=True,
)
