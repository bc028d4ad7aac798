"""Stage `provenance`: versions, hashes, machine, time by stage, licences and how to cite, as a page
of the report."""

import argparse
import json
from pathlib import Path

import yaml

from relscale.contract.io import read_table
from relscale.contract.text_tables import SOURCES_COLUMNS
from relscale.files import write_text
from relscale.pages.provenance import provenance_page, stage_costs
from relscale.runtime import run


def main() -> None:
    """Read the tables and the benchmark records, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec", required=True, help="JSON: experiment, digests, packages, shared_keys"
    )
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument(
        "--table",
        type=Path,
        action="extend",
        nargs="+",
        default=[],
        help="files whose sums are shown",
    )
    parser.add_argument("--citation", type=Path, required=True, help="CITATION.cff")
    parser.add_argument(
        "--benchmarks",
        type=Path,
        action="extend",
        nargs="+",
        default=[],
        help="folders of the experiment's own records",
    )
    parser.add_argument("--shared-benchmarks", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec)
    costs = stage_costs(arguments.benchmarks, arguments.shared_benchmarks, spec["shared_keys"])
    text = provenance_page(
        costs=costs,
        sources=read_table(arguments.sources, SOURCES_COLUMNS),
        tables=arguments.table,
        citation=yaml.safe_load(arguments.citation.read_text(encoding="utf-8")),
        spec=spec,
    )
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
