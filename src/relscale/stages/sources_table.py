"""Write the table of sources: licences, citations and checksums."""

from pathlib import Path

import pandas as pd

from relscale.contract.io import write_table
from relscale.contract.text_tables import SOURCES_COLUMNS
from relscale.runtime import run
from relscale.text.manifests import SourceContent, read_record
from relscale.text.source_rows import source_rows
from relscale.text.spec import SourcesTableSpec


def main(*, spec: SourcesTableSpec, manifest: list[Path], out: Path) -> None:
    """Write the table; `manifest` are manifests of sources and plans of components."""
    contents = [read_record(path, SourceContent) for path in manifest]
    rows = [dict(row) for row in source_rows(contents, spec.root)]
    write_table(pd.DataFrame(rows, columns=list(SOURCES_COLUMNS)), out, SOURCES_COLUMNS)


if __name__ == "__main__":
    run(main)
