"""Clean the text of documents: mark-up, web addresses, control characters, white space."""

import html
import re
import unicodedata
from functools import cache

from relscale.config.readers import Reader

# Characters that are not text: most are removed.
_NOT_TEXT = [*range(0x20), *range(0x7F, 0xA0), 0xAD, *range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF]
# Zero-width joiners are kept: some scripts need them.
_NO_WIDTH = [0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2065)]
_WIDE_SPACES = [0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl"}
_LINE_BREAKS = {0x0A: "\n", 0x0B: "\n", 0x0C: "\n", 0x2028: "\n", 0x2029: "\n\n"}
# Bytes 0x80-0x9f of Windows-1252 that were decoded as Latin-1: the quotes they stand for.
_WINDOWS_1252: dict[int, str | None] = {
    code: bytes([code]).decode("cp1252", errors="ignore") or None for code in range(0x80, 0xA0)
}
_CHARACTERS: dict[int, str | None] = {
    **dict.fromkeys([*_NOT_TEXT, *_NO_WIDTH]),
    **_WINDOWS_1252,
    0x09: "\t",
    **_LINE_BREAKS,
    **dict.fromkeys(_WIDE_SPACES, " "),
    **_LIGATURES,
}

_INVISIBLE = re.compile(r"(?i)<(?:(?P<script>script)|(?P<style>style))\b|<!--")
_INVISIBLE_ENDS = {
    "script": re.compile(r"(?i)</script\s*>"),
    "style": re.compile(r"(?i)</style\s*>"),
    None: re.compile("-->"),
}
_BLOCK = re.compile(
    r"(?i)</?(?:address|article|blockquote|caution|dd|div|dl|dt|figure|footer|fullname|h[1-6]"
    r"|header|hr|important|note|ol|p|pre|section|table|ul)(?:\s[^<>]*)?/?>"
)
_LINE = re.compile(r"(?i)<(?:br|/?tr|/?li)(?:\s[^<>]*)?/?>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<![A-Za-z][^<>]*>")
_INLINE = re.compile(
    r"(?i)</?(?:a|abbr|b|code|em|font|i|img|small|span|strong|sub|sup|u)(?:\s[^<>]*)?/?>"
)
# Shortened posts may end in the beginning of an address: "http:/…".
_URL = re.compile(
    r"(?i)\b(?:https?(?::(?://?)?[^\s…<>\")\]]*|(?=…))|ftp://[^\s<>\")\]]+|www\.[^\s<>\")\]]+)"
)
_MARKS_IN = range(0x300, 0x20000)
_LONGEST_MARKS = 256
_NO_CHARACTER = re.compile(r"&#[0-9]{1000,}+;?")
_SPACES = re.compile(r"\s+")
_TRAILING = re.compile(r"(?<![ \t])[ \t]++(?=\n)")
_LEADING = re.compile(r"(?m)^[ \t]+")
_INNER = re.compile(r"(?<=\S)(?:[ ]*\t[ \t]*|[ ]{2,})(?=\S)")
_BLANK = re.compile(r"\n{3,}")


def clean(text: str, settings: Reader) -> str:
    """Return the text that models see.

    The steps are, in order: literal replacements; mark-up and web addresses, if the reader's
    settings ask for it; line ends to LF; control, zero-width and unpaired surrogate characters
    removed (Windows-1252 bytes among them become the quotes and dashes they stand for), wide and
    no-break spaces to plain ones; Unicode NFC; runs of spaces inside a line to one space, spaces at
    line ends and surplus blank lines removed. Indentation is kept unless mark-up is removed.
    """
    for old, new in settings.replace.items():
        text = text.replace(old, new)
    if settings.strip_markup:
        text = strip_markup(text)
    if settings.strip_urls:
        text = _URL.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = _nfc(text.translate(_CHARACTERS))
    elif not text.isprintable():
        text = text.translate(_CHARACTERS)
    if settings.strip_markup:
        text = _LEADING.sub("", text)
    if "  " in text or "\t" in text:  # most texts need none of these searches
        text = _INNER.sub(" ", text)
    if " \n" in text or "\t\n" in text:
        text = _TRAILING.sub("", text)
    if "\n\n\n" in text:
        text = _BLANK.sub("\n\n", text)
    return text.strip() if settings.strip_markup else text.strip("\n").rstrip()


def strip_markup(text: str) -> str:
    """Remove HTML tags, comments, scripts and styles, and decode entities.

    Blocks become paragraphs; list items and breaks become lines. If there are blocks, all other
    line breaks become spaces. Of the tags that were written as entities (mark-up that was escaped
    twice), only HTML's own are removed, so that "&lt;region&gt;" becomes <region>.
    """
    if "<" in text:
        if _BLOCK.search(text):
            text = _SPACES.sub(" ", text)
        text = _TAG.sub("", _LINE.sub("\n", _BLOCK.sub("\n\n", _without_invisible(text))))
    if "&" in text:
        text = unescape(text)
        if "<" in text:
            text = _INLINE.sub("", _LINE.sub("\n", _BLOCK.sub("\n\n", text)))
    return text


def _without_invisible(text: str) -> str:
    """Return a text with one space for each comment, script and style that ends.

    The time is linear: a kind of which no end was found is not searched again.
    """
    pieces: list[str] = []
    begin = place = 0
    endless: set[str | None] = set()
    while start := _INVISIBLE.search(text, place):
        place = start.end()
        kind = start.lastgroup
        end = None if kind in endless else _INVISIBLE_ENDS[kind].search(text, place)
        if end is None:
            endless.add(kind)
        else:
            pieces += (text[begin : start.start()], " ")
            begin = place = end.end()
    return "".join((*pieces, text[begin:]))


def _nfc(text: str) -> str:
    """Return a text in Unicode NFC; runs of marks are normalized in parts of `_LONGEST_MARKS`.

    Sorting a run of marks takes time in the square of its length.
    """
    if not _marks().search(text):
        return unicodedata.normalize("NFC", text)
    ends = [match.end() for match in _marks().finditer(text)]
    parts = zip([0, *ends], [*ends, len(text)], strict=True)
    return "".join(unicodedata.normalize("NFC", text[begin:end]) for begin, end in parts)


@cache
def _marks() -> re.Pattern[str]:
    """Return the pattern of `_LONGEST_MARKS` combining marks."""
    marks = "".join(map(chr, filter(lambda code: unicodedata.combining(chr(code)), _MARKS_IN)))
    # These three are none, but become two marks each.
    return re.compile(f"[{marks}\u0f73\u0f75\u0f81]{{{_LONGEST_MARKS}}}")


def unescape(text: str) -> str:
    """Decode the entities of HTML, as `html.unescape` does.

    That raises an error for numbers of thousands of digits; here they become U+FFFD, as every
    number does that does not name a character.
    """
    return html.unescape(_NO_CHARACTER.sub("\ufffd", text))
