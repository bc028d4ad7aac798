"""Keeping the text of evaluation sets out of the corpora.

    evaluation_texts(name, settings, files_dir) -> Iterator[str]   all texts of a family
    WindowSet(texts, size)                                         its windows of consecutive
    lower-cased words remove_paragraphs(texts, windows) -> (texts, removed)          paragraphs that
    hold such a window are taken out

The text of a whole source is searched for, whatever domains are asked of it, so that a new domain
changes no corpus.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from relscale.config.readers import AnyReader
from relscale.text.exams import read_questions
from relscale.text.readers import clean, matching_files, read_documents
from relscale.text.records import read_records
from relscale.text.windows import Hashes, WordHasher, window_hashes

QUESTION_KEYS = ("question", "answer_a", "answer_b", "answer_c", "answer_d")
"""Keys of a question's text and options in a question file."""
_PARAGRAPHS = re.compile(r"\n\s*\n")
_TABLE_BITS = 25


def evaluation_texts(name: str, settings: Mapping[str, Any], files_dir: Path) -> Iterator[str]:
    """Yield the texts of an evaluation family, one for each document, question with its options, or
    pair with its prompt.

    Args:
        name: the family, for messages.
        settings: the family's settings as plain values; read are `kind` and, by kind, `reader`
            (documents), `file` and `form` (questions), `file` (risk) or the files and keys in
            `domains` (pairs).
        files_dir: folder of the files of the family's source.

    Raises:
        ValueError: where the family has no text of its own, or a file or key is missing.
    """
    kind = settings["kind"]
    if kind == "documents":
        reader = TypeAdapter(AnyReader).validate_python(settings["reader"])
        for document in read_documents(files_dir, reader):
            yield clean(document.text, reader)
    elif kind == "questions" and settings.get("form", "embedded") != "embedded":
        for question in read_questions(files_dir, settings["file"], settings["form"]):
            yield question.text
    elif kind == "questions":
        for path in matching_files(files_dir, settings["file"]):
            for number, record in enumerate(read_records(path), start=1):
                yield _joined(record, QUESTION_KEYS, f"{path} record {number}")
    elif kind == "risk":
        for path in matching_files(files_dir, settings["file"].format(behaviour="*")):
            for number, record in enumerate(read_records(path), start=1):
                yield _joined(record, ("question",), f"{path} record {number}")
    elif kind == "pairs":
        for pairs in (
            pairs for domain in sorted(settings["domains"]) for pairs in settings["domains"][domain]
        ):
            options = (
                [pairs["options"]]
                if pairs.get("options")
                else [pairs["positive"], pairs["negative"]]
            )
            keys = [pairs["prompt"], *options] if pairs.get("prompt") else options
            for path in (
                path for file in pairs["files"] for path in matching_files(files_dir, file)
            ):
                for number, record in enumerate(read_records(path), start=1):
                    yield _joined(record, keys, f"{path} record {number}")
    else:
        choices = "documents, questions, pairs, risk"
        raise ValueError(
            f"families.{name}: kind = {kind!r} has no text of its own to decontaminate against; the choices are {choices}"
        )


def _joined(record: Mapping[str, Any], keys: Iterable[str], where: str) -> str:
    """Return the values of a record as one text; a list is its items."""
    texts: list[str] = []
    for key in keys:
        if key not in record:
            raise ValueError(f"{where}: no key {key!r}; the choices are {', '.join(record)}")
        value = record[key]
        texts += [str(item) for item in value] if isinstance(value, list) else [str(value)]
    return "\n".join(texts)


class WindowSet:
    """The windows of consecutive words of some texts, as 64-bit hashes: 8 bytes each and one table
    of 32 MiB.

    Two different windows meet in one hash with a probability of about 1e-19 times the number of
    pairs: never, in practice.
    """

    def __init__(self, texts: Iterable[str], size: int) -> None:
        """Hash all windows of `size` words; texts with fewer words have none."""
        hasher = WordHasher()
        parts = [window_hashes(hasher(text), size) for text in texts]
        self.size = size
        """Words in a window."""
        self.hashes: Hashes = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
        """The sorted hashes, shape (windows,)."""
        # Most windows of a corpus are in no evaluation set: this table says so without a search.
        self._table = np.zeros(2**_TABLE_BITS, np.bool_)
        self._table[self.hashes >> np.uint64(64 - _TABLE_BITS)] = True

    def contains(self, hashes: Hashes) -> np.ndarray:
        """Return which hashes are in the set, shape (windows,), bool."""
        found = self._table[hashes >> np.uint64(64 - _TABLE_BITS)]
        candidates = np.flatnonzero(found)
        if len(candidates):
            places = np.searchsorted(self.hashes, hashes[candidates])
            places[places == len(self.hashes)] = 0
            found[candidates] = self.hashes[places] == hashes[candidates]
        return found


def remove_paragraphs(
    texts: Sequence[str], windows: WindowSet, hasher: WordHasher | None = None
) -> tuple[list[str], int]:
    """Take out the paragraphs (separated by blank lines) that hold a window of the set.

    Args:
        texts: documents; a few megabytes at once are quickest.
        windows: the evaluation sets' windows.
        hasher: kept between calls, it need not hash a word twice.

    Returns:
        The documents in order, with "" for one of which nothing is left, and the number of
        paragraphs taken out.
    """
    hasher = hasher or WordHasher()
    paragraphs = [
        (place, paragraph)
        for place, text in enumerate(texts)
        for paragraph in _PARAGRAPHS.split(text)
    ]
    words = [hasher(paragraph) for _, paragraph in paragraphs]
    flat = window_hashes(np.concatenate(words), windows.size) if words else np.empty(0, np.uint64)
    owners = np.repeat(np.arange(len(words)), [len(some) for some in words])
    # A window that begins in one paragraph and ends in another is in neither.
    starts, ends = owners[: len(flat)], owners[windows.size - 1 :]
    hits = set(np.unique(starts[windows.contains(flat) & (starts == ends)]).tolist())
    touched = {paragraphs[number][0] for number in hits}
    left: dict[int, list[str]] = {place: [] for place in touched}
    for number, (place, paragraph) in enumerate(paragraphs):
        if place in touched and number not in hits:
            left[place].append(paragraph)
    return [
        "\n\n".join(left[place]) if place in touched else text for place, text in enumerate(texts)
    ], len(hits)
