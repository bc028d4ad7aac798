"""Read a losses table from outside: losses by family, runs, source and decisions."""

from pathlib import Path

from relscale.contract.arrow import write_parquet
from relscale.contract.io import write_table
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.contract.text_tables import SOURCES_COLUMNS
from relscale.files import write_json, write_text
from relscale.losses_table.families import (
    TableFile,
    by_family,
    check_families,
    decisions_text,
    losses_of,
    no_items,
    plan_text,
    source_of,
    suite_of,
)
from relscale.losses_table.read import read_losses
from relscale.losses_table.spec import LossesTableSpec
from relscale.runtime import run
from relscale.text.local_files import local_files, stamps


def main(
    *,
    spec: LossesTableSpec,
    table: Path,
    listing: str,
    out_losses: list[Path],
    out_items: list[Path],
    out_suite: Path,
    out_bill: Path,
    out_sources: Path,
    out_decisions: Path,
    out_record: Path,
) -> None:
    """Write the tables; `out_losses` and `out_items` have a path for each family, in its folder.

    `listing` is the workflow's name for the file as it is; the record holds it.
    """
    seen = stamps(local_files(table))  # before it is read, so that a later change is noticed
    read = read_losses(spec.table)
    frame = check_families(read.frame, spec.families, str(table))
    losses, items = by_family(out_losses, spec.families), by_family(out_items, spec.families)
    for family in spec.families:
        write_parquet(losses_of(frame, family), losses[family])
        write_parquet(no_items(), items[family])
    file = TableFile.of(table)
    write_table(suite_of(frame), out_suite, SUITE_COLUMNS)
    write_text(out_bill, plan_text(frame, str(table), read.decisions))
    write_table(source_of(file, spec.table.source), out_sources, SOURCES_COLUMNS)
    write_text(out_decisions, decisions_text(read.decisions))
    write_json(
        out_record,
        {"files": {table.name: file.sha256}, "stamps": seen, "listing": listing},
    )


if __name__ == "__main__":
    run(main)
