"""Families: named domains and a reader, turned into the items that every model is asked to score.

Each maker returns a `Sample`: the items, and what was left out and why. A domain's sample depends on the family's seed, the domain's name
and its own texts; an item's place in it on its own text. So a further domain, subject or document moves no other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relscale.evaluation.choices import Question, is_header, multiple_choice, preference, text_of
from relscale.evaluation.documents import document_items, validation_items
from relscale.evaluation.requests import Item, in_random_order, take_tokens, text_id
from relscale.evaluation.tokens import TextEncoder
from relscale.settings.families import DocumentFamily, PairFamily, QuestionFamily, ValidationFamily
from relscale.text.readers import clean, matching_files, read_documents, read_records

CHOICE_METRICS = frozenset({"choice_loss_nats", "choice_probability", "choice_probability_per_byte", "accuracy", "accuracy_per_byte"})


@dataclass(kw_only=True)
class Sample:
    """The items of a family, and an account of the rest."""

    items: list[Item] = field(default_factory=list)
    """What is scored, domain by domain."""
    left_out: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By domain: items left out, by cause."""
    outside: Counter[str] = field(default_factory=Counter)
    """Documents or questions of the source that no domain names, by the value of the domain key."""
    empty_strata: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By domain: subjects of which no question fits."""

    def manifest(self, family: str, kind: str, context_length: int) -> dict[str, Any]:
        """Return the account as JSON: items, sequences, tokens and bytes by domain, and what was left out."""
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
    name: str, family: ValidationFamily, documents: Sequence[tuple[str, str, str]], length: int, encoder: TextEncoder
) -> Sample:
    """Return windows of a corpus's held-out documents, given as (component, name, text), as the one domain `own`.

    Raises:
        ValueError: where no document has any text.
    """
    items, there_are = validation_items(
        documents, domain="own", seed=family.sample_seed, length=length, max_tokens=family.max_tokens, encoder=encoder
    )
    if not items:
        raise ValueError(f"families.{name}: the corpus has no validation text; raise corpora.validation_share or give it more text")
    sample = Sample(items=items)
    sample.left_out["own"]["over_cap"] = there_are - len(items)
    return sample


def documents_by_domain(name: str, family: DocumentFamily, files: Path) -> tuple[dict[str, list[tuple[str, str]]], Sample]:
    """Return the (stratum, cleaned text) of each document by domain, and a sample without items that counts what was left out.

    Raises:
        ValueError: naming the key, its value and the choices, where a value of the domain key is not in the source or a domain has no text.
    """
    domains_of_value: dict[str, list[str]] = defaultdict(list)
    for domain, values in family.domains.items():
        for value in dict.fromkeys(values):
            domains_of_value[value].append(domain)
    only = next(iter(family.domains)) if getattr(family.reader, "domain", None) is None else None
    texts: dict[str, list[tuple[str, str]]] = {domain: [] for domain in family.domains}
    sample, seen = Sample(), Counter[str]()
    for document in read_documents(files, family.reader):
        value = document.domain or ""
        seen[value] += 1
        domains = [only] if only else domains_of_value.get(value, [])
        if not domains:
            sample.outside[value] += 1
            continue
        text = clean(document.text, family.reader).strip()
        for domain in domains:
            if text:
                texts[domain].append((value or domain, text))
            else:
                sample.left_out[domain]["empty"] += 1
    for domain, values in family.domains.items():
        missing = [value for value in values if value not in seen] if only is None else []
        if missing or not texts[domain]:
            _no_text(f"families.{name}.domains.{domain}", missing or values, seen)
    return texts, sample


def sample_documents(name: str, family: DocumentFamily, files: Path, length: int, encoder: TextEncoder) -> Sample:
    """Return one window from each of a sample of a domain's documents.

    Raises:
        ValueError: naming the key, its value and the choices, where a domain has no text.
    """
    texts, sample = documents_by_domain(name, family, files)
    for domain in family.domains:
        items, copies = document_items(
            texts[domain], domain=domain, seed=family.sample_seed, length=length, max_tokens=family.tokens_per_domain, encoder=encoder
        )
        sample.items += items
        sample.left_out[domain] += Counter(copies=copies, over_cap=len(texts[domain]) - copies - len(items))
    return sample


def sample_questions(name: str, family: QuestionFamily, files: Path, length: int, encoder: TextEncoder) -> Sample:
    """Return a sample of each subject's questions that fit the window.

    All options are scored where a metric of the family needs them, else the right one only.

    Raises:
        ValueError: naming file, line and key, where a record is broken; naming the key and the choices, where a subject has no question.
    """
    path, *others = matching_files(files, family.file)
    if others:
        raise ValueError(f"families.{name}.file = {family.file!r}: matches {1 + len(others)} files; name one")
    questions: dict[str, list[Question]] = defaultdict(list)
    sample = Sample()
    for line, record in enumerate(read_records(path), start=1):
        where = f"{path} line {line}"
        if is_header(record):
            sample.outside["(header row)"] += 1
            continue
        questions[text_of(record, "topic", where)].append(multiple_choice(record, where))
    used = {subject for subjects in family.domains.values() for subject in subjects}
    sample.outside.update({subject: len(rows) for subject, rows in sorted(questions.items()) if subject not in used})
    all_options = not CHOICE_METRICS.isdisjoint(family.metrics)
    for domain, subjects in family.domains.items():
        for subject in subjects:
            rows = questions.get(subject, [])
            scored = rows[family.shots_per_subject :]
            if not scored:
                _no_text(f"families.{name}.domains.{domain}", [subject], {key: len(value) for key, value in questions.items()})
            sample.left_out[domain]["kept_for_shots"] += len(rows) - len(scored)
            # A question that stands in two subjects is an item of each: hence the subject in its name.
            items = _fitting(scored, domain, subject, length, encoder, sample, all_options=all_options, namespace=subject)
            taken = take_tokens(in_random_order(items, seed=family.sample_seed, name=subject, key=_name), family.tokens_per_subject)
            sample.left_out[domain]["over_cap"] += len(items) - len(taken)
            sample.items += taken
            if not taken:
                sample.empty_strata[domain].append(subject)
    _check_all_have_items(name, family.domains, sample)
    return sample


def sample_pairs(name: str, family: PairFamily, files: Path, length: int, encoder: TextEncoder) -> Sample:
    """Return a sample of each domain's pairs (or option lists) that fit the window.

    Raises:
        ValueError: naming file, record and key, where a record is broken; naming the key, where no pair of a domain fits.
    """
    sample = Sample()
    for domain, groups in family.domains.items():
        items: list[Item] = []
        for keys in groups:
            for path in dict.fromkeys(path for file in keys.files for path in matching_files(files, file)):
                records = enumerate(read_records(path), start=1)
                questions = [preference(record, keys, f"{path} record {number}") for number, record in records]
                # A pair that stands in two files is one item: no file in its name.
                items += _fitting(questions, domain, path.stem, length, encoder, sample, all_options=True, namespace="")
        unique = {item.item: item for item in reversed(items)}
        taken = take_tokens(in_random_order(unique.values(), seed=family.sample_seed, name=domain, key=_name), family.tokens_per_domain)
        sample.left_out[domain] += Counter(copies=len(items) - len(unique), over_cap=len(unique) - len(taken))
        sample.items += taken
    _check_all_have_items(name, family.domains, sample)
    return sample


def _fitting(
    questions: Iterable[Question],
    domain: str,
    stratum: str,
    length: int,
    encoder: TextEncoder,
    sample: Sample,
    *,
    all_options: bool,
    namespace: str,
) -> list[Item]:
    """Return the questions that fit the window as items, each once; count the others. Items are named within a namespace."""
    items: dict[str, Item] = {}
    for question in questions:
        texts = question.options if all_options else (question.options[question.gold],)
        options = tuple(encoder.option(question.context, text) for text in texts)
        name = text_id(namespace, question.context, *question.options)
        if name in items:
            sample.left_out[domain]["copies"] += 1
        elif any(option.num_tokens > length for option in options):
            sample.left_out[domain]["too_long"] += 1
        else:
            gold = question.gold if all_options else 0
            items[name] = Item(domain=domain, stratum=stratum, item=name, options=options, gold=gold, text=question.text)
    return list(items.values())


def _name(item: Item) -> str:
    return item.item


def _no_text(key: str, values: Sequence[str], present: Mapping[str, int]) -> None:
    choices = ", ".join(f"{value!r}" for value in sorted(present)) or "(none)"
    raise ValueError(f"{key} = {list(values)!r}: no text of that name in the source; the choices are {choices}")


def _check_all_have_items(name: str, domains: Iterable[str], sample: Sample) -> None:
    for domain in domains:
        if not any(item.domain == domain for item in sample.items):
            why = ", ".join(f"{cause} {count}" for cause, count in sorted(sample.left_out[domain].items()))
            raise ValueError(
                f"families.{name}.domains.{domain}: no item is left to score ({why}); a wider context_length or other files are needed"
            )
