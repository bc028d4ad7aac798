"""Build an in-memory corpus: clean, deduplicate, decontaminate, mix and split documents.

Read `build_corpus` first. Each document that is read is either in the corpus or counted under the
reason for its removal: documents_read = removed_too_short + removed_exact_duplicate +
removed_near_duplicate + removed_over_share + documents + documents_validation. (A document that is
empty after decontamination counts as too short.) All choices (part, split, order, share) depend on
hashes of the documents, so that adding one document moves no other.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from relscale.config.corpora import CorpusComponent, CorpusRules, MixedCorpus
from relscale.contract.text_tables import ComponentCounts
from relscale.text.cleaning import clean
from relscale.text.decontamination import WindowSet, remove_paragraphs
from relscale.text.duplicates import NearDuplicates, document_hash, fraction
from relscale.text.readers import read_documents
from relscale.text.windows import WordHasher

_BATCH_CHARACTERS = 4_000_000
"""Characters of the documents that are decontaminated together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusDocument:
    """One document of a corpus."""

    component: int
    """Index of its component in the corpus, counted from 0."""
    document: str
    """Hash of its cleaned text before paragraphs were removed: 16 hexadecimal digits."""
    text: str
    """Its text."""

    @property
    def num_bytes(self) -> int:
        """UTF-8 bytes of the text."""
        return len(self.text.encode())


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus that is ready to be tokenized."""

    train: list[CorpusDocument]
    """Training documents, ordered by a hash, so that the components are interleaved."""
    validation: list[CorpusDocument]
    """Held-out documents."""
    rows: list[ComponentCounts]
    """Counts of each component."""


def build_corpus(
    name: str,
    mixture: MixedCorpus,
    rules: CorpusRules,
    files: Mapping[str, Path],
    windows: WindowSet,
) -> Corpus:
    """Build one corpus in memory.

    Args:
        name: name of the corpus, key of `corpora.mixtures`.
        mixture: its components.
        rules: settings that apply to every corpus.
        files: folder of the files of each source.
        windows: windows of the evaluation sets; paragraphs that contain one are removed.

    Raises:
        ValueError: if a component or the validation split has no documents, or a file cannot be
            read.
    """
    components = mixture.components
    counts = [Counter[str]() for _ in components]
    kept = _documents_of_components(name, components, rules, files, windows, counts)
    if mixture.total_mb is None:
        _shrink(components, kept, counts, rules.near_duplicate_threshold)
    else:
        _cut_to_shares(name, mixture, rules, kept, counts)
    together = sorted(
        (one for some in kept for one in some),
        key=lambda one: (fraction("order", one.document), one.document),
    )
    train: list[CorpusDocument] = []
    validation: list[CorpusDocument] = []
    for one in together:
        is_held_out = _is_held_out(one, rules)
        suffix = "_validation" if is_held_out else ""
        (validation if is_held_out else train).append(one)
        counts[one.component][f"documents{suffix}"] += 1
        counts[one.component][f"bytes{suffix}"] += one.num_bytes
    if not validation or not train:
        raise ValueError(
            f"corpora.mixtures.{name}: {len(train)} training and {len(validation)} validation"
            f" documents with validation_share = {rules.validation_share}; raise the share or"
            " `max_mb`"
        )
    rows = [
        ComponentCounts(
            corpus=name,
            component=index,
            source=component.source,
            **{column: counts[index][column] for column in _COUNTS},
        )
        for index, component in enumerate(components)
    ]
    return Corpus(train=train, validation=validation, rows=rows)


def _is_held_out(one: CorpusDocument, rules: CorpusRules) -> bool:
    """Return whether a document is held out: its hash decides, in every corpus alike."""
    return fraction("validation", one.document) < rules.validation_share


_COUNTS = tuple(ComponentCounts.model_fields)[3:]
"""Columns that hold counts: all but corpus, component and source."""


def _documents_of_components(
    name: str,
    components: Sequence[CorpusComponent],
    rules: CorpusRules,
    files: Mapping[str, Path],
    windows: WindowSet,
    counts: Sequence[Counter[str]],
) -> list[list[CorpusDocument]]:
    """Return the documents of each component, ordered by a hash."""
    seen: set[str] = set()
    kept: list[list[CorpusDocument]] = []
    for index, component in enumerate(components):
        prepared = _Preparation(index=index, component=component, rules=rules, counts=counts[index])
        documents = list(prepared.documents(files[component.source], windows, seen))
        if not documents:
            read, short = counts[index]["documents_read"], counts[index]["removed_too_short"]
            raise ValueError(
                f"corpora.mixtures.{name}.components[{index}] (source {component.source}): no"
                f" document remains of {read} read ({short} shorter than min_characters ="
                f" {rules.min_characters}); check the reader's files = {component.reader.files!r},"
                " `part` and `max_mb`"
            )
        documents.sort(key=lambda document: fraction("order", document.document))
        kept.append(documents)
    return kept


@dataclass(frozen=True, kw_only=True)
class _Preparation:
    """Reads, cleans and filters the documents of one component, and counts removals."""

    index: int
    component: CorpusComponent
    rules: CorpusRules
    counts: Counter[str]

    def documents(
        self, files_dir: Path, windows: WindowSet, seen: set[str]
    ) -> Iterator[CorpusDocument]:
        """Yield the documents that are long enough and not in `seen`, without evaluation text."""
        hasher = WordHasher()
        batch: list[tuple[str, str]] = []
        characters = 0
        for raw in self._read(files_dir):
            text = clean(raw, self.component.reader)
            if len(text) < self.rules.min_characters:
                self.counts["removed_too_short"] += 1
                continue
            document = document_hash(text)
            if document in seen:
                self.counts["removed_exact_duplicate"] += 1
                continue
            seen.add(document)
            batch.append((document, text))
            characters += len(text)
            if characters >= _BATCH_CHARACTERS:
                yield from self._decontaminated(batch, windows, hasher)
                batch, characters = [], 0
        yield from self._decontaminated(batch, windows, hasher)

    def _read(self, files_dir: Path) -> Iterator[str]:
        """Yield the raw texts of the component's part, up to `max_mb` megabytes (1e6 bytes)."""
        part, max_mb = self.component.part, self.rules.max_mb
        for document in read_documents(files_dir, self.component.reader):
            if part and int(document_hash(document.text), 16) % part.of != part.index:
                continue
            size = len(document.text.encode("utf-8", "replace"))
            if max_mb is not None and self.counts["bytes_read"] + size > max_mb * 1e6:
                return
            self.counts["documents_read"] += 1
            self.counts["bytes_read"] += size
            yield document.text

    def _decontaminated(
        self, batch: Sequence[tuple[str, str]], windows: WindowSet, hasher: WordHasher
    ) -> Iterator[CorpusDocument]:
        texts, removed = remove_paragraphs([text for _, text in batch], windows, hasher)
        self.counts["paragraphs_decontaminated"] += removed
        for (document, _), text in zip(batch, texts, strict=True):
            if len(text) < self.rules.min_characters:
                self.counts["removed_too_short"] += 1
            else:
                yield CorpusDocument(component=self.index, document=document, text=text)


