"""Answers that depend on the kind of a family; no other module of this package asks for the kind.

Each function is one question. A kind of family that answers them itself replaces these functions.
"""

from collections.abc import Mapping
from typing import Any

from relscale.config.analysis import TwoStage
from relscale.config.families import AnyFamily

QUESTION_OPTIONS = 4
"""Answers of a multiple-choice question."""


def text_sources(families: Mapping[str, AnyFamily], name: str) -> list[str]:
    """Return the sources that a family's text is read from; the second holds solved questions.

    A validation family has none: its text is part of a corpus.
    """
    family = families[name]
    if family.kind == "validation":
        return []
    if family.kind == "continuation":
        return text_sources(families, family.documents)
    if family.kind == "questions" and family.shots_source:
        return [family.source, family.shots_source]
    return [family.source]


def text_to_remove(family: AnyFamily) -> dict[str, Any]:
    """Return the settings that decide which evaluation text is removed from the corpora.

    A domain, metric or baseline of documents or questions is not among them, so that a new one does
    not change a corpus.

    Raises:
        ValueError: if the family has no text of its own.
    """
    if family.kind == "documents":
        keys = {"kind", "source", "reader"}
    elif family.kind == "questions":
        keys = {"kind", "source", "file"} | ({"form"} if family.form != "embedded" else set())
    elif family.kind == "pairs":
        keys = {"kind", "source", "domains"}
    elif family.kind == "risk":
        keys = {"kind", "source", "file"}
    else:
        raise ValueError(f"a family of kind {family.kind} has no text of its own")
    return family.model_dump(mode="json", include=keys)


def corpus_of_text(family: AnyFamily, corpus: str) -> str | None:
    """Return the corpus if the family's text is part of it, else None."""
    return corpus if family.kind == "validation" else None


def family_of_text(families: Mapping[str, AnyFamily], name: str) -> str | None:
    """Return the family whose text this family uses: usually itself; None for text of a corpus."""
    family = families[name]
    if family.kind == "validation":
        return None
    return family.documents if family.kind == "continuation" else name


def text_option(family: AnyFamily) -> str:
    """Return the command-line option under which a stage takes the family's text."""
    return "--validation" if family.kind == "validation" else "--source"


def paper_prompt(family: AnyFamily) -> str | None:
    """Return the prompt of questions scored by the choice among answers, None for others."""
    if family.kind == "questions" and "choice_loss_nats" in family.metrics:
        return family.prompt
    return None


def two_stage_options(family: AnyFamily, axes: TwoStage) -> int | None:
    """Return the number of options of a family to which the two-stage law applies, else None.

    The law needs a choice among a fixed number of options and both of its metrics.
    """
    if family.kind == "continuation":
        metrics, options = {*family.metrics}, family.num_options
    elif family.kind == "questions":
        metrics, options = {*family.metrics, "bits_per_byte"}, QUESTION_OPTIONS
    else:
        return None
    return options if {axes.loss_metric, axes.accuracy_metric} <= metrics else None


def shows_sigmoid_best(family: AnyFamily) -> bool:
    """Return whether the family has many options of one kind, which make the clearest sigmoid."""
    return family.kind == "continuation"
