"""Stage `provenance`: write the provenance page of an experiment."""

from pathlib import Path

import yaml

from relscale.contract.io import read_table
from relscale.contract.text_tables import SOURCES_COLUMNS
from relscale.files import write_text
from relscale.pages.provenance import provenance_page, stage_costs
from relscale.pages.spec import ProvenanceSpec
from relscale.runtime import run


def main(
    *,
    spec: ProvenanceSpec,
    sources: Path,
    table: list[Path],
    citation: Path,
    benchmarks: list[Path],
    shared_benchmarks: Path,
    out: Path,
) -> None:
    """Read tables and benchmark records, write the page; checksums of `table` are shown."""
    page = provenance_page(
        costs=stage_costs(benchmarks, shared_benchmarks, spec.shared_keys),
        sources=read_table(sources, SOURCES_COLUMNS),
        tables=table,
        citation=yaml.safe_load(citation.read_text(encoding="utf-8")),
        spec=spec,
    )
    write_text(out, page)


if __name__ == "__main__":
    run(main)
