"""Stage `html_table`: write a table as a sortable HTML page, which a report can show."""

from pathlib import Path

from relscale.contract.io import read_table
from relscale.files import write_text
from relscale.pages.tables_html import table_page
from relscale.runtime import run


def main(*, csv: Path, html: Path, title: str = "", remark: str = "") -> None:
    """Read a table (.csv or .parquet), write its page; the default title is the file's name."""
    write_text(html, table_page(read_table(csv), title or csv.stem, remark))


if __name__ == "__main__":
    run(main)
