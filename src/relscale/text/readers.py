"""Reading documents out of a source's files, and cleaning their text.

    read_documents(files_dir, reader) -> Iterator[Document]   raw text, file by file in sorted order
    clean(text, reader) -> str                                 what a corpus or an evaluation sees
    of it matching_files(files_dir, pattern, exclude=()) -> list     files of a source, sorted; none
    is an error

`files_dir` is the folder `files/` beside a source's manifest. A reader's glob that matches nothing,
a column or key that is not there and a file that cannot be decoded are errors that name the file,
the key and the choices.
"""

import fnmatch
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from relscale.config.readers import (
    AnyReader,
    CsvRows,
    DictionaryQuestions,
    DomainFolders,
    IceFiles,
    JsonRecords,
    ParquetRows,
    Reader,
    ServiceManuals,
    TextFiles,
)
from relscale.text.dictionary import questions_and_answers
from relscale.text.ice import ice_text, is_written
from relscale.text.records import parquet_records, read_records, read_text


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document as it stands in a source."""

    text: str
    """The raw text, not yet cleaned."""
    domain: str | None
    """Value of the reader's domain key; none where the reader has no such key."""
    where: str
    """File and position, for messages: "speeches/1790.txt" or "articles.csv row 12"."""


def read_documents(files_dir: Path, reader: AnyReader) -> Iterator[Document]:
    """Yield the documents of a source, file by file in sorted order.

    Args:
        files_dir: folder of the source's files.
        reader: how documents are read; its cleaning options are left to `clean`.

    Raises:
        ValueError: where no file matches, a file cannot be read, or a column, key or archive member
            is missing.
    """
    paths = matching_files(files_dir, reader.files, reader.exclude)
    if isinstance(reader, ServiceManuals):
        paths = _newest_versions(paths)
    if isinstance(reader, IceFiles) and reader.written_only:
        paths = [path for path in paths if is_written(path.name)]
        if not paths:
            raise ValueError(
                f"{files_dir}: of the files that match files = {reader.files!r}, none is a written text (its name begins with W)"
            )
    for path in paths:
        where = path.relative_to(files_dir).as_posix()
        if isinstance(reader, TextFiles):
            pieces = split_text(
                read_text(path, reader.member), reader.split_at, reader.max_characters
            )
            for number, piece in enumerate(pieces, start=1):
                yield Document(text=piece, domain=None, where=f"{where} part {number}")
        elif isinstance(reader, ServiceManuals):
            for number, text in enumerate(
                _documentation(json.loads(read_text(path, reader.member))), start=1
            ):
                yield Document(text=text, domain=None, where=f"{where} string {number}")
        elif isinstance(reader, DictionaryQuestions):
            for record in read_records(path, reader.member):
                yield Document(
                    text=questions_and_answers(record, where),
                    domain=None,
                    where=f"{where} entry {record['entry']}",
                )
        elif isinstance(reader, IceFiles):
            yield Document(
                text=ice_text(read_text(path, reader.member)),
                domain=_folder(where, reader.level),
                where=where,
            )
        elif isinstance(reader, DomainFolders) and not path.name.removesuffix(".gz").endswith(
            (".jsonl", ".json", ".csv", ".parquet")
        ):
            yield Document(
                text=read_text(path, reader.member),
                domain=_folder(where, reader.level),
                where=where,
            )
        else:
            yield from _rows(path, where, reader)


def matching_files(files_dir: Path, pattern: str, exclude: Iterable[str] = ()) -> list[Path]:
    """Return the files below a folder that match a glob and none of the globs in `exclude`, sorted
    by path.

    Raises:
        ValueError: naming folder, glob and some files that are there, where none matches.
    """
    exclude = list(exclude)
    if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise ValueError(
            f'files = {pattern!r}: a glob inside the source\'s folder is needed, such as "data/*.txt"'
        )
    found = [
        path
        for path in files_dir.glob(pattern)
        if path.is_file()
        and not any(
            fnmatch.fnmatch(path.relative_to(files_dir).as_posix(), glob) for glob in exclude
        )
    ]
    if not found:
        some = sorted(
            path.relative_to(files_dir).as_posix()
            for path in files_dir.rglob("*")
            if path.is_file()
        )[:8]
        without = f" without {', '.join(exclude)}" if exclude else ""
        raise ValueError(
            f"{files_dir}: no file matches files = {pattern!r}{without}; it holds {', '.join(some) or 'nothing'}, ..."
        )
    return sorted(found)


