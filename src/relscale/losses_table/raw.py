"""The cells of a file as they are, with a place for every row: CSV, JSON lines and Parquet."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from relscale.config.losses import CsvDialect
from relscale.contract.arrow import read_parquet
from relscale.contract.typed import Place, check_names, row_of
from relscale.losses_table.csv_cells import csv_cells

COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}
"""Endings of compressed files."""
ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".json": "json_lines",
}
"""Endings and formats."""
SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
"""Endings of files that a spreadsheet saves as CSV."""


@dataclass(frozen=True, kw_only=True)
class RawTable:
    """A table whose columns are not interpreted."""

    frame: pd.DataFrame
    """The cells: text for CSV, else the values of the file."""
    place: Place
    """Words for a row, from its position."""
    format: str
    """`csv`, `parquet` or `json_lines`."""
    notes: tuple[str, ...] = ()
    """Settings that were found, and rows that are left out, one sentence each."""
    separator: str = ","
    """Separator of a CSV file."""
    details: dict[str, Any] = field(default_factory=dict)
    """Settings of a CSV file that were found, by the key of the mapping."""


def format_of(path: Path, stated: str = "auto") -> str:
    """Return the format of a file: the one stated, or the one of its ending.

    Raises:
        ValueError: naming the file and the endings.
    """
    if path.is_dir():
        raise ValueError(f"{path}: is a folder; name one of its files")
    if stated != "auto":
        return stated
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    found = ENDINGS.get(name.suffix.lower())
    if name.suffix.lower() in SPREADSHEETS:
        raise ValueError(f"{path}: is a spreadsheet: save its sheet as CSV in UTF-8")
    if found is None:
        raise ValueError(
            f"{path}: the ending {name.suffix or '(none)'!r} is not known; the endings are "
            f"{', '.join(ENDINGS)}, or state format: csv, parquet or json_lines"
        )
    return found


def read_raw(path: Path, stated: str = "auto", dialect: CsvDialect | None = None) -> RawTable:
    """Read the cells of a file.

    Raises:
        ValueError: naming the file, and the line where there is one, if it cannot be read.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    kind = format_of(path, stated)
    if kind == "parquet":
        return _parquet(path)
    data = content_of(path)
    if kind == "json_lines":
        return _json_lines(path, data)
    dialect = dialect or CsvDialect()
    if dialect.separator == "auto" and ".tsv" in path.suffixes:
        dialect = dialect.model_copy(update={"separator": "tab"})
    cells = csv_cells(path, data, dialect)
    frame = _frame_of(cells.header, cells.rows)
    return RawTable(
        frame=frame,
        place=lambda position: f"line {cells.lines[position]}",
        format="csv",
        notes=cells.notes,
        separator=cells.separator,
        details=cells.details,
    )


def _frame_of(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return pd.DataFrame(
        {
            name: pd.Series(list(cells), dtype=object)
            for name, cells in zip(header, columns, strict=True)
        }
    )


def content_of(path: Path) -> bytes:
    """Return the content of a file that may be compressed."""
    kind = COMPRESSED.get(path.suffix.lower())
    try:
        with pa.input_stream(str(path), compression=kind) as stream:
            data: bytes = stream.read()
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path}: cannot be read: {reason}") from None
    return data


def _parquet(path: Path) -> RawTable:
    table = read_parquet(path)
    check_names(str(path), table.column_names)
    frame: pd.DataFrame = table.to_pandas()
    if any(frame.index.names):
        frame = frame.reset_index()
    return RawTable(frame=frame, place=row_of, format="parquet")


def _json_lines(path: Path, data: bytes) -> RawTable:
    """Read one object per line, or one array of objects; nested objects get dotted names."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}: line {line}: not UTF-8 text; save it in UTF-8") from None
    records: list[dict[str, Any]] = []
    places: list[str] = []
    if text.lstrip().startswith("["):
        for record in _parsed(path, "the array", text):
            places.append(f"object {len(places) + 1}")
            records.append(_flat(path, places[-1], record))
    else:
        for number, row in enumerate(text.split("\n"), start=1):
            if row.strip():
                places.append(f"line {number}")
                records.append(_flat(path, places[-1], _parsed(path, places[-1], row)))
    if not records:
        raise ValueError(f"{path}: is empty; one JSON object per line is needed")
    names = list(dict.fromkeys(name for record in records for name in record))
    rows = [[record.get(name) for name in names] for record in records]
    return RawTable(
        frame=_frame_of(names, rows).infer_objects(),
        place=lambda position: places[position],
        format="json_lines",
    )


def _parsed(path: Path, where: str, text: str) -> Any:
    def checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{path}: {where}: key(s) {', '.join(twice)} more than once")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=checked)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: {where}: not valid JSON: {error.msg}") from None


def _flat(path: Path, where: str, record: Any, start: str = "") -> dict[str, Any]:
    if not isinstance(record, dict):
        raise ValueError(f"{path}: {where}: an object (names and values) is needed")
    found: dict[str, Any] = {}
    for name, value in record.items():
        inner = _flat(path, where, value, f"{start}{name}.") if isinstance(value, dict) else None
        for full, cell in (inner if inner is not None else {f"{start}{name}": value}).items():
            if full in found:
                raise ValueError(f"{path}: {where}: key(s) {full} more than once")
            found[full] = cell
    return found


def selected(raw: RawTable, keep: np.ndarray) -> RawTable:
    """Return the rows of a table where `keep` is true, with their places."""
    positions = np.flatnonzero(keep)
    place: Callable[[int], str] = raw.place
    return RawTable(
        frame=raw.frame.iloc[positions].reset_index(drop=True),
        place=lambda position: place(int(positions[position])),
        format=raw.format,
        notes=raw.notes,
        separator=raw.separator,
        details=raw.details,
    )
