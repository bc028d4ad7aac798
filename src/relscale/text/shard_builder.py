"""Build one shard of a component: read the planned text files, tokenize them, write the outputs.

Read `build_shard` first. An interrupted shard resumes; a finished one whose outputs were deleted is
restored without reading the text again.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from relscale.config.sources import HubOrigin, LocalOrigin
from relscale.files import replacing, sha256_of, write_json
from relscale.provenance.digests import spec_digest
from relscale.text.decontamination import evaluation_windows
from relscale.text.document_files import write_documents
from relscale.text.formats import read_texts
from relscale.text.hub_datasets import stream_texts
from relscale.text.local_files import local_path
from relscale.text.manifests import (
    PlannedFile,
    ReadFile,
    ShardPlan,
    ShardProgress,
    ShardRecord,
    read_record,
)
from relscale.text.shard_tokens import (
    SAVE_MB,
    HeldOutDocument,
    ShardText,
    locked,
    tokenize_shard,
)
from relscale.text.spec import ComponentSpec
from relscale.text.token_writer import token_dtype
from relscale.text.tokenizer import load_tokenizer


@dataclass(frozen=True, kw_only=True)
class ShardInputs:
    """The files that a shard is built from."""

    plan: Path
    """Plan of the component's shards."""
    tokenizer: Path
    """The tokenizer's file."""
    sources: Mapping[str, Path]
    """Folder of the files of each source of evaluation text."""


@dataclass(frozen=True, kw_only=True)
class ShardOutputs:
    """The files of a finished shard."""

    tokens: Path
    """Training tokens."""
    validation: Path
    """Held-out documents (Parquet)."""
    record: Path
    """The record (`ShardRecord`)."""


@dataclass(frozen=True, kw_only=True)
class UnfinishedShards:
    """Where unfinished shards are kept."""

    folder: Path
    """Holds one folder per unfinished shard."""
    defined_by: Sequence[str]
    """Digests of code and libraries that also decide the bytes of a shard."""
    save_mb: float = SAVE_MB
    """Megabytes (1e6 bytes) of text after which progress is saved."""


