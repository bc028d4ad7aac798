"""Estimators: whether the conclusion depends on the estimator."""

from relscale.figures.context import compared_settings, law_tables, teaser
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings

FIGURE = Figure(
    name="estimators",
    category=Category.DIAGNOSTICS,
    caption=(
        "Does the conclusion depend on the estimator? Slope dbeta of each treatment with its 95 % "
        "interval by estimator, on the ratio scale; that of the verdicts is drawn thicker, those "
        "of the others as hairlines. Each family has its own range; arrows mark what is beyond. "
        "Within the grey band of a gap, its change over the observed compute is within the "
        "margin. Source: laws/relative.csv."
    ),
    tables=law_tables(teaser, "relative"),
    settings=ComparedSettings,
    settings_of=lambda context: compared_settings(context, teaser(context)),
)
