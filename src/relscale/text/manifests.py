"""JSON records that the text stages write: manifests, plans and records of shards.

Light imports: planning reads some of them. Each record is a model and is validated once, when it is
read (`read_record`).
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from relscale.config.base import Model
from relscale.contract.text_tables import ComponentCounts
from relscale.files import read_json

RecordModel = TypeVar("RecordModel")


def read_record(path: Path, model: type[RecordModel]) -> RecordModel:
    """Read a JSON record and validate it.

    Raises:
        ValueError: naming the file and every key that does not fit the model.
    """
    content = read_json(path)
    try:
        return TypeAdapter(model).validate_python(content)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'content'}: {problem['msg']}"
            for problem in error.errors()[:8]
        )
        raise ValueError(f"{path}: not a valid record: {problems}") from None


# ------------------------------------------------------------------------------------------ sources


class SourceContent(BaseModel):
    """The part of a source that tables report, common to manifests of sources and shard plans."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    source: str
    """Key of the source."""
    package: str | None
    """Package of the index, or dataset of the Hub."""
    version: str | None
    """Version of the package, or commit of the dataset."""
    sha256: str
    """SHA-256 of the package's file, or a digest over the files' checksums."""
    num_files: int
    """Number of files."""
    num_bytes: int
    """Size of all files in bytes."""


class SourceManifest(SourceContent):
    """The manifest of a fetched source."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, str]
    """SHA-256 of each file, by its path inside the source."""


class LocalSourceManifest(SourceManifest):
    """The manifest of a local source."""

    listing: str
    """Name of the listing of its files (`relscale.text.local_files.listing_of`)."""
    stamps: dict[str, tuple[int, int]]
    """Size in bytes and modification time in nanoseconds of each file, by its path."""


class LocalRecord(BaseModel):
    """The part of a record by which changed local files are found."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    files: dict[str, str]
    """SHA-256 of each file, by its path."""
    stamps: dict[str, tuple[int, int]] = {}
    """Size in bytes and modification time in nanoseconds of each file, by its path."""
    listing: str | None = None
    """Name of the listing of the files."""


class CorpusReport(Model):
    """Document counts and checksums of an in-memory corpus."""

    corpus: str
    """Name of the corpus."""
    rows: list[ComponentCounts]
    """Counts of each component."""
    sha256: dict[str, str]
    """SHA-256 of the files `train` and `validation`."""


# ------------------------------------------------------------------------------------------- shards


class ReadFile(Model):
    """One text file of a shard."""

    path: str
    """Path inside the source."""
    num_bytes: int
    """Size of the stored file in bytes."""
    sum: str | None
    """Checksum: the hash that the Hub gives, or the SHA-256 of a local file. In a plan, None for
    local files above 1 MB, which are hashed when they are read."""


class PlannedFile(ReadFile):
    """One text file in a plan of shards."""

    mtime_ns: int | None = None
    """Modification time of a local file, in nanoseconds since 1970."""


class ShardPlan(SourceContent):
    """Which text files each shard of a component is built from."""

    model_config = ConfigDict(extra="forbid")

    component: str
    """Name of the component."""
    sha256_of: str
    """The content that `sha256` is a digest of."""
    listing: str
    """Name of the listing of local files (`relscale.text.local_files.listing_of`)."""
    shards: list[list[PlannedFile]]
    """Files of each shard, sorted by path."""


@dataclass(kw_only=True)
class ShardCounts:
    """Counts of the text that was read, and of the documents and tokens that were written."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    documents_read: int = 0
    bytes_read: int = 0
    removed_too_short: int = 0
    """Documents that are white space only, or empty after decontamination."""
    paragraphs_decontaminated: int = 0
    documents: int = 0
    bytes: int = 0
    tokens: int = 0
    documents_validation: int = 0
    bytes_validation: int = 0
    tokens_validation: int = 0


@dataclass(kw_only=True)
class ShardProgress(ShardCounts):
    """Progress of an unfinished shard, and the position from which it resumes."""

    file: int = 0
    """Number of files that are finished."""
    record: int = 0
    """Number of records of the next file that are finished."""
    tokens_size: int = 0
    """Valid bytes of `tokens.bin`."""
    validation_size: int = 0
    """Valid bytes of `validation.jsonl`."""
    sums: list[str] = field(default_factory=list)
    """Checksums of the files that were begun, each computed before its first record was read."""

    def counts(self) -> ShardCounts:
        """Return the counts without the position."""
        return ShardCounts(**{one.name: getattr(self, one.name) for one in fields(ShardCounts)})


class ShardRecord(Model):
    """The record of a finished shard."""

    component: str
    """Name of the component."""
    shard: int
    """Index of the shard, counted from 0."""
    dtype: str
    """NumPy dtype of the tokens."""
    vocab_size: int
    """Entries of the tokenizer."""
    tokenizer_sha256: str
    """SHA-256 of the tokenizer's file."""
    sha256: str
    """SHA-256 of the shard's tokens."""
    files: list[ReadFile]
    """Text files that were planned for the shard; those that were begun have their checksum."""
    counts: ShardCounts
    """Counts of documents, bytes and tokens."""