def _rows(
    path: Path, where: str, reader: CsvRows | JsonRecords | ParquetRows | DomainFolders
) -> Iterator[Document]:
    key = None if isinstance(reader, DomainFolders) else reader.domain
    if isinstance(reader, ParquetRows):
        records = parquet_records(
            path, [name for name in (reader.text, reader.domain) if name is not None]
        )
    else:
        records = read_records(path, reader.member)
    by_host = isinstance(reader, CsvRows) and reader.domain_is_host
    folder = _folder(where, reader.level) if isinstance(reader, DomainFolders) else None
    for number, record in enumerate(records, start=1):
        text = _value(record, "text", reader.text, where, number)
        domain = _value(record, "domain", key, where, number) if key else folder
        yield Document(
            text=text,
            domain=host_of(domain) if by_host and domain else domain,
            where=f"{where} record {number}",
        )


def _folder(where: str, level: int) -> str:
    """Return the folder of that level of a file's path inside the source."""
    folders = where.split("/")[:-1]
    if len(folders) < level:
        raise ValueError(
            f"{where}: lies in no folder of level {level}, which would name its domain (the reader's `level`)"
        )
    return folders[level - 1]


def _value(record: Mapping[str, Any], what: str, key: str, where: str, number: int) -> str:
    """Return a record's text under a key; a null is an empty text, which is counted as too short
    later on."""
    if key not in record:
        choices = ", ".join(str(name) for name in record)
        raise ValueError(
            f"{where} record {number}: no key {key!r} (the reader's `{what}`); the choices are {choices}"
        )
    value = record[key]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(
            f"{where} record {number}: {key} = {value!r} is no text (the reader's `{what}`)"
        )
    return value


def host_of(address: str) -> str:
    """Return the host name of a web address, in lower case and without a leading "www."."""
    return (urlsplit(address.strip()).hostname or "").removeprefix("www.")


def split_text(
    text: str, split_at: str | None = None, max_characters: int | None = None
) -> list[str]:
    """Cut a text into documents: at headings, then before blank lines where a piece is too long.

    Args:
        text: the whole file.
        split_at: regular expression; a document begins at each line that it matches from the line's
            start. Pieces below `SHORTEST_PIECE` characters, such as "ACT I" above "SCENE I", stay
            with the piece that follows.
        max_characters: a longer piece is cut at the first blank line after so many characters (at
            the first line break, where there is none before twice as many), again and again; no
            piece below `SHORTEST_PIECE` characters is cut off.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    starts = (
        [match.start() for match in re.finditer(f"^(?:{split_at})", text, re.MULTILINE)]
        if split_at
        else []
    )
    pieces: list[str] = []
    begin = 0
    for start in [*starts, len(text)]:
        if start == len(text) or len(text[begin:start].strip()) >= SHORTEST_PIECE:
            pieces.append(text[begin:start])
            begin = start
    if max_characters is None:
        return pieces
    cut: list[str] = []
    for piece in pieces:
        while len(piece) > max_characters:
            # Verse may have no blank lines for pages: a line break will do, then.
            place = _BLANK_LINE.search(
                piece, max_characters, 2 * max_characters
            ) or _LINE_BREAK.search(piece, max_characters)
            if place is None or len(piece) - place.end() < SHORTEST_PIECE:
                break
            cut.append(piece[: place.start()])
            piece = piece[place.end() :]
        cut.append(piece)
    return cut


SHORTEST_PIECE = 200
"""Characters below which a piece of a split text is no document of its own."""
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_LINE_BREAK = re.compile(r"\n")


def _newest_versions(paths: Iterable[Path]) -> list[Path]:
    """Keep the newest dated folder of each service (<service>/<date>/<file>)."""
    newest: dict[Path, Path] = {}
    for path in sorted(paths):
        newest[path.parent.parent] = path
    return list(newest.values())


def _documentation(value: Any) -> Iterator[str]:
    """Yield the strings under "documentation" keys, in the file's order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "documentation" and isinstance(inner, str):
                yield inner
            else:
                yield from _documentation(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _documentation(inner)


# ---------------------------------------------------------------------------------------------------------------- cleaning

# What becomes of characters that are no text: most vanish.
_NO_TEXT = [*range(0x20), *range(0x7F, 0xA0), 0xAD, *range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF]
_NO_WIDTH = [
    0x200B,
    0x200E,
    0x200F,
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2065),
]  # joiners stay: some scripts need them
_SPACE_LIKE = [0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]
_CONTROL: dict[int, str | None] = dict.fromkeys([*_NO_TEXT, *_NO_WIDTH])
# Bytes 0x80-0x9f of Windows-1252 that were read as Latin-1: the dashes and quotes that were meant.
_CONTROL |= {
    code: bytes([code]).decode("cp1252", errors="ignore") or None for code in range(0x80, 0xA0)
}
_CONTROL |= {
    0x09: "\t",
    0x0A: "\n",
    0x0B: "\n",
    0x0C: "\n",
    0x2028: "\n",
    0x2029: "\n\n",
} | dict.fromkeys(_SPACE_LIKE, " ")
_CONTROL |= {
    0xFB00: "ff",
    0xFB01: "fi",
    0xFB02: "fl",
    0xFB03: "ffi",
    0xFB04: "ffl",
}  # ligatures of typeset pages

