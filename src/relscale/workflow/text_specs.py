"""Specs of sources, corpora and the tokenizer: the settings that decide their bytes."""

from typing import Any

from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.family_kinds import text_sources


def source_spec(experiment: PlannedExperiment, name: str) -> dict[str, Any]:
    """Return the spec of a source.

    Its licence and citation are not in it, nor where a local copy of a package is.
    """
    source = experiment.settings.sources[name]
    left_out = {"licence", "citation"} | ({"path"} if source.kind == "package" else set())
    return {"name": name, **source.model_dump(mode="json", exclude=left_out)}


def local_copy(experiment: PlannedExperiment, name: str) -> str:
    """Return the local copy of a source's package, "" if there is none.

    It is a resource of the job and not in its spec, since it does not decide the source's bytes.
    """
    return getattr(experiment.settings.sources[name], "path", None) or ""


def sources_table_spec(experiment: PlannedExperiment, names: list[str]) -> dict[str, Any]:
    """Return licences and citations of sources, by name."""
    sources = experiment.settings.sources
    return {name: sources[name].model_dump(include={"licence", "citation"}) for name in names}


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


def removed_texts(experiment: PlannedExperiment) -> dict[str, Any]:
    """Return the evaluation text that is removed from all corpora, by family."""
    names = experiment.settings.corpora.decontaminate_against
    return {name: experiment.family(name).text_spec() for name in names}


def corpus_spec(experiment: PlannedExperiment, corpus: str) -> dict[str, Any]:
    """Return the spec of a corpus's documents."""
    corpora = experiment.settings.corpora
    return {
        "corpus": corpus,
        "mixture": corpora.mixtures[corpus].model_dump(mode="json"),
        "corpora": corpora.model_dump(mode="json", exclude={"mixtures", "sharded"}),
        "decontaminate_against": removed_texts(experiment),
    }


def tokens_spec(corpus: str) -> dict[str, Any]:
    """Return the spec of a corpus's tokens: documents and tokenizer are inputs."""
    return {"corpus": corpus}


def component_spec(experiment: PlannedExperiment, corpus: str, component: str) -> dict[str, Any]:
    """Return the spec of a component's shards.

    Its weight is not in it, so that another mixture of the same text tokenizes nothing again.
    """
    parent = experiment.sharded[corpus]
    settings = parent.components[component]
    source = source_spec(experiment, settings.source)
    source.pop("name")
    return {
        "name": component,
        "component": settings.model_dump(mode="json", exclude={"weight"})
        | {"validation_share": settings.validation_share or parent.validation_share},
        "source": source,
        "window_words": experiment.settings.corpora.window_words,
        "decontaminate_against": removed_texts(experiment),
    }


def sharded_spec(experiment: PlannedExperiment, corpus: str) -> dict[str, Any]:
    """Return the spec of a sharded corpus's manifest."""
    return {"corpus": corpus, "settings": experiment.sharded[corpus].model_dump(mode="json")}


def tokenizer_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    """Return the spec of the tokenizer, trained or given."""
    return experiment.settings.tokenizer.model_dump(mode="json", exclude_none=True)
