"""Specs of the suite's table, its bill, the check of tokens, and a losses table from outside.

The spec of a training job is `Run.spec` of the plan.
"""

from relscale.config.training import JobLimits
from relscale.losses_table.spec import LossesTableSpec
from relscale.plan.spec import ArmTokens, EnoughTokensSpec, SuiteSpec
from relscale.released.spec import ReleasedModelsSpec
from relscale.workflow.experiment import PlannedExperiment


def suite_spec(experiment: PlannedExperiment, tokens_to_score: dict[str, int]) -> SuiteSpec:
    """Return the spec of the suite's table and bill.

    Args:
        experiment: an experiment that trains its runs.
        tokens_to_score: tokens by family. They are in the spec only if runs need GPUs, since the
            bill of a suite on the CPU does not list jobs.
    """
    settings = experiment.settings
    on_gpus = any(run.device == "gpu" for run in experiment.runs)
    limits = settings.training.model_dump(include=set(JobLimits.model_fields))
    return SuiteSpec(
        suite=settings.suite,
        vocab_size=settings.tokenizer.vocab_size,
        costs=settings.costs,
        training=JobLimits(**limits) if on_gpus else None,
        tokens_to_score=tokens_to_score if on_gpus else None,
    )


def enough_tokens_spec(experiment: PlannedExperiment) -> EnoughTokensSpec:
    """Return the tokens that the longest run of each corpus and arm needs, and the epochs."""
    suite = experiment.settings.suite
    most_tokens = dict.fromkeys(suite.trained_names, 0)
    for run in experiment.runs:
        most_tokens[run.corpus] = max(most_tokens[run.corpus], run.tokens)
    arms = {
        name: ArmTokens(
            corpus=arm.corpus,
            most_tokens=most_tokens.pop(name),
            unique_tokens=arm.unique_tokens,
            max_epochs=arm.max_epochs or suite.max_epochs,
        )
        for name, arm in suite.arms.items()
    }
    return EnoughTokensSpec(most_tokens=most_tokens, max_epochs=suite.max_epochs, arms=arms)


def released_suite_spec(experiment: PlannedExperiment) -> ReleasedModelsSpec:
    """Return the spec of the table of released models."""
    settings = experiment.settings.released
    return ReleasedModelsSpec(
        models=list(experiment.released),
        folder=settings.folder if settings is not None else None,
        max_length=settings.max_length if settings is not None else None,
        dtype=settings.dtype if settings is not None else "auto",
    )


def losses_table_spec(experiment: PlannedExperiment) -> LossesTableSpec:
    """Return the spec of the job that reads a losses table.

    Raises:
        ValueError: if the experiment has none.
    """
    table = experiment.settings.losses
    if table is None:
        raise ValueError(f"{experiment.name}: has no losses table")
    families = {name: experiment.family(name).domain_names() for name in experiment.families}
    return LossesTableSpec(table=table, families=families)
