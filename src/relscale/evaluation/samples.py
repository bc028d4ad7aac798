"""Samples: the items of a family as token sequences, for models that share the suite's tokenizer,
within caps on tokens.

Questions are taken only where they fit the window; documents give one window each. What was left
out is counted, by cause.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relscale.config.families import (
    AnyFamily,
    DocumentFamily,
    PairFamily,
    QuestionFamily,
    RiskFamily,
    ValidationFamily,
)
from relscale.evaluation.documents import document_items, validation_items
from relscale.evaluation.families import (
    Account,
    cap_of,
    check_bytes,
    documents_by_domain,
    needs_all_options,
    question_strata,
    right_alone,
)
from relscale.evaluation.requests import Item, in_random_order, take_tokens
from relscale.evaluation.texts import TextItem
from relscale.evaluation.tokens import TextEncoder


@dataclass(kw_only=True)
class Sample(Account):
    """The items of a family, and an account of the rest."""

    items: list[Item] = field(default_factory=list)
    """What is scored, domain by domain."""

    def manifest(self, family: str, kind: str, context_length: int) -> dict[str, Any]:
        """Return the account as JSON: items, sequences, tokens and bytes by domain, and what was
        left out."""
        rows: dict[str, Any] = {}
        for item in self.items:
            row = rows.setdefault(item.domain, Counter())
            row["items"] += 1
            row["sequences"] += len(item.options)
            row["tokens"] += item.num_tokens
            row["bytes"] += sum(option.num_bytes for option in item.options)
            row["truncated"] += item.truncated
        domains = {
            domain: {
                **row,
                "left_out": dict(self.left_out.get(domain, {})),
                "strata": len({item.stratum for item in self.items if item.domain == domain}),
                "strata_without_items": self.empty_strata.get(domain, []),
            }
            for domain, row in rows.items()
        }
        return {
            "family": family,
            "kind": kind,
            "context_length": context_length,
            "domains": domains,
            "outside_domains": dict(self.outside),
            "items": sum(row["items"] for row in domains.values()),
            "sequences": sum(row["sequences"] for row in domains.values()),
            "tokens": sum(row["tokens"] for row in domains.values()),
        }


def sample_validation(
    name: str,
    family: ValidationFamily,
    documents: Sequence[tuple[str, str, str]],
    length: int,
    encoder: TextEncoder,
) -> Sample:
    """Return windows of a corpus's held-out documents, given as (component, name, text), as the one
    domain `own`.

    Raises:
        ValueError: where no document has any text, or all of it is too little.
    """
    items, there_are = validation_items(
        documents,
        domain="own",
        seed=family.sample_seed,
        length=length,
        max_tokens=family.max_tokens,
        encoder=encoder,
    )
    if not items:
        raise ValueError(
            f"families.{name}: the corpus has no validation text; raise corpora.validation_share or give it more text"
        )
    sample = Sample(items=items)
    sample.left_out["own"]["over_cap"] = there_are - len(items)
    return _checked(name, family, sample)


def sample_documents(
    name: str, family: DocumentFamily, files: Path, length: int, encoder: TextEncoder
) -> Sample:
    """Return one window from each of a sample of a domain's documents.

    Raises:
        ValueError: naming the key, its value and the choices, where a domain has no text; naming
            the domain, where it has too little.
    """
    texts, account = documents_by_domain(name, family, files)
    sample = Sample(left_out=account.left_out, outside=account.outside)
    for domain in family.domains:
        items, left_out = document_items(
            texts[domain],
            domain=domain,
            seed=family.sample_seed,
            length=length,
            max_tokens=family.tokens_per_domain,
            encoder=encoder,
            max_items=family.documents_per_domain,
            masked=family.masked_tokens,
        )
        sample.items += items
        sample.left_out[domain] += left_out
    return _checked(name, family, sample)


def sample_questions(
    name: str,
    family: QuestionFamily | PairFamily | RiskFamily,
    files: Path,
    length: int,
    encoder: TextEncoder,
    shots_files: Path | None = None,
) -> Sample:
    """Return a sample of the questions of each subject (behaviour, domain of pairs) that fit the
    window.

    All options are scored where a metric of the family needs them, else the right one only.

    Raises:
        ValueError: naming file and line, where a record is broken; naming the key, where a subject
            has no question, or no question of a domain fits.
    """
    strata, account = question_strata(name, family, files, shots_files)
    sample = Sample(left_out=account.left_out, outside=account.outside)
    all_options = needs_all_options(family)
    for stratum in strata:
        fitting = _fitting(stratum.items, length, encoder, sample, all_options=all_options)
        ordered = in_random_order(
            fitting, seed=family.sample_seed, name=stratum.name, key=lambda item: item.item
        )
        taken = take_tokens(ordered, _max_tokens(family), cap_of(family))
        sample.left_out[stratum.domain]["over_cap"] += len(fitting) - len(taken)
        sample.items += taken
        if not taken and family.kind != "pairs":
            sample.empty_strata[stratum.domain].append(stratum.name)
    return _checked(name, family, sample)


def _max_tokens(family: QuestionFamily | PairFamily | RiskFamily) -> int | None:
    if family.kind == "questions":
        return family.tokens_per_subject
    return family.tokens_per_domain if family.kind == "pairs" else family.tokens_per_behaviour


def _fitting(
    questions: Iterable[TextItem],
    length: int,
    encoder: TextEncoder,
    sample: Sample,
    *,
    all_options: bool,
) -> list[Item]:
    """Return the questions that fit the window as items, each once; count the others."""
    items: dict[str, Item] = {}
    for question in questions:
        left_out = sample.left_out[question.domain]
        scored = question if all_options else right_alone(question)
        if question.item in items:
            left_out["copies"] += 1
            continue
        options = encoder.options(scored)
        if any(option.num_tokens > length for option in options):
            left_out["too_long"] += 1
            continue
        # The text in which overlaps are searched has all options, whichever are scored.
        text = "\n".join(
            (question.context, *(option.removeprefix(" ") for option in question.options))
        ).strip()
        items[question.item] = Item(
            domain=question.domain,
            stratum=question.stratum,
            item=question.item,
            options=options,
            gold=scored.gold,
            text=text,
        )
    return list(items.values())


def _checked(name: str, family: AnyFamily, sample: Sample) -> Sample:
    """Return a sample after checking that each domain has items, and as many bytes as its family
    asks for.

    Raises:
        ValueError: naming the domain that has not.
    """
    for domain in getattr(family, "domains", ()):
        if not any(item.domain == domain for item in sample.items):
            why = ", ".join(
                f"{cause} {count}" for cause, count in sorted(sample.left_out[domain].items())
            )
            raise ValueError(
                f"families.{name}.domains.{domain}: no item is left to score ({why}); a wider context_length or other files are needed"
            )
    found: Counter[str] = Counter()
    for item in sample.items:
        found[item.domain] += item.options[item.gold].num_bytes
    check_bytes(name, family, found)
    return sample
