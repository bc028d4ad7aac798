"""What training jobs need of a machine, and what else decides them. Functions only."""

TRAINING_LOCK = lock_digest(["torch", "numpy", "tokenizers", "safetensors"])


def most_tokens():
    """Return the most tokens that a run of each corpus is trained on."""
    return {
        corpus: max(run.tokens for run in PLANNED if run.corpus == corpus)
        for corpus in EXPERIMENT.suite.corpora
    }


def needs_of_runs():
    """Return what each run's training job asks for alone; runs that fit no configured GPU end planning here, before any job."""
    try:
        return suite_needs(PLANNED, EXPERIMENT.training, EXPERIMENT.costs) if TRAINED else {}
    except ValueError as error:
        raise WorkflowError(str(error)) from None


NEEDS = needs_of_runs()
ARRAY_NEEDS = array_needs(NEEDS, EXPERIMENT.training)


def bill_of_jobs():
    """Return what the bill says of jobs on GPUs; what a suite on the CPU asks for is no part of it."""
    keys = {"gpus_per_run", "gpu_memory_gb", "hours_per_run"}
    if not any(run.device == "gpu" for run in PLANNED):
        return {}
    return {
        "training": EXPERIMENT.training.model_dump(mode="json", include=keys),
        "tokens_to_score": TOKENS_TO_SCORE,
    }


def gpus_allowed():
    """Return how many GPUs the call allows, or None; Snakemake would silently give a job no more than that."""
    given = workflow.global_resources.get("gpu")
    return None if given is None else given.value


def run_needs(wildcards):
    """Return what a run's job asks for, as a member of the array that it is sent in: SLURM gives all tasks of one the same.

    Raises:
        WorkflowError: where the call allows fewer GPUs than the run needs.
    """
    needs, allowed = ARRAY_NEEDS[wildcards.run], gpus_allowed()
    if allowed is not None and needs.gpu > allowed:
        raise WorkflowError(
            f"run {wildcards.run} needs {needs.gpu} GPU(s), and this call allows {allowed}: "
            f"--resources gpu={needs.gpu} (make: GPUS={needs.gpu})"
        )
    return needs


def runs_with(*gpus, short):
    """Return the names of the runs that need one of these numbers of GPUs, and ask for little time or much."""
    return [
        name
        for name, needs in NEEDS.items()
        if needs.gpu in gpus and is_short(needs, EXPERIMENT.training) == short
    ]
