"""Find the items of a family whose text occurs in a corpus."""

from pathlib import Path

from relscale.evaluation.overlap import document_batches, item_texts, overlapping
from relscale.evaluation.spec import OverlapSpec
from relscale.files import write_json
from relscale.runtime import run


def main(*, spec: OverlapSpec, requests: Path, train: Path, out: Path) -> None:
    """Write the names of the items and their counts."""
    texts = item_texts(requests)
    items, too_short = overlapping(texts, document_batches(train), spec.window_words)
    counts = {
        "items_searched": len(texts),
        "items_too_short": too_short,
        "items_overlapping": len(items),
    }
    write_json(out, {**counts, "items": items})


if __name__ == "__main__":
    run(main)
