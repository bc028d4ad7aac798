"""Stage `corpora_table`: documents, bytes and tokens of all corpora's components, and what was
removed by cause."""

import argparse
from pathlib import Path

import pandas as pd

from relscale.contract.io import write_table
from relscale.contract.text_tables import CORPORA_COLUMNS
from relscale.files import read_json
from relscale.runtime import run


def main() -> None:
    """Parse the arguments, collect the manifests' rows, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", required=True, nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    manifests = sorted(
        (read_json(path) for path in arguments.manifest),
        key=lambda manifest: str(manifest["corpus"]),
    )
    rows = [row for manifest in manifests for row in manifest["rows"]]
    write_table(pd.DataFrame(rows, columns=list(CORPORA_COLUMNS)), arguments.out, CORPORA_COLUMNS)


if __name__ == "__main__":
    run(main)
