"""Exponents: how the optimal size grows with compute, by approach and by way of counting."""

from relscale.figures.context import compared, compared_settings, law_tables
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings

FIGURE = Figure(
    name="exponents",
    category=Category.DIAGNOSTICS,
    caption=(
        "How the compute-optimal size grows with compute, N* ~ C^a, with 95 % intervals. Top: by "
        "the three approaches of Hoffmann et al. (2022); bottom: by way of counting parameters and "
        "FLOPs, by approaches 2 (circles) and 3 (squares). The dotted line is a = .5, where data "
        "grow as fast as the model. Source: laws/exponents.csv and laws/counts.csv."
    ),
    tables=law_tables(compared, "exponents", "counts"),
    settings=ComparedSettings,
    settings_of=lambda context: compared_settings(context, compared(context)),
)
