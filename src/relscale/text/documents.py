"""From the files of sources to a corpus: clean, deduplicate, decontaminate, mix, split.

    build_corpus(name, corpora, files, windows) -> Corpus

Every document that is read is either in the corpus or counted under the cause of its removal, in
this order: documents_read = removed_too_short + removed_exact_duplicate + removed_near_duplicate +
removed_over_share + documents + documents_validation. (A document of which decontamination leaves
nothing counts as too short.) All choices (part, split, order, share) follow hashes of the
documents, so that one document more or less moves no other. A corpus is held in memory while it is
built.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from relscale.config.corpora import Component, Corpora
from relscale.contract.text_tables import CORPORA_COLUMNS
from relscale.text.decontamination import WindowSet, remove_paragraphs
from relscale.text.duplicates import NearDuplicates, document_hash, fraction
from relscale.text.readers import clean, read_documents
from relscale.text.windows import WordHasher

_BATCH_CHARACTERS = 4_000_000
"""Characters of the documents that are decontaminated in one go."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A document that is in the corpus so far."""

    component: int
    """Place of its component in the mixture, from 0."""
    document: str
    """Hash of its cleaned text, before any paragraph was removed: 16 hexadecimal digits."""
    text: str
    """Its text."""

    @property
    def num_bytes(self) -> int:
        """UTF-8 bytes of the text."""
        return len(self.text.encode())


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus, ready to be tokenized."""

    train: list[Kept]
    """Documents to train on, in the order of a hash, so that components interleave."""
    validation: list[Kept]
    """Documents held out."""
    rows: list[dict[str, str | int]]
    """One row for each component: its counts under the names of the corpora table, without
    tokens."""


def build_corpus(
    name: str, corpora: Corpora, files: Mapping[str, Path], windows: WindowSet
) -> Corpus:
    """Build one corpus.

    Args:
        name: key of `corpora.mixtures`.
        corpora: the mixture and what is done to all corpora.
        files: folder of the files of each source that the mixture uses.
        windows: windows of the evaluation sets; paragraphs that hold one are removed.

    Raises:
        ValueError: where a component or the validation split is left without documents, or a file
            cannot be read.
    """
    components = corpora.mixtures[name].components
    counts = [Counter[str]() for _ in components]
    seen: set[str] = set()
    kept: list[list[Kept]] = []
    for index, component in enumerate(components):
        key = f"corpora.mixtures.{name}.components[{index}]"
        documents = list(
            _prepared(
                index, component, corpora, files[component.source], windows, seen, counts[index]
            )
        )
        if not documents:
            read, short = counts[index]["documents_read"], counts[index]["removed_too_short"]
            raise ValueError(
                f"{key} (source {component.source}): no document is left of {read} read ({short} shorter than min_characters ="
                f" {corpora.min_characters}); check the reader's files = {component.reader.files!r}, `part` and `max_mb`"
            )
        documents.sort(key=lambda document: fraction("order", document.document))
        kept.append(documents)
    _shrink(components, kept, counts, corpora.near_duplicate_threshold)
    together = sorted(
        (one for some in kept for one in some),
        key=lambda one: (fraction("order", one.document), one.document),
    )
    validation = [
        one for one in together if fraction("validation", one.document) < corpora.validation_share
    ]
    train = [
        one for one in together if fraction("validation", one.document) >= corpora.validation_share
    ]
    if not validation or not train:
        raise ValueError(
            f"corpora.mixtures.{name}: {len(train)} documents to train on and {len(validation)} for validation of"
            f" validation_share = {corpora.validation_share}; raise the share or `max_mb`"
        )
    for suffix, part in (("", train), ("_validation", validation)):
        for one in part:
            counts[one.component][f"documents{suffix}"] += 1
            counts[one.component][f"bytes{suffix}"] += one.num_bytes
    rows = [
        _row(name, index, component, counts[index]) for index, component in enumerate(components)
    ]
    return Corpus(train=train, validation=validation, rows=rows)


_COUNTS = CORPORA_COLUMNS[CORPORA_COLUMNS.index("documents_read") : CORPORA_COLUMNS.index("tokens")]


def _row(
    corpus: str, index: int, component: Component, counts: Counter[str]
) -> dict[str, str | int]:
    row: dict[str, str | int] = {"corpus": corpus, "component": index, "source": component.source}
    return row | {name: counts[name] for name in _COUNTS}


def _prepared(
    index: int,
    component: Component,
    corpora: Corpora,
    files_dir: Path,
    windows: WindowSet,
    seen: set[str],
    counts: Counter[str],
) -> Iterator[Kept]:
    """Yield the documents of a component: cleaned, long enough, first of their kind, without
    evaluation text."""
    hasher = WordHasher()

    def decontaminated(batch: Sequence[tuple[str, str]]) -> Iterator[Kept]:
        texts, removed = remove_paragraphs([text for _, text in batch], windows, hasher)
        counts["paragraphs_decontaminated"] += removed
        for (document, _), text in zip(batch, texts, strict=True):
            if len(text) < corpora.min_characters:
                counts["removed_too_short"] += 1
            else:
                yield Kept(component=index, document=document, text=text)

    batch: list[tuple[str, str]] = []
    characters = 0
    for raw in _read(component, files_dir, corpora.max_mb, counts):
        text = clean(raw, component.reader)
        if len(text) < corpora.min_characters:
            counts["removed_too_short"] += 1
            continue
        document = document_hash(text)
        if document in seen:
            counts["removed_exact_duplicate"] += 1
            continue
        seen.add(document)
        batch.append((document, text))
        characters += len(text)
        if characters >= _BATCH_CHARACTERS:
            yield from decontaminated(batch)
            batch, characters = [], 0
    yield from decontaminated(batch)


def _read(
    component: Component, files_dir: Path, max_mb: float | None, counts: Counter[str]
) -> Iterator[str]:
    """Yield the raw texts of a component's part, up to `max_mb` megabytes (1e6 bytes) of them."""
    for document in read_documents(files_dir, component.reader):
        part = component.part
        if part and int(document_hash(document.text), 16) % part.of != part.index:
            continue
        size = len(document.text.encode("utf-8", "replace"))
        if max_mb is not None and counts["bytes_read"] + size > max_mb * 1e6:
            return
        counts["documents_read"] += 1
        counts["bytes_read"] += size
        yield document.text


