"""What training jobs need of a machine, and what else decides them. Functions only."""

TRAINING_LOCK = lock_digest(["torch", "numpy", "tokenizers", "safetensors"])


def most_tokens():
    """Return the most tokens that a run of each corpus is trained on."""
    return {corpus: max(run.tokens for run in PLANNED if run.corpus == corpus) for corpus in EXPERIMENT.suite.corpora}


@cache
def train_resources(name):
    """Return the resources of a training job, as the plan estimates them."""
    return train_needs(RUNS[name], EXPERIMENT.training, EXPERIMENT.costs).resources()


def gpus_allowed():
    """Return how many GPUs the call allows, or None; Snakemake would silently give a job no more than that."""
    given = workflow.global_resources.get("gpu")
    return None if given is None else given.value


@cache
def array_resources(gpus):
    """Return what each task of an array of runs gets: what the most demanding run of this number of GPUs needs."""
    needed = [train_resources(name) for name in RUNS]
    return {key: max(one[key] for one in needed if one["gpu"] == gpus) for key in ("gpu", "mem_mb", "gpu_mem_mb", "runtime")}


def run_resources(wildcards):
    """Return the resources of a run's job: runs of the same number of GPUs are one array, whose tasks SLURM gives the same.

    Raises:
        WorkflowError: where the call allows fewer GPUs than the run needs.
    """
    gpus, allowed = train_resources(wildcards.run)["gpu"], gpus_allowed()
    if allowed is not None and gpus > allowed:
        raise WorkflowError(
            f"run {wildcards.run} needs {gpus} GPU(s), and this call allows {allowed}: --resources gpu={gpus} (make: GPUS={gpus})"
        )
    return array_resources(gpus)


def runs_with(*gpus):
    """Return the names of the runs that need one of these numbers of GPUs."""
    return [name for name in RUNS if train_resources(name)["gpu"] in gpus]
