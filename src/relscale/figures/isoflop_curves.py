"""IsoFLOP curves of every corpus on its own validation set."""

from relscale.figures.context import Context, family_losses, suite_law
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Compute, Shown


class IsoflopCurvesSettings(Shown):
    """Settings of the IsoFLOP curves."""

    family: str = "validation"
    """Family of the curves."""
    domain: str = "own"
    """Domain of the curves."""
    metric: str = "bits_per_byte"
    """Metric of the curves."""
    compute: Compute = "training_flops"
    """Axis of the optimal token count."""


def _settings_of(context: Context) -> IsoflopCurvesSettings:
    return IsoflopCurvesSettings(
        corpora=context.corpora,
        labels=dict(context.labels),
        family=context.optimum_by,
        compute=context.compute,
    )


FIGURE = Figure(
    name="isoflop_curves",
    category=Category.DIAGNOSTICS,
    caption=(
        "IsoFLOP curves of every corpus: validation error of all runs against training tokens, "
        "one shade per budget, with the fitted parabola, its vertex and the lowest run (top), and "
        "the optimal token count against compute (bottom). Grey crosses are excluded runs. "
        "Source: tables/losses.parquet and laws/optima.csv."
    ),
    tables={
        "losses": family_losses(lambda context: [context.optimum_by]),
        "optima": suite_law("optima"),
    },
    settings=IsoflopCurvesSettings,
    settings_of=_settings_of,
)
