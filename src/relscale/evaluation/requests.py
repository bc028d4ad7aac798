"""Requests: the token sequences that a model scores, and the random order of samples.

A request is a context and a continuation as token ids. The context is never empty: it begins with
the prefix token, so that the first token of a text also has a probability. A model is given context
+ continuation without the last token.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from relscale.contract.arrow import numpy_array
from relscale.contract.check import check_columns
from relscale.files import replacing

REQUESTS_SCHEMA = pa.schema(
    [
        ("domain", pa.string()),
        ("stratum", pa.string()),
        ("item", pa.string()),
        ("cluster", pa.string()),
        ("option", pa.int16()),
        ("gold", pa.bool_()),
        ("context", pa.list_(pa.int32())),
        ("continuation", pa.list_(pa.int32())),
        ("num_bytes", pa.int32()),
        ("truncated", pa.bool_()),
        ("text", pa.string()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One sequence to score."""

    context: tuple[int, ...]
    """Token ids that are given; the prefix token comes first."""
    continuation: tuple[int, ...]
    """Token ids that are scored; never empty."""
    num_bytes: int
    """UTF-8 bytes that the score is divided by."""
    alone: bool = False
    """Whether the continuation was encoded alone, since a token spans its beginning."""

    @property
    def num_tokens(self) -> int:
        """Tokens that a model is given to score it."""
        return len(self.context) + len(self.continuation) - 1


@dataclass(frozen=True, kw_only=True)
class Item:
    """A document, or a question with its options: the unit of which samples are drawn."""

    domain: str
    """The domain that it belongs to."""
    stratum: str
    """The part of the domain that it comes from: a subject, a topic, a file."""
    item: str
    """Stable name made from the text: the same text is the same item, in every selection. Items of
    a parallel family have the name of the text in its source."""
    cluster: str = ""
    """Items of one cluster vary together, such as verses of a chapter; empty if the item is one of
    its own."""
    options: tuple[Option, ...]
    """Texts to score; documents have one."""
    gold: int = 0
    """Index of the right (preferred) option."""
    truncated: bool = False
    """Whether only a window of the text is scored."""
    text: str = field(repr=False)
    """The item's text, in which overlap with a corpus is searched."""

    @property
    def num_tokens(self) -> int:
        """Tokens that a model is given to score it."""
        return sum(option.num_tokens for option in self.options)


def text_id(*parts: str) -> str:
    """Return a stable 16-digit name of a text in parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def rank(seed: int, name: str, item: str) -> str:
    """Return the key of an item in the random order of its domain.

    It depends only on seed, domain and item.
    """
    return hashlib.sha256(f"{seed}\x1f{name}\x1f{item}".encode()).hexdigest()


T = TypeVar("T")


def in_random_order(
    things: Iterable[T], *, seed: int, name: str, key: Callable[[T], str]
) -> list[T]:
    """Return things in a random order that depends only on seed, name and the key of each thing."""
    return sorted(things, key=lambda thing: rank(seed, name, key(thing)))


def take_tokens(
    items: Iterable[Item], max_tokens: int | None, max_items: int | None = None
) -> list[Item]:
    """Return items from the front while they and their tokens stay within the caps.

    The first item is always taken.
    """
    taken: list[Item] = []
    total = 0
    for item in items:
        total += item.num_tokens
        if taken and ((max_tokens is not None and total > max_tokens) or len(taken) == max_items):
            break
        taken.append(item)
    return taken


def write_requests(items: Sequence[Item], path: Path) -> None:
    """Write items as Parquet, one row per sequence, in the order given."""
    rows: list[dict[str, object]] = []
    for item in items:
        for index, option in enumerate(item.options):
            rows.append(
                {
                    "domain": item.domain,
                    "stratum": item.stratum,
                    "item": item.item,
                    "cluster": item.cluster,
                    "option": index,
                    "gold": index == item.gold,
                    "context": option.context,
                    "continuation": option.continuation,
                    "num_bytes": option.num_bytes,
                    "truncated": item.truncated,
                    # Once per item is enough for the overlap search.
                    "text": item.text if index == 0 else "",
                }
            )
    with replacing(path) as temporary:
        pq.write_table(
            pa.Table.from_pylist(rows, schema=REQUESTS_SCHEMA), temporary, compression="zstd"
        )


@dataclass(frozen=True, kw_only=True)
class RequestTable:
    """Requests as columns; the rows of an item are consecutive, in the order of its options."""

    contexts: list[np.ndarray]
    """Token ids that are given, one array per row."""
    continuations: list[np.ndarray]
    """Token ids that are scored, one array per row."""
    num_bytes: np.ndarray
    """(row) UTF-8 bytes that a score is divided by."""
    first: np.ndarray
    """(item + 1) first row of each item, and the number of rows at the end."""
    gold: np.ndarray
    """(item) row of the right option."""
    truncated: np.ndarray
    """(item) whether only a window of the text is scored."""
    domains: list[str]
    """(item) its domain."""
    strata: list[str]
    """(item) its stratum."""
    items: list[str]
    """(item) its name."""
    clusters: list[str] | None = None
    """(item) its cluster, "" for an item that is one of its own; None if there are none."""


def read_requests(path: Path) -> RequestTable:
    """Read the file that `write_requests` wrote.

    Raises:
        ValueError: naming the file, if columns are missing, there is no request, or an item does
            not have exactly one right option.
    """
    # `pyarrow.parquet.read_table` imports pandas.
    with pq.ParquetFile(path) as file:
        table = file.read(columns=[name for name in file.schema_arrow.names if name != "text"])
    check_columns(
        str(path), table.column_names, [name for name in REQUESTS_SCHEMA.names if name != "text"]
    )
    if not len(table):
        raise ValueError(f"{path}: has no requests")
    domains, strata, items, clusters = (
        table[name].to_pylist() for name in ("domain", "stratum", "item", "cluster")
    )
    keys = list(zip(domains, items, strict=True))
    starts = [row for row in range(len(keys)) if row == 0 or keys[row] != keys[row - 1]]
    gold = numpy_array(table["gold"])
    gold_rows = np.flatnonzero(gold)
    first = np.array([*starts, len(keys)])
    if (
        len(gold_rows) != len(starts)
        or np.any(gold_rows < first[:-1])
        or np.any(gold_rows >= first[1:])
    ):
        counts = np.add.reduceat(gold.astype(int), first[:-1])
        wrong = starts[int(np.flatnonzero(counts != 1)[0])]
        raise ValueError(
            f"{path}: item {items[wrong]!r} of domain {domains[wrong]!r} must have exactly one "
            "right option"
        )
    if len({keys[row] for row in starts}) < len(starts):
        raise ValueError(f"{path}: the rows of an item are not consecutive")
    return RequestTable(
        contexts=_arrays(table["context"]),
        continuations=_arrays(table["continuation"]),
        num_bytes=numpy_array(table["num_bytes"]).astype(np.float64),
        first=first,
        gold=gold_rows,
        truncated=numpy_array(table["truncated"])[starts],
        domains=[domains[row] for row in starts],
        strata=[strata[row] for row in starts],
        items=[items[row] for row in starts],
        clusters=[clusters[row] for row in starts],
    )


def _arrays(column: pa.ChunkedArray) -> list[np.ndarray]:
    lists = column.combine_chunks()
    values, offsets = numpy_array(lists.values), numpy_array(lists.offsets)
    return [values[offsets[row] : offsets[row + 1]] for row in range(len(lists))]
