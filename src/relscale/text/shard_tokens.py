"""Tokenize the files of one shard in constant memory, and resume after an interruption.

Read `tokenize_shard` first. A folder holds the unfinished shard: `tokens.bin`, `validation.jsonl`
and `progress.json`, which records how many bytes of both are valid and from which record to resume.
Bytes after these are cut off. If a text file has changed since it was begun, the shard is begun
again. One process at a time may use the folder.
"""

import fcntl
import hashlib
import json
import logging
import os
import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from tokenizers import Tokenizer

from relscale.files import write_json
from relscale.text.decontamination import WindowSet, remove_paragraphs
from relscale.text.manifests import ShardProgress, read_record
from relscale.text.token_writer import token_dtype
from relscale.text.tokenizer import end_of_text
from relscale.text.windows import WordHasher

BATCH_CHARACTERS = 200_000
"""Characters that are encoded together; this bounds the memory. Larger batches are slower, because
their results no longer fit the processor's caches."""
SAVE_MB = 64.0
"""Megabytes (1e6 bytes) of text after which progress is saved."""
_BATCHES_PER_HASHER = 1000
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ShardText:
    """The text of one shard and how to select from it."""

    files: list[str]
    """Names of its text files, in order."""
    texts: Callable[[str, int], Iterator[str]]
    """Yields the texts of a file, given its name and the number of records to skip."""
    checksum_of: Callable[[str], str | None] | None = None
    """Returns the checksum of a file, None if the file no longer exists. Not given if files cannot
    change."""
    validation_share: float
    """Share of the documents that are held out."""
    max_tokens: int | None = None
    """Stop after about this many tokens."""
    windows: WindowSet | None = None
    """Paragraphs that contain one of these windows are removed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOutDocument:
    """A held-out document."""

    component: int
    """Index of its component in the corpus; 0 while that is not known."""
    document: str
    """Hash of its text: 16 hexadecimal digits."""
    text: str
    """Its text."""

    @staticmethod
    def read(path: Path) -> Iterator["HeldOutDocument"]:
        """Yield the documents of a `validation.jsonl`."""
        with path.open("rb") as handle:
            for line in handle:
                yield HeldOutDocument(component=0, **json.loads(line))


@dataclass
class _Batch:
    """Documents that wait to be encoded."""

    texts: list[str] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    characters: int = 0


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the folder of a shard; wait if another process holds the lock."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _LOG.info("%s: another process builds this shard; waiting for it", folder)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def tokenize_shard(
    shard: ShardText, tokenizer: Tokenizer, folder: Path, save_mb: float = SAVE_MB
) -> ShardProgress:
    """Write the tokens and the held-out documents of a shard, resuming from the saved progress.

    They are in `tokens.bin` and `validation.jsonl` (hash and text of each held-out document).

    Args:
        shard: its files and how they are read.
        tokenizer: a tokenizer with an end-of-text token, which follows each document.
        folder: folder of the shard, locked by the caller.
        save_mb: megabytes (1e6 bytes) of text after which progress is saved.

    Returns:
        The progress, which is complete.

    Raises:
        ValueError: if a text file cannot be read, or the output cannot be written; saved progress
            is kept.
    """
    progress = _saved_progress(folder, shard)
    saved_at = progress.bytes_read
    writer = _Writer(shard, tokenizer, progress)
    try:
        with (
            _opened_at(folder / "tokens.bin", progress.tokens_size) as tokens,
            _opened_at(folder / "validation.jsonl", progress.validation_size) as validation,
        ):
            for batch in _batches(shard, progress) if not _is_full(shard, progress) else ():
                writer.write(batch, tokens, validation)
                if progress.bytes_read - saved_at >= save_mb * 1e6:
                    _save(folder, progress, tokens, validation)
                    saved_at = progress.bytes_read
                if _is_full(shard, progress):
                    break
            _save(folder, progress, tokens, validation)
    except OSError as error:
        raise ValueError(
            f"{folder}: cannot be written: {error}; {saved_tokens(folder):,} tokens are kept: free"
            " some space and start again to resume"
        ) from error
    return progress


def saved_tokens(folder: Path) -> int:
    """Return the number of tokens from which an interrupted shard resumes."""
    try:
        return read_record(folder / "progress.json", ShardProgress).tokens
    except (FileNotFoundError, ValueError):  # `_saved_progress` begins again
        return 0


def _is_full(shard: ShardText, progress: ShardProgress) -> bool:
    return shard.max_tokens is not None and progress.tokens >= shard.max_tokens


@contextmanager
def _opened_at(path: Path, size: int) -> Iterator[BinaryIO]:
    """Open a file to append after a number of bytes; bytes after them are cut off."""
    path.touch()
    with path.open("r+b") as handle:
        handle.truncate(size)
        handle.seek(size)
        yield handle


def _saved_progress(folder: Path, shard: ShardText) -> ShardProgress:
    """Return the saved progress of a shard.

    A shard is begun again if its files are shorter than recorded or its text has changed.
    """
    path = folder / "progress.json"
    if not path.exists():
        return ShardProgress()
    try:
        progress = read_record(path, ShardProgress)
    except ValueError as error:
        _LOG.info("%s; beginning again", error)
        return ShardProgress()
    sizes = {"tokens.bin": progress.tokens_size, "validation.jsonl": progress.validation_size}
    for name, size in sizes.items():
        if not (folder / name).exists() or (folder / name).stat().st_size < size:
            _LOG.info("%s: shorter than recorded; beginning again", folder / name)
            return ShardProgress()
    for name, checksum in zip(shard.files, progress.sums, strict=False):
        # Another file can have the same size and time. A deleted one cannot be mixed with anything.
        if shard.checksum_of is not None and shard.checksum_of(name) not in (checksum, None):
            _LOG.info("%s: the text has changed; beginning again", name)
            return ShardProgress()
    _LOG.info(
        "resuming after %s documents, %s tokens",
        f"{progress.documents_read:,}",
        f"{progress.tokens:,}",
    )
    return progress


def _save(folder: Path, progress: ShardProgress, tokens: BinaryIO, validation: BinaryIO) -> None:
    """Flush both files to the disk, then record their sizes."""
    for handle in (tokens, validation):
        handle.flush()
        os.fsync(handle.fileno())
    progress.tokens_size, progress.validation_size = tokens.tell(), validation.tell()
    write_json(folder / "progress.json", asdict(progress))


def _batches(shard: ShardText, progress: ShardProgress) -> Iterator[_Batch]:
    """Yield batches of about `BATCH_CHARACTERS`; `progress` records where the last one ends."""
    batch = _Batch()
    while progress.file < len(shard.files):
        name = shard.files[progress.file]
        if shard.checksum_of is not None and len(progress.sums) == progress.file:
            # `texts` reports a file that does not exist.
            progress.sums.append(shard.checksum_of(name) or "")
        for text in shard.texts(name, progress.record):
            progress.record += 1
            text, raw = _utf8(text)
            progress.documents_read += 1
            progress.bytes_read += len(raw)
            if not text or text.isspace():
                progress.removed_too_short += 1
                continue
            batch.texts.append(text)
            batch.digests.append(hashlib.blake2b(raw, digest_size=16).digest())
            batch.characters += len(text)
            if batch.characters >= BATCH_CHARACTERS:
                yield batch
                batch = _Batch()
        progress.file, progress.record = progress.file + 1, 0
    if batch.texts:
        yield batch


def _utf8(text: str) -> tuple[str, bytes]:
    """Return a text and its bytes.

    An unpaired surrogate, which JSON allows, becomes a question mark.
    """
    try:
        return text, text.encode()
    except UnicodeEncodeError:
        raw = text.encode(errors="replace")
        return raw.decode(), raw


class _Writer:
    """Encodes batches of documents, writes and counts them."""

    def __init__(self, shard: ShardText, tokenizer: Tokenizer, progress: ShardProgress) -> None:
        self._shard, self._tokenizer, self._progress = shard, tokenizer, progress
        self._item_size = token_dtype(tokenizer.get_vocab_size()).itemsize
        _, self._end = end_of_text(tokenizer)
        self._hasher, self._batches = WordHasher(), 0

    def write(self, batch: _Batch, tokens: BinaryIO, validation: BinaryIO) -> None:
        """Write each document of a batch to the training tokens or to the validation file."""
        progress, texts = self._progress, batch.texts
        if self._shard.windows is not None:
            texts = self._decontaminated(texts, self._shard.windows)
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = array("H" if self._item_size == 2 else "I")
        for text, digest, encoding in zip(texts, batch.digests, encodings, strict=True):
            if not text:
                progress.removed_too_short += 1
                continue
            num_bytes = len(text) if text.isascii() else len(text.encode())
            # Half of the hash names the document, the other half chooses its split.
            if int.from_bytes(digest[8:], "big") < self._shard.validation_share * 2.0**64:
                progress.documents_validation += 1
                progress.bytes_validation += num_bytes
                progress.tokens_validation += len(encoding.ids) + 1
                row = {"document": digest[:8].hex(), "text": text}
                validation.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
                continue
            progress.documents += 1
            progress.bytes += num_bytes
            ids.fromlist(encoding.ids)
            ids.append(self._end)
        progress.tokens += len(ids)
        if sys.byteorder == "big":
            ids.byteswap()
        ids.tofile(tokens)

    def _decontaminated(self, texts: list[str], windows: WindowSet) -> list[str]:
        self._batches += 1
        if self._batches % _BATCHES_PER_HASHER == 0:  # bound the cache of word hashes
            self._hasher = WordHasher()
        left, removed = remove_paragraphs(texts, windows, self._hasher)
        self._progress.paragraphs_decontaminated += removed
        return left
