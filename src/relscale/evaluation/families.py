"""Families as texts: named domains and a reader, turned into the items that every model is asked to
score, before any tokenizer.

`family_texts` gives all that a family has, or a capped sample of it where models bring tokenizers
of their own. `samples` turns the same texts into token sequences for models that share one. A
domain's sample depends on the family's seed, the domain's (subject's) name and its own texts; an
item's place in it on its own text. So a further domain, subject or document moves no other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from relscale.config.families import (
    AnyFamily,
    DocumentFamily,
    PairFamily,
    QuestionFamily,
    RiskFamily,
)
from relscale.config.readers import names_domains
from relscale.evaluation.choices import preference
from relscale.evaluation.prompts import ExamQuestion, prompt_items
from relscale.evaluation.requests import in_random_order, text_id
from relscale.evaluation.risk import risk_item
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.text.cleaning import clean
from relscale.text.exams import ExamRecord, read_questions
from relscale.text.formats import read_located
from relscale.text.readers import read_documents
from relscale.text.source_files import matching_files

CHOICE_METRICS = frozenset(
    {
        "choice_loss_nats",
        "choice_probability",
        "choice_probability_per_byte",
        "accuracy",
        "accuracy_per_byte",
    }
)


@dataclass(kw_only=True)
class Account:
    """What of a family's text is no item, and why."""

    left_out: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By domain: items left out, by cause."""
    outside: Counter[str] = field(default_factory=Counter)
    """Documents or questions of the source that no domain names, by the value of the domain key."""
    empty_strata: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By domain: subjects of which no question fits."""


@dataclass(kw_only=True)
class Stratum:
    """The questions of a subject, a behaviour or (all files together) a domain of pairs: the unit
    of which a sample is drawn."""

    domain: str
    """The domain that it belongs to."""
    name: str
    """Its name, which seeds its sample."""
    items: list[TextItem]
    """Its questions, copies among them, in the order of the files."""


@dataclass(kw_only=True)
class FamilyTexts(Account):
    """The items of a family as texts, domain by domain, and an account of the rest."""

    items: list[TextItem] = field(default_factory=list)
    """Questions."""
    documents: list[TextDocument] = field(default_factory=list)
    """Documents."""


def family_texts(
    name: str, family: AnyFamily, files: Path, shots_files: Path | None = None
) -> FamilyTexts:
    """Return the items of a family, or a sample of them up to its caps, each once.

    Args:
        name: the family, for messages.
        family: its settings.
        files: folder of the files of its source.
        shots_files: folder of the files with solved questions, where that is another one.

    Raises:
        ValueError: naming file and line, where a record is broken; naming the key and the choices,
            where a domain has no text or less than it should; for kinds that need the tokenizer of
            a suite.
    """
    if isinstance(family, DocumentFamily):
        texts = _sampled_documents(name, family, files)
    elif isinstance(family, QuestionFamily | PairFamily | RiskFamily):
        texts = _sampled_questions(name, family, files, shots_files)
    else:
        raise ValueError(
            f"families.{name}: kind {family.kind} is made with a suite's own tokenizer; other checkpoints cannot take it"
        )
    check_bytes(name, family, bytes_by_domain([*texts.items, *texts.documents]))
    return texts


def bytes_by_domain(items: Iterable[TextItem | TextDocument]) -> dict[str, int]:
    """Return the bytes to score of each domain: of right options, or of documents."""
    total: Counter[str] = Counter()
    for item in items:
        scored = (
            item.text
            if isinstance(item, TextDocument)
            else item.options[item.gold].removeprefix(" ")
        )
        total[item.domain] += len(scored.encode())
    return total


def check_bytes(name: str, family: AnyFamily, found: Mapping[str, int]) -> None:
    """Check that each domain has as many bytes to score as its family asks for.

    Raises:
        ValueError: naming the domain, what it has and the key.
    """
    domains: Iterable[str] = getattr(family, "domains", None) or found
    for domain in domains:
        if found.get(domain, 0) < family.min_bytes:
            raise ValueError(
                f"families.{name}.domains.{domain}: {found.get(domain, 0):,} bytes to score, and min_bytes = {family.min_bytes:,}: "
                "give it more text, leave it out, or lower min_bytes"
            )


