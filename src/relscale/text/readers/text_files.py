"""Reader `text_files`: each file is one document, or several if the settings split it."""

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relscale.config.readers import TextFiles
from relscale.text.document_reader import DocumentReader, SourceDocument
from relscale.text.formats import read_text

SHORTEST_PIECE = 200
"""Pieces of a split text that have fewer characters do not become documents."""
PATTERN_SECONDS = 20.0
"""CPU seconds that a search for `split_at` in one file may take. A usual pattern needs a second for
hundreds of megabytes; one with nested repeats may never end."""
_CHARACTER = re.compile(r"\S")
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_LINE_BREAK = re.compile(r"\n")


def _read(path: Path, where: str, settings: TextFiles) -> Iterator[SourceDocument]:
    text = read_text(path, settings.member)
    try:
        pieces = split_text(text, settings.split_at, settings.max_characters)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    for number, piece in enumerate(pieces, start=1):
        yield SourceDocument(text=piece, where=f"{where} part {number}")


def split_text(
    text: str, split_at: str | None = None, max_characters: int | None = None
) -> list[str]:
    """Split a text into documents: at headings, then at blank lines where a piece is too long.

    Args:
        text: text of the whole file.
        split_at: regular expression; a document begins at each line whose start it matches. Pieces
            shorter than `SHORTEST_PIECE`, such as "ACT I" above "SCENE I", stay with the next one.
        max_characters: a longer piece is cut at the first blank line after this many characters, or
            at the first line break if there is no blank line before twice as many. No piece shorter
            than `SHORTEST_PIECE` is cut off.

    Raises:
        ValueError: naming the pattern, if the search for it needs more than `PATTERN_SECONDS`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    pieces = _split_at_headings(text, split_at)
    if max_characters is None:
        return pieces
    return [part for piece in pieces for part in _cut(piece, max_characters)]


def _split_at_headings(text: str, split_at: str | None) -> list[str]:
    pieces: list[str] = []
    begin = first = late = 0
    for start in [*(_heading_starts(text, split_at) if split_at else ()), len(text)]:
        # Each search begins where the last one ended, so that the time is linear.
        first = _next_character(text, first, start)
        late = _next_character(text, max(late, first + SHORTEST_PIECE - 1), start)
        if start == len(text) or late < start:
            pieces.append(text[begin:start])
            begin = first = late = start
    return pieces


def _next_character(text: str, begin: int, end: int) -> int:
    """Return the place of the first character that is not white space, or a place after `end`."""
    found = _CHARACTER.search(text, begin, end)
    return found.start() if found else max(begin, end)


def _heading_starts(text: str, split_at: str) -> list[int]:
    """Return where the headings begin.

    Raises:
        ValueError: naming the pattern, if it needs more than `PATTERN_SECONDS`.
    """
    message = (
        f"split_at = {split_at!r} was not found or ruled out in {PATTERN_SECONDS:g} seconds;"
        " simplify it (a repeat inside a repeat, such as (a+)+, can take for ever)"
    )
    with _cpu_limit(PATTERN_SECONDS, message):
        return [match.start() for match in re.finditer(f"^(?:{split_at})", text, re.MULTILINE)]


@contextmanager
def _cpu_limit(seconds: float, message: str) -> Iterator[None]:
    """Raise an error in a block that needs more CPU time; there is no limit in side threads."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise ValueError(message)

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _cut(text: str, max_characters: int) -> Iterator[str]:
    begin = 0
    while len(text) - begin > max_characters:
        # Verse may have no blank line for pages; cut it at a line break.
        after = begin + max_characters
        place = _BLANK_LINE.search(text, after, after + max_characters) or _LINE_BREAK.search(
            text, after
        )
        if place is None or len(text) - place.end() < SHORTEST_PIECE:
            break
        yield text[begin : place.start()]
        begin = place.end()
    yield text[begin:]


READER = DocumentReader(settings=TextFiles, read=_read)