_INVISIBLE = re.compile(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->")
_BLOCK = re.compile(
    r"(?i)</?(?:address|article|blockquote|caution|dd|div|dl|dt|figure|footer|fullname|h[1-6]|header|hr|important|note|ol|p|pre|section|table|ul)"
    r"(?:\s[^<>]*)?/?>"
)
_LINE = re.compile(r"(?i)<(?:br|/?tr|/?li)(?:\s[^<>]*)?/?>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<![A-Za-z][^<>]*>")
_INLINE = re.compile(
    r"(?i)</?(?:a|abbr|b|code|em|font|i|img|small|span|strong|sub|sup|u)(?:\s[^<>]*)?/?>"
)
# Shortened posts end in the beginning of an address: "http:/…".
_URL = re.compile(
    r"(?i)\b(?:https?(?::(?://?)?[^\s…<>\")\]]*|(?=…))|ftp://[^\s<>\")\]]+|www\.[^\s<>\")\]]+)"
)
_SPACES = re.compile(r"\s+")
_TRAILING = re.compile(r"[ \t]+(?=\n)")
_LEADING = re.compile(r"(?m)^[ \t]+")
_INNER = re.compile(r"(?<=\S)(?:[ ]*\t[ \t]*|[ ]{2,})(?=\S)")
_BLANK = re.compile(r"\n{3,}")


def clean(text: str, reader: Reader) -> str:
    """Return the text as models see it.

    In this order: literal replacements; mark-up and web addresses, where the reader asks for it;
    line ends to LF; control, zero-width and unpaired surrogate characters removed (bytes of
    Windows-1252 among them become the quotes and dashes that were meant), wide and no-break spaces
    made plain; Unicode NFC; runs of spaces inside a line to one, spaces at line ends and surplus
    blank lines removed. Indentation is kept unless mark-up is stripped.
    """
    for old, new in reader.replace.items():
        text = text.replace(old, new)
    if reader.strip_markup:
        text = strip_markup(text)
    if reader.strip_urls:
        text = _URL.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_CONTROL))
    elif not text.isprintable():
        text = text.translate(_CONTROL)
    if reader.strip_markup:
        text = _LEADING.sub("", text)
    if "  " in text or "\t" in text:  # most texts need none of these searches
        text = _INNER.sub(" ", text)
    if " \n" in text or "\t\n" in text:
        text = _TRAILING.sub("", text)
    if "\n\n\n" in text:
        text = _BLANK.sub("\n\n", text)
    return text.strip() if reader.strip_markup else text.strip("\n").rstrip()


def strip_markup(text: str) -> str:
    """Remove HTML tags, comments, scripts and styles, and decode entities.

    Blocks become paragraphs, list items and breaks become lines; where there are blocks, other line
    breaks are spaces. Tags that were written as entities (mark-up escaped twice) are removed only
    if they are HTML's own, so that "&lt;region&gt;" stays as <region>.
    """
    if "<" in text:
        if _BLOCK.search(text):
            text = _SPACES.sub(" ", text)
        text = _TAG.sub("", _LINE.sub("\n", _BLOCK.sub("\n\n", _INVISIBLE.sub(" ", text))))
    if "&" in text:
        text = html.unescape(text)
        if "<" in text:
            text = _INLINE.sub("", _LINE.sub("\n", _BLOCK.sub("\n\n", text)))
    return text
