"""One corpus out of the shards of its components: the manifest that training reads, and the
held-out documents by weight.

gather(corpus, settings, records) -> manifest
held_out(corpus, settings, parts) -> documents
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relscale.config.sharded import ShardedCorpus
from relscale.contract.text_tables import CORPORA_COLUMNS
from relscale.provenance.digests import spec_digest
from relscale.text.parquet import read_batches
from relscale.text.tokenize_shard import HeldOut

_COUNTS = CORPORA_COLUMNS[CORPORA_COLUMNS.index("documents_read") :]


def gather(
    corpus: str,
    settings: ShardedCorpus,
    records: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]],
) -> dict[str, Any]:
    """Return the manifest of a sharded corpus.

    Args:
        corpus: its name.
        settings: its components and weights.
        records: by component, path (from the manifest's folder) of each shard's tokens and the
            record beside it, in order.

    Raises:
        ValueError: where shards were made with different tokenizers.
    """
    every = [record for shards in records.values() for _, record in shards]
    tokenizers = {record["tokenizer_sha256"] for record in every}
    if len(tokenizers) != 1:
        raise ValueError(
            f"corpora.sharded.{corpus}: its shards were made with {len(tokenizers)} tokenizers; remove those of the wrong one"
        )
    rows: list[dict[str, Any]] = []
    components: list[dict[str, Any]] = []
    for index, (name, component) in enumerate(settings.components.items()):
        counts = Counter[str]()
        for _, record in records[name]:
            counts.update(record["counts"])
        row: dict[str, Any] = {"corpus": corpus, "component": index, "source": component.source}
        rows.append(row | {column: counts[column] for column in _COUNTS})
        shards = [
            {"path": path, "tokens": record["counts"]["tokens"], "sha256": record["sha256"]}
            for path, record in records[name]
        ]
        components.append(
            {
                "name": name,
                "weight": component.weight,
                "max_epochs": settings.max_epochs,
                "shards": shards,
            }
        )
    sums = [
        [part["name"], part["weight"], [shard["sha256"] for shard in part["shards"]]]
        for part in components
    ]
    manifest = {
        "corpus": corpus,
        "dtype": every[0]["dtype"],
        "vocab_size": every[0]["vocab_size"],
        "tokenizer_sha256": every[0]["tokenizer_sha256"],
        "rows": rows,
        "components": components,
        # What a run is defined by, in place of one file's sum: names, weights and the sums of all
        # shards, in order.
        "sha256": {"train.bin": spec_digest(sums)},
    }
    for suffix in ("", "_validation"):
        manifest |= {
            f"{what}{suffix}": sum(row[f"{what}{suffix}"] for row in rows)
            for what in ("tokens", "documents", "bytes")
        }
    return manifest


def held_out(
    corpus: str, settings: ShardedCorpus, parts: Mapping[str, Sequence[Path]]
) -> Iterator[HeldOut]:
    """Return the validation documents of a corpus: of each component as many bytes as its weight
    asks for.

    As much is taken as all components can give by their weights, up to `validation_mb`; at least
    one document of each. Memory is that of what is taken, and of 16 bytes for each document to
    choose from.

    Args:
        corpus: its name.
        settings: its components.
        parts: by component, the held-out documents of its shards.

    Raises:
        ValueError: naming a component without a held-out document.
    """
    whole = sum(component.weight for component in settings.components.values())
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in settings.components:
        found[name] = _hashes_and_sizes(parts[name])
        if not len(found[name][0]):
            raise ValueError(
                f"corpora.sharded.{corpus}.components.{name}: no document was held out for validation; raise its `validation_share`"
            )
    shares = {name: component.weight / whole for name, component in settings.components.items()}
    total = min(
        settings.validation_mb * 1e6,
        *(int(sizes.sum()) / shares[name] for name, (_, sizes) in found.items()),
    )
    taken: list[np.ndarray] = []
    for name, (hashes, sizes) in found.items():
        order = np.argsort(hashes, kind="stable")
        left, place = shares[name] * total, 0
        for place, size in enumerate(sizes[order].tolist()):
            left -= size
            if place and left < 0:
                break
        else:
            place += 1
        taken.append(order[:place])
    return _in_order(
        [found[name][0][rows] for name, rows in zip(found, taken, strict=True)],
        taken,
        [parts[name] for name in found],
    )


def _hashes_and_sizes(paths: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Return hash (uint64) and UTF-8 bytes of text (int64) of each document of some files, in
    order: (documents,) each."""
    hashes, sizes = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for path in paths:
        for batch in read_batches(path):
            hashes.append(
                np.array(
                    [int(document, 16) for document in batch.column("document").to_pylist()],
                    np.uint64,
                )
            )
            text = batch.column("text")
            offsets = np.frombuffer(text.buffers()[1], np.int32)[
                text.offset : text.offset + len(text) + 1
            ]
            sizes.append(np.diff(offsets).astype(np.int64))
    return np.concatenate(hashes), np.concatenate(sizes)


def _in_order(
    hashes: Sequence[np.ndarray], rows: Sequence[np.ndarray], parts: Sequence[Sequence[Path]]
) -> Iterator[HeldOut]:
    """Yield the documents in these rows of each component's files, by hash and component."""
    # Bytes, since one letter beyond Latin-1 makes a string twice as large.
    texts = [_texts(paths, wanted) for paths, wanted in zip(parts, rows, strict=True)]
    owners = np.repeat(np.arange(len(rows)), [len(wanted) for wanted in rows])
    flat = np.concatenate(hashes)
    places = np.concatenate([np.arange(len(wanted)) for wanted in rows])
    for index in np.lexsort((owners, flat)):
        owner, place = int(owners[index]), int(places[index])
        yield HeldOut(
            component=owner, document=f"{int(flat[index]):016x}", text=texts[owner][place].decode()
        )


def _texts(paths: Sequence[Path], rows: np.ndarray) -> list[bytes]:
    """Return the texts in some rows of some files, in the order of the rows."""
    texts = [b""] * len(rows)
    order = np.argsort(rows)
    ascending = rows[order]
    start = 0
    for path in paths:
        for batch in read_batches(path):
            column, end = batch.column("text"), start + len(batch)
            for index in range(*np.searchsorted(ascending, [start, end])):
                texts[int(order[index])] = (
                    column[int(ascending[index]) - start].as_buffer().to_pybytes()
                )
            start = end
    return texts
