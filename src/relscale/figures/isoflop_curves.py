"""IsoFLOP curves of every corpus in the error that places the optimum."""

from relscale.figures.context import Context, family_losses, suite_law
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Compute, Shown


class IsoflopCurvesSettings(Shown):
    """Settings of the IsoFLOP curves."""

    family: str = "validation"
    """Family of the curves, which places the optimum; several domains are shown by their mean."""
    metric: str = ""
    """Metric of the curves; empty for that of the optima."""
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
        "IsoFLOP curves of every corpus: the error that places the optimum (of the validation set, "
        "or the mean over the domains of another family) of all runs against training tokens, one "
        "shade per budget, with the fitted parabola, its vertex and the lowest run (top), and the "
        "optimal token count against compute (bottom). Grey crosses are excluded runs. "
        "Source: tables/losses.parquet and laws/optima.csv."
    ),
    tables={
        "losses": family_losses(lambda context: [context.optimum_by]),
        "optima": suite_law("optima"),
    },
    settings=IsoflopCurvesSettings,
    settings_of=_settings_of,
)
