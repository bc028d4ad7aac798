"""Positions: loss per token by position in the context, for one family."""

from relscale.figures.context import Context, bucket_family, law_tables
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Shown


class PositionsSettings(Shown):
    """Settings of the figure of positions."""

    family: str = ""
    """Key of the family."""
    budgets: tuple[str, ...] = ()
    """Labels of the budgets, by rising compute; empty for those in the tables."""


def _settings_of(context: Context) -> PositionsSettings:
    return PositionsSettings(
        corpora=context.corpora,
        labels=dict(context.labels),
        family=bucket_family(context),
        budgets=context.budgets,
    )


FIGURE = Figure(
    name="positions",
    category=Category.DIAGNOSTICS,
    caption=(
        "Loss per token by position in the context, the mean over the domains of one family at the "
        "best size of each budget, with 95 % intervals over documents. Lines: L_inf + c t^-p, "
        "where its parameters are identified; the first token is left out of the law. Source: "
        "laws/positions.csv and laws/position_laws.csv."
    ),
    tables=law_tables(lambda context: [bucket_family(context)], "positions", "position_laws"),
    settings=PositionsSettings,
    settings_of=_settings_of,
    family=bucket_family,
)
