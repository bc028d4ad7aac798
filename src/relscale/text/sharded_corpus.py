"""One corpus out of the shards of its components: the manifest that training reads, and the held-out documents by weight.

gather(corpus, settings, records) -> manifest
held_out(corpus, settings, parts) -> documents
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from relscale.digests import spec_digest
from relscale.records.text import CORPORA_COLUMNS
from relscale.settings.sharded import ShardedCorpus
from relscale.text.parquet import read_batches
from relscale.text.tokenize_shard import HeldOut

_COUNTS = CORPORA_COLUMNS[CORPORA_COLUMNS.index("documents_read") :]


def gather(corpus: str, settings: ShardedCorpus, records: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]]) -> dict[str, Any]:
    """Return the manifest of a sharded corpus.

    Args:
        corpus: its name.
        settings: its components and weights.
        records: by component, path (from the manifest's folder) of each shard's tokens and the record beside it, in order.

    Raises:
        ValueError: where shards were made with different tokenizers.
    """
    every = [record for shards in records.values() for _, record in shards]
    tokenizers = {record["tokenizer_sha256"] for record in every}
    if len(tokenizers) != 1:
        raise ValueError(f"corpora.sharded.{corpus}: its shards were made with {len(tokenizers)} tokenizers; remove those of the wrong one")
    rows: list[dict[str, Any]] = []
    components: list[dict[str, Any]] = []
    for index, (name, component) in enumerate(settings.components.items()):
        counts = Counter[str]()
        for _, record in records[name]:
            counts.update(record["counts"])
        row: dict[str, Any] = {"corpus": corpus, "component": index, "source": component.source}
        rows.append(row | {column: counts[column] for column in _COUNTS})
        shards = [{"path": path, "tokens": record["counts"]["tokens"], "sha256": record["sha256"]} for path, record in records[name]]
        components.append({"name": name, "weight": component.weight, "max_epochs": settings.max_epochs, "shards": shards})
    sums = [[part["name"], part["weight"], [shard["sha256"] for shard in part["shards"]]] for part in components]
    manifest = {
        "corpus": corpus,
        "dtype": every[0]["dtype"],
        "vocab_size": every[0]["vocab_size"],
        "tokenizer_sha256": every[0]["tokenizer_sha256"],
        "rows": rows,
        "components": components,
        # What a run is defined by, in place of one file's sum: names, weights and the sums of all shards, in order.
        "sha256": {"train.bin": spec_digest(sums)},
    }
    for suffix in ("", "_validation"):
        manifest |= {f"{what}{suffix}": sum(row[f"{what}{suffix}"] for row in rows) for what in ("tokens", "documents", "bytes")}
    return manifest


def held_out(corpus: str, settings: ShardedCorpus, parts: Mapping[str, Sequence[Path]]) -> list[HeldOut]:
    """Return the validation documents of a corpus: of each component as many bytes as its weight asks for.

    As much is taken as all components can give by their weights, up to `validation_mb`; at least one document of each.

    Args:
        corpus: its name.
        settings: its components.
        parts: by component, the held-out documents of its shards.

    Raises:
        ValueError: naming a component without a held-out document.
    """
    whole = sum(component.weight for component in settings.components.values())
    found: dict[str, list[HeldOut]] = {}
    for index, name in enumerate(settings.components):
        documents = [
            HeldOut(component=index, document=document, text=text)
            for path in parts[name]
            for batch in read_batches(path)
            for document, text in zip(batch.column("document").to_pylist(), batch.column("text").to_pylist(), strict=True)
        ]
        if not documents:
            raise ValueError(
                f"corpora.sharded.{corpus}.components.{name}: no document was held out for validation; raise its `validation_share`"
            )
        found[name] = sorted(documents, key=lambda one: one.document)
    shares = {name: component.weight / whole for name, component in settings.components.items()}
    sizes = {name: sum(len(one.text.encode()) for one in documents) for name, documents in found.items()}
    total = min(settings.validation_mb * 1e6, *(sizes[name] / shares[name] for name in found))
    chosen: list[HeldOut] = []
    for name, documents in found.items():
        left = shares[name] * total
        for place, one in enumerate(documents):
            left -= len(one.text.encode())
            if place and left < 0:
                break
            chosen.append(one)
    return sorted(chosen, key=lambda one: (one.document, one.component))
