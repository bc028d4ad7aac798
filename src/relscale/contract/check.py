"""Checking that a table has the columns that it needs."""

from collections.abc import Iterable


def check_columns(where: str, present: Iterable[str], required: Iterable[str]) -> None:
    """Check that a table has the columns that it needs.

    Raises:
        ValueError: naming the table, the missing columns and those present.
    """
    present = list(present)
    missing = [column for column in required if column not in present]
    if missing:
        raise ValueError(
            f"{where}: missing column(s) {', '.join(missing)}; it has {', '.join(present)}"
        )
