"""Classical errors: how well each classical law predicts budgets that were left out."""

from relscale.figures.context import compared, compared_settings, law_tables
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings

FIGURE = Figure(
    name="classical_errors",
    category=Category.DIAGNOSTICS,
    caption=(
        "How well does each classical law predict the largest budgets from the others? Root mean "
        "square error of the loss at the largest budgets, up to half of them, which were left "
        "out of the fits: a point per domain, the bar is their median. Hollow: the data do not "
        "identify the law's parameters. Source: laws/classical.csv."
    ),
    tables=law_tables(compared, "classical"),
    settings=ComparedSettings,
    settings_of=lambda context: compared_settings(context, compared(context)),
)