@dataclass(frozen=True, kw_only=True)
class _PlannedText:
    """The planned text files of a component, checked before and after they are read."""

    name: str
    """Key of the source, for messages."""
    source: LocalOrigin | HubOrigin
    key: str
    """Key or column that holds the text."""
    member: str | None
    planned: Mapping[str, PlannedFile]
    """Files by path."""

    def texts(self, file: str, skip: int) -> Iterator[str]:
        """Yield the texts of one file after the first `skip` records.

        Raises:
            ValueError: if a local file differs from the plan, or the file cannot be read.
        """
        if isinstance(self.source, HubOrigin):
            yield from stream_texts(self.name, self.source, file, self.key, skip)
            return
        path = local_path(Path(self.source.path), file)
        _check_unchanged(path, self.planned[file])
        yield from read_texts(path, self.key, skip, self.member)
        _check_unchanged(path, self.planned[file])

    def checksum(self, file: str) -> str | None:
        """Return the SHA-256 of a local file, None if it no longer exists.

        Raises:
            ValueError: naming the file, if it cannot be read.
        """
        assert isinstance(self.source, LocalOrigin)
        path = local_path(Path(self.source.path), file)
        try:
            return sha256_of(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ValueError(f"{path}: cannot be read: {error}") from error


def build_shard(
    spec: ComponentSpec,
    index: int,
    inputs: ShardInputs,
    outputs: ShardOutputs,
    unfinished: UnfinishedShards,
) -> None:
    """Build one shard of a component.

    Args:
        spec: the component.
        index: index of the shard, counted from 0.
        inputs: the files to read.
        outputs: the files to write.
        unfinished: where progress is saved.

    Raises:
        ValueError: if a text file cannot be read or differs from the plan, no document remains, or
            a file cannot be written.
    """
    plan = read_record(inputs.plan, ShardPlan)
    planned = plan.shards[index]
    # Times are left out: text that was only copied to another disk keeps its progress.
    files = [ReadFile(path=file.path, num_bytes=file.num_bytes, sum=file.sum) for file in planned]
    tokenizer, tokenizer_digest = load_tokenizer(inputs.tokenizer), sha256_of(inputs.tokenizer)
    parts = [
        spec.model_dump(mode="json"),
        [file.model_dump() for file in files],
        tokenizer_digest,
        *unfinished.defined_by,
    ]
    folder = unfinished.folder / f"{spec.name}-{index:05d}-{spec_digest(parts)}"
    with locked(folder):
        text = _shard_text(spec, planned, inputs.sources)
        progress = tokenize_shard(text, tokenizer, folder, unfinished.save_mb)
        if not progress.documents:
            raise ValueError(
                f"component {spec.name} (source {spec.component.source}), shard {index}: no"
                f" training document of {progress.documents_read} read from {len(files)} files"
            )
        if isinstance(spec.source, LocalOrigin):
            files = [
                file.model_copy(update={"sum": seen})
                for file, seen in zip(files, progress.sums, strict=False)
            ]
        record = ShardRecord(
            component=spec.name,
            shard=index,
            dtype=token_dtype(tokenizer.get_vocab_size()).str,
            vocab_size=tokenizer.get_vocab_size(),
            tokenizer_sha256=tokenizer_digest,
            sha256=sha256_of(folder / "tokens.bin"),
            files=files,
            counts=progress.counts(),
        )
        _publish(folder, progress, record, outputs)


def _shard_text(
    spec: ComponentSpec, planned: Sequence[PlannedFile], sources: Mapping[str, Path]
) -> ShardText:
    """Return the text of a shard."""
    component, families = spec.component, spec.decontaminate_against
    text = _PlannedText(
        name=component.source,
        source=spec.source,
        key=component.text,
        member=component.member,
        planned={file.path: file for file in planned},
    )
    limit = component.max_tokens
    return ShardText(
        files=[file.path for file in planned],
        texts=text.texts,
        checksum_of=text.checksum if isinstance(spec.source, LocalOrigin) else None,
        validation_share=component.validation_share,
        max_tokens=None if limit is None else -(-limit // component.shards),
        windows=evaluation_windows(families, sources, spec.window_words) if families else None,
    )


def _check_unchanged(path: Path, planned: PlannedFile) -> None:
    """Check that a local file is the one in the plan; a small one may have been touched.

    Raises:
        ValueError: naming the file, if it is another one.
    """
    found = path.stat() if path.is_file() else None
    if found is None or found.st_size != planned.num_bytes:
        size = "does not exist" if found is None else f"has {found.st_size} bytes"
        raise ValueError(
            f"{path}: {size}; the plan of the shards says {planned.num_bytes}: the file has"
            " changed, plan again"
        )
    touched = planned.mtime_ns not in (None, found.st_mtime_ns)
    if touched and (planned.sum is None or sha256_of(path) != planned.sum):
        raise ValueError(
            f"{path}: modified after the shards were planned: the file has changed, plan again"
        )


def _publish(
    folder: Path, progress: ShardProgress, record: ShardRecord, outputs: ShardOutputs
) -> None:
    """Write the outputs of a finished shard.

    Raises:
        ValueError: naming the folder, if it cannot be written.
    """
    try:
        write_documents(HeldOutDocument.read(folder / "validation.jsonl"), outputs.validation)
        link_or_copy(folder / "tokens.bin", outputs.tokens)
        write_json(outputs.record, record.model_dump(mode="json"))
    except OSError as error:
        raise ValueError(
            f"{outputs.tokens.parent}: cannot be written: {error}; all {progress.tokens:,} tokens"
            " are kept: free some space and start again to resume"
        ) from error


def link_or_copy(file: Path, out: Path) -> None:
    """Add a second name to a finished file.

    It is not moved, so that a job that was killed finds it again.
    """
    with replacing(out) as temporary:
        try:
            os.link(file, temporary)
        except OSError:  # another disk, or a file system without links
            shutil.copyfile(file, temporary)
