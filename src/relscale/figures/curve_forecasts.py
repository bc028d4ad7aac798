"""Forecasts of training curves: the end of each run, predicted from its first 60 %."""

from relscale.figures.context import Context, suite_law
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Shown


def _settings_of(context: Context) -> Shown:
    return Shown(corpora=context.corpora, labels=dict(context.labels))


FIGURE = Figure(
    name="curve_forecasts",
    category=Category.DIAGNOSTICS,
    caption=(
        "The end of every training curve, predicted from its first 60 % by the law of the "
        "learning rate (with its interval) and by the last value seen, as errors in percent of "
        "the loss that was reached. Runs are in the order of the suite. Hollow: the data of the "
        "run do not identify all parameters of the law. Source: laws/curve_forecasts.csv."
    ),
    tables={"curve_forecasts": suite_law("curve_forecasts")},
    settings=Shown,
    settings_of=_settings_of,
    needs_runs=True,
)
