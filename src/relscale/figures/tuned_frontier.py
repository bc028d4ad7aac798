"""Tuned frontier: slopes and verdicts at the best settings of each size, next to the default's."""

from relscale.figures.context import Context, compared, compared_settings, suite_law
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings


def _settings(context: Context) -> ComparedSettings:
    return compared_settings(context, compared(context))


FIGURE = Figure(
    name="tuned_frontier",
    category=Category.DIAGNOSTICS,
    caption=(
        "Do verdicts survive tuning? Top: how far the loss that locates the optima falls at each "
        "size with the best of the settings that were tried (left), and at how many sizes each "
        "setting is best (right). Below: slopes dbeta of the gaps with 95 % intervals, with the "
        "default settings (hollow) and on the tuned frontier (filled), and both verdicts on the "
        "ratio scale. Each side is fitted alone; the two share runs, so that their intervals are "
        "no test of their difference. Source: laws/tuned.csv, laws/tuned_sizes.csv."
    ),
    tables={"tuned": suite_law("tuned"), "tuned_sizes": suite_law("tuned_sizes")},
    settings=ComparedSettings,
    settings_of=_settings,
    needs_runs=True,
)
