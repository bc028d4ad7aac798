"""Write the table of corpora: documents, bytes, tokens and removals of each component."""

from pathlib import Path

import pandas as pd

from relscale.contract.io import write_table
from relscale.contract.text_tables import CORPORA_COLUMNS
from relscale.runtime import run
from relscale.text.manifests import read_record
from relscale.text.tokens_manifest import CorpusRows


def main(*, manifest: list[Path], out: Path) -> None:
    """Write the table from the manifests of all corpora's tokens."""
    manifests = sorted((read_record(path, CorpusRows) for path in manifest), key=lambda m: m.corpus)
    rows = [dict(row) for one in manifests for row in one.rows]
    write_table(pd.DataFrame(rows, columns=list(CORPORA_COLUMNS)), out, CORPORA_COLUMNS)


if __name__ == "__main__":
    run(main)
