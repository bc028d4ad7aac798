"""Stage `findings`: the answer in sentences and the verdicts in a table, as a page and as the
report's first page."""

import argparse
import json
from pathlib import Path

from relscale.contract.io import read_table
from relscale.contract.law_tables import RELATIVE_COLUMNS
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.files import write_text
from relscale.pages.findings import findings_page, findings_rst, result_links
from relscale.runtime import run


def main() -> None:
    """Read the relative laws and the suite, write the page and the text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec", required=True, help="JSON: families, corpora, labels, estimator, compute"
    )
    parser.add_argument("--relative", type=Path, required=True)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument(
        "--link",
        action="extend",
        nargs="+",
        default=[],
        help="file names of pages that the report has besides",
    )
    parser.add_argument("--out-page", type=Path, required=True)
    parser.add_argument("--out-text", type=Path, required=True)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec)
    relative, suite = (
        read_table(arguments.relative, RELATIVE_COLUMNS),
        read_table(arguments.suite, SUITE_COLUMNS),
    )
    write_text(arguments.out_page, findings_page(relative, suite, spec))
    write_text(
        arguments.out_text,
        findings_rst(
            relative, suite, spec, result_links([arguments.out_page.name, *arguments.link])
        ),
    )


if __name__ == "__main__":
    run(main)
