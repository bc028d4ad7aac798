"""Compare two folders of law tables, one of them written by an older version.

    python tests/golden/compare_tables.py BEFORE AFTER

Older tables have other names of columns (and of the back-test's quantity), and one column `status`
instead of `status` and `remarks`. Apart from that every table must be equal, value by value (NaN
equals NaN) and in the same order. Prints the differences; the exit code is 1 if there is one.
"""

import sys
from pathlib import Path

import pandas as pd

RENAMED = {"suite": "corpus", "error": "value", "error_metric": "metric"}
SEPARATOR = "; "


def read(path: Path) -> pd.DataFrame:
    """Read a table as text where it is CSV, so that digits count, else as it is."""
    return (
        pd.read_parquet(path)
        if path.suffix == ".parquet"
        else pd.read_csv(path, dtype=str, keep_default_na=False)
    )


def older_form(frame: pd.DataFrame) -> pd.DataFrame:
    """Join status and remarks, drop `suite` if it equals `corpus`, and rename columns."""
    if {"suite", "corpus"} <= set(frame.columns) and frame["suite"].equals(frame["corpus"]):
        frame = frame.drop(columns="suite")
    names = {old: new for old, new in RENAMED.items() if new not in frame.columns}
    frame = frame.rename(columns=names)
    if "quantity" in frame.columns:
        frame = frame.assign(quantity=frame["quantity"].replace(RENAMED))
    if "remarks" in frame.columns:
        pairs = zip(frame["status"], frame["remarks"].fillna(""), strict=True)
        joined = [f"{status}{SEPARATOR if remarks else ''}{remarks}" for status, remarks in pairs]
        frame = frame.drop(columns="remarks").assign(status=joined)
    return frame


def difference(before: Path, after: Path) -> str:
    """Return the first difference between two files, empty where there is none."""
    if not after.is_file():
        return "missing"
    if before.suffix not in (".csv", ".parquet"):
        return "" if before.read_bytes() == after.read_bytes() else "other bytes"
    old, new = older_form(read(before)), older_form(read(after))
    if list(old.columns) != list(new.columns):
        return f"columns {sorted(set(old.columns) ^ set(new.columns)) or 'in another order'}"
    try:
        pd.testing.assert_frame_equal(old, new, check_exact=True, check_dtype=len(old) > 0)
    except AssertionError as error:
        return " ".join(str(error).split())
    return ""


def main() -> None:
    """Compare every file of the first folder with its namesake in the second."""
    before, after = (Path(word) for word in sys.argv[1:])
    wrong = 0
    files = sorted(path for path in before.rglob("*") if path.is_file())
    for path in files:
        said = difference(path, after / path.relative_to(before))
        wrong += bool(said)
        if said:
            print(f"{path.relative_to(before)}: {said}")
    print(f"{len(files)} files compared, {wrong} differ")
    sys.exit(bool(wrong) or not files)


if __name__ == "__main__":
    main()
