"""Suites against suites: slopes of each domain, and the gaps that they are fitted to."""

from relscale.figures.context import Context, compared_settings, suite_law
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings


def _settings(context: Context) -> ComparedSettings:
    """Return the settings: all evaluated families, with or without a baseline."""
    return compared_settings(context, context.evaluated)


FIGURE = Figure(
    name="suite_contrasts",
    category=Category.DIAGNOSTICS,
    caption=(
        "Suites against suites at matched compute: for each domain the slope dbeta of log G with "
        "its interval and verdict (left), and the gap G at each budget with the fitted law "
        "(right). G is the value under the first corpus over that under the second, each at its "
        "own compute-optimal points; intervals hold the noise of runs and of items, which score "
        "both. Source: laws/suite_contrasts.csv, laws/suite_contrast_points.csv."
    ),
    tables={
        "suite_contrasts": suite_law("suite_contrasts"),
        "suite_contrast_points": suite_law("suite_contrast_points"),
    },
    settings=ComparedSettings,
    settings_of=_settings,
)
