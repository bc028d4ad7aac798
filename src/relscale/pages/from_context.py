"""Specs of the pages of an experiment, from the same `Context` as its figures. Light imports."""

from relscale.config.analysis import FitSettings
from relscale.figures.context import Context
from relscale.pages.spec import (
    ExplorerFamily,
    ExplorerSpec,
    FindingsFamily,
    FindingsSpec,
    Origin,
)


def findings_spec(context: Context, laws: FitSettings, origin: Origin) -> FindingsSpec:
    """Return the spec of the page of findings: its families are those with a baseline.

    Args:
        context: families, corpora, labels and the axis of the laws.
        laws: settings of the laws; the page explains the margin by them.
        origin: where the losses come from.
    """
    families = [
        FindingsFamily(
            family=facts.name,
            metric=facts.metrics[0],
            baseline=facts.baseline,
            domains=list(facts.domains),
        )
        for facts in map(context.family, context.compared_families)
    ]
    return FindingsSpec(
        families=families,
        corpora=list(context.corpora),
        labels=dict(context.labels),
        estimator=context.estimator,
        compute=context.compute,
        origin=origin,
        margin_share=laws.margin_share,
        margin_floor=laws.margin_floor,
        **dict(context.directions),
    )


def explorer_spec(context: Context, experiment: str) -> ExplorerSpec:
    """Return the spec of the explorer; estimators are not in it.

    Args:
        context: families, corpora, labels and the axis of the laws.
        experiment: the title.
    """
    families = [
        ExplorerFamily(
            family=facts.name,
            metrics=list(facts.metrics),
            baseline=facts.baseline,
            domains=list(facts.domains),
        )
        for facts in map(context.family, context.evaluated)
    ]
    return ExplorerSpec(
        experiment=experiment,
        families=families,
        corpora=list(context.corpora),
        labels=dict(context.labels),
        compute=context.compute,
        extrapolate_decades=context.extrapolate_decades,
        **dict(context.directions),
    )
