"""Reader `text_files`: each file is one document, or several if the settings split it."""

import re
from collections.abc import Iterator
from pathlib import Path

from relscale.config.readers import TextFiles
from relscale.text.document_reader import DocumentReader, SourceDocument
from relscale.text.formats import read_text

SHORTEST_PIECE = 200
"""Pieces of a split text that have fewer characters do not become documents."""
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_LINE_BREAK = re.compile(r"\n")


def _read(path: Path, where: str, settings: TextFiles) -> Iterator[SourceDocument]:
    text = read_text(path, settings.member)
    pieces = split_text(text, settings.split_at, settings.max_characters)
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
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    pieces = _split_at_headings(text, split_at)
    if max_characters is None:
        return pieces
    return [part for piece in pieces for part in _cut(piece, max_characters)]


def _split_at_headings(text: str, split_at: str | None) -> list[str]:
    headings = re.finditer(f"^(?:{split_at})", text, re.MULTILINE) if split_at else ()
    pieces: list[str] = []
    begin = 0
    for start in [*(match.start() for match in headings), len(text)]:
        if start == len(text) or len(text[begin:start].strip()) >= SHORTEST_PIECE:
            pieces.append(text[begin:start])
            begin = start
    return pieces


def _cut(piece: str, max_characters: int) -> Iterator[str]:
    while len(piece) > max_characters:
        # Verse may have no blank line for pages; cut it at a line break.
        place = _BLANK_LINE.search(piece, max_characters, 2 * max_characters) or _LINE_BREAK.search(
            piece, max_characters
        )
        if place is None or len(piece) - place.end() < SHORTEST_PIECE:
            break
        yield piece[: place.start()]
        piece = piece[place.end() :]
    yield piece


READER = DocumentReader(settings=TextFiles, read=_read)
