"""Reader `pythonbible`: each verse of a translation is one document, without its verse number.

The packages of the project pythonbible store a translation as one call in a Python module:
`bible = Bible(version, text, starts, ends, ...)`. `text` is a string, and `starts` and `ends` map a
verse, 1000000 x book + 1000 x chapter + verse, to offsets in it. The offsets of some translations
drift by a few characters, so that a verse is cut at the numbers that precede it and the next verse.
The module is parsed with `ast`; none of its code runs.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from relscale.config.readers import PythonBible
from relscale.text.document_reader import DocumentReader, SourceDocument
from relscale.text.formats import read_text

DRIFT = 8
"""Characters by which an offset may be wrong; the largest drift of the eight translations of
1395 to 2000 is 4."""
TEXT, STARTS, ENDS = 1, 2, 3
"""Positions of the arguments of `Bible`."""


def _read(path: Path, where: str, settings: PythonBible) -> Iterator[SourceDocument]:
    text, starts, ends = _literals(read_text(path, settings.member), path)
    numbers = _numbers(text, starts, path)
    following = dict(zip(numbers, [*numbers][1:], strict=False))
    for verse, (_, begin) in numbers.items():
        book, chapter, number = _parts(verse)
        end = ends[verse]
        after = following.get(verse)
        if after is not None and abs(numbers[after][0] - end) <= DRIFT:
            end = numbers[after][0]
        yield SourceDocument(
            text=text[begin:end],
            name=f"{book}.{chapter}.{number}",
            group=f"{book}.{chapter}",
            where=f"{where} verse {book}.{chapter}.{number}",
        )


def _literals(source: str, path: Path) -> tuple[str, Mapping[int, int], Mapping[int, int]]:
    """Return the text of a translation and the first and last offset of each verse.

    Raises:
        ValueError: naming the file, if it is not Python or has not exactly one call of `Bible`
            with a string and two mappings of integers.
    """
    try:
        calls = [
            node.value
            for node in ast.parse(source).body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name)
            and node.value.func.id == "Bible"
        ]
        (call,) = calls
        text, starts, ends = (ast.literal_eval(call.args[place]) for place in (TEXT, STARTS, ENDS))
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError) as error:
        raise ValueError(
            f"{path}: is not a module of a pythonbible package, which has one assignment "
            f"`bible = Bible(version, text, starts, ends, ...)` of literals: {error}"
        ) from None
    whole = isinstance(text, str) and all(
        isinstance(some, dict)
        and all(type(key) is int and type(value) is int for key, value in some.items())
        for some in (starts, ends)
    )
    if not whole or set(starts) != set(ends) or not starts:
        raise ValueError(
            f"{path}: the arguments of `Bible` must be a string and two mappings of the same "
            "verses to offsets"
        )
    return text, starts, ends


def _numbers(text: str, starts: Mapping[int, int], path: Path) -> dict[int, tuple[int, int]]:
    """Return where the number of each verse begins and ends, in the order of the text.

    Raises:
        ValueError: naming file and verse, if its number is not near its offset, or not after the
            number of the verse before.
    """
    found: dict[int, tuple[int, int]] = {}
    last = 0
    for verse, start in sorted(starts.items(), key=lambda pair: pair[1]):
        book, chapter, number = _parts(verse)
        here = max(last, start - DRIFT), start + DRIFT + len(f"{number}.")
        # Without a digit before it, unless a heading ends in one: "Psalm 11. Blessed is the man".
        for pattern in (rf"(?<!\d){number}\.", rf"{number}\."):
            places = [match.span() for match in re.compile(pattern).finditer(text, *here)]
            if places:
                break
        else:
            raise ValueError(
                f"{path}: verse {book}.{chapter}.{number}: no {f'{number}.'!r} within {DRIFT} "
                f"characters of its offset {start}"
            )
        found[verse] = min(places, key=lambda place: abs(place[0] - start))
        last = found[verse][1]
    return found


def _parts(verse: int) -> tuple[int, int, int]:
    """Return book, chapter and verse of a number 1000000 x book + 1000 x chapter + verse."""
    return verse // 1_000_000, verse // 1000 % 1000, verse % 1000


READER = DocumentReader(settings=PythonBible, read=_read)