def _shrink(
    components: Sequence[Component],
    kept: list[list[Kept]],
    counts: Sequence[Counter[str]],
    threshold: float,
) -> None:
    """Remove near-duplicates and what exceeds a component's share, in place; components are in hash
    order."""
    sizes = [sum(one.num_bytes for one in documents) for documents in kept]
    # Only components without a cap are searched to their end; the others until their share is full,
    # for the rest is left out anyway.
    for index, component in sorted(
        enumerate(components), key=lambda pair: pair[1].max_share is not None
    ):
        if component.near_duplicates:
            room = (
                sizes[index]
                if component.max_share is None
                else allowed_bytes(sizes, [one.max_share for one in components])[index]
            )
            kept[index], removed = _without_near_duplicates(kept[index], threshold, room)
            counts[index]["removed_near_duplicate"] += removed
            sizes[index] = sum(one.num_bytes for one in kept[index])
    rooms = allowed_bytes(sizes, [one.max_share for one in components])
    for index, room in enumerate(rooms):
        if sizes[index] > room:
            cut = _as_many(kept[index], room)
            counts[index]["removed_over_share"] += len(kept[index]) - len(cut)
            kept[index] = cut


def _without_near_duplicates(
    documents: Sequence[Kept], threshold: float, room: float
) -> tuple[list[Kept], int]:
    """Return the documents that resemble no earlier one, and the number of others; what comes after
    `room` bytes is not searched."""
    index = NearDuplicates(threshold)
    result: list[Kept] = []
    total = 0
    for place, one in enumerate(documents):
        if total > room:
            return result + list(documents[place:]), place - len(result)
        if index.is_new(one.text):
            result.append(one)
            total += one.num_bytes
    return result, len(documents) - len(result)


def _as_many(documents: Sequence[Kept], room: float) -> list[Kept]:
    """Return as many documents as there is room for, from the first on."""
    total = 0
    for place, one in enumerate(documents):
        total += one.num_bytes
        if total > room:
            return list(documents[:place])
    return list(documents)


def allowed_bytes(sizes: Sequence[int], shares: Sequence[float | None]) -> list[float]:
    """Return how many bytes of each component a mixture may hold, so that none exceeds its share of
    the whole.

    With capped components C of shares s and all others whole, the whole is T = (bytes of the
    others) / (1 - sum of s over C); a component that has less than s T is not capped, which makes T
    smaller for the rest, until nothing changes.

    Args:
        sizes: bytes at hand of each component.
        shares: the most that each may be of the whole; none for no limit.

    Raises:
        ValueError: where the shares of a mixture without any other component leave nothing.
    """
    capped = {index for index, share in enumerate(shares) if share is not None}
    if len(capped) == len(sizes):
        raise ValueError(
            f"max_share of every component ({', '.join(map(str, shares))}): leave it out of at least one of them"
        )
    while True:
        share = sum(shares[index] or 0.0 for index in capped)
        if share >= 1:
            raise ValueError(
                f"max_share: the components' shares add up to {share:g}; they must leave room for the others"
            )
        whole = sum(size for index, size in enumerate(sizes) if index not in capped) / (1 - share)
        small = {index for index in capped if sizes[index] <= (shares[index] or 0.0) * whole}
        if not small:
            return [
                (shares[index] or 0.0) * whole if index in capped else float(size)
                for index, size in enumerate(sizes)
            ]
        capped -= small