# ---------------------------------------------------------------------------------------------------------------- documents


def documents_by_domain(
    name: str, family: DocumentFamily, files: Path
) -> tuple[dict[str, list[tuple[str, str]]], Account]:
    """Return the (stratum, cleaned text) of each document by domain, and an account of what was
    left out.

    Raises:
        ValueError: naming the key, its value and the choices, where a value of the domain key is
            not in the source or a domain has no text.
    """
    domains_of_value: dict[str, list[str]] = defaultdict(list)
    for domain, values in family.domains.items():
        for value in dict.fromkeys(values):
            domains_of_value[value].append(domain)
    only = None if names_domains(family.reader) else next(iter(family.domains))
    texts: dict[str, list[tuple[str, str]]] = {domain: [] for domain in family.domains}
    account, seen = Account(), Counter[str]()
    for document in read_documents(files, family.reader):
        value = document.domain or ""
        seen[value] += 1
        domains = [only] if only else domains_of_value.get(value, [])
        if not domains:
            account.outside[value] += 1
            continue
        text = clean(document.text, family.reader).strip()
        for domain in domains:
            if text:
                texts[domain].append((value or domain, text))
            else:
                account.left_out[domain]["empty"] += 1
    for domain, values in family.domains.items():
        missing = [value for value in values if value not in seen] if only is None else []
        if missing or not texts[domain]:
            _no_text(f"families.{name}.domains.{domain}", missing or values, seen)
    return texts, account


def _sampled_documents(name: str, family: DocumentFamily, files: Path) -> FamilyTexts:
    rows, account = documents_by_domain(name, family, files)
    texts = FamilyTexts(left_out=account.left_out, outside=account.outside)
    for domain, documents in rows.items():
        unique: dict[str, TextDocument] = {}
        for stratum, text in documents:
            key = text_id(text)
            unique.setdefault(
                key, TextDocument(domain=domain, stratum=stratum, item=key, text=text)
            )
        taken = in_random_order(
            unique.values(),
            seed=family.sample_seed,
            name=domain,
            key=lambda document: document.item,
        )
        taken = taken[: family.documents_per_domain]
        texts.documents += taken
        texts.left_out[domain] += Counter(
            copies=len(documents) - len(unique), over_cap=len(unique) - len(taken)
        )
    return texts


# ---------------------------------------------------------------------------------------------------------------- questions


def question_strata(
    name: str,
    family: QuestionFamily | PairFamily | RiskFamily,
    files: Path,
    shots_files: Path | None = None,
) -> tuple[list[Stratum], Account]:
    """Return the questions of a family by stratum, in the order of its domains, and an account of
    what was left out.

    Raises:
        ValueError: naming file and line, where a record is broken; naming the key and the choices,
            where a subject has no question.
    """
    if family.kind == "questions":
        return _subjects(name, family, files, shots_files)
    if family.kind == "pairs":
        return [
            Stratum(domain=domain, name=domain, items=_pairs(domain, family, files))
            for domain in family.domains
        ], Account()
    return [
        Stratum(
            domain=domain, name=behaviour, items=_behaviour(name, domain, behaviour, family, files)
        )
        for domain, behaviours in family.domains.items()
        for behaviour in behaviours
    ], Account()


def _subjects(
    name: str, family: QuestionFamily, files: Path, shots_files: Path | None
) -> tuple[list[Stratum], Account]:
    account = Account()
    questions = _by_subject(files, family.file, family)
    solved = (
        _by_subject(shots_files or files, family.shots_file, family) if family.shots_file else None
    )
    used = {subject for subjects in family.domains.values() for subject in subjects}
    account.outside.update(
        {subject: len(rows) for subject, rows in sorted(questions.items()) if subject not in used}
    )
    strata = []
    for domain, subjects in family.domains.items():
        for subject in subjects:
            rows = questions.get(subject, [])
            kept = 0 if solved is not None else family.shots_per_subject
            scored, shots = (
                rows[kept:],
                (rows if solved is None else solved.get(subject, []))[: family.shots],
            )
            if not scored:
                _no_text(
                    f"families.{name}.domains.{domain}",
                    [subject],
                    {key: len(value) for key, value in questions.items()},
                )
            if len(shots) < family.shots:
                where = (
                    f"shots_file = {family.shots_file!r}"
                    if family.shots_file
                    else f"shots_per_subject = {family.shots_per_subject}"
                )
                raise ValueError(
                    f"families.{name}.shots = {family.shots}: {where} gives subject {subject!r} only {len(shots)}"
                )
            account.left_out[domain]["kept_for_shots"] += len(rows) - len(scored)
            header = {} if family.header else {"header": ""}
            asked = prompt_items(
                family.prompt,
                _asked(scored),
                _asked(shots),
                subject=subject,
                domain=domain,
                **header,
            )
            strata.append(Stratum(domain=domain, name=subject, items=asked))
    return strata, account


