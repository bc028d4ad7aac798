"""Write a table as a self-contained, sortable HTML page, so that a report can show it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from relscale.contract.io import read_table
from relscale.files import write_text
from relscale.pages.tables_html import table_page
from relscale.runtime import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Read --csv, write --html."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv", type=Path, required=True, help="the table (.csv or .parquet)")
    parser.add_argument("--html", type=Path, required=True)
    parser.add_argument("--title", default="", help="of the page; the file's name if empty")
    parser.add_argument("--remark", default="", help="a sentence above the table")
    parsed = parser.parse_args(arguments)
    write_text(
        parsed.html,
        table_page(read_table(parsed.csv), parsed.title or parsed.csv.stem, parsed.remark),
    )


if __name__ == "__main__":
    run(main)
