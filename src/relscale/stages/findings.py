"""Stage `findings`: write the findings page and the first page of the report."""

from pathlib import Path

from relscale.contract.io import read_table
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.contract.tables.relative import RELATIVE
from relscale.files import write_text
from relscale.pages.findings import findings_page, findings_rst, result_links
from relscale.pages.spec import FindingsSpec
from relscale.runtime import run


def main(
    *,
    spec: FindingsSpec,
    relative: Path,
    suite: Path,
    link: list[str] | None = None,
    out_page: Path,
    out_text: Path,
) -> None:
    """Read relative laws and suite, write both pages; `link` names other pages of the report."""
    laws, runs = read_table(relative, RELATIVE.names), read_table(suite, SUITE_COLUMNS)
    links = result_links([out_page.name, *(link or [])])
    write_text(out_page, findings_page(laws, runs, spec))
    write_text(out_text, findings_rst(laws, runs, spec, links))


if __name__ == "__main__":
    run(main)
