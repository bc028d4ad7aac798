"""Training loss of all runs against tokens."""

from relscale.figures.context import Context, suite_table
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Shown


class LossCurvesSettings(Shown):
    """Settings of the training curves."""

    budgets: tuple[str, ...] = ()
    """Labels of the budgets, by rising compute; empty for those in the tables."""


def _settings_of(context: Context) -> LossCurvesSettings:
    return LossCurvesSettings(
        corpora=context.corpora, labels=dict(context.labels), budgets=context.budgets
    )


FIGURE = Figure(
    name="loss_curves",
    category=Category.DIAGNOSTICS,
    caption=(
        "Training loss of every run against the number of tokens seen, one shade per budget, as "
        "recorded (not smoothed). Source: ``runs/*/curve.csv``."
    ),
    tables={"curve": suite_table("curves.csv"), "suite": suite_table("suite.csv")},
    settings=LossCurvesSettings,
    settings_of=_settings_of,
    needs_runs=True,
)
