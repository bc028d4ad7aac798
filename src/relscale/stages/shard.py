"""Turn the files of one shard into tokens. A shard that was stopped goes on; one that was finished
before takes seconds."""

import argparse
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from relscale.config.sources import HubOrigin, LocalOrigin, ShardedOrigin
from relscale.files import read_json, replacing, sha256_of, write_json
from relscale.provenance.digests import spec_digest
from relscale.runtime import run
from relscale.text.decontamination import WindowSet, evaluation_texts
from relscale.text.local_files import local_path
from relscale.text.parquet import write_documents
from relscale.text.rows import hub_texts, local_texts
from relscale.text.shards import token_dtype
from relscale.text.tokenize_shard import SAVE_MB, HeldOut, Shard, held, tokenize
from relscale.text.tokenizer import load_tokenizer

_CHANGED = "the file has changed since, plan again"


def texts_of(
    name: str,
    source: LocalOrigin | HubOrigin,
    key: str,
    planned: Mapping[str, Any],
    file: str,
    skip: int,
) -> Iterator[str]:
    """Yield the texts of one file of a source.

    Args:
        name: key of the source, for messages.
        source: where its files are.
        key: key or column that holds the text.
        planned: each file's entry in the plan, by path.
        file: the file.
        skip: records to leave out at its beginning.

    Raises:
        ValueError: where a local file is not the one that was planned with, before or after it was
            read, or cannot be read.
    """
    if isinstance(source, HubOrigin):
        yield from hub_texts(name, source, file, key, skip)
        return
    check_unchanged(source, planned[file])
    yield from local_texts(local_path(Path(source.path), file), key, skip)
    check_unchanged(source, planned[file])


def check_unchanged(source: LocalOrigin, planned: Mapping[str, Any]) -> None:
    """Check that a local file is the one in the plan; a small one may have been touched.

    Raises:
        ValueError: naming the file, where it is another one.
    """
    path = local_path(Path(source.path), planned["path"])
    found = path.stat() if path.is_file() else None
    size = found.st_size if found else None
    if size != planned["num_bytes"]:
        raise ValueError(
            f"{path}: {size} bytes; the plan of the shards says {planned['num_bytes']}: {_CHANGED}"
        )
    touched = found is not None and planned["mtime_ns"] not in (None, found.st_mtime_ns)
    if touched and (planned["sum"] is None or sha256_of(path) != planned["sum"]):
        raise ValueError(f"{path}: written anew since the shards were planned: {_CHANGED}")


def sum_of(source: LocalOrigin, file: str) -> str | None:
    """Return the SHA-256 of a local file, or None where it was taken away.

    Raises:
        ValueError: naming the file, where it cannot be read.
    """
    path = local_path(Path(source.path), file)
    try:
        return sha256_of(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def evaluation_windows(spec: dict[str, Any], sources: list[str]) -> WindowSet | None:
    """Return the windows of the evaluation texts that are to be removed, or None where there are
    none."""
    families = spec["decontaminate_against"]
    if not families:
        return None
    files = {
        name: Path(manifest).parent / "files"
        for name, manifest in (pair.split("=", 1) for pair in sources)
    }
    texts = (
        text
        for name, settings in sorted(families.items())
        for text in evaluation_texts(name, settings, files[settings["source"]])
    )
    return WindowSet(texts, spec["window_words"])


def publish(file: Path, out: Path) -> None:
    """Put a finished file where it belongs without moving it away, so that a call after a kill
    finds it here again."""
    with replacing(out) as temporary:
        try:
            os.link(file, temporary)
        except OSError:  # another disk, or one without links
            shutil.copyfile(file, temporary)


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--spec",
        required=True,
        type=json.loads,
        help="JSON: name, component, source, window_words, decontaminate_against",
    )
    parser.add_argument("--plan", required=True, type=Path)
    parser.add_argument("--shard", required=True, type=int)
    parser.add_argument("--tokenizer", required=True, type=Path)
    parser.add_argument(
        "--source",
        nargs="*",
        default=[],
        metavar="NAME=MANIFEST",
        help="sources of the texts to decontaminate against",
    )
    parser.add_argument(
        "--checkpoints",
        required=True,
        type=Path,
        help="folder of what is not finished, one folder a shard inside",
    )
    parser.add_argument(
        "--defined-by",
        required=True,
        nargs="*",
        help="what else defines the bytes: digests of code and libraries",
    )
    parser.add_argument(
        "--save-mb",
        type=float,
        default=SAVE_MB,
        help="megabytes of text after which progress is written",
    )
    parser.add_argument("--out-tokens", required=True, type=Path)
    parser.add_argument("--out-validation", required=True, type=Path)
    parser.add_argument("--out-record", required=True, type=Path)
    args = parser.parse_args(argv)
    spec, name = args.spec, args.spec["name"]
    files = read_json(args.plan)["shards"][args.shard]
    source: LocalOrigin | HubOrigin = TypeAdapter(ShardedOrigin).validate_python(spec["source"])
    component, digest = spec["component"], sha256_of(args.tokenizer)
    tokenizer = load_tokenizer(args.tokenizer)
    limit = component["max_tokens"]
    shard = Shard(
        files=[file["path"] for file in files],
        texts=partial(
            texts_of,
            component["source"],
            source,
            component["text"],
            {file["path"]: file for file in files},
        ),
        sum_of=partial(sum_of, source) if isinstance(source, LocalOrigin) else None,
        validation_share=component["validation_share"],
        max_tokens=None if limit is None else -(-limit // component["shards"]),
        windows=evaluation_windows(spec, args.source),
    )
    # Not by the files' times: text that was only copied to another disk is told by its sums, and
    # what was done with it counts.
    files = [{key: file[key] for key in ("path", "num_bytes", "sum")} for file in files]
    folder = (
        args.checkpoints
        / f"{name}-{args.shard:05d}-{spec_digest([spec, files, digest, *args.defined_by])}"
    )
    with held(folder):
        counts = tokenize(shard, tokenizer, folder, args.save_mb)
        if not counts.documents:
            where = f"component {name} (source {component['source']}), shard {args.shard}"
            raise ValueError(
                f"{where}: no document to train on of {counts.documents_read} read from {len(files)} files"
            )
        if isinstance(source, LocalOrigin):
            files = [{**file, "sum": seen} for file, seen in zip(files, counts.sums, strict=False)]
        record = {
            "component": name,
            "shard": args.shard,
            "dtype": token_dtype(tokenizer.get_vocab_size()).str,
            "vocab_size": tokenizer.get_vocab_size(),
            "tokenizer_sha256": digest,
            "sha256": sha256_of(folder / "tokens.bin"),
            "files": files,
            "counts": counts.account(),
        }
        try:
            write_documents(HeldOut.read(folder / "validation.jsonl"), args.out_validation)
            publish(folder / "tokens.bin", args.out_tokens)
            write_json(args.out_record, record)
        except OSError as error:
            where = f"{args.out_tokens.parent}: cannot be written: {error}"
            raise ValueError(
                f"{where}; all {counts.tokens:,} tokens are kept: make room, and call again to go on"
            ) from error


if __name__ == "__main__":
    run(main)
