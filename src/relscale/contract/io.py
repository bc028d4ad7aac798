"""Reading and writing tables as CSV or Parquet; a file is written completely or not at all."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from relscale.contract.arrow import read_parquet
from relscale.contract.check import check_columns
from relscale.contract.columns import FLAGS, MISSING, TEXT, with_formula, without_formula
from relscale.contract.csv_text import CsvText, read_csv_text
from relscale.contract.status import split_old_status
from relscale.contract.table import Table
from relscale.contract.typed import Place, check_keys, check_names, row_of, typed
from relscale.files import replacing

OLD_NAMES = {"suite": "corpus", "error": "value", "error_metric": "metric"}
"""Present names of the columns of older tables and of tables from outside."""
DIGITS = 10
"""Significant digits of floats in a CSV file, where a table's contract states no other number."""
P_DIGITS = 6
"""Significant digits of p values, which magnify the rounding of the statistic that they are of."""
OLD_QUANTITIES = {"error": "value"}
"""Present names of the quantities of an older back-test."""


def read_table(path: Path, required: Iterable[str] = (), keys: Iterable[str] = ()) -> pd.DataFrame:
    """Read one table by its ending (.csv or .parquet); its columns have the types of their names.

    Names and words stay text (`relscale.contract.columns`); several spellings of a budget get the
    first one. Older names of columns and of a back-test's quantities become the present ones, and
    the status of an older law table is split into status and remarks.

    Args:
        path: the file.
        required: columns that it must have.
        keys: columns of names that no row may lack.

    Raises:
        ValueError: naming the file, where it is missing, has another ending, cannot be read, lacks
            a required column, has text in a column of numbers, or an empty name in a key.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    ending = path.suffix.lower()
    if ending == ".parquet":
        frame, place = _read_parquet(path)
    elif ending == ".csv":
        frame, place = _read_csv(path)
    else:
        raise ValueError(f"{path}: a table must end in .csv or .parquet")
    frame = typed(frame, str(path), place)
    for key in keys:
        old = [name for name, new in OLD_NAMES.items() if new == key and key not in frame.columns]
        check_keys(frame, [key, *old], str(path), place)
    required = tuple(required)
    frame = with_present_names(frame)
    if "remarks" in required:
        frame = with_remarks(frame)
    check_columns(str(path), frame.columns, required)
    return frame


def _read_csv(path: Path) -> tuple[pd.DataFrame, Place]:
    """Read a CSV table, checked by `read_csv_text`; return it and the line of each row."""
    found = read_csv_text(path)
    missing = {name: [""] if name in TEXT else MISSING for name in found.header}
    frame = pd.read_csv(
        io.StringIO(_csv_of(found)),
        header=None,
        names=[name or f"unnamed {index}" for index, name in enumerate(found.header)],
        dtype={name: str for name in found.header if name in TEXT | FLAGS},
        keep_default_na=False,
        na_values={name: words for name, words in missing.items() if name},
        index_col=False,
        low_memory=False,
    )
    return frame, lambda position: f"line {found.lines[position]}"


def _csv_of(found: CsvText) -> str:
    """Return complete rows as CSV without a header, with names as they were before writing."""
    names = [index for index, name in enumerate(found.header) if name in TEXT]
    for cells in found.rows:
        for index in names:
            cells[index] = with_formula(cells[index])
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(found.rows)
    return text.getvalue()


def _read_parquet(path: Path) -> tuple[pd.DataFrame, Place]:
    table = read_parquet(path)
    check_names(str(path), table.column_names)
    frame: pd.DataFrame = table.to_pandas()
    if any(frame.index.names):
        frame = frame.reset_index()
    return frame, row_of


def with_present_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Rename columns and quantities of older tables; columns only if the new name is free."""
    names = {
        old: new
        for old, new in OLD_NAMES.items()
        if old in frame.columns and new not in frame.columns
    }
    frame = frame.rename(columns=names) if names else frame
    if "quantity" in frame.columns:
        frame = frame.assign(quantity=frame["quantity"].replace(OLD_QUANTITIES))
    return frame


def with_remarks(frame: pd.DataFrame) -> pd.DataFrame:
    """Split the status of an older law table into status and remarks."""
    if "status" not in frame.columns or "remarks" in frame.columns:
        return frame
    parts = [split_old_status(cell) for cell in frame["status"]]
    return frame.assign(
        status=[status for status, _ in parts], remarks=[remarks for _, remarks in parts]
    )


def read_tables(paths: Sequence[Path], required: Iterable[str] = ()) -> pd.DataFrame:
    """Read several tables of the same kind into one, in the order given."""
    required = tuple(required)
    frames = [read_table(path, required) for path in paths]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def is_p_value(name: str) -> bool:
    """Return whether a column has p values, by its name."""
    return name.startswith("p_") or name.endswith("_p")


def write_table(frame: pd.DataFrame, path: Path, table: Table | Sequence[str]) -> None:
    """Write a table with its columns in the contract's order, as CSV or Parquet by the ending.

    The same frame gives the same bytes. Floats are rounded in CSV, to the digits that the contract
    states.

    Args:
        frame: the rows.
        path: a file that ends in .csv or .parquet.
        table: the table's contract, or only its columns.

    Raises:
        ValueError: where a column is missing or is not in the table's contract, or where two rows
            have the same key.
    """
    columns = table.names if isinstance(table, Table) else tuple(table)
    check_columns(str(path), frame.columns, columns)
    unknown = [column for column in frame.columns if column not in columns]
    if unknown:
        raise ValueError(f"{path}: column(s) {', '.join(unknown)} are not in the table's contract")
    if isinstance(table, Table) and frame.duplicated(list(table.key)).any():
        row = frame.loc[frame.duplicated(list(table.key)), list(table.key)].iloc[0].to_dict()
        raise ValueError(f"{path}: more than one row with key {row}")
    frame = frame.loc[:, list(columns)]
    with replacing(path) as temporary:
        if path.suffix == ".parquet":
            frame.to_parquet(temporary, index=False, compression="zstd")
        else:
            for name in TEXT & set(frame.columns):
                frame[name] = frame[name].map(without_formula, na_action="ignore")
            for name in filter(is_p_value, frame.columns):
                frame[name] = frame[name].map(lambda p: float(f"{p:.{P_DIGITS}g}"))
            digits = table.digits if isinstance(table, Table) else DIGITS
            frame.to_csv(temporary, index=False, lineterminator="\n", float_format=f"%.{digits}g")
