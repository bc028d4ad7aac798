"""Turning the files of one shard into tokens: in memory that does not grow with them, and going on
where it was stopped.

    tokenize(shard, tokenizer, folder) -> Counts

A folder of the shard's own holds what is not finished: `tokens.bin`, `validation.jsonl` and
`progress.json`, which says how much of both counts and from which record to go on. What was written
after that is cut off; where a file of text is not the one that was begun, all is. One process holds
the folder at a time.
"""

import fcntl
import hashlib
import json
import os
import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tokenizers import Tokenizer

from relscale.files import read_json, write_json
from relscale.text.decontamination import WindowSet, remove_paragraphs
from relscale.text.shards import token_dtype
from relscale.text.tokenizer import end_of_text
from relscale.text.windows import WordHasher

BATCH_CHARACTERS = 200_000
"""Characters that are encoded in one go: what the memory depends on. Larger batches are slower,
since their results leave the caches."""
SAVE_MB = 64.0
"""Megabytes (1e6 bytes) of text after which progress is written."""
_BATCHES_REMEMBERED = 1000


@dataclass(frozen=True, kw_only=True)
class Shard:
    """What one file of tokens is made of."""

    files: list[str]
    """Names of its files of text, in order."""
    texts: Callable[[str, int], Iterator[str]]
    """From a file's name and a number of records to leave out, the texts of the others."""
    sum_of: Callable[[str], str | None] | None = None
    """From a file's name the sum of its content, or None where it is not there any more; not given
    where files cannot change."""
    validation_share: float
    """Share of the documents that are held out."""
    max_tokens: int | None = None
    """Stop after about so many tokens."""
    windows: WindowSet | None = None
    """Paragraphs that hold one of these windows are removed."""


@dataclass(kw_only=True)
class Counts:
    """How far a shard is."""

    file: int = 0
    """Files done."""
    record: int = 0
    """Records of the next file that are done."""
    documents_read: int = 0
    bytes_read: int = 0
    removed_too_short: int = 0
    """Documents of white space alone, or of which decontamination left nothing."""
    paragraphs_decontaminated: int = 0
    documents: int = 0
    bytes: int = 0
    tokens: int = 0
    documents_validation: int = 0
    bytes_validation: int = 0
    tokens_validation: int = 0
    tokens_size: int = 0
    """Bytes of `tokens.bin` that count."""
    validation_size: int = 0
    """Bytes of `validation.jsonl` that count."""
    sums: list[str] = field(default_factory=list)
    """Sums of the files that were begun, each taken before its first record was read."""

    def account(self) -> dict[str, int]:
        """Return what was read and written, without where it goes on."""
        return {name: value for name, value in vars(self).items() if name not in _PLACES}


_PLACES = {"file", "record", "tokens_size", "validation_size", "sums"}


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """A held-out document."""

    component: int
    """Place of its component in the corpus; 0 where that is not yet known."""
    document: str
    """Hash of its text: 16 hexadecimal digits."""
    text: str
    """Its text."""

    @staticmethod
    def read(path: Path) -> Iterator["HeldOut"]:
        """Yield the documents of a `validation.jsonl`."""
        with path.open("rb") as handle:
            for line in handle:
                yield HeldOut(component=0, **json.loads(line))


@dataclass
class _Batch:
    """Documents that wait to be encoded."""

    texts: list[str] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    characters: int = 0


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a shard's folder, alone; where another process has it, wait for it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{folder}: another process makes this shard; waiting for it", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def tokenize(shard: Shard, tokenizer: Tokenizer, folder: Path, save_mb: float = SAVE_MB) -> Counts:
    """Write a shard's `tokens.bin` and `validation.jsonl` (hash and text of each held-out
    document), from where they are.

    Args:
        shard: its files and how they are read.
        tokenizer: it has an end-of-text token, which follows each document.
        folder: the shard's own, held by the caller.
        save_mb: megabytes of text after which progress is written.

    Raises:
        ValueError: where a file of text cannot be read, or those here cannot be written; what was
            done until then is kept.
    """
    counts = _progress(folder, shard)
    saved_at = counts.bytes_read
    writer = _Writer(shard, tokenizer, counts)
    try:
        with (
            _opened_at(folder / "tokens.bin", counts.tokens_size) as tokens,
            _opened_at(folder / "validation.jsonl", counts.validation_size) as validation,
        ):
            for batch in _batches(shard, counts) if not _is_full(shard, counts) else ():
                writer.write(batch, tokens, validation)
                if counts.bytes_read - saved_at >= save_mb * 1e6:
                    _save(folder, counts, tokens, validation)
                    saved_at = counts.bytes_read
                if _is_full(shard, counts):
                    break
            _save(folder, counts, tokens, validation)
    except OSError as error:
        kept = saved_tokens(folder)
        raise ValueError(
            f"{folder}: cannot be written: {error}; {kept:,} tokens are kept: make room, and call again to go on"
        ) from error
    return counts


def saved_tokens(folder: Path) -> int:
    """Return how many tokens a shard that was stopped goes on from."""
    try:
        return int(read_json(folder / "progress.json")["tokens"])
    except (FileNotFoundError, ValueError):  # `_progress` begins anew
        return 0


def _is_full(shard: Shard, counts: Counts) -> bool:
    return shard.max_tokens is not None and counts.tokens >= shard.max_tokens


