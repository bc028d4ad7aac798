"""Count the words of a corpus's training documents."""

from itertools import chain
from pathlib import Path

from relscale.evaluation.byte_buckets import count_words
from relscale.evaluation.overlap import document_batches
from relscale.evaluation.token_bytes import write_word_counts
from relscale.runtime import run


def main(*, train: Path, out: Path) -> None:
    """Write the words and their counts, the most frequent first."""
    write_word_counts(count_words(chain.from_iterable(document_batches(train))), out)


if __name__ == "__main__":
    run(main)
