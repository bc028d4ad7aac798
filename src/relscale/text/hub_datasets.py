"""Datasets of the Hugging Face Hub: stream rows, list files. Needs the optional extra `hub`."""

import gzip
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relscale.config.sources import HubOrigin
from relscale.text.formats import Record, text_in
from relscale.text.manifests import PlannedFile


def stream_dataset(name: str, source: HubOrigin, path: Path) -> None:
    """Stream a dataset to compressed JSON Lines: the chosen columns of one row per line.

    Args:
        name: key of the source, for messages.
        source: dataset, revision, split and columns.
        path: the file to write; the same rows give the same bytes.

    Raises:
        ValueError: naming the source, if the dataset cannot be opened, has no rows, or lacks a
            column.
    """
    require(name, "datasets")
    import datasets  # optional and slow to import

    try:
        rows = datasets.load_dataset(
            source.dataset,
            name=source.subset,
            split=source.split,
            revision=source.revision,
            streaming=True,
        )
    except Exception as error:  # the library raises errors of many packages
        raise ValueError(
            f"sources.{name}.dataset = {source.dataset!r} at {source.revision} cannot be opened:"
            f" {error}"
        ) from error
    written = False
    with (
        path.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as handle,
    ):
        for number, row in enumerate(rows):
            if number == source.max_documents:
                break
            line = _json_line(name, _columns(name, source, row))
            handle.write(f"{line}\n".encode())
            written = True
    if not written:
        raise ValueError(
            f"sources.{name}: split {source.split!r} of {source.dataset!r} has no rows"
        )


def _json_line(name: str, record: Record) -> str:
    try:
        return json.dumps(record, ensure_ascii=False)
    except TypeError as error:
        raise ValueError(
            f"sources.{name}.columns: a value is of a kind that JSON lacks, such as a date or an"
            f" image: {error}"
        ) from error


def stream_texts(name: str, source: HubOrigin, file: str, key: str, skip: int = 0) -> Iterator[str]:
    """Yield the texts of one file of a dataset, starting after any number of rows.

    Args:
        name: key of the source, for messages.
        source: dataset and revision.
        file: path in the dataset's repository.
        key: column that holds the text.
        skip: number of rows to leave out at the beginning.

    Raises:
        ValueError: naming source, dataset, revision and file, if it cannot be read or the column is
            missing.
    """
    require(name, "datasets")
    if file.endswith((".zst", ".zstd")):
        require(name, "zstandard")
    where = f"sources.{name}: {source.dataset} at {source.revision}, {file}"
    for number, row in enumerate(_rows(source, file, skip, where), start=skip + 1):
        yield text_in(row, key, f"{where} row {number}")


def _rows(source: HubOrigin, file: str, skip: int, where: str) -> Iterator[Record]:
    import datasets  # optional and slow to import

    try:
        opened = datasets.load_dataset(
            source.dataset,
            data_files={"train": [file]},
            revision=source.revision,
            split="train",
            streaming=True,
        )
        yield from opened.skip(skip)
    except Exception as error:  # the library raises errors of many packages
        raise ValueError(f"{where}: cannot be read: {type(error).__name__}: {error}") from error


def list_files(name: str, source: HubOrigin, pattern: str) -> list[PlannedFile]:
    """Return the files of a dataset's repository that match a glob, sorted by path.

    Args:
        name: key of the source, for messages.
        source: dataset and revision.
        pattern: glob inside the repository.

    Raises:
        ValueError: naming the source, if the repository cannot be listed or no file matches.
    """
    require(name, "huggingface_hub")
    from fsspec.utils import glob_translate
    from huggingface_hub import HfApi, RepoFile

    key = f"sources.{name}: dataset = {source.dataset!r}, revision = {source.revision!r}"
    with _listing_errors(key):
        entries = list(
            HfApi().list_repo_tree(
                source.dataset, recursive=True, revision=source.revision, repo_type="dataset"
            )
        )
    stored = {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}
    matches = re.compile(glob_translate(pattern)).match
    names = sorted(path for path in stored if matches(path))
    if not names:
        some = ", ".join(sorted(stored)[:8]) or "nothing"
        raise ValueError(f"{key}: no file matches files = {pattern!r}; it holds {some}")
    return [
        PlannedFile(
            path=path,
            num_bytes=stored[path].size,
            sum=lfs.sha256 if (lfs := stored[path].lfs) else stored[path].blob_id,
        )
        for path in names
    ]


@contextmanager
def _listing_errors(key: str) -> Iterator[None]:
    """Turn the library's errors into messages that name the source and the remedy."""
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        yield
    except RevisionNotFoundError as error:
        raise ValueError(
            f"{key}: the dataset no longer has this commit; set `revision` to an existing one and"
            " report it with the results"
        ) from error
    except RepositoryNotFoundError as error:
        raise ValueError(
            f"{key}: no such dataset, or it is gated and the environment variable HF_TOKEN does not"
            " hold a token with access"
        ) from error
    except Exception as error:  # the library raises errors of many packages
        raise ValueError(f"{key}: cannot be listed: {type(error).__name__}: {error}") from error


def _columns(name: str, source: HubOrigin, row: Mapping[str, Any]) -> Record:
    missing = [column for column in source.columns if column not in row]
    if missing:
        raise ValueError(
            f"sources.{name}.columns: {source.dataset!r} has no column {missing[0]!r};"
            f" the choices are {', '.join(row)}"
        )
    return {column: row[column] for column in source.columns}


def require(name: str, package: str) -> None:
    """Check that a package of the extra `hub` is installed.

    Raises:
        ValueError: naming the source and the package.
    """
    if importlib.util.find_spec(package) is None:
        raise ValueError(
            f"sources.{name}: kind = 'hub' needs the package `{package}`, which is not installed;"
            " install relscale with its `hub` extra"
        )
