"""Specs of controls: their scores by corpus, and their comparison with the runs."""

from relscale.controls.spec import ControlledFamily, ControlsSpec, NgramSpec
from relscale.resources.job_resources import mebibytes
from relscale.workflow.experiment import PlannedExperiment

METRIC = "bits_per_byte"
"""The metric of controls."""
BASE_MIB, BYTES_PER_BYTE, LEAST_MIB = 300, 70, 1000
"""Memory of a job that trains n-grams: by itself, per byte of text, and at least (measured with 1e7
bytes: 734 MiB)."""


def controlled_families(experiment: PlannedExperiment) -> list[str]:
    """Return the evaluated families that controls are scored on; none without controls."""
    if not experiment.controls:
        return []
    return [
        name for name in experiment.families if METRIC in experiment.family(name).reported_metrics()
    ]


def ngram_spec(experiment: PlannedExperiment, corpus: str) -> NgramSpec:
    """Return the spec of the n-gram models of a corpus."""
    families = controlled_families(experiment)
    return NgramSpec(
        corpus=corpus,
        context_length=experiment.window,
        settings=experiment.settings.ngram,
        families=tuple(families),
        over_strata=tuple(
            name for name in families if experiment.family(name).averages_over_strata
        ),
    )


def ngram_mebibytes(experiment: PlannedExperiment) -> int:
    """Return the memory of a job that trains n-gram models, in MiB."""
    largest = max(experiment.settings.ngram.bytes)
    return max(LEAST_MIB, BASE_MIB + mebibytes(BYTES_PER_BYTE * largest))


def controls_spec(experiment: PlannedExperiment) -> ControlsSpec:
    """Return the spec of the tables of controls."""
    laws = experiment.settings.laws
    return ControlsSpec(
        families=tuple(
            ControlledFamily(
                family=name,
                baseline=experiment.family(name).baseline,
                over_strata=experiment.family(name).averages_over_strata,
            )
            for name in controlled_families(experiment)
        ),
        optimum_by=laws.optimum_by,
        estimator=laws.estimators[0],
        compute=laws.compute,
        level=laws.level,
        draws=laws.draws,
        seed=laws.seed,
    )
