"""Residuals: how far the points of each budget are from their laws."""

from relscale.figures.context import Context, compared, compared_settings, law_tables
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import ComparedSettings, Compute


class ResidualsSettings(ComparedSettings):
    """Settings of the residuals."""

    compute: Compute = "training_flops"
    """Axis of the laws."""


def _settings_of(context: Context) -> ResidualsSettings:
    common = compared_settings(context, compared(context))
    return ResidualsSettings(**dict(common), compute=context.compute)


FIGURE = Figure(
    name="residuals",
    category=Category.DIAGNOSTICS,
    caption=(
        "Distance of the points of each budget from their fitted law, 100 (observed / fitted - "
        "1): gaps from their relative laws (filled, one colour per domain) and errors from their "
        "absolute laws (open, grey). Points that drift together with compute mean that no power "
        "law fits. Source: laws/points.csv, laws/absolute.csv, laws/relative.csv."
    ),
    tables=law_tables(compared, "points", "absolute", "relative"),
    settings=ResidualsSettings,
    settings_of=_settings_of,
)
