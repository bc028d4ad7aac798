"""The context of a configured experiment. Drawing does not import this module."""

from collections.abc import Sequence

from relscale.config.experiment import Experiment
from relscale.figures.context import Context, FamilyFacts


def context_of(
    experiment: Experiment,
    *,
    corpora: Sequence[str],
    two_stage: Sequence[str],
    compares_prompts: bool,
) -> Context:
    """Return an experiment as the figures see it.

    Args:
        experiment: the checked configuration.
        corpora: corpora of the runs or released models, in the suite's order.
        two_stage: families with a two-stage law; the first one is shown.
        compares_prompts: whether the experiment makes a table of prompt formats.
    """
    laws, figures, released = experiment.laws, experiment.figures, experiment.released
    return Context(
        results=f"results/{experiment.experiment}",
        families=tuple(_facts(experiment, name) for name in experiment.families),
        evaluated=tuple(experiment.evaluate),
        corpora=tuple(corpora),
        budgets=tuple(budget.label for budget in experiment.suite.budgets),
        window=(released.max_length or 0) if released else experiment.suite.recipe.context_length,
        two_stage=tuple(two_stage),
        compares_prompts=compares_prompts,
        estimator=laws.estimators[0],
        compute=laws.compute,
        optimum_by=laws.optimum_by,
        corpus=figures.corpus,
        labels=figures.labels,
        teaser=tuple(figures.teaser),
        size_or_data=figures.size_or_data,
        covariates=figures.covariates,
        covariate_label=figures.covariate_label,
        paper_corpora=figures.paper_corpora,
        extrapolate_decades=figures.extrapolate_decades,
        paper_line=figures.paper_line,
    )


def _facts(experiment: Experiment, name: str) -> FamilyFacts:
    family = experiment.families[name]
    return FamilyFacts(
        name=name,
        metrics=tuple(family.metrics),
        baseline=family.baseline or "",
        domains=tuple(family.domain_names()),
    )
