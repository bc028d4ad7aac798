"""Floors and rates: the parts of each slope that floors and rates explain."""

from relscale.figures.context import compared, compared_settings, law_tables
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings

FIGURE = Figure(
    name="floors_and_rates",
    category=Category.DIAGNOSTICS,
    caption=(
        "Why does a gap move? Each slope dbeta of log G is a floor effect (the two domains have "
        "different shares of irreducible loss) plus a rate effect (their reducible losses fall at "
        "different rates), with 95 % intervals, at the reference compute. A bar is the sum. Where "
        "the floors are not identified, the hatched band is the range of the floor effect over all "
        "floors that the losses allow. Source: laws/loss_to_loss.csv."
    ),
    tables=law_tables(compared, "loss_to_loss"),
    settings=ComparedSettings,
    settings_of=lambda context: compared_settings(context, compared(context)),
)
