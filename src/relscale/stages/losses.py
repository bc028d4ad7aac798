"""Gather evaluations into the losses and the items of a family, or of all families."""

from pathlib import Path

from relscale.contract.arrow import write_parquet
from relscale.contract.io import write_table
from relscale.contract.losses import ITEMS_COLUMNS, ITEMS_KEY, LOSSES_COLUMNS, LOSSES_KEY
from relscale.evaluation.gather import gather_rows
from relscale.runtime import run


def main(
    *,
    losses: list[Path],
    items: list[Path],
    out_losses: Path,
    out_items: Path,
    out_csv: Path | None = None,
) -> None:
    """Write both tables as Parquet, and the losses also as CSV if wanted."""
    rows = gather_rows(losses, LOSSES_COLUMNS, LOSSES_KEY)
    per_item = gather_rows(items, ITEMS_COLUMNS, ITEMS_KEY)
    write_parquet(rows, out_losses)
    write_parquet(per_item, out_items)
    if out_csv:
        write_table(rows.to_pandas(), out_csv, LOSSES_COLUMNS)


if __name__ == "__main__":
    run(main)