def _shrink(
    components: Sequence[CorpusComponent],
    kept: list[list[CorpusDocument]],
    counts: Sequence[Counter[str]],
    threshold: float,
) -> None:
    """Remove near-duplicates and documents that exceed a component's share, in place.

    The documents of each component must be ordered by their hash.
    """
    shares = [component.max_share for component in components]
    sizes = [sum(one.num_bytes for one in documents) for documents in kept]
    # Components without a cap are searched as a whole, the others until their share is full: the
    # remaining documents are left out anyway.
    for index, component in sorted(
        enumerate(components), key=lambda pair: pair[1].max_share is not None
    ):
        if component.near_duplicates:
            is_capped = component.max_share is not None
            room = allowed_bytes(sizes, shares)[index] if is_capped else sizes[index]
            kept[index], removed = _without_near_duplicates(kept[index], threshold, room)
            counts[index]["removed_near_duplicate"] += removed
            sizes[index] = sum(one.num_bytes for one in kept[index])
    for index, room in enumerate(allowed_bytes(sizes, shares)):
        if sizes[index] > room:
            cut = _first_bytes(kept[index], room)
            counts[index]["removed_over_share"] += len(kept[index]) - len(cut)
            kept[index] = cut


def _cut_to_shares(
    name: str,
    mixture: MixedCorpus,
    rules: CorpusRules,
    kept: list[list[CorpusDocument]],
    counts: Sequence[Counter[str]],
) -> None:
    """Cut each component to its exact share of the training bytes, in place.

    The held-out documents are cut to the same shares of as many bytes as all components allow, at
    most `validation_share` over 1 - `validation_share` of the training bytes. Documents are taken
    in the order of their hash, so the documents of a component with a smaller share are among those
    of the same component with a larger one.

    Raises:
        ValueError: naming every component that has less text than its share needs.
    """
    shares = [component.share or 0.0 for component in mixture.components]
    total = (mixture.total_mb or 0.0) * 1e6
    odds = rules.validation_share / (1 - rules.validation_share)
    for index, component in enumerate(mixture.components):
        if component.near_duplicates:
            # Twice the bytes that are taken, since whole documents are held out.
            room = 2 * shares[index] * total * (1 + odds)
            kept[index], removed = _without_near_duplicates(
                kept[index], rules.near_duplicate_threshold, room
            )
            counts[index]["removed_near_duplicate"] += removed
    held_out = [[one for one in some if _is_held_out(one, rules)] for some in kept]
    train = [[one for one in some if not _is_held_out(one, rules)] for some in kept]
    _check_enough(name, mixture, train)
    room = min(
        odds * total,
        *(_bytes(some) / share for some, share in zip(held_out, shares, strict=True)),
    )
    for index, share in enumerate(shares):
        cut = _first_bytes(train[index], share * total)
        cut += _first_bytes(held_out[index], share * room)
        counts[index]["removed_over_share"] += len(kept[index]) - len(cut)
        kept[index] = cut


