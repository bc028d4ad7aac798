"""Find a family's items whose text stands in a corpus."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from relscale.evaluation.overlap import overlapping
from relscale.files import write_json
from relscale.runtime import run


def texts_of(requests: Path) -> dict[str, str]:
    """Return the text of each item by name; an item of several domains is there once."""
    table = pq.read_table(requests, columns=["item", "text"])
    pairs = zip(table["item"].to_pylist(), table["text"].to_pylist(), strict=True)
    return {item: text for item, text in pairs if text}


def batches_of(train: Path) -> Iterator[list[str]]:
    """Yield the documents of a corpus, a batch at a time."""
    with pq.ParquetFile(train) as table:
        for batch in table.iter_batches(batch_size=1024, columns=["text"]):
            yield batch["text"].to_pylist()


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument("--requests", required=True, type=Path)
    parser.add_argument("--train", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    texts = texts_of(args.requests)
    items, too_short = overlapping(texts, batches_of(args.train), args.spec["window_words"])
    counts = {
        "items_searched": len(texts),
        "items_too_short": too_short,
        "items_overlapping": len(items),
    }
    write_json(args.out, {**counts, "items": items})


if __name__ == "__main__":
    run(main)
