"""An experiment as the workflow sees it: checked settings, and the runs or released models.

An experiment with a losses table has neither: only its jobs read the table.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from relscale.config.experiment import Experiment
from relscale.config.families import AnyFamily
from relscale.config.load import load_config, read_files
from relscale.config.released import ReleasedModelRow
from relscale.config.sharded import ShardedCorpus
from relscale.config.table_defaults import merged_files
from relscale.plan.planned_run import Run
from relscale.plan.suite import plan_suite
from relscale.released.models_table import read_released


@dataclass(frozen=True, kw_only=True, eq=False)
class PlannedExperiment:
    """The settings of an experiment and its suite; two plans are equal only if they are one."""

    settings: Experiment
    """The checked configuration."""
    runs: tuple[Run, ...] = ()
    """The runs to train; empty if released models are evaluated or a losses table is read."""
    released: tuple[ReleasedModelRow, ...] = ()
    """The released models to evaluate; empty in other experiments."""
    own_files: str = ""
    """Start of the paths of the workflow's own files, such as its tables of published numbers."""

    @property
    def name(self) -> str:
        """Name of the experiment and of its folder in results/."""
        return self.settings.experiment

    @property
    def trained(self) -> bool:
        """Whether the experiment trains its runs."""
        return self.settings.released is None and self.settings.losses is None

    @property
    def from_table(self) -> bool:
        """Whether the losses are read from a table from outside."""
        return self.settings.losses is not None

    @property
    def suite(self) -> tuple[Run, ...] | tuple[ReleasedModelRow, ...]:
        """The runs or the released models, whichever the experiment has.

        It is empty for a losses table, whose runs only its jobs know.
        """
        return self.runs if self.trained else self.released

    @property
    def families(self) -> list[str]:
        """Names of the families that are evaluated."""
        return list(self.settings.evaluate)

    @cached_property
    def corpora(self) -> list[str]:
        """Corpora and arms that the suite was or will be trained on, in the suite's order."""
        return list(dict.fromkeys(run.corpus for run in self.suite))

    @cached_property
    def read_corpora(self) -> list[str]:
        """Corpora whose tokens the runs read: those of the suite and of its arms, each once."""
        return list(dict.fromkeys(run.read_corpus for run in self.runs))

    def corpus_of(self, corpus: str) -> str:
        """Return the corpus of an arm, or the corpus itself."""
        return self.settings.suite.corpus_of(corpus)

    @cached_property
    def curves(self) -> list[tuple[str, str]]:
        """Corpus and budget of each IsoFLOP curve, in the suite's order."""
        return list(dict.fromkeys((run.corpus, run.budget) for run in self.suite))

    @cached_property
    def run_by_name(self) -> dict[str, Run]:
        """The runs to train, by name."""
        return {run.run: run for run in self.runs}

    @cached_property
    def sharded(self) -> dict[str, ShardedCorpus]:
        """The sharded corpora of the suite, by name."""
        corpora = self.settings.suite.read_corpora
        return {
            name: corpus
            for name, corpus in self.settings.corpora.sharded.items()
            if name in corpora
        }

    @property
    def window(self) -> int:
        """Tokens of a model's context; 0 if each released model has its own or it is unknown."""
        if self.trained:
            return self.settings.suite.recipe.context_length
        released = self.settings.released
        return 0 if released is None else released.max_length or 0

    def family(self, name: str) -> AnyFamily:
        """Return the settings of a family."""
        return self.settings.families[name]

    def runs_of(self, corpus: str, budget: str) -> list[str]:
        """Return the names of the runs of one IsoFLOP curve."""
        return [run.run for run in self._runs_by_curve.get((corpus, budget), ())]

    def released_of(self, corpus: str, budget: str) -> list[ReleasedModelRow]:
        """Return the released models of one IsoFLOP curve, in the table's order."""
        return list(self._released_by_curve.get((corpus, budget), ()))

    @cached_property
    def _runs_by_curve(self) -> dict[tuple[str, str], list[Run]]:
        return _by_curve(self.runs)

    @cached_property
    def _released_by_curve(self) -> dict[tuple[str, str], list[ReleasedModelRow]]:
        return _by_curve(self.released)


Member = TypeVar("Member", Run, ReleasedModelRow)


def _by_curve(members: Iterable[Member]) -> dict[tuple[str, str], list[Member]]:
    """Group runs or released models by corpus and budget, in order."""
    curves: dict[tuple[str, str], list[Member]] = {}
    for member in members:
        curves.setdefault((member.corpus, member.budget), []).append(member)
    return curves


def read_experiment(
    files: Sequence[Path],
    overrides: Mapping[str, Any] | None = None,
    own_files: str = "",
    named_as: str = "--config",
) -> PlannedExperiment:
    """Read configuration files, check them as a whole and plan the suite.

    Args:
        files: configuration files in the order in which they are merged.
        overrides: keys that are merged last.
        own_files: start of the paths of the workflow's own files.
        named_as: name of the overrides in errors.

    Raises:
        ValueError: listing every problem of the configuration or of the table of released models.
    """
    named, problems = read_files(Path(os.path.relpath(path)) for path in files)
    if overrides:
        named.append((named_as, overrides))
    settings = load_config(merged_files(named), named, problems)
    return replace(plan_experiment(settings), own_files=own_files)


def module_experiment(
    config: Mapping[str, Any], own_files: str, renamed: object = None
) -> PlannedExperiment:
    """Read the experiment of a workflow that imports this one as a module.

    Args:
        config: the configuration of the module, which is merged over this workflow's `config.yaml`
            as an overlay is.
        own_files: start of the paths of this workflow's files.
        renamed: `prefix` or `replace_prefix` of the module.

    Raises:
        ValueError: listing every problem of the configuration, or if the module has a `prefix` or
            `replace_prefix`: specs of jobs name paths, which Snakemake would not change.
    """
    if renamed:
        raise ValueError(
            "the module of relscale: `prefix` and `replace_prefix` are not possible, since the "
            "specs of jobs name paths: leave them out; results are in "
            "results/<experiment> and results/shared"
        )
    files = [Path(f"{own_files}config.yaml")]
    return read_experiment(files, config, own_files, named_as="config of the module")


def plan_experiment(settings: Experiment) -> PlannedExperiment:
    """Plan the runs of an experiment, or read its table of released models.

    Raises:
        ValueError: if a budget cannot be met, the table is damaged, or `figures.corpus` is not in
            the table.
    """
    if settings.losses is not None:
        return PlannedExperiment(settings=settings)
    if settings.released is None:
        runs = plan_suite(settings.suite, settings.tokenizer.vocab_size)
        return PlannedExperiment(settings=settings, runs=tuple(runs))
    table = settings.released.table
    rows = read_released(Path(table))
    corpora = list(dict.fromkeys(row.corpus for row in rows))
    if settings.figures.corpus is not None and settings.figures.corpus not in corpora:
        raise ValueError(
            f"figures.corpus = {settings.figures.corpus!r}: not a corpus of {table}; "
            f"the choices are {', '.join(corpora)}"
        )
    return PlannedExperiment(settings=settings, released=tuple(rows))
