"""Opening a file whose settings are not known: encoding, repeated headers, two lines of header."""

from collections import Counter
from pathlib import Path
from typing import Any

from relscale.config.losses import CsvDialect
from relscale.losses_table.csv_cells import opening_rows
from relscale.losses_table.numbers import NumberReader
from relscale.losses_table.proposal.guess import Guess
from relscale.losses_table.raw import RawTable, content_of, format_of, read_raw

REMARKS = ("#", "sep=")
"""Starts of lines above a header. The second one is a spreadsheet's."""
LOOKED_AT = 40
"""Bytes by which an encoding is found."""
FEWEST_COLUMNS = 3
"""Columns of a table of losses, at least."""
MOST_TRIES = 4
"""Settings that are tried one after another."""


def opened(path: Path) -> tuple[RawTable, dict[str, Any], list[Guess]]:
    """Open a file, changing the settings that its errors name.

    Returns:
        The table, the settings of `CsvDialect` that differ from the defaults, and the guesses.

    Raises:
        ValueError: as `read_raw`, if no setting helps.
    """
    settings: dict[str, Any] = {}
    guesses: list[Guess] = []
    if path.is_file() and format_of(path) == "csv" and (lines := _remarks(content_of(path))):
        settings["skip_lines"] = lines
        evidence = f"{lines} line(s) begin with {' or '.join(REMARKS)}"
        guesses.append(Guess(key="csv.skip_lines", value=str(lines), evidence=evidence))
    for _ in range(MOST_TRIES):
        try:
            raw = read_raw(path, "auto", CsvDialect(**settings))
        except ValueError as error:
            found = _remedy(path, str(error), settings)
            if found is None:
                raise
            value = int(found.value) if found.value.isdecimal() else found.value
            settings[found.key.removeprefix("csv.")] = value
            guesses.append(found)
            continue
        above = _lines_above(path, settings) if _has_one_column(raw) else None
        if above is None or "skip_lines" in settings:
            break
        settings["skip_lines"] = int(above.value)
        guesses.append(above)
    else:
        raw = read_raw(path, "auto", CsvDialect(**settings))
    for key, value in raw.details.items():
        settings.setdefault(key, value)
        evidence = {
            "encoding": "by its byte order mark",
            "separator": "it splits the header and most rows into equally many cells",
        }[key]
        guesses.append(Guess(key=f"csv.{key}", value=str(value), evidence=evidence))
    if raw.format == "csv" and "header_lines" not in settings and _has_two_headers(raw):
        settings["header_lines"] = 2
        guesses.append(
            Guess(
                key="csv.header_lines",
                value="2",
                evidence="the first row below the header is the only one without numbers",
            )
        )
        raw = read_raw(path, "auto", CsvDialect(**settings))
    if _has_one_column(raw):
        raise ValueError(
            f"{path}: has one column, {str(raw.frame.columns[0])[:80]!r}: columns must be "
            "separated by commas, semicolons, tabs or bars, not by blanks"
        )
    return raw, settings, guesses


def _has_one_column(raw: RawTable) -> bool:
    return raw.format == "csv" and raw.frame.shape[1] == 1


def _remarks(data: bytes) -> int:
    """Return the number of lines at the start that are remarks, not a header."""
    count = 0
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines()
    for line in lines:
        like_rows = any(line.count(sign) == lines[-1].count(sign) > 0 for sign in b",;\t|")
        if like_rows or not line.startswith(tuple(start.encode() for start in REMARKS)):
            break
        count += 1
    return count


def _remedy(path: Path, problem: str, settings: dict[str, Any]) -> Guess | None:
    """Return the setting that may solve a problem of reading, or None."""
    if format_of(path) != "csv":
        return None
    if "not utf-8 text" in problem and "encoding" not in settings:
        shown = problem.partition("if it is ")[2].partition(", state")[0]
        return Guess(
            key="csv.encoding",
            value="windows-1252",
            evidence=f"not UTF-8, and then this row is {shown}: check its letters",
        )
    if "header is repeated" in problem and "repeated_headers" not in settings:
        line = problem.partition(": line ")[2].partition(":")[0]
        return Guess(
            key="csv.repeated_headers",
            value="skip",
            evidence=f"line {line} repeats the header: were two files joined?",
        )
    if "UTF-16 without a mark" in problem and "encoding" not in settings:
        return _utf_16(path)
    if ", and the header has " in problem and "skip_lines" not in settings:
        return _lines_above(path, settings)
    if (
        "more than once in the header" in problem
        and "header_lines" not in settings
        and _is_second_header(_rows(path, settings))
    ):
        return Guess(
            key="csv.header_lines",
            value="2",
            evidence="the first line has names more than once, and the second has no row's numbers",
        )
    return None


def _rows(path: Path, settings: dict[str, Any]) -> list[list[str]]:
    """Return the cells of all rows."""
    found = opening_rows(path, content_of(path), CsvDialect(**settings))
    return [cells for _, cells in found]


def _utf_16(path: Path) -> Guess | None:
    """Return the encoding of a text that has a null after each of its first letters."""
    start = content_of(path)[:LOOKED_AT]
    if any(start[1::2]) or not all(start[::2]):
        return None
    evidence = "every second byte at its start is null, and it has no byte order mark"
    return Guess(key="csv.encoding", value="utf-16", evidence=evidence)


def _lines_above(path: Path, settings: dict[str, Any]) -> Guess | None:
    """Return the number of lines above the header: captions, which have fewer cells.

    With each separator, the header is the first row of the width that most rows have.
    """
    for name in ("comma", "semicolon", "tab", "bar"):
        try:
            rows = opening_rows(
                path, content_of(path), CsvDialect(**{**settings, "separator": name})
            )
        except ValueError:
            continue
        (width, number), *_ = Counter(len(cells) for _, cells in rows).most_common(1)
        if width < FEWEST_COLUMNS or 2 * number <= len(rows):
            continue
        line, _ = next(row for row in rows if len(row[1]) == width)
        above = [cells for at, cells in rows if at < line]
        if above and all(len(cells) < width for cells in above):
            evidence = f"above line {line}, rows have fewer cells than the {width} of most rows"
            return Guess(key="csv.skip_lines", value=str(line - 1), evidence=evidence)
    return None


def _is_second_header(rows: list[list[str]]) -> bool:
    """Return whether the second row is a header below names that recur in the first one.

    It is a row of data if it has a number below a name that occurs once, or, without numbers below
    such names further down, if it has any number.
    """
    if len(rows) < 3:
        return False
    reader = NumberReader(suffixes=True)
    header, second, *others = rows

    def is_number(row: list[str], index: int) -> bool:
        return index < len(row) and bool(row[index]) and reader.number(row[index]) is not None

    unique = [index for index, name in enumerate(header) if header.count(name) == 1]
    judged = [index for index in unique if any(is_number(row, index) for row in others)]
    return not any(is_number(second, index) for index in judged or range(len(second)))


def _has_two_headers(raw: RawTable) -> bool:
    """Return whether the first row has text where all other rows have numbers."""
    if len(raw.frame) < 3:
        return False
    reader = NumberReader(suffixes=True)
    numeric = 0
    for name in raw.frame.columns:
        first, *others = (str(cell) for cell in raw.frame[name].array)
        if first and reader.number(first) is not None:
            return False
        known = [reader.number(cell) for cell in others if cell]
        numeric += bool(first) and bool(known) and None not in known
    return numeric >= 2
