"""Stage `sources_table`: licences, citations and sums of all sources in one table."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from relscale.contract.io import write_table
from relscale.contract.text_tables import SOURCES_COLUMNS
from relscale.files import read_json
from relscale.runtime import run


def one_a_source(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one manifest for each source, sorted: several components of sharded corpora may each
    have read a part of the same one."""
    by_source: dict[str, list[dict[str, Any]]] = {}
    for manifest in manifests:
        by_source.setdefault(manifest["source"], []).append(manifest)
    result = []
    for _, parts in sorted(by_source.items()):
        sums = sorted({part["sha256"] for part in parts})
        distinct = {part["sha256"]: part for part in parts}.values()
        merged = dict(parts[0])
        if len(sums) > 1:
            merged["sha256"] = hashlib.sha256(" ".join(sums).encode()).hexdigest()
            merged |= {
                name: sum(part[name] for part in distinct) for name in ("num_files", "num_bytes")
            }
        result.append(merged)
    return result


def main() -> None:
    """Parse the arguments, collect the manifests, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec", required=True, type=json.loads, help="JSON: licence and citation of each source"
    )
    parser.add_argument(
        "--manifest",
        required=True,
        nargs="+",
        type=Path,
        help="manifests of sources, plans of components",
    )
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    manifests = one_a_source([read_json(path) for path in arguments.manifest])
    described = [{**manifest, **arguments.spec[manifest["source"]]} for manifest in manifests]
    rows = [{column: manifest[column] for column in SOURCES_COLUMNS} for manifest in described]
    write_table(pd.DataFrame(rows, columns=list(SOURCES_COLUMNS)), arguments.out, SOURCES_COLUMNS)


if __name__ == "__main__":
    run(main)
