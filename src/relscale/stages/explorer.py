"""Stage `explorer`: write the explorer of an experiment's losses and laws."""

from pathlib import Path

from relscale.files import write_text
from relscale.pages.explorer import ExplorerTables, explorer_page
from relscale.pages.spec import ExplorerSpec
from relscale.runtime import run


def main(
    *,
    spec: ExplorerSpec,
    losses: Path,
    points: Path,
    absolute: Path,
    relative: Path,
    baselines: list[Path] | None = None,
    contrasts: Path | None = None,
    buckets: list[Path] | None = None,
    documents: list[Path] | None = None,
    suite_contrasts: list[Path] | None = None,
    out: Path,
) -> None:
    """Read the tables and write the page.

    `baselines` are laws against other baselines. `buckets`, `documents` and `suite_contrasts` have
    one path or none; views whose tables are missing or have no rows are not offered.
    """
    tables = ExplorerTables.read(
        losses=losses,
        points=points,
        absolute=absolute,
        relative=relative,
        baselines=baselines or (),
        contrasts=contrasts,
        buckets=_only(buckets),
        documents=_only(documents),
        suite_contrasts=_only(suite_contrasts),
    )
    write_text(out, explorer_page(tables, spec))


def _only(paths: list[Path] | None) -> Path | None:
    """Return the one path; None without any, as where an experiment lacks the table."""
    return paths[0] if paths else None


if __name__ == "__main__":
    run(main)
