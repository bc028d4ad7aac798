"""How a law is made: IsoFLOP curves, compute-optimal power law, accuracy from loss."""

from collections.abc import Sequence

from relscale.figures.context import Context, family_losses, law_tables, suite_law
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import Compute, Shown


class PipelineSettings(Shown):
    """Settings of the pipeline figure."""

    corpus: str = ""
    """Corpus to show; empty for the first one."""
    family: str = "validation"
    """Family of the IsoFLOP curves and of the power law: the one that places the optimum. The
    curves show several domains by their mean."""
    domain: str = ""
    """Domain of the power law; empty for the first one by name."""
    metric: str = ""
    """Metric of the IsoFLOP curves and of the power law; empty for that of the optima."""
    estimator: str = "vertex"
    """Estimator of the optima that the power law is fitted through."""
    compute: Compute = "training_flops"
    """Axis of the power law."""
    choice_family: str = "continuation"
    """Family of the two-stage law."""
    choice_domain: str = ""
    """Domain of the two-stage law; empty for the first one."""
    extrapolate_decades: float = 1.0
    """Decades of compute beyond the data over which the power law is drawn."""


def _optimum_family(context: Context) -> Sequence[str]:
    return [context.optimum_by]


def _choice_family(context: Context) -> Sequence[str]:
    return context.two_stage_families[:1]


def _settings_of(context: Context) -> PipelineSettings:
    view = context.view(context.optimum_by)
    return PipelineSettings(
        corpora=context.corpora,
        labels=dict(context.labels),
        corpus=context.corpus,
        family=view.family,
        domain=view.baseline or next(iter(view.domains), ""),
        choice_family="".join(_choice_family(context)),
        compute=context.compute,
        extrapolate_decades=context.extrapolate_decades,
    )


FIGURE = Figure(
    name="figure2_pipeline",
    category=Category.PAPER,
    caption=(
        "How a law is made. (a) The error that places the optimum (of the validation set, or the "
        "mean over the domains of another family), of all runs of one corpus against training "
        "tokens: one parabola per budget, with its vertex and the lowest run. (b) The power law "
        "E = alpha F^-beta through the optima. (c) Accuracy of a multiple choice against its "
        "loss, with a sigmoid; the grey line is chance. Dashed lines are extrapolated. Source: "
        "tables/losses.parquet, laws/optima.csv, laws/absolute.csv, laws/two_stage.csv."
    ),
    tables={
        "losses": family_losses(lambda context: [context.optimum_by, *_choice_family(context)]),
        "optima": suite_law("optima"),
        **law_tables(_optimum_family, "points", "absolute"),
        **law_tables(_choice_family, "two_stage", "predictions"),
    },
    settings=PipelineSettings,
    settings_of=_settings_of,
)
