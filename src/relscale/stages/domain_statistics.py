"""Stage `domain_statistics`: statistics of the text of each domain of one family."""

from pathlib import Path

from relscale.contract.corpus_statistics import CORPUS_STATISTICS
from relscale.contract.io import write_table
from relscale.corpus_statistics.rows import domain_rows
from relscale.corpus_statistics.spec import StatisticsSpec
from relscale.runtime import run
from relscale.text.tokenizer import load_tokenizer


def main(*, spec: StatisticsSpec, requests: Path, tokenizer: Path, out: Path) -> None:
    """Read the requests of a family; write one row per domain."""
    write_table(domain_rows(spec, requests, load_tokenizer(tokenizer)), out, CORPUS_STATISTICS)


if __name__ == "__main__":
    run(main)
