"""Sums of a run's nats by bucket of bytes and by position in the context.

A token's nats are shared equally over its bytes, and each byte's share is added to the bucket of
the byte. A token without a byte of its own (the rest of a character, say) counts with the token
before it, or with the next one at the beginning. So the sums over the buckets of a partition are
the nats of the document. Read `BucketRows` and `PositionRows` first; they are made once and
used for each run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from relscale.contract.arrow import arrow_array, arrow_table
from relscale.contract.buckets import (
    BUCKETS_COLUMNS,
    NUM_POSITION_BUCKETS,
    PARTITIONS,
    POSITIONS_COLUMNS,
)
from relscale.contract.losses import RunColumns
from relscale.evaluation.metrics import ratio
from relscale.evaluation.requests import RequestTable
from relscale.evaluation.token_bytes import Sizes, TokenBytes

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]

_NAME = pa.dictionary(pa.int32(), pa.string())
_NUMBERS = {"num_bytes": pa.int32(), "nats": pa.float64(), "overlaps": pa.bool_()}
BUCKETS_SCHEMA = pa.schema([(name, _NUMBERS.get(name, _NAME)) for name in BUCKETS_COLUMNS])
"""Columns and types of the sums by bucket."""

_TEXT = ("corpus", "run", "family", "domain")
_WHOLE = ("first_position", "last_position", "num_tokens")
POSITIONS_SCHEMA = pa.schema(
    [
        (name, pa.string() if name in _TEXT else pa.int64() if name in _WHOLE else pa.float64())
        for name in POSITIONS_COLUMNS
    ]
)
"""Columns and types of the sums by position."""


@dataclass(frozen=True, kw_only=True)
class Documents:
    """The scored documents of a family, for the rows of both tables."""

    family: str
    """Name of the family."""
    requests: RequestTable
    """The requests, one per document."""
    overlaps: npt.NDArray[np.bool_]
    """(document) whether its text occurs in the corpus; such documents do not count."""


@dataclass(frozen=True, kw_only=True)
class BucketWeights:
    """Where the nats of each token of a family go."""

    group: Index
    """(token) number of the group of tokens that share bytes."""
    group_bytes: Array
    """(group) bytes of the group."""
    byte_group: Index
    """(byte) the group of each byte."""
    place: dict[str, Index]
    """By partition: (byte) document x buckets + bucket."""
    num_documents: int
    """Number of documents."""

    @classmethod
    def of(cls, tokens: TokenBytes) -> "BucketWeights":
        """Return the weights of the scored tokens of documents."""
        groups, sizes = [], []
        begin = 0
        for size in tokens.sizes:
            group, of_group = _groups(size)
            groups.append(group + begin)
            sizes.append(of_group)
            begin += len(of_group)
        group_bytes = np.concatenate(sizes)
        document = np.repeat(np.arange(len(tokens.kinds)), [len(row) for row in tokens.kinds])
        place = {
            name: document * len(PARTITIONS[name]) + np.concatenate(codes)
            for name, codes in tokens.partitions.items()
        }
        return cls(
            group=np.concatenate(groups),
            group_bytes=group_bytes.astype(np.float64),
            byte_group=np.repeat(np.arange(len(group_bytes)), group_bytes),
            place=place,
            num_documents=len(tokens.kinds),
        )

    def num_bytes(self, partition: str) -> Index:
        """Return (document, bucket) the bytes of each bucket."""
        buckets = len(PARTITIONS[partition])
        counts = np.bincount(self.place[partition], minlength=self.num_documents * buckets)
        return counts.reshape(self.num_documents, buckets)

    def per_byte(self, nats: Array) -> Array:
        """Return (byte) the nats of each byte from those of each token."""
        of_group = np.bincount(self.group, weights=nats, minlength=len(self.group_bytes))
        return np.asarray((of_group / self.group_bytes)[self.byte_group])

    def sums(self, per_byte: Array, partition: str) -> Array:
        """Return (document, bucket) the nats of each bucket from those of each byte."""
        buckets = len(PARTITIONS[partition])
        size = self.num_documents * buckets
        found = np.bincount(self.place[partition], weights=per_byte, minlength=size)
        return np.asarray(found, dtype=np.float64).reshape(self.num_documents, buckets)


def _groups(sizes: Sizes) -> tuple[Index, Index]:
    """Return (token) its group and (group) its bytes, for the tokens of one document."""
    first = sizes > 0
    if not first.any():
        raise ValueError("a document's tokens have no byte")
    group = np.maximum(np.cumsum(first) - 1, 0)
    return group, sizes[first].astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class BucketRows:
    """The rows of the sums by bucket, which are the same for each run but for run and nats.

    There is one row per document and bucket that has bytes.
    """

    weights: BucketWeights
    """Bytes of the documents."""
    cells: dict[str, tuple[Index, Index]]
    """By partition: (row) document and (row) bucket."""
    shared: dict[str, pa.Array]
    """Columns that are the same for each run."""

    @classmethod
    def of(cls, documents: Documents, weights: BucketWeights) -> "BucketRows":
        """Return the rows of scored documents."""
        requests, parts = documents.requests, list(weights.place)
        found = {name: np.nonzero(weights.num_bytes(name)) for name in parts}
        cells = {name: (document, bucket) for name, (document, bucket) in found.items()}
        document = np.concatenate([cells[name][0] for name in parts])
        counts = np.concatenate([weights.num_bytes(name)[cells[name]] for name in parts])
        names = [bucket for name in parts for bucket in PARTITIONS[name]]
        starts = np.cumsum([0, *(len(PARTITIONS[name]) for name in parts)])
        sizes = [len(cells[name][0]) for name in parts]
        bucket = np.concatenate([cells[name][1] for name in parts])
        shared = {
            "family": _named([documents.family], np.zeros(len(document))),
            "domain": _named(requests.domains, document),
            "stratum": _named(requests.strata, document),
            "item": _named(requests.items, document),
            "partition": _named(parts, np.repeat(np.arange(len(parts)), sizes)),
            "bucket": _named(names, bucket + np.repeat(starts[:-1], sizes)),
            "num_bytes": arrow_array(counts, pa.int64()).cast(pa.int32()),
            "overlaps": arrow_array(documents.overlaps[document], pa.bool_()),
        }
        return cls(weights=weights, cells=cells, shared=shared)

    def table(self, run: RunColumns, nats: Array) -> pa.Table:
        """Return the sums of a run.

        Args:
            run: columns that describe the run.
            nats: (token) negative log-probability of each scored token, one document after another.
        """
        per_byte = self.weights.per_byte(nats)
        sums = [self.weights.sums(per_byte, name)[cell] for name, cell in self.cells.items()]
        values = np.concatenate(sums)
        own = {
            "corpus": _named([run["corpus"]], np.zeros(len(values))),
            "run": _named([run["run"]], np.zeros(len(values))),
            "nats": arrow_array(values, pa.float64()),
        }
        columns = self.shared | own
        return pa.Table.from_arrays(
            [columns[name] for name in BUCKETS_SCHEMA.names], schema=BUCKETS_SCHEMA
        )


def _named(names: Sequence[str], index: np.ndarray) -> pa.DictionaryArray:
    """Return a column of names, (row), from the index of each row's name."""
    unique = list(dict.fromkeys(names))
    code = {name: number for number, name in enumerate(unique)}
    codes = np.array([code[name] for name in names], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(
        arrow_array(codes[index.astype(np.int64)], pa.int32()), arrow_array(unique, pa.string())
    )


def position_edges(context_length: int) -> Index:
    """Return the first positions of the buckets, and the position after the last.

    Position t is the t-th token that a model predicts in its window: it has seen t tokens, of which
    the first stands for the text's beginning. Buckets are equal in log t; a short window has fewer.
    """
    powers = context_length ** (np.arange(NUM_POSITION_BUCKETS) / NUM_POSITION_BUCKETS)
    return np.unique([*np.rint(powers).astype(np.int64), context_length + 1])


@dataclass(frozen=True, kw_only=True)
class Positions:
    """The positions of the scored tokens of a family."""

    position: Index
    """(token) tokens that the model sees before it."""
    document: Index
    """(token) its document."""
    edges: Index
    """First position of each bucket, and the position after the last."""

    @classmethod
    def of(
        cls, given: Sequence[int], scored: Sequence[int], source: Index, context_length: int
    ) -> "Positions":
        """Return the positions of sequences.

        Args:
            given: (sequence) tokens that are shown before the first scored one.
            scored: (sequence) tokens that are scored.
            source: (sequence) its document.
            context_length: tokens of the model's window.
        """
        sizes = np.asarray(scored)
        begins = np.repeat(np.cumsum(sizes) - sizes, sizes)
        position = np.repeat(np.asarray(given), sizes) + np.arange(int(sizes.sum())) - begins
        return cls(
            position=position,
            document=np.repeat(source, sizes),
            edges=position_edges(context_length),
        )


@dataclass(frozen=True, kw_only=True)
class PositionRows:
    """The rows of the sums by position, the same for each run but for run and nats.

    There is one row per domain and bucket with tokens. Documents that overlap do not count.
    """

    place: Index
    """(token) document x buckets + bucket."""
    tokens: Array
    """(document, bucket) tokens."""
    members: list[tuple[npt.NDArray[np.bool_], int]]
    """(row) documents of the domain that have tokens in the bucket, and the bucket."""
    shared: list[dict[str, object]]
    """(row) columns that are the same for each run."""

    @classmethod
    def of(cls, documents: Documents, positions: Positions) -> "PositionRows":
        """Return the rows of scored documents."""
        edges, domains = positions.edges, np.array(documents.requests.domains)
        size, count = len(domains), len(edges) - 1
        bucket = np.searchsorted(edges, positions.position, side="right") - 1
        place, log = positions.document * count + bucket, np.log(positions.position)
        tokens, logs, squares = (
            np.asarray(
                np.bincount(place, weights=values, minlength=size * count), dtype=np.float64
            ).reshape(size, count)
            for values in (np.ones(len(place)), log, log**2)
        )
        members, shared = [], []
        for domain in dict.fromkeys(documents.requests.domains):
            for number in range(count):
                at = (domains == domain) & ~documents.overlaps & (tokens[:, number] > 0)
                if not at.any():
                    continue
                total = tokens[at, number].sum()
                mean = float(logs[at, number].sum() / total)
                row: dict[str, object] = {
                    "family": documents.family,
                    "domain": domain,
                    "first_position": int(edges[number]),
                    "last_position": int(edges[number + 1]) - 1,
                    "num_tokens": int(total),
                    "mean_log_position": mean,
                    "var_log_position": max(squares[at, number].sum() / total - mean**2, 0.0),
                }
                members.append((at, number))
                shared.append(row)
        return cls(place=place, tokens=tokens, members=members, shared=shared)

    def table(self, run: RunColumns, nats: Array) -> pa.Table:
        """Return the sums of a run.

        The standard error of the mean is over documents, as for the losses (`metrics.ratio`).

        Args:
            run: columns that describe the run.
            nats: (token) negative log-probability of each scored token, one sequence after another.
        """
        size = self.tokens.size
        sums = np.bincount(self.place, weights=nats, minlength=size).reshape(self.tokens.shape)
        rows = []
        for (at, number), shared in zip(self.members, self.shared, strict=True):
            own = sums[at, number]
            rows.append(
                {
                    **shared,
                    "corpus": run["corpus"],
                    "run": run["run"],
                    "nats": float(own.sum()),
                    "standard_error": ratio(own, self.tokens[at, number])[1],
                }
            )
        return arrow_table(rows, POSITIONS_SCHEMA)
