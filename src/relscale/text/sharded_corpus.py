"""Combine the shards of a corpus: write its manifest and choose its held-out documents.

Read `gather_shards` and `held_out_documents` first.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from relscale.config.sharded import ShardedCorpus
from relscale.contract.text_tables import CORPORA_COLUMNS, CorpusRow
from relscale.files import sha256_of, write_json
from relscale.provenance.digests import spec_digest
from relscale.text.document_files import read_batches, write_documents
from relscale.text.manifests import ShardRecord, read_record
from relscale.text.shard_tokens import HeldOutDocument
from relscale.text.tokens_manifest import ComponentShards, ShardedManifest, ShardFile

_COUNTS = CORPORA_COLUMNS[3:]
"""Columns that hold counts: all but corpus, component and source."""


def write_corpus(
    corpus: str,
    settings: ShardedCorpus,
    folders: Mapping[str, Path],
    validation_path: Path,
    manifest_path: Path,
) -> None:
    """Write the manifest and the held-out documents of a sharded corpus.

    Args:
        corpus: its name.
        settings: its components and weights.
        folders: folder of the shards of each component.
        validation_path: the file of held-out documents to write.
        manifest_path: the manifest to write.

    Raises:
        ValueError: if the shards were built with different tokenizers, a component has no held-out
            document, or a file cannot be written.
    """
    paths = {
        name: [folders[name] / f"{index:05d}.bin" for index in range(component.shards)]
        for name, component in settings.components.items()
    }
    records = {
        name: [
            (
                os.path.relpath(path, manifest_path.parent),
                read_record(path.with_suffix(".json"), ShardRecord),
            )
            for path in some
        ]
        for name, some in paths.items()
    }
    parts = {name: [path.with_suffix(".parquet") for path in some] for name, some in paths.items()}
    manifest = gather_shards(corpus, settings, records)
    chosen = held_out_documents(corpus, settings, parts)
    try:
        write_documents(chosen, validation_path)
        checksums = manifest.sha256 | {validation_path.name: sha256_of(validation_path)}
        complete = manifest.model_copy(update={"sha256": checksums})
        write_json(manifest_path, complete.model_dump(mode="json"))
    except OSError as error:
        raise ValueError(
            f"{manifest_path.parent}: cannot be written: {error}; free some space and start again"
        ) from error


def gather_shards(
    corpus: str,
    settings: ShardedCorpus,
    records: Mapping[str, Sequence[tuple[str, ShardRecord]]],
) -> ShardedManifest:
    """Return the manifest of a sharded corpus.

    Args:
        corpus: its name.
        settings: its components and weights.
        records: for each component, the path of each shard's tokens (relative to the manifest's
            folder) and its record, in order.

    Raises:
        ValueError: if the shards were built with different tokenizers.
    """
    every = [record for shards in records.values() for _, record in shards]
    if len(tokenizers := {record.tokenizer_sha256 for record in every}) != 1:
        raise ValueError(
            f"corpora.sharded.{corpus}: its shards were built with {len(tokenizers)} tokenizers;"
            " remove those of the wrong one"
        )
    rows: list[CorpusRow] = []
    components: list[ComponentShards] = []
    for index, (name, component) in enumerate(settings.components.items()):
        counts = _added_up(record for _, record in records[name])
        rows.append(CorpusRow(corpus=corpus, component=index, source=component.source, **counts))
        shards = [
            ShardFile(path=path, tokens=record.counts.tokens, sha256=record.sha256)
            for path, record in records[name]
        ]
        components.append(
            ComponentShards(
                name=name,
                weight=component.weight,
                max_epochs=settings.max_epochs,
                shards=shards,
            )
        )
    # This digest defines a run's training set, in place of one file's checksum: names, weights and
    # checksums of all shards, in order.
    training_set = spec_digest(
        [[part.name, part.weight, [shard.sha256 for shard in part.shards]] for part in components]
    )
    return ShardedManifest(
        corpus=corpus,
        dtype=every[0].dtype,
        vocab_size=every[0].vocab_size,
        tokenizer_sha256=every[0].tokenizer_sha256,
        rows=rows,
        components=components,
        sha256={"train.bin": training_set},
        tokens=sum(row.tokens for row in rows),
        documents=sum(row.documents for row in rows),
        bytes=sum(row.bytes for row in rows),
        tokens_validation=sum(row.tokens_validation for row in rows),
        documents_validation=sum(row.documents_validation for row in rows),
        bytes_validation=sum(row.bytes_validation for row in rows),
    )


def _added_up(records: Iterable[ShardRecord]) -> dict[str, int]:
    """Return the counts of some shards by column of the table of corpora."""
    counts = Counter[str]()
    for record in records:
        counts.update(vars(record.counts))
    return {column: counts[column] for column in _COUNTS}


def held_out_documents(
    corpus: str, settings: ShardedCorpus, parts: Mapping[str, Sequence[Path]]
) -> Iterator[HeldOutDocument]:
    """Return the validation documents of a corpus, in proportion to the weights.

    The total is as large as all components can fill by their weights, up to `validation_mb`; each
    component gives at least one document. Memory is that of the chosen text and of 16 bytes per
    candidate.

    Args:
        corpus: its name.
        settings: its components.
        parts: files of held-out documents of each component's shards.

    Raises:
        ValueError: naming a component without held-out documents.
    """
    whole = sum(component.weight for component in settings.components.values())
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in settings.components:
        found[name] = _hashes_and_sizes(parts[name])
        if not len(found[name][0]):
            raise ValueError(
                f"corpora.sharded.{corpus}.components.{name}: no document was held out for"
                " validation; raise its `validation_share`"
            )
    shares = {name: component.weight / whole for name, component in settings.components.items()}
    total = min(
        settings.validation_mb * 1e6,
        *(int(sizes.sum()) / shares[name] for name, (_, sizes) in found.items()),
    )
    taken = [
        _first_rows(hashes, sizes, shares[name] * total) for name, (hashes, sizes) in found.items()
    ]
    return _in_order(
        [found[name][0][rows] for name, rows in zip(found, taken, strict=True)],
        taken,
        [parts[name] for name in found],
    )


def _first_rows(hashes: np.ndarray, sizes: np.ndarray, num_bytes: float) -> np.ndarray:
    """Return the rows with the smallest hashes that fit into a number of bytes, at least one."""
    order = np.argsort(hashes, kind="stable")
    left, place = num_bytes, 0
    for place, size in enumerate(sizes[order].tolist()):
        left -= size
        if place and left < 0:
            break
    else:
        place += 1
    return order[:place]


def _hashes_and_sizes(paths: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Return hash (uint64) and UTF-8 bytes of text (int64) of each document, (documents,) each."""
    hashes, sizes = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for path in paths:
        for batch in read_batches(path):
            names = batch.column("document").to_pylist()
            hashes.append(np.array([int(document, 16) for document in names], np.uint64))
            text = batch.column("text")
            offsets = np.frombuffer(text.buffers()[1], np.int32)[
                text.offset : text.offset + len(text) + 1
            ]
            sizes.append(np.diff(offsets).astype(np.int64))
    return np.concatenate(hashes), np.concatenate(sizes)


def _in_order(
    hashes: Sequence[np.ndarray], rows: Sequence[np.ndarray], parts: Sequence[Sequence[Path]]
) -> Iterator[HeldOutDocument]:
    """Yield the documents in these rows of each component's files, by hash and component."""
    # Bytes, because one character outside Latin-1 doubles the size of a string.
    texts = [_texts(paths, wanted) for paths, wanted in zip(parts, rows, strict=True)]
    owners = np.repeat(np.arange(len(rows)), [len(wanted) for wanted in rows])
    flat = np.concatenate(hashes)
    places = np.concatenate([np.arange(len(wanted)) for wanted in rows])
    for index in np.lexsort((owners, flat)):
        owner, place = int(owners[index]), int(places[index])
        yield HeldOutDocument(
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
                text = column[int(ascending[index]) - start]
                texts[int(order[index])] = text.as_buffer().to_pybytes()
            start = end
    return texts
