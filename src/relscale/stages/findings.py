"""Stage `findings`: write the findings page and the first page of the report."""

from pathlib import Path

from relscale.contract.io import read_table
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.contract.tables.families import FAMILIES
from relscale.contract.tables.forecast import FORECAST
from relscale.contract.tables.relative import RELATIVE
from relscale.files import write_text
from relscale.pages.findings import FindingsTables, findings_page, findings_rst, result_links
from relscale.pages.spec import FindingsSpec
from relscale.runtime import run


def main(
    *,
    spec: FindingsSpec,
    relative: Path,
    suite: Path,
    families: Path | None = None,
    forecast: Path | None = None,
    link: list[str] | None = None,
    out_page: Path,
    out_text: Path,
) -> None:
    """Read laws and suite, write both pages; `link` names other pages of the report."""
    tables = FindingsTables(
        relative=read_table(relative, RELATIVE.names),
        suite=read_table(suite, SUITE_COLUMNS),
        families=read_table(families, FAMILIES.names) if families else None,
        forecast=read_table(forecast, FORECAST.names) if forecast else None,
    )
    links = result_links([out_page.name, *(link or [])])
    write_text(out_page, findings_page(tables, spec))
    write_text(out_text, findings_rst(tables, spec, links))


if __name__ == "__main__":
    run(main)
