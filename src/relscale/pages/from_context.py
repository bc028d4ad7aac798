"""Specs of the pages of an experiment, from the same `Context` as its figures. Light imports."""

from relscale.figures.context import Context
from relscale.pages.spec import ExplorerFamily, ExplorerSpec, FindingsFamily, FindingsSpec


def findings_spec(context: Context) -> FindingsSpec:
    """Return the spec of the page of findings: its families are those with a baseline."""
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
