"""Specs of sources, corpora and the tokenizer: the settings that decide their bytes."""

from relscale.config.sources import Described
from relscale.text.spec import (
    ComponentSpec,
    CorpusSpec,
    GivenTokenizerSpec,
    ShardedCorpusSpec,
    SourceSpec,
    SourcesTableSpec,
    TokenizerSpec,
    TokensSpec,
)
from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.family_kinds import text_sources

DESCRIPTION = set(Described.model_fields)
"""Keys of a source that do not decide its bytes."""


def source_spec(experiment: PlannedExperiment, name: str) -> SourceSpec:
    """Return the spec of a source.

    Its licence and citation are not in it, nor where a local copy of a package is.
    """
    source = experiment.settings.sources[name]
    return SourceSpec.model_validate({"name": name, **source.model_dump(exclude=DESCRIPTION)})


def local_copy(experiment: PlannedExperiment, name: str) -> str:
    """Return the local copy of a source's package, "" if there is none.

    It is a resource of the job and not in its spec, since it does not decide the source's bytes.
    """
    return getattr(experiment.settings.sources[name], "path", None) or ""


def sources_table_spec(experiment: PlannedExperiment, names: list[str]) -> SourcesTableSpec:
    """Return licences and citations of sources, by name."""
    sources = experiment.settings.sources
    return SourcesTableSpec.model_validate(
        {name: sources[name].model_dump(include=DESCRIPTION) for name in names}
    )


def corpus_sources(experiment: PlannedExperiment, corpus: str) -> list[str]:
    """Return the sources that are fetched to build and to decontaminate a corpus, sorted.

    A sharded corpus reads its text in place.
    """
    corpora = experiment.settings.corpora
    names: set[str] = set()
    if corpus not in experiment.sharded:
        names.update(component.source for component in corpora.mixtures[corpus].components)
    for family in corpora.decontaminate_against:
        names.update(text_sources(experiment.settings.families, family))
    return sorted(names)


def removed_texts(experiment: PlannedExperiment) -> dict[str, object]:
    """Return the evaluation text that is removed from all corpora, by family."""
    names = experiment.settings.corpora.decontaminate_against
    return {name: experiment.family(name).text_spec() for name in names}


def corpus_spec(experiment: PlannedExperiment, corpus: str) -> CorpusSpec:
    """Return the spec of a corpus's documents."""
    corpora = experiment.settings.corpora
    return CorpusSpec.model_validate(
        {
            "corpus": corpus,
            "mixture": corpora.mixtures[corpus],
            "corpora": corpora.model_dump(exclude={"mixtures", "sharded"}),
            "decontaminate_against": removed_texts(experiment),
        }
    )


def tokens_spec(corpus: str) -> TokensSpec:
    """Return the spec of a corpus's tokens: documents and tokenizer are inputs."""
    return TokensSpec(corpus=corpus)


def component_spec(experiment: PlannedExperiment, corpus: str, component: str) -> ComponentSpec:
    """Return the spec of a component's shards.

    Its weight is not in it, so that another mixture of the same text tokenizes nothing again.
    """
    parent = experiment.sharded[corpus]
    settings = parent.components[component]
    share = settings.validation_share or parent.validation_share
    source = experiment.settings.sources[settings.source]
    return ComponentSpec.model_validate(
        {
            "name": component,
            "component": settings.model_dump(exclude={"weight"}) | {"validation_share": share},
            "source": source.model_dump(exclude=DESCRIPTION),
            "window_words": experiment.settings.corpora.window_words,
            "decontaminate_against": removed_texts(experiment),
        }
    )


def sharded_spec(experiment: PlannedExperiment, corpus: str) -> ShardedCorpusSpec:
    """Return the spec of a sharded corpus's manifest."""
    return ShardedCorpusSpec(corpus=corpus, settings=experiment.sharded[corpus])


def tokenizer_spec(experiment: PlannedExperiment) -> TokenizerSpec | GivenTokenizerSpec:
    """Return the spec of the tokenizer, trained or given."""
    settings = experiment.settings.tokenizer
    if settings.given is not None:
        return GivenTokenizerSpec.model_validate(dict(settings))
    return TokenizerSpec.model_validate(settings.model_dump(exclude={"given"}))
