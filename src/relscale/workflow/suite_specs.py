"""Specs of the suite's table, its bill and the check of tokens.

The spec of a training job is `Run.spec` of the plan.
"""

from typing import Any

from relscale.workflow.experiment import PlannedExperiment


def suite_spec(experiment: PlannedExperiment, tokens_to_score: dict[str, int]) -> dict[str, Any]:
    """Return the spec of the suite's table and bill.

    Args:
        experiment: an experiment that trains its runs.
        tokens_to_score: tokens by family. They are in the spec only if runs need GPUs, since the
            bill of a suite on the CPU does not list jobs.
    """
    settings = experiment.settings
    spec: dict[str, Any] = {
        "suite": settings.suite.model_dump(mode="json"),
        "vocab_size": settings.tokenizer.vocab_size,
        "costs": settings.costs.model_dump(mode="json"),
    }
    if any(run.device == "gpu" for run in experiment.runs):
        keys = {"gpus_per_run", "gpu_memory_gb", "hours_per_run"}
        spec["training"] = settings.training.model_dump(mode="json", include=keys)
        spec["tokens_to_score"] = tokens_to_score
    return spec


def enough_tokens_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    """Return the tokens that the longest run of each corpus needs, and the allowed epochs."""
    suite = experiment.settings.suite
    return {
        "most_tokens": {
            corpus: max(run.tokens for run in experiment.runs if run.corpus == corpus)
            for corpus in suite.corpora
        },
        "max_epochs": suite.max_epochs,
    }


def released_suite_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    """Return the spec of the table of released models."""
    settings = experiment.settings.released
    return {
        "models": [row.model_dump(mode="json") for row in experiment.released],
        "folder": settings.folder if settings is not None else None,
    }
