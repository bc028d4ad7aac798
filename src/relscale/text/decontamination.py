"""Remove the text of evaluation sets from corpora.

A paragraph is removed if it shares a window of consecutive lower-cased words with an evaluation
set. The text of a whole source is searched for, whichever domains use it, so that a new domain
changes no corpus. Read `evaluation_windows` and `remove_paragraphs` first.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import singledispatch
from pathlib import Path

import numpy as np

from relscale.text.cleaning import clean
from relscale.text.exams import read_questions
from relscale.text.formats import Record, read_located
from relscale.text.readers import read_documents
from relscale.text.source_files import matching_files
from relscale.text.spec import (
    DocumentTexts,
    FamilyText,
    PairTexts,
    ParallelTexts,
    QuestionTexts,
    RiskTexts,
)
from relscale.text.windows import Hashes, WordHasher, window_hashes

QUESTION_KEYS = ("question", "answer_a", "answer_b", "answer_c", "answer_d")
"""Keys of a question's text and answers in a question file."""
_PARAGRAPHS = re.compile(r"\n\s*\n")
_TABLE_BITS = 25


def evaluation_windows(
    families: Mapping[str, FamilyText], files: Mapping[str, Path], size: int
) -> "WindowSet":
    """Return the windows of the texts of some families.

    Args:
        families: where each family's text is, by name.
        files: folder of the files of each source.
        size: number of words in a window.
    """
    texts = (
        text
        for _, family in sorted(families.items())
        for source in (family.sources if isinstance(family, ParallelTexts) else [family.source])
        for text in evaluation_texts(family, files[source])
    )
    return WindowSet(texts, size)


@singledispatch
def evaluation_texts(family: FamilyText, files_dir: Path) -> Iterator[str]:
    """Yield the texts of an evaluation family.

    One text is a document, a question with its answers, or a pair with its prompt.

    Args:
        family: where the family's text is.
        files_dir: folder of the files of the family's source.

    Raises:
        ValueError: if a file or key is missing.
    """
    raise TypeError(f"{type(family).__name__} is not a family with text")


@evaluation_texts.register
def _(family: DocumentTexts | ParallelTexts, files_dir: Path) -> Iterator[str]:
    for document in read_documents(files_dir, family.reader):
        yield clean(document.text, family.reader)


@evaluation_texts.register
def _(family: QuestionTexts, files_dir: Path) -> Iterator[str]:
    if family.form == "embedded":
        yield from _joined_records(files_dir, family.file, QUESTION_KEYS)
    else:
        for question in read_questions(files_dir, family.file, family.form):
            yield question.text


@evaluation_texts.register
def _(family: RiskTexts, files_dir: Path) -> Iterator[str]:
    yield from _joined_records(files_dir, family.file.format(behaviour="*"), ("question",))


@evaluation_texts.register
def _(family: PairTexts, files_dir: Path) -> Iterator[str]:
    for _, groups in sorted(family.domains.items()):
        for group in groups:
            texts = [group.options] if group.options else [group.positive, group.negative]
            keys = [key for key in (group.prompt, *texts) if key]
            for file in group.files:
                yield from _joined_records(files_dir, file, keys)


def _joined_records(files_dir: Path, pattern: str, keys: Sequence[str]) -> Iterator[str]:
    """Yield the values of each record's keys as one text."""
    for path in matching_files(files_dir, pattern):
        for where, record in read_located(path):
            yield _joined(record, keys, where)


def _joined(record: Record, keys: Iterable[str], where: str) -> str:
    """Return the values of a record's keys as one text; of a list, each item."""
    texts: list[str] = []
    for key in keys:
        if key not in record:
            raise ValueError(f"{where}: no key {key!r}; the choices are {', '.join(record)}")
        value = record[key]
        values = value if isinstance(value, list) else [value]
        texts += [str(item) for item in values if item is not None]
    return "\n".join(texts)


class WindowSet:
    """The windows of consecutive words of some texts, as 64-bit hashes.

    Memory is 8 bytes per window and a table of 32 MiB. Two different windows have the same hash
    with a probability of about 5e-20 per pair, which is negligible.
    """

    def __init__(self, texts: Iterable[str], size: int) -> None:
        """Hash all windows of `size` words; shorter texts have none."""
        hasher = WordHasher()
        parts = [window_hashes(hasher(text), size) for text in texts]
        self.size = size
        """Number of words in a window."""
        self.hashes: Hashes = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
        """Sorted hashes, (windows,)."""
        # Most windows of a corpus are in no evaluation set: this table rejects them quickly.
        self._table = np.zeros(2**_TABLE_BITS, np.bool_)
        self._table[self.hashes >> np.uint64(64 - _TABLE_BITS)] = True

    def contains(self, hashes: Hashes) -> np.ndarray:
        """Return whether each hash is in the set, (windows,), bool."""
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
    """Remove the paragraphs (separated by blank lines) that contain a window of the set.

    Args:
        texts: documents; batches of a few megabytes are fastest.
        windows: windows of the evaluation sets.
        hasher: pass the same one to each call, so that no word is hashed twice.

    Returns:
        The documents in order, "" for each that is empty now, and the number of removed
        paragraphs.
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
    # A window that begins in one paragraph and ends in another belongs to neither.
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
