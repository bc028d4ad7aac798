"""Reading and writing tables as CSV or Parquet; a file is written completely or not at all."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from relscale.contract.check import check_columns
from relscale.contract.status import split_old_status
from relscale.contract.table import Table
from relscale.files import replacing

OLD_NAMES = {"suite": "corpus", "error": "value", "error_metric": "metric"}
"""Present names of the columns of older tables and of tables from outside."""
OLD_QUANTITIES = {"error": "value"}
"""Present names of the quantities of an older back-test."""


def read_table(path: Path, required: Iterable[str] = ()) -> pd.DataFrame:
    """Read one table by its ending (.csv or .parquet); budgets stay text.

    Older names of columns and of a back-test's quantities become the present ones, and the status
    of an older law table is split into status and remarks.

    Raises:
        ValueError: naming the file, where it is missing, has another ending, cannot be read or
            lacks a required column.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
    elif path.suffix == ".csv":
        try:
            frame = pd.read_csv(
                path, dtype={"budget": str, "held_out_budget": str}, keep_default_na=True
            )
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise ValueError(f"{path}: not a readable CSV table: {error}") from error
    else:
        raise ValueError(f"{path}: a table must end in .csv or .parquet")
    required = tuple(required)
    frame = with_present_names(frame)
    if "remarks" in required:
        frame = with_remarks(frame)
    check_columns(str(path), frame.columns, required)
    if "budget" in frame.columns:
        frame["budget"] = frame["budget"].astype(str)
    return frame


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


def write_table(frame: pd.DataFrame, path: Path, table: Table | Sequence[str]) -> None:
    """Write a table with its columns in the contract's order, as CSV or Parquet by the ending.

    The same frame gives the same bytes.

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
            frame.to_csv(temporary, index=False, lineterminator="\n", float_format="%.10g")
