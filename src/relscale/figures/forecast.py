"""Forecast: errors and coverage of back-tests by horizon, next to "the gap stays as it is"."""

from relscale.figures.context import compared, compared_settings, law_tables
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings

FIGURE = Figure(
    name="forecast",
    category=Category.DIAGNOSTICS,
    caption=(
        "How far can the laws be trusted? Gaps at budgets that were held out, by the factor of "
        "compute between them and the last budget that was fitted. Top: error of the forecast "
        "(mean of absolute values; small points are single gaps), next to the forecast that the "
        "gap stays as it is. Bottom: share of observations inside their 95 % interval, with "
        "Wilson's 95 % interval of that share; the dotted line is the nominal 95 %. "
        "Source: laws/forecast.csv."
    ),
    tables=law_tables(compared, "forecast"),
    settings=ComparedSettings,
    settings_of=lambda context: compared_settings(context, compared(context)),
)
