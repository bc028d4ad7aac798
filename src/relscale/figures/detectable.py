"""Detectable slopes: the slopes that this design can find."""

from relscale.figures.context import compared, compared_settings, law_tables
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings

FIGURE = Figure(
    name="detectable",
    category=Category.DIAGNOSTICS,
    caption=(
        "Slopes that this design can find: the slope that the adjusted test finds with a chance of "
        "80 %, by estimator (bar: the estimator of the verdicts), with the size of the slope "
        "that was found and the slope at which the change reaches the margin. Source: "
        "laws/relative.csv."
    ),
    tables=law_tables(compared, "relative"),
    settings=ComparedSettings,
    settings_of=lambda context: compared_settings(context, compared(context)),
)
