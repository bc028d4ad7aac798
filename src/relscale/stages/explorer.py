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
    buckets: Path | None = None,
    documents: Path | None = None,
    suite_contrasts: Path | None = None,
    out: Path,
) -> None:
    """Read the tables and write the page.

    `baselines` are laws against other baselines. Views whose tables are missing or have no rows are
    not offered.
    """
    tables = ExplorerTables.read(
        losses=losses,
        points=points,
        absolute=absolute,
        relative=relative,
        baselines=baselines or (),
        contrasts=contrasts,
        buckets=buckets,
        documents=documents,
        suite_contrasts=suite_contrasts,
    )
    write_text(out, explorer_page(tables, spec))


if __name__ == "__main__":
    run(main)