def _by_subject(files: Path, pattern: str, family: QuestionFamily) -> dict[str, list[ExamRecord]]:
    questions: dict[str, list[ExamRecord]] = defaultdict(list)
    for record in read_questions(files, pattern, family.form):
        questions[record.subject].append(record)
    return questions


def _asked(records: Iterable[ExamRecord]) -> list[ExamQuestion]:
    return [
        ExamQuestion(question=record.question, answers=record.answers, gold=record.gold)
        for record in records
    ]


def _pairs(domain: str, family: PairFamily, files: Path) -> list[TextItem]:
    return [
        preference(record, keys, where, domain=domain, stratum=path.stem)
        for keys in family.domains[domain]
        for path in dict.fromkeys(
            path for file in keys.files for path in matching_files(files, file)
        )
        for where, record in read_located(path)
    ]


def _behaviour(
    name: str, domain: str, behaviour: str, family: RiskFamily, files: Path
) -> list[TextItem]:
    try:
        path, *others = matching_files(files, family.file.format(behaviour=behaviour))
    except ValueError as error:
        raise ValueError(
            f"families.{name}.domains.{domain}: behaviour {behaviour!r}: {error}"
        ) from error
    if others:
        raise ValueError(
            f"families.{name}.domains.{domain}: {1 + len(others)} files are of behaviour {behaviour!r}: {path}, {others[0]}"
        )
    return [
        risk_item(
            record, where, domain=domain, behaviour=behaviour, answer_space=family.answer_space
        )
        for where, record in read_located(path)
    ]


def _sampled_questions(
    name: str,
    family: QuestionFamily | PairFamily | RiskFamily,
    files: Path,
    shots_files: Path | None,
) -> FamilyTexts:
    strata, account = question_strata(name, family, files, shots_files)
    texts = FamilyTexts(left_out=account.left_out, outside=account.outside)
    all_options, cap = needs_all_options(family), cap_of(family)
    for stratum in strata:
        unique = {item.item: item for item in reversed(stratum.items)}
        ordered = in_random_order(
            unique.values(), seed=family.sample_seed, name=stratum.name, key=lambda item: item.item
        )
        taken = ordered[:cap]
        texts.left_out[stratum.domain] += Counter(
            copies=len(stratum.items) - len(unique), over_cap=len(unique) - len(taken)
        )
        texts.items += taken if all_options else map(right_alone, taken)
    return texts


def cap_of(family: QuestionFamily | PairFamily | RiskFamily) -> int | None:
    """Return the most questions of a stratum that are scored; none for all."""
    if family.kind == "questions":
        return family.questions_per_subject
    return family.pairs_per_domain if family.kind == "pairs" else family.questions_per_behaviour


def needs_all_options(family: QuestionFamily | PairFamily | RiskFamily) -> bool:
    """Return whether all options are scored: bits per byte of questions need the right one only."""
    return family.kind != "questions" or not CHOICE_METRICS.isdisjoint(family.metrics)


def right_alone(item: TextItem) -> TextItem:
    """Return an item with its right option as the only one."""
    return replace(item, options=(item.options[item.gold],), gold=0)


def _no_text(key: str, values: Sequence[str], present: Mapping[str, int]) -> None:
    choices = ", ".join(f"{value!r}" for value in sorted(present)) or "(none)"
    raise ValueError(
        f"{key} = {list(values)!r}: no text of that name in the source; the choices are {choices}"
    )
