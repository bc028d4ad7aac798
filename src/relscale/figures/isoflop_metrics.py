"""IsoFLOP curves of every family in every metric."""

from relscale.config.base import Model
from relscale.figures.context import Context, suite_law, suite_table
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Compute, Shown


class IsoflopFamily(Model):
    """A family of the IsoFLOP curves: one row per metric."""

    family: str = ""
    """Key of the family."""
    metrics: tuple[str, ...] = ()
    """Its metrics; empty for all in the tables."""
    domain: str = ""
    """The domain to draw; empty for the first one by name."""


class IsoflopMetricsSettings(Shown):
    """Settings of the IsoFLOP curves of all families."""

    families: tuple[IsoflopFamily, ...] = ()
    """Families to show; empty for all in the tables."""
    compute: Compute = "training_flops"
    """Compute by which the budgets are ordered."""


def _settings_of(context: Context) -> IsoflopMetricsSettings:
    return IsoflopMetricsSettings(
        corpora=context.corpora,
        labels=dict(context.labels),
        families=tuple(
            IsoflopFamily(family=family.name, metrics=family.metrics, domain=family.baseline)
            for family in map(context.family, context.evaluated)
        ),
        compute=context.compute,
    )


FIGURE = Figure(
    name="isoflop_metrics",
    category=Category.DIAGNOSTICS,
    caption=(
        "IsoFLOP curves of every family in every configured metric, one shade per budget, with "
        "the value at the compute-optimal point by estimator. Each family is shown by its "
        "baseline domain; seeds of a size are joined by their mean. The optimum is placed once, "
        "by the validation error of the suite, and all families are read there. Metrics in which "
        "at least half of the runs are at chance are named at the foot instead. Source: "
        "tables/losses.parquet, laws/optima.csv, laws/points.csv."
    ),
    tables={
        "losses": suite_table("losses.parquet"),
        "optima": suite_law("optima"),
        "points": suite_law("points"),
    },
    settings=IsoflopMetricsSettings,
    settings_of=_settings_of,
)
