"""Opening a file whose settings are not known: encoding, repeated headers, two lines of header."""

from pathlib import Path
from typing import Any

from relscale.config.losses import CsvDialect
from relscale.losses_table.csv_cells import opening_rows
from relscale.losses_table.numbers import NumberReader
from relscale.losses_table.proposal.guess import Guess
from relscale.losses_table.raw import RawTable, content_of, format_of, read_raw

REMARKS = ("#", "sep=")
"""Starts of lines above a header. The second one is a spreadsheet's."""
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
            settings[found.key.removeprefix("csv.")] = (
                2 if found.key == "csv.header_lines" else found.value
            )
            guesses.append(found)
            continue
        break
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
    return raw, settings, guesses


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
    if (
        "more than once in the header" in problem
        and "header_lines" not in settings
        and _is_second_header(opening_rows(path, content_of(path), CsvDialect(**settings)))
    ):
        return Guess(
            key="csv.header_lines",
            value="2",
            evidence="the first line has names more than once, and the second has no row's numbers",
        )
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
