"""Resources that the jobs of an experiment ask the scheduler for."""

from dataclasses import dataclass
from functools import cached_property

from relscale.resources.evaluation import (
    curve_resources,
    requests_resources,
    runs_by_curve,
)
from relscale.resources.job_resources import JobResources
from relscale.resources.text import shard_minutes
from relscale.resources.training import array_resources, is_short, suite_resources
from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.layout import Layout
from relscale.workflow.listings import Listings


@dataclass(frozen=True, kw_only=True, eq=False)
class Scheduling:
    """The resources of one experiment's jobs."""

    experiment: PlannedExperiment
    layout: Layout
    listings: Listings

    def check(self) -> None:
        """Check that the configured GPUs can hold every run.

        Raises:
            ValueError: naming the keys to change, if they cannot.
        """
        _ = self.alone

    @cached_property
    def alone(self) -> dict[str, JobResources]:
        """Resources of each run's training job by itself, by the run's name.

        Raises:
            ValueError: naming the keys to change, if the configured GPUs cannot hold all runs.
        """
        settings = self.experiment.settings
        return suite_resources(self.experiment.runs, settings.training, settings.costs)

    @cached_property
    def _in_arrays(self) -> dict[str, JobResources]:
        return array_resources(self.alone, self.experiment.settings.training)

    def training(self, run: str, gpus_allowed: int | None = None) -> JobResources:
        """Return the resources of a run's training job, as a member of its SLURM array.

        SLURM gives all tasks of an array the same resources.

        Args:
            run: name of the run.
            gpus_allowed: GPUs that this call of Snakemake may use, None for any number. Snakemake
                would silently give a job no more than that.

        Raises:
            ValueError: if the run needs more GPUs than the call may use.
        """
        needed = self._in_arrays[run]
        if gpus_allowed is not None and needed.gpu > gpus_allowed:
            raise ValueError(
                f"run {run} needs {needed.gpu} GPU(s), and this call allows {gpus_allowed}: "
                f"--resources gpu={needed.gpu} (make: GPUS={needed.gpu})"
            )
        return needed

    def runs_with(self, *gpus: int, short: bool) -> list[str]:
        """Return the short (or long) runs that need one of these numbers of GPUs, by name."""
        training = self.experiment.settings.training
        return [
            name
            for name, needed in self.alone.items()
            if needed.gpu in gpus and is_short(needed, training) == short
        ]

    @cached_property
    def tokens_to_score(self) -> dict[str, int]:
        """Tokens that a model is given for each evaluated family, at most."""
        window = self.experiment.settings.suite.recipe.context_length
        return {
            name: self.experiment.family(name).tokens_to_score(window)
            for name in self.experiment.families
        }

    @cached_property
    def _evaluations(self) -> dict[tuple[str, str, str], JobResources]:
        settings, curves = self.experiment.settings, runs_by_curve(self.experiment.runs)
        return curve_resources(curves, self.tokens_to_score, settings.costs, settings.training)

    def evaluation(self, family: str, corpus: str, budget: str) -> JobResources:
        """Return the resources of the job that scores an IsoFLOP curve on a family.

        They are memory for its largest run and time for all its runs.
        """
        return self._evaluations[family, corpus, budget]

    def requests(self, key: str) -> JobResources:
        """Return the resources of the job that makes the requests with this key."""
        family, _ = self.layout.requests_of_key[key]
        return requests_resources(self.tokens_to_score[family])

    @cached_property
    def _shard_minutes(self) -> dict[str, int]:
        return {}

    def shard_minutes(self, key: str) -> int:
        """Return the minutes that a shard of the component with this key may take.

        Text without `max_tokens` is measured if it is on this machine.
        """
        if key not in self._shard_minutes:
            corpus, component = self.layout.component_of_key[key]
            settings = self.experiment.sharded[corpus].components[component]
            files = (
                self.listings.component_files(corpus, component)
                if settings.max_tokens is None
                else []
            )
            costs = self.experiment.settings.costs
            self._shard_minutes[key] = shard_minutes(settings, costs, files)
        return self._shard_minutes[key]
