"""Count the words of a corpus's training documents."""

from pathlib import Path

import pyarrow.parquet as pq

from relscale.evaluation.byte_buckets import count_words
from relscale.evaluation.token_bytes import write_word_counts
from relscale.runtime import run


def main(*, train: Path, out: Path) -> None:
    """Write the words and their counts, the most frequent first."""
    with pq.ParquetFile(train) as documents:
        batches = (batch["text"] for batch in documents.iter_batches(columns=["text"]))
        write_word_counts(count_words(batches), out)


if __name__ == "__main__":
    run(main)
