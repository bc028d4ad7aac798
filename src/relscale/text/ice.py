"""Texts of the International Corpus of English, out of their mark-up (Nelson 2002, ICE Markup
Manual for Written Texts).

Most tags say how something was printed, and what stands between them is text. Some hold what is not
part of the corpus: that goes with its tag. Where an editor has put a normal form beside what the
writer wrote, the writer's own form stays: varieties are what is measured.
"""

import html
import re

REMOVED = {
    "X": "extra-corpus text: quotations, other writers",
    "&": "editorial comments",
    "O": "untranscribed text: figures, formulas",
    "+": "an editor's normal form of what stands in <->",
    "del": "what the writer struck out",
    "unclear": "words that could not be read",
    "fnr": "references to footnotes",
}
"""Tags whose content goes, too."""
_REMOVED = re.compile(
    rf"(?is)<({'|'.join(re.escape(tag) for tag in REMOVED)})>(?:(?!<\1>).)*?</\1>"
)
_PARAGRAPH = re.compile(r"(?i)</?(?:p|h|I)>")
_SPACE = re.compile(r"(?i)<(?:space|l|#|ICE[^<>]*)/?>")
_TAG = re.compile(r"<[^<>]*>")
_BREAK = "\x00"


def is_written(name: str) -> bool:
    """Return whether a file's name is that of a written text (W1A-001 ...; spoken ones begin with
    S)."""
    return name[:1] in "Ww"


def ice_text(marked: str) -> str:
    """Return the text of a file: paragraphs and headings parted by blank lines, all other white
    space single spaces.

    Content of `REMOVED` goes, also where one stands in another; every other tag goes and leaves its
    content; a tag without its end loses nothing but itself. Characters written as entities
    ("&eacute;") are decoded.
    """
    before = None
    while before != marked:
        before, marked = marked, _REMOVED.sub(" ", marked)
    marked = _TAG.sub("", _SPACE.sub(" ", _PARAGRAPH.sub(_BREAK, marked)))
    pieces = (" ".join(piece.split()) for piece in marked.split(_BREAK))
    return html.unescape("\n\n".join(piece for piece in pieces if piece))