def _check_enough(
    name: str, mixture: MixedCorpus, train: Sequence[Sequence[CorpusDocument]]
) -> None:
    """Check that each component has the training text of its share.

    Raises:
        ValueError: naming every component that has not, and the largest `total_mb`.
    """
    total = mixture.total_mb or 0.0
    have = [_bytes(some) / 1e6 for some in train]
    needed = [(component.share or 0.0) * total for component in mixture.components]
    largest = min(
        megabytes / (component.share or 1.0)
        for component, megabytes in zip(mixture.components, have, strict=True)
    )
    short = [
        f"components[{index}] (source {component.source}) has {have[index]:.3f} MB of training"
        f" text, but share = {component.share:g} of total_mb = {total:g} needs {needed[index]:.3f}"
        for index, component in enumerate(mixture.components)
        if have[index] < needed[index]
    ]
    if short:
        raise ValueError(
            f"corpora.mixtures.{name}: {'; '.join(short)}: lower total_mb to at most"
            f" {math.floor(largest * 1e3) / 1e3:g}, or change the shares"
        )


def _bytes(documents: Sequence[CorpusDocument]) -> int:
    """Return the UTF-8 bytes of documents."""
    return sum(one.num_bytes for one in documents)


def _without_near_duplicates(
    documents: Sequence[CorpusDocument], threshold: float, room: float
) -> tuple[list[CorpusDocument], int]:
    """Return the documents that resemble no earlier one, and the number of others.

    Documents after the first `room` bytes are not searched.
    """
    index = NearDuplicates(threshold)
    result: list[CorpusDocument] = []
    total = 0
    for place, one in enumerate(documents):
        if total > room:
            return result + list(documents[place:]), place - len(result)
        if index.is_new(one.text):
            result.append(one)
            total += one.num_bytes
    return result, len(documents) - len(result)


def _first_bytes(documents: Sequence[CorpusDocument], room: float) -> list[CorpusDocument]:
    """Return the first documents that fit into a number of bytes."""
    total = 0
    for place, one in enumerate(documents):
        total += one.num_bytes
        if total > room:
            return list(documents[:place])
    return list(documents)


def allowed_bytes(sizes: Sequence[int], shares: Sequence[float | None]) -> list[float]:
    """Return the bytes of each component that a mixture may hold so that none exceeds its share.

    With capped components C of shares s and all others complete, the mixture has
    T = (bytes of the others) / (1 - sum of s over C) bytes. A component with less than s T bytes is
    not capped, which lowers T for the rest; this is repeated until nothing changes.

    Args:
        sizes: available bytes of each component.
        shares: maximum share of each component; None for no limit.

    Raises:
        ValueError: if every component has a share, or the shares leave no room for the others.
    """
    capped = {index for index, share in enumerate(shares) if share is not None}
    if len(capped) == len(sizes):
        raise ValueError(
            f"max_share of every component ({', '.join(map(str, shares))}): leave it out of at"
            " least one of them"
        )
    while True:
        share = sum(shares[index] or 0.0 for index in capped)
        if share >= 1:
            raise ValueError(
                f"max_share: the components' shares add up to {share:g}; they must leave room for"
                " the others"
            )
        whole = sum(size for index, size in enumerate(sizes) if index not in capped) / (1 - share)
        small = {index for index in capped if sizes[index] <= (shares[index] or 0.0) * whole}
        if not small:
            return [
                (shares[index] or 0.0) * whole if index in capped else float(size)
                for index, size in enumerate(sizes)
            ]
        capped -= small
