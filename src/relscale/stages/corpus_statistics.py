"""Stage `corpus_statistics`: statistics of the training documents of one corpus."""

from pathlib import Path

from relscale.contract.corpus_statistics import CORPUS_STATISTICS
from relscale.contract.io import write_table
from relscale.corpus_statistics.rows import corpus_rows
from relscale.corpus_statistics.spec import StatisticsSpec
from relscale.runtime import run
from relscale.text.manifests import read_record
from relscale.text.tokens_manifest import CorpusRows


def main(*, spec: StatisticsSpec, train: Path, words: Path, manifest: Path, out: Path) -> None:
    """Read documents, their words and the manifest of their tokens; write one row."""
    counts = read_record(manifest, CorpusRows).rows
    write_table(corpus_rows(spec, train, words, counts), out, CORPUS_STATISTICS)


if __name__ == "__main__":
    run(main)
