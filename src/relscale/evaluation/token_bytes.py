"""The bytes of scored tokens and their classes: what a model's nats per token are divided by.

The table has one row per document. It is made once per family and corpus, and each run's nats are
then summed with it (`relscale.evaluation.bucket_sums`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from relscale.contract.arrow import arrow_array, numpy_array, read_parquet, write_parquet
from relscale.contract.buckets import TOKEN_BYTES_COLUMNS, WORD_COUNTS_COLUMNS
from relscale.contract.check import check_columns
from relscale.evaluation.byte_buckets import Codes, WordCounts, text_classes
from relscale.evaluation.requests import RequestTable

Sizes = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class TokenBytes:
    """Bytes of the scored tokens of documents; documents are in the order of the requests."""

    sizes: Sequence[Sizes]
    """(document) bytes of each scored token; 0 for a token without a byte of its own."""
    kinds: Sequence[Codes]
    """(document) class of each byte of these tokens by `BYTE_CLASSES`."""
    words: Sequence[Codes] | None
    """The same by `WORD_CLASSES`; None where the training corpus is not known."""

    @property
    def partitions(self) -> dict[str, Sequence[Codes]]:
        """The classes of the bytes, by partition."""
        known: dict[str, Sequence[Codes]] = {"bytes": self.kinds}
        return known if self.words is None else known | {"words": self.words}


def token_bytes(
    requests: RequestTable, bytes_of: Callable[[int], bytes], words: WordCounts | None
) -> TokenBytes:
    """Return the bytes of the scored tokens of documents.

    Args:
        requests: requests of a family of documents, one per item.
        bytes_of: the bytes that a token stands for.
        words: words of the training corpus; None where they are not known.

    Raises:
        ValueError: naming the item, if its tokens have no byte, or other bytes than the requests
            count.
    """
    sizes, kinds, codes = [], [], []
    for row, (item, context, continuation) in enumerate(
        zip(requests.items, requests.contexts, requests.continuations, strict=True)
    ):
        given = b"".join(map(bytes_of, context.tolist()))
        parts = [bytes_of(token) for token in continuation.tolist()]
        size = np.array([len(part) for part in parts], dtype=np.int32)
        if not size.sum() or size.sum() != requests.num_bytes[row]:
            raise ValueError(
                f"item {item!r} of domain {requests.domains[row]!r}: its tokens have "
                f"{size.sum()} bytes, its request counts {requests.num_bytes[row]:.0f}"
            )
        kind, code = text_classes(
            given + b"".join(parts),
            words,
            given=len(given),
            cut=bool(requests.truncated[row]),
        )
        sizes.append(size)
        kinds.append(kind)
        codes.append(code)
    known = [code for code in codes if code is not None]
    return TokenBytes(sizes=sizes, kinds=kinds, words=None if words is None else known)


def write_token_bytes(requests: RequestTable, found: TokenBytes, path: Path) -> None:
    """Write the bytes of the scored tokens of documents as Parquet, one row per document."""
    columns: dict[str, pa.Array] = {
        "domain": arrow_array(requests.domains, pa.string()),
        "item": arrow_array(requests.items, pa.string()),
        "sizes": _lists(found.sizes, pa.int32()),
        "bytes": _lists(found.kinds, pa.uint8()),
        "words": pa.nulls(len(requests.items), pa.list_(pa.uint8()))
        if found.words is None
        else _lists(found.words, pa.uint8()),
    }
    write_parquet(pa.table(columns), path)


def read_token_bytes(path: Path, requests: RequestTable) -> TokenBytes:
    """Read the file that `write_token_bytes` wrote for the same requests.

    Raises:
        ValueError: naming the file, if columns are missing, or it was made for other requests.
    """
    table = read_parquet(path)
    check_columns(str(path), table.column_names, TOKEN_BYTES_COLUMNS)
    sizes = list(_arrays(table["sizes"], np.int32))
    names = list(zip(table["domain"].to_pylist(), table["item"].to_pylist(), strict=True))
    if names != list(zip(requests.domains, requests.items, strict=True)) or any(
        len(size) != len(tokens) for size, tokens in zip(sizes, requests.continuations, strict=True)
    ):
        raise ValueError(f"{path}: made for other requests; make it again")
    return TokenBytes(
        sizes=sizes,
        kinds=list(_arrays(table["bytes"], np.uint8)),
        words=None if table["words"].null_count else list(_arrays(table["words"], np.uint8)),
    )


def write_word_counts(counts: dict[str, int], path: Path) -> None:
    """Write the words of a corpus as Parquet."""
    columns = {
        "word": arrow_array(list(counts), pa.string()),
        "count": arrow_array(list(counts.values()), pa.int64()),
    }
    write_parquet(pa.table(columns), path)


def read_word_counts(path: Path) -> WordCounts:
    """Read the file that `write_word_counts` wrote.

    Raises:
        ValueError: naming the file, if columns are missing or the corpus has no word.
    """
    table = read_parquet(path)
    check_columns(str(path), table.column_names, WORD_COUNTS_COLUMNS)
    numbers = numpy_array(table["count"])
    if not len(numbers):
        raise ValueError(f"{path}: the corpus has no word")
    words = table["word"].to_pylist()
    return WordCounts(
        counts=dict(zip(words, numbers.tolist(), strict=True)), total=int(numbers.sum())
    )


def _lists(rows: Sequence[np.ndarray], kind: pa.DataType) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    values = np.concatenate([*rows, np.empty(0, dtype=rows[0].dtype)])
    return pa.ListArray.from_arrays(
        arrow_array(offsets.astype(np.int32), pa.int32()), arrow_array(values, kind)
    )


def _arrays(column: pa.ChunkedArray, kind: type) -> Iterator[np.ndarray]:
    lists = column.combine_chunks()
    values: np.ndarray = numpy_array(lists.values).astype(kind)
    offsets = numpy_array(lists.offsets)
    for row in range(len(lists)):
        yield values[offsets[row] : offsets[row + 1]]
