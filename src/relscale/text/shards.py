"""A corpus as one file of tokens, written and read without holding it in memory.

    write_tokens(tokenizer, documents, path) -> Counts
    token_dtype(vocab_size) -> numpy dtype

Little-endian uint16 (uint32 above 65,535 entries), each document followed by the end-of-text token;
open it with `numpy.memmap(path, dtype=manifest["dtype"], mode="r")`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from relscale.files import replacing, sha256_of
from relscale.text.parquet import read_batches
from relscale.text.tokenizer import end_of_text

_BATCH_CHARACTERS = 400_000
"""Characters that are encoded in one go: what the memory depends on."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What was written."""

    tokens: Counter[int]
    """Tokens of each component, end-of-text tokens included."""
    num_documents: int
    """Documents written."""
    num_bytes: int
    """UTF-8 bytes of their texts."""
    sha256: str
    """SHA-256 of the file."""

    @property
    def num_tokens(self) -> int:
        """Tokens written."""
        return sum(self.tokens.values())


def token_dtype(vocab_size: int) -> np.dtype:
    """Return the little-endian type that holds a token: 2 bytes up to 65,535 entries, else 4."""
    return np.dtype("<u2" if vocab_size <= 65_535 else "<u4")


def write_tokens(tokenizer: Tokenizer, documents: Path, path: Path) -> Counts:
    """Encode a corpus's documents, in order, into a file of tokens.

    Args:
        tokenizer: it has an end-of-text token.
        documents: Parquet file with the columns component and text.
        path: the file to write.

    Raises:
        ValueError: where the file holds no documents.
    """
    dtype, (_, end) = token_dtype(tokenizer.get_vocab_size()), end_of_text(tokenizer)
    tokens: Counter[int] = Counter()
    num_documents = num_bytes = 0
    with replacing(path) as temporary:
        with temporary.open("wb") as handle:
            for components, texts in _batches(documents):
                encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
                for component, text, encoding in zip(components, texts, encodings, strict=True):
                    ids = np.array([*encoding.ids, end], dtype=dtype)
                    handle.write(ids.tobytes())
                    tokens[component] += len(ids)
                    num_bytes += len(text.encode())
                num_documents += len(texts)
        if not num_documents:
            raise ValueError(f"{documents}: no documents to turn into tokens")
        digest = sha256_of(temporary)
    return Counts(tokens=tokens, num_documents=num_documents, num_bytes=num_bytes, sha256=digest)


def _batches(documents: Path) -> Iterator[tuple[list[int], list[str]]]:
    """Yield components and texts of documents in order, about `_BATCH_CHARACTERS` at a time,
    however long they are."""
    components: list[int] = []
    texts: list[str] = []
    characters = 0
    for batch in read_batches(documents, batch_size=64):
        for component, text in zip(
            batch.column("component").to_pylist(), batch.column("text").to_pylist(), strict=True
        ):
            components.append(component)
            texts.append(text)
            characters += len(text)
            if characters >= _BATCH_CHARACTERS:
                yield components, texts
                components, texts, characters = [], [], 0
    if texts:
        yield components, texts
