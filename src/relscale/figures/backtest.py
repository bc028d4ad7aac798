"""Back-test: each budget predicted from the budgets below it."""

from relscale.figures.context import compared, compared_settings, law_tables
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings

FIGURE = Figure(
    name="backtest",
    category=Category.DIAGNOSTICS,
    caption=(
        "Each budget from the third on, predicted from the budgets below it, against the observed "
        "value: errors (one row per metric) and gaps (last row), with the interval of the "
        "prediction. Rings mark observations outside their interval. Source: laws/backtest.csv."
    ),
    tables=law_tables(compared, "backtest"),
    settings=ComparedSettings,
    settings_of=lambda context: compared_settings(context, compared(context)),
)
