"""Reader `ice`: texts of the International Corpus of English.

The mark-up is that of Nelson (2002), ICE Markup Manual for Written Texts. Most tags describe how
something was printed; the text inside them is kept. Some tags contain text that is not part of the
corpus and is removed with the tag. Where an editor added a normalized form, the writer's form is
kept, because varieties of English are measured.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from relscale.config.readers import IceFiles
from relscale.text.cleaning import unescape
from relscale.text.document_reader import DocumentReader, SourceDocument
from relscale.text.formats import read_text
from relscale.text.source_files import folder_at

REMOVED = {
    "X": "extra-corpus text: quotations, other writers",
    "&": "editorial comments",
    "O": "untranscribed text: figures, formulas",
    "+": "an editor's normalized form of the text in <->",
    "del": "text that the writer struck out",
    "unclear": "words that could not be read",
    "fnr": "references to footnotes",
}
"""Tags whose content is removed, too."""
_REMOVED = re.compile(
    rf"(?is)<({'|'.join(re.escape(tag) for tag in REMOVED)})>(?:(?!<\1>).)*?</\1>"
)
_PARAGRAPH = re.compile(r"(?i)</?(?:p|h|I)>")
_SPACE = re.compile(r"(?i)<(?:space|l|#|ICE[^<>]*)/?>")
_TAG = re.compile(r"<[^<>]*>")
_BREAK = "\x00"
DEEPEST = 50
"""Deepest nesting of tags whose content is removed; each level takes another pass."""


def _read(path: Path, where: str, settings: IceFiles) -> Iterator[SourceDocument]:
    marked = read_text(path, settings.member)
    try:
        text = ice_text(marked)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    yield SourceDocument(text=text, domain=folder_at(where, settings.level), where=where)


def _written(paths: Sequence[Path], settings: IceFiles) -> list[Path]:
    """Return the files of written texts (W1A-001 ...; the names of spoken texts begin with S)."""
    if not settings.written_only:
        return list(paths)
    written = [path for path in paths if path.name[:1] in "Ww"]
    if not written:
        raise ValueError(
            f"files = {settings.files!r}: none of {len(paths)} files is a written text (whose name"
            " begins with W)"
        )
    return written


def ice_text(marked: str) -> str:
    """Return the text of a file without its mark-up.

    Paragraphs and headings are separated by blank lines; all other white space becomes single
    spaces. The content of `REMOVED` tags is removed, also if they are nested. Of every other tag
    the content is kept. A tag without an end tag loses nothing but itself. Characters that are
    written as entities ("&eacute;") are decoded.

    Raises:
        ValueError: if tags whose content is removed are nested more than `DEEPEST` deep.
    """
    for _ in range(DEEPEST + 1):
        before, marked = marked, _REMOVED.sub(" ", marked)
        if before == marked:
            break
    else:
        raise ValueError(f"mark-up to remove is nested more than {DEEPEST} deep")
    marked = _TAG.sub("", _SPACE.sub(" ", _PARAGRAPH.sub(_BREAK, marked)))
    pieces = (" ".join(piece.split()) for piece in marked.split(_BREAK))
    return unescape("\n\n".join(piece for piece in pieces if piece))


READER = DocumentReader(settings=IceFiles, read=_read, select=_written)
