"""Specs of requests and texts, and of the evaluation of runs and of released models.

A family's baseline is in none of them: it matters only to the laws.
"""

from collections.abc import Sequence
from typing import Any

from relscale.evaluation.spec import EvaluateSpec, FamilySpec, OverlapSpec
from relscale.released.spec import EvaluateReleasedSpec, TextsSpec
from relscale.workflow.experiment import PlannedExperiment
from relscale.workflow.family_kinds import corpus_of_text


def family_spec(
    experiment: PlannedExperiment, family: str, corpus: str | None = None
) -> FamilySpec:
    """Return the spec of a family's requests.

    Args:
        experiment: an experiment that trains its runs.
        family: name of the family.
        corpus: the corpus whose held-out documents are the family's text, if they are.
    """
    settings = experiment.settings
    documents = settings.families[family].text_family(family)
    return FamilySpec.model_validate(
        {
            "family": family,
            "context_length": settings.suite.recipe.context_length,
            "settings": settings.families[family],
            "documents": None if documents in (None, family) else settings.families[documents],
            "corpus": corpus,
        }
    )


def evaluation_spec(experiment: PlannedExperiment, family: str, corpus: str) -> EvaluateSpec:
    """Return the spec of the evaluation of a corpus's runs on a family: that of its requests.

    The requests of an arm are those of its corpus.
    """
    settings = experiment.family(family)
    own = corpus_of_text(settings, experiment.corpus_of(corpus))
    spec: dict[str, Any] = dict(family_spec(experiment, family, own))
    # Without the key where it is off, so that the specs are those of earlier versions.
    if settings.sums_by_bucket():
        spec["buckets"] = True
    return EvaluateSpec(**spec)


def overlap_spec(experiment: PlannedExperiment) -> OverlapSpec:
    """Return the spec of the search for a family's items in a corpus."""
    return OverlapSpec(window_words=experiment.settings.corpora.window_words)


def texts_spec(experiment: PlannedExperiment, family: str) -> TextsSpec:
    """Return the spec of a family's texts; each released model tokenizes them itself."""
    return TextsSpec(family=family, settings=experiment.family(family))


def released_evaluation_spec(
    experiment: PlannedExperiment, family: str, corpus: str, budget: str
) -> EvaluateReleasedSpec:
    """Return the spec of the evaluation of one IsoFLOP curve of released models.

    Raises:
        ValueError: if the experiment evaluates no released models.
    """
    settings = experiment.settings.released
    if settings is None:
        raise ValueError(f"{experiment.name}: has no released models to evaluate")
    return EvaluateReleasedSpec(
        family=family,
        settings=experiment.family(family),
        models=experiment.released_of(corpus, budget),
        folder=settings.folder,
        max_length=settings.max_length,
        stride=settings.stride,
        dtype=settings.dtype,
        **({"buckets": True} if experiment.family(family).sums_by_bucket() else {}),
    )


def text_options(option: str, paths: Sequence[str]) -> list[str]:
    """Return the options under which a stage takes a family's texts.

    Args:
        option: the option of the texts.
        paths: files, in the order of `Family.sources`.
    """
    return [option, *paths]
