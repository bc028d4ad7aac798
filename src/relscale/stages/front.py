"""Stage `front`: write the front page."""

from pathlib import Path

from relscale.files import write_text
from relscale.pages.findings import FindingsTables
from relscale.pages.front import FrontFigure, PageLink, front_page
from relscale.pages.spec import FrontSpec
from relscale.runtime import run


def main(
    *,
    spec: FrontSpec,
    relative: Path,
    suite: Path,
    families: Path | None = None,
    forecast: Path | None = None,
    scores: list[Path] | None = None,
    decisions: list[Path] | None = None,
    representation: list[Path] | None = None,
    figure: list[Path] | None = None,
    out: Path,
) -> None:
    """Read laws, suite and at most one drawing, and write the page."""
    tables = FindingsTables.read(
        relative=relative,
        suite=suite,
        families=families,
        forecast=forecast,
        scores=next(iter(scores or ()), None),
        decisions=next(iter(decisions or ()), None),
        representation=next(iter(representation or ()), None),
    )
    drawing = next(iter(figure or ()), None)
    page = front_page(
        tables,
        spec.findings,
        title=spec.title,
        links=[PageLink(href=href, text=text) for href, text in spec.links.items()],
        figure=None if drawing is None else FrontFigure.read(drawing, spec.caption),
    )
    write_text(out, page)


if __name__ == "__main__":
    run(main)
