"""The context of a configured experiment. Drawing does not import this module."""

from collections.abc import Collection, Sequence

from relscale.config.experiment import Experiment
from relscale.figures.context import Context, FamilyFacts
from relscale.figures.controls import METRIC
from relscale.figures.settings import StatedDirections


def context_of(
    experiment: Experiment,
    *,
    corpora: Sequence[str],
    two_stage: Collection[str],
    own_files: str = "",
) -> Context:
    """Return an experiment as the figures see it.

    Args:
        experiment: the checked configuration.
        corpora: corpora of the runs or released models, in the suite's order; empty if only the
            tables know them.
        two_stage: configured families with a two-stage law.
        own_files: start of the paths of the workflow's own files.
    """
    laws, figures, released = experiment.laws, experiment.figures, experiment.released
    arms = experiment.suite.arms if experiment.losses is None and released is None else {}
    evaluated = tuple(experiment.evaluate)
    controlled = bool(experiment.controls) and experiment.losses is None and released is None
    window, budgets = (released.max_length or 0) if released else 0, tuple[str, ...]()
    if experiment.losses is None:
        budgets = tuple(experiment.suite.budget_labels)
        window = window if released else experiment.suite.recipe.context_length
    return Context(
        results=f"results/{experiment.experiment}",
        reference=f"{own_files}workflow/reference",
        families=tuple(
            FamilyFacts(
                name=name,
                metrics=tuple(family.metrics),
                baseline=family.baseline or "",
                domains=tuple(family.domain_names()),
                has_two_stage=name in two_stage,
                shows_sigmoid_best=family.options_alike,
                compares_prompts=family.compared_prompt() is not None,
                sums_by_bucket=family.sums_by_bucket(),
                has_control=controlled and name in evaluated and family.metrics[0] == METRIC,
            )
            for name, family in experiment.families.items()
        ),
        evaluated=evaluated,
        corpora=tuple(corpora),
        arms={name: arm.facts for name, arm in arms.items()},
        budgets=budgets,
        window=window,
        estimator=laws.estimators[0],
        compute=laws.compute,
        optimum_by=laws.optimum_by,
        corpus=figures.corpus or "",
        family_laws=figures.family_laws or "",
        labels=figures.labels,
        teaser=tuple(figures.teaser),
        size_or_data=figures.size_or_data,
        covariates=figures.covariates,
        covariate_label=figures.covariate_label,
        years=figures.years,
        paper_corpora=figures.paper_corpora,
        extrapolate_decades=figures.extrapolate_decades,
        paper_line=figures.paper_line,
        asks_representation=laws.representation is not None,
        directions=StatedDirections()
        if experiment.losses is None
        else StatedDirections(
            higher_is_better=tuple(experiment.losses.higher_is_better),
            lower_is_better=tuple(experiment.losses.lower_is_better),
        ),
    )
