"""Stage `sources_table`: licences, citations and sums of all sources in one table."""

import argparse
import json
from pathlib import Path

import pandas as pd

from relscale.command import run
from relscale.files import read_json
from relscale.records.text import SOURCES_COLUMNS
from relscale.tables import write_table


def main() -> None:
    """Parse the arguments, collect the manifests, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads, help="JSON: licence and citation of each source")
    parser.add_argument("--manifest", required=True, nargs="+", type=Path)
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    manifests = sorted((read_json(path) for path in arguments.manifest), key=lambda manifest: str(manifest["source"]))
    described = [{**manifest, **arguments.spec[manifest["source"]]} for manifest in manifests]
    rows = [{column: manifest[column] for column in SOURCES_COLUMNS} for manifest in described]
    write_table(pd.DataFrame(rows, columns=list(SOURCES_COLUMNS)), arguments.out, SOURCES_COLUMNS)


if __name__ == "__main__":
    run(main)