@contextmanager
def _opened_at(path: Path, size: int) -> Iterator[BinaryIO]:
    """Open a file to go on writing after so many bytes; what stands behind them is cut off."""
    path.touch()
    with path.open("r+b") as handle:
        handle.truncate(size)
        handle.seek(size)
        yield handle


def _progress(folder: Path, shard: Shard) -> Counts:
    """Return how far a shard is; one whose files hold less than was recorded, or whose text is
    another, is begun anew."""
    path = folder / "progress.json"
    if not path.exists():
        return Counts()
    try:
        counts = Counts(**read_json(path))
    except (ValueError, TypeError) as error:
        print(f"{path}: unreadable, begun anew: {error}", flush=True)
        return Counts()
    for name, size in (
        ("tokens.bin", counts.tokens_size),
        ("validation.jsonl", counts.validation_size),
    ):
        if not (folder / name).exists() or (folder / name).stat().st_size < size:
            print(f"{folder / name}: shorter than recorded, begun anew", flush=True)
            return Counts()
    for name, digest in zip(shard.files, counts.sums, strict=False):
        # Size and time of another file may be the same. One that was taken away since can be mixed
        # with nothing.
        if shard.sum_of is not None and shard.sum_of(name) not in (digest, None):
            print(f"{name}: another text than the one that was begun, begun anew", flush=True)
            return Counts()
    print(
        f"going on after {counts.documents_read:,} documents, {counts.tokens:,} tokens", flush=True
    )
    return counts


def _save(folder: Path, counts: Counts, tokens: BinaryIO, validation: BinaryIO) -> None:
    """Make sure that all is on the disk, then say so."""
    for handle in (tokens, validation):
        handle.flush()
        os.fsync(handle.fileno())
    counts.tokens_size, counts.validation_size = tokens.tell(), validation.tell()
    write_json(folder / "progress.json", vars(counts))


def _batches(shard: Shard, counts: Counts) -> Iterator[_Batch]:
    """Yield documents about `BATCH_CHARACTERS` at a time; `counts` says where the batch that was
    yielded ends."""
    batch = _Batch()
    while counts.file < len(shard.files):
        if shard.sum_of is not None and len(counts.sums) == counts.file:
            # Of one that is not there, `texts` says so.
            counts.sums.append(shard.sum_of(shard.files[counts.file]) or "")
        for text in shard.texts(shard.files[counts.file], counts.record):
            counts.record += 1
            text, raw = _utf8(text)
            counts.documents_read += 1
            counts.bytes_read += len(raw)
            if not text or text.isspace():
                counts.removed_too_short += 1
                continue
            batch.texts.append(text)
            batch.digests.append(hashlib.blake2b(raw, digest_size=16).digest())
            batch.characters += len(text)
            if batch.characters >= BATCH_CHARACTERS:
                yield batch
                batch = _Batch()
        counts.file, counts.record = counts.file + 1, 0
    if batch.texts:
        yield batch


def _utf8(text: str) -> tuple[str, bytes]:
    """Return a text and its bytes; half a surrogate pair, which JSON can spell, becomes a question
    mark."""
    try:
        return text, text.encode()
    except UnicodeEncodeError:
        raw = text.encode(errors="replace")
        return raw.decode(), raw


class _Writer:
    """Encodes batches and counts what it writes."""

    def __init__(self, shard: Shard, tokenizer: Tokenizer, counts: Counts) -> None:
        self._shard, self._tokenizer, self._counts = shard, tokenizer, counts
        self._dtype, (_, self._end) = (
            token_dtype(tokenizer.get_vocab_size()),
            end_of_text(tokenizer),
        )
        self._hasher, self._batches = WordHasher(), 0

    def write(self, batch: _Batch, tokens: BinaryIO, validation: BinaryIO) -> None:
        """Write a batch's documents to where they belong."""
        counts, texts = self._counts, batch.texts
        if self._shard.windows is not None:
            texts = self._decontaminated(texts, self._shard.windows)
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        ids = array("H" if self._dtype.itemsize == 2 else "I")
        for text, digest, encoding in zip(texts, batch.digests, encodings, strict=True):
            if not text:
                counts.removed_too_short += 1
                continue
            num_bytes = len(text) if text.isascii() else len(text.encode())
            # Half of the hash names the document, the other half decides on which side it stands.
            if int.from_bytes(digest[8:], "big") < self._shard.validation_share * 2.0**64:
                counts.documents_validation += 1
                counts.bytes_validation += num_bytes
                counts.tokens_validation += len(encoding.ids) + 1
                validation.write(
                    (
                        json.dumps({"document": digest[:8].hex(), "text": text}, ensure_ascii=False)
                        + "\n"
                    ).encode()
                )
                continue
            counts.documents += 1
            counts.bytes += num_bytes
            ids.fromlist(encoding.ids)
            ids.append(self._end)
        counts.tokens += len(ids)
        if sys.byteorder == "big":
            ids.byteswap()
        ids.tofile(tokens)

    def _decontaminated(self, texts: list[str], windows: WindowSet) -> list[str]:
        self._batches += 1
        if self._batches % _BATCHES_REMEMBERED == 0:  # it remembers every word that it meets
            self._hasher = WordHasher()
        left, removed = remove_paragraphs(texts, windows, self._hasher)
        self._counts.paragraphs_decontaminated += removed
        return left
