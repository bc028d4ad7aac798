"""Write the tokens of an in-memory corpus: one file per split, and their manifest.

Tokens are little-endian uint16 (uint32 above 65,535 entries), each document followed by the
end-of-text token. Open a file with `numpy.memmap(path, dtype=manifest["dtype"], mode="r")`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from relscale.contract.text_tables import CorpusRow
from relscale.files import replacing, sha256_of
from relscale.text.document_files import read_batches
from relscale.text.manifests import CorpusReport, read_record
from relscale.text.tokenizer import end_of_text, load_tokenizer
from relscale.text.tokens_manifest import TokensManifest

_BATCH_CHARACTERS = 400_000
"""Characters that are encoded together; this bounds the memory."""


@dataclass(frozen=True, kw_only=True)
class TokenCounts:
    """Counts and checksum of a file of tokens."""

    tokens: Counter[int]
    """Tokens of each component, including end-of-text tokens."""
    num_documents: int
    """Number of documents written."""
    num_bytes: int
    """UTF-8 bytes of their texts."""
    sha256: str
    """SHA-256 of the file."""

    @property
    def num_tokens(self) -> int:
        """Number of tokens written."""
        return sum(self.tokens.values())


def tokenize_corpus(
    corpus: str,
    tokenizer_path: Path,
    report_path: Path,
    documents: Mapping[str, Path],
    outputs: Mapping[str, Path],
) -> TokensManifest:
    """Tokenize both splits of a corpus and return their manifest.

    Args:
        corpus: name of the corpus.
        tokenizer_path: the tokenizer's file.
        report_path: the report of the corpus's documents.
        documents: the files of documents of the splits `train` and `validation`.
        outputs: the files of tokens to write, by split.

    Raises:
        ValueError: if the report is that of another corpus, or a split has no documents.
    """
    tokenizer = load_tokenizer(tokenizer_path)
    report = read_record(report_path, CorpusReport)
    if report.corpus != corpus:
        raise ValueError(
            f"{report_path}: is the report of corpus {report.corpus!r}; it must be {corpus!r}"
        )
    train = write_tokens(tokenizer, documents["train"], outputs["train"])
    validation = write_tokens(tokenizer, documents["validation"], outputs["validation"])
    rows = [
        CorpusRow(
            **dict(row),
            tokens=train.tokens[row.component],
            tokens_validation=validation.tokens[row.component],
        )
        for row in report.rows
    ]
    return TokensManifest(
        corpus=corpus,
        dtype=token_dtype(tokenizer.get_vocab_size()).str,
        vocab_size=tokenizer.get_vocab_size(),
        tokenizer_sha256=sha256_of(tokenizer_path),
        rows=rows,
        sha256={
            outputs["train"].name: train.sha256,
            outputs["validation"].name: validation.sha256,
        },
        tokens=train.num_tokens,
        documents=train.num_documents,
        bytes=train.num_bytes,
        tokens_validation=validation.num_tokens,
        documents_validation=validation.num_documents,
        bytes_validation=validation.num_bytes,
    )


def token_dtype(vocab_size: int) -> np.dtype:
    """Return the little-endian dtype of a token: 2 bytes up to 65,535 entries, else 4."""
    return np.dtype("<u2" if vocab_size <= 65_535 else "<u4")


def write_tokens(tokenizer: Tokenizer, documents: Path, path: Path) -> TokenCounts:
    """Encode the documents of a corpus, in order, into a file of tokens.

    Args:
        tokenizer: a tokenizer with an end-of-text token.
        documents: Parquet file of documents (`relscale.text.document_files`).
        path: the file to write.

    Raises:
        ValueError: naming the file, if it has no documents.
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
            raise ValueError(f"{documents}: has no documents to tokenize")
        digest = sha256_of(temporary)
    return TokenCounts(
        tokens=tokens, num_documents=num_documents, num_bytes=num_bytes, sha256=digest
    )


def _batches(documents: Path) -> Iterator[tuple[list[int], list[str]]]:
    """Yield components and texts of documents in order, about `_BATCH_CHARACTERS` at a time."""
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
