"""Read multiple-choice questions from files, in the three forms in which MMLU is distributed.

Read `read_questions` first. A broken record is an error that names its file and line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from relscale.text.compressed_files import plain_name
from relscale.text.formats import Record, csv_rows, read_located
from relscale.text.source_files import matching_files

Form = Literal["embedded", "original", "hub"]
ANSWER_KEYS = ("answer_a", "answer_b", "answer_c", "answer_d")
LETTERS = ("A", "B", "C", "D")
HEADER_ROW = "(header row)"
"""Subject of stray header rows. No family has it, so that they are counted but never asked."""
SPLITS = ("_test", "_dev", "_val")
"""Endings of the file names of form `original`, after the subject."""


@dataclass(frozen=True, kw_only=True)
class ExamRecord:
    """A question with its answers."""

    subject: str
    """The subject, with spaces instead of underscores."""
    question: str
    """Its text, stripped."""
    answers: tuple[str, ...]
    """The answers to choose from, stripped."""
    gold: int
    """Index of the right answer."""
    where: str
    """File and line, for messages."""

    @property
    def text(self) -> str:
        """Question and answers, for the search of overlaps."""
        return "\n".join((self.question, *self.answers))


def read_questions(files_dir: Path, pattern: str, form: Form) -> Iterator[ExamRecord]:
    """Yield the questions of the files that match a glob, file by file in sorted order.

    Raises:
        ValueError: naming file and line, if a key or column is missing, a text is empty or no
            answer is the right one; naming the glob, if it matches no file, or several files of
            form `embedded`.
    """
    paths = matching_files(files_dir, pattern)
    if form == "embedded" and len(paths) > 1:
        raise ValueError(f"file = {pattern!r}: matches {len(paths)} files; it must match one")
    for path in paths:
        if form == "original":
            yield from _original(path)
            continue
        for where, record in read_located(path):
            yield _hub(record, where) if form == "hub" else _embedded(record, where)


def _embedded(record: Record, where: str) -> ExamRecord:
    if all(record.get(key) == key for key in ("question", *ANSWER_KEYS)):
        # A stray header row holds the names of the keys.
        return ExamRecord(
            subject=HEADER_ROW, question="question", answers=ANSWER_KEYS, gold=0, where=where
        )
    texts = {key: text_of(record, key, where) for key in ("topic", "question", *ANSWER_KEYS)}
    gold = _letter(text_of(record, "correct_answer", where), "correct_answer", where)
    answers = tuple(texts[key] for key in ANSWER_KEYS)
    return ExamRecord(
        subject=texts["topic"], question=texts["question"], answers=answers, gold=gold, where=where
    )


def _hub(record: Record, where: str) -> ExamRecord:
    question, subject = text_of(record, "question", where), text_of(record, "subject", where)
    choices, answer = record.get("choices"), record.get("answer")
    if (
        not isinstance(choices, list)
        or len(choices) < 2
        or not all(isinstance(text, str) and text.strip() for text in choices)
    ):
        raise ValueError(
            f"{where}: choices = {shown(choices)}; it must be a list of two or more texts, none of"
            " them empty"
        )
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < len(choices):
        raise ValueError(
            f"{where}: answer = {shown(answer)}; it must be the index of a choice, 0 to"
            f" {len(choices) - 1}"
        )
    answers = tuple(text.strip() for text in choices)
    return ExamRecord(
        subject=subject.replace("_", " "),
        question=question,
        answers=answers,
        gold=answer,
        where=where,
    )


def _original(path: Path) -> Iterator[ExamRecord]:
    stem = Path(path.name[: len(plain_name(path.name))]).stem
    subject = next(
        (stem.removesuffix(split) for split in SPLITS if stem.endswith(split)), stem
    ).replace("_", " ")
    for number, row in csv_rows(path):
        where = f"{path} line {number}"
        if len(row) != 6:
            raise ValueError(
                f"{where}: {len(row)} column(s); it must have a question, four answers and a"
                " letter, without a header"
            )
        named = dict(zip(("question", *ANSWER_KEYS, "the letter"), row, strict=True))
        texts = [text_of(named, key, where) for key in ("question", *ANSWER_KEYS)]
        gold = _letter(row[5].strip(), "the letter", where)
        yield ExamRecord(
            subject=subject, question=texts[0], answers=tuple(texts[1:]), gold=gold, where=where
        )


def shown(value: Any) -> str:
    """Return a value for an error message, cut if it is long."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]} ..."


def _letter(letter: str, key: str, where: str) -> int:
    if letter not in LETTERS:
        raise ValueError(
            f"{where}: {key} = {shown(letter)}; it must be one of {', '.join(LETTERS)}"
        )
    return LETTERS.index(letter)


def text_of(record: Record, key: str, where: str) -> str:
    """Return the text that a record holds under a key, stripped.

    Raises:
        ValueError: naming the record and its keys, if the key is missing or its text is empty or
            not a string.
    """
    if key not in record:
        raise ValueError(f"{where}: no key {key!r}; the choices are {', '.join(record)}")
    value = record[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {key} = {shown(value)} must be a text that is not empty")
    return value.strip()
