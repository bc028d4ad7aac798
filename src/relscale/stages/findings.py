"""Stage `findings`: write the findings page and the first page of the report."""

from pathlib import Path

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
    scores: list[Path] | None = None,
    decisions: list[Path] | None = None,
    representation: list[Path] | None = None,
    link: list[str] | None = None,
    out_page: Path,
    out_text: Path,
) -> None:
    """Read laws and suite, write both pages; `link` names other pages of the report.

    `decisions` is the list of decisions about a losses table, if the experiment has one.
    """
    tables = FindingsTables.read(
        relative=relative,
        suite=suite,
        families=families,
        forecast=forecast,
        scores=next(iter(scores or ()), None),
        decisions=next(iter(decisions or ()), None),
        representation=next(iter(representation or ()), None),
    )
    links = result_links([out_page.name, *(link or [])])
    write_text(out_page, findings_page(tables, spec))
    write_text(out_text, findings_rst(tables, spec, links))


if __name__ == "__main__":
    run(main)
