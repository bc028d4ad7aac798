"""Multiple-choice questions as they stand in files, in the three forms in which MMLU is passed on.

    read_questions(files_dir, pattern, form) -> Iterator[ExamRecord]

Each broken record is an error that names its file and line.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from relscale.text.readers import matching_files
from relscale.text.records import open_text, read_located

Form = Literal["embedded", "original", "hub"]
ANSWER_KEYS = ("answer_a", "answer_b", "answer_c", "answer_d")
LETTERS = ("A", "B", "C", "D")
HEADER_ROW = "(header row)"
"""Subject under which stray header rows come: no family names it, so that they are counted and not
asked."""
SPLITS = ("_test", "_dev", "_val")
"""Ends of the names of the files of form `original`, behind the subject."""


@dataclass(frozen=True, kw_only=True)
class ExamRecord:
    """A question with its answers."""

    subject: str
    """The subject, in lower case as it stands, with spaces for underscores."""
    question: str
    """Its text, without white space around it."""
    answers: tuple[str, ...]
    """The answers among which to choose, each without white space around it."""
    gold: int
    """Index of the right one."""
    where: str
    """File and line, for messages."""

    @property
    def text(self) -> str:
        """All of it, for the search of overlaps."""
        return "\n".join((self.question, *self.answers))


def read_questions(files_dir: Path, pattern: str, form: Form) -> Iterator[ExamRecord]:
    """Yield the questions of the files that match a glob, file by file in sorted order.

    Raises:
        ValueError: naming file and line, where a key or column is missing, a text is empty or no
            answer is the right one; naming the glob, where it matches no file, or several in the
            form `embedded`.
    """
    paths = matching_files(files_dir, pattern)
    if form == "embedded" and len(paths) > 1:
        raise ValueError(f"file = {pattern!r}: matches {len(paths)} files; name one")
    for path in paths:
        if form == "original":
            yield from _original(path)
            continue
        for where, record in read_located(path):
            yield _hub(record, where) if form == "hub" else _embedded(record, where)


def _embedded(record: Mapping[str, Any], where: str) -> ExamRecord:
    if all(record.get(key) == key for key in ("question", *ANSWER_KEYS)):
        # A stray header row holds the keys' own names.
        return ExamRecord(
            subject=HEADER_ROW, question="question", answers=ANSWER_KEYS, gold=0, where=where
        )
    texts = {key: text_of(record, key, where) for key in ("topic", "question", *ANSWER_KEYS)}
    gold = _letter(text_of(record, "correct_answer", where), "correct_answer", where)
    answers = tuple(texts[key] for key in ANSWER_KEYS)
    return ExamRecord(
        subject=texts["topic"], question=texts["question"], answers=answers, gold=gold, where=where
    )


def _hub(record: Mapping[str, Any], where: str) -> ExamRecord:
    question, subject = text_of(record, "question", where), text_of(record, "subject", where)
    choices, answer = record.get("choices"), record.get("answer")
    if (
        not isinstance(choices, list)
        or len(choices) < 2
        or not all(isinstance(text, str) and text.strip() for text in choices)
    ):
        raise ValueError(
            f"{where}: choices = {choices!r}; it must be a list of two or more texts, none of them empty"
        )
    if isinstance(answer, bool) or not isinstance(answer, int) or not 0 <= answer < len(choices):
        raise ValueError(
            f"{where}: answer = {answer!r}; it must be the index of a choice, 0 to {len(choices) - 1}"
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
    stem = path.stem
    subject = next(
        (stem.removesuffix(split) for split in SPLITS if stem.endswith(split)), stem
    ).replace("_", " ")
    with open_text(path) as handle:
        rows = csv.reader(handle, strict=True)
        try:
            for row in rows:
                where = f"{path} line {rows.line_num}"
                if len(row) != 6:
                    raise ValueError(
                        f"{where}: {len(row)} column(s); a question, four answers and a letter are needed, without a header"
                    )
                named = dict(zip(("question", *ANSWER_KEYS, "the letter"), row, strict=True))
                texts = [text_of(named, key, where) for key in ("question", *ANSWER_KEYS)]
                gold = _letter(row[5].strip(), "the letter", where)
                yield ExamRecord(
                    subject=subject,
                    question=texts[0],
                    answers=tuple(texts[1:]),
                    gold=gold,
                    where=where,
                )
        except csv.Error as error:
            raise ValueError(
                f"{path} line {rows.line_num}: not a readable CSV file: {error}"
            ) from error


def _letter(letter: str, key: str, where: str) -> int:
    if letter not in LETTERS:
        raise ValueError(f"{where}: {key} = {letter!r}; it must be one of {', '.join(LETTERS)}")
    return LETTERS.index(letter)


def text_of(record: Mapping[str, Any], key: str, where: str) -> str:
    """Return a record's text under a key, without white space around it.

    Raises:
        ValueError: naming the record and the keys that it has, where the key is missing or holds no
            text.
    """
    if key not in record:
        raise ValueError(f"{where}: no key {key!r}; the choices are {', '.join(record)}")
    value = record[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {key} = {value!r} is no text")
    return value.strip()
