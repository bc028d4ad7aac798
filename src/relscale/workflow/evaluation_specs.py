"""Specs of requests and texts, and of the evaluation of runs and of released models.

A family's baseline is in none of them: it matters only to the laws.
"""

from collections.abc import Sequence
from typing import Any

from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.family_kinds import corpus_of_text

RELEASED_SETTINGS = {"folder", "max_length", "stride", "dtype"}
"""Settings of released models that decide their scores."""


def family_spec(
    experiment: PlannedExperiment, family: str, corpus: str | None = None
) -> dict[str, Any]:
    """Return the spec of a family's requests.

    Args:
        experiment: an experiment that trains its runs.
        family: name of the family.
        corpus: the corpus whose held-out documents are the family's text, if they are.
    """
    settings = experiment.settings
    spec: dict[str, Any] = {
        "family": family,
        "context_length": settings.suite.recipe.context_length,
        "settings": settings.families[family].model_dump(mode="json", exclude={"baseline"}),
    }
    documents = settings.families[family].text_family(family)
    if documents not in (None, family):
        used = settings.families[str(documents)]
        spec["documents"] = used.model_dump(mode="json", exclude={"baseline"})
    if corpus is not None:
        spec["corpus"] = corpus
    return spec


def evaluation_spec(experiment: PlannedExperiment, family: str, corpus: str) -> dict[str, Any]:
    """Return the spec of the evaluation of a corpus's runs on a family: that of its requests."""
    own = corpus_of_text(experiment.family(family), corpus)
    return family_spec(experiment, family, own)


def overlap_spec(experiment: PlannedExperiment) -> dict[str, Any]:
    """Return the spec of the search for a family's items in a corpus."""
    return {"window_words": experiment.settings.corpora.window_words}


def texts_spec(experiment: PlannedExperiment, family: str) -> dict[str, Any]:
    """Return the spec of a family's texts; each released model tokenizes them itself."""
    settings = experiment.family(family).model_dump(mode="json", exclude={"baseline"})
    return {"family": family, "settings": settings}


def released_evaluation_spec(
    experiment: PlannedExperiment, family: str, corpus: str, budget: str
) -> dict[str, Any]:
    """Return the spec of the evaluation of one IsoFLOP curve of released models.

    Raises:
        ValueError: if the experiment evaluates no released models.
    """
    settings = experiment.settings.released
    if settings is None:
        raise ValueError(f"{experiment.name}: has no released models to evaluate")
    rows = experiment.released_of(corpus, budget)
    return texts_spec(experiment, family) | {
        "models": [row.model_dump(mode="json") for row in rows],
        **settings.model_dump(include=RELEASED_SETTINGS),
    }


def text_options(option: str, paths: Sequence[str]) -> list[str]:
    """Return the options under which a stage takes a family's texts.

    Args:
        option: the option of the first text.
        paths: one or two files; the second holds solved questions.
    """
    options = ["--shots-source"] * (len(paths) - 1)
    return [word for pair in zip([option, *options], paths, strict=True) for word in pair]
