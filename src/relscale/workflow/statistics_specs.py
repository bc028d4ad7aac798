"""Specs of corpus statistics: of each corpus, of each family, and next to the exponents."""

from relscale.config.corpus_statistics import CorpusStatistics
from relscale.corpus_statistics.spec import (
    ExponentsSpec,
    StatisticsSpec,
    StatisticsTableSpec,
)
from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.layout import Layout

METRIC = "bits_per_byte"
"""The metric whose exponents are compared with statistics."""


def has_statistics(experiment: PlannedExperiment) -> bool:
    """Return whether corpora and domains have statistics."""
    return experiment.trained and experiment.settings.corpus_statistics is not None


def statistics_spec(
    experiment: PlannedExperiment, *, corpus: str = "", family: str = ""
) -> StatisticsSpec:
    """Return the spec of the statistics of a corpus, or of the domains of a family.

    Args:
        experiment: the experiment.
        corpus: the corpus; of a family, the one that its text is from, if any.
        family: the family; empty for a corpus.
    """
    settings = experiment.settings.corpus_statistics
    return StatisticsSpec(
        corpus=corpus,
        family=family,
        settings=CorpusStatistics() if settings is None else settings,
        level=experiment.settings.laws.level,
    )


def domains_spec(experiment: PlannedExperiment, family: str, corpus: str | None) -> StatisticsSpec:
    """Return the spec of the statistics of the domains of a family.

    Args:
        experiment: the experiment.
        family: the family.
        corpus: the corpus that its text is from; None if it is the same for all corpora.
    """
    return statistics_spec(experiment, family=family, corpus=corpus or "")


def sampled_corpora(experiment: PlannedExperiment) -> list[str]:
    """Return the corpora with statistics: those that runs read, without sharded ones."""
    return [name for name in experiment.read_corpora if name not in experiment.sharded]


def statistics_files(experiment: PlannedExperiment, layout: Layout) -> list[str]:
    """Return the files with the statistics of each corpus and each family."""
    corpora = [layout.statistics("corpora", name) for name in sampled_corpora(experiment)]
    return corpora + [layout.statistics("families", key) for key in layout.requests_of_key]


def sharded_manifests(experiment: PlannedExperiment, layout: Layout) -> list[str]:
    """Return the manifests of the corpora without statistics."""
    return [layout.tokens(corpus, "manifest.json") for corpus in experiment.sharded]


def table_spec(experiment: PlannedExperiment) -> StatisticsTableSpec:
    """Return the spec of the table of statistics."""
    return StatisticsTableSpec(corpora=tuple(experiment.read_corpora))


def exponents_spec(experiment: PlannedExperiment) -> ExponentsSpec:
    """Return the spec of the table that relates statistics to exponents."""
    laws = experiment.settings.laws
    families = {name: experiment.family(name) for name in experiment.families}
    return ExponentsSpec(
        families=tuple(
            name
            for name, family in families.items()
            if family.baseline and METRIC in family.reported_metrics()
        ),
        estimator=laws.estimators[0],
        level=laws.level,
        draws=laws.draws,
        seed=laws.seed,
    )
