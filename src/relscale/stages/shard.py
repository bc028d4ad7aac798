"""Turn the files of one shard into tokens. A shard that was stopped goes on; one that was finished before takes seconds."""

import argparse
import json
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from relscale.command import run
from relscale.digests import spec_digest
from relscale.files import read_json, replacing, sha256_of, write_json
from relscale.settings.sources import HubOrigin, LocalOrigin, ShardedOrigin
from relscale.text.decontamination import WindowSet, evaluation_texts
from relscale.text.parquet import write_documents
from relscale.text.rows import hub_texts, local_texts
from relscale.text.shards import token_dtype
from relscale.text.tokenize_shard import SAVE_MB, HeldOut, Shard, held, tokenize
from relscale.text.tokenizer import load_tokenizer


def texts_of(name: str, source: LocalOrigin | HubOrigin, key: str, sizes: dict[str, int], file: str, skip: int) -> Iterator[str]:
    """Yield the texts of one file of a source.

    Raises:
        ValueError: where a local file is not of the size that was planned with, or cannot be read.
    """
    if isinstance(source, HubOrigin):
        yield from hub_texts(name, source, file, key, skip)
        return
    path = local_path(source, file)
    size = path.stat().st_size if path.is_file() else None
    if size != sizes[file]:
        raise ValueError(f"{path}: {size} bytes; the plan of the shards says {sizes[file]}: the file has changed since, plan again")
    yield from local_texts(path, key, skip)


def local_path(source: LocalOrigin, file: str) -> Path:
    """Return where a file of a local source lies; the source may be that one file."""
    root = Path(source.path)
    return root if root.is_file() else root / file


def evaluation_windows(spec: dict[str, Any], sources: list[str]) -> WindowSet | None:
    """Return the windows of the evaluation texts that are to be removed, or None where there are none."""
    families = spec["decontaminate_against"]
    if not families:
        return None
    files = {name: Path(manifest).parent / "files" for name, manifest in (pair.split("=", 1) for pair in sources)}
    texts = (text for name, settings in sorted(families.items()) for text in evaluation_texts(name, settings, files[settings["source"]]))
    return WindowSet(texts, spec["window_words"])


def publish(file: Path, out: Path) -> None:
    """Put a finished file where it belongs without moving it away, so that a call after a kill finds it here again."""
    with replacing(out) as temporary:
        try:
            os.link(file, temporary)
        except OSError:  # another disk, or one without links
            shutil.copyfile(file, temporary)


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads, help="JSON: name, component, source, window_words, decontaminate_against")
    parser.add_argument("--plan", required=True, type=Path)
    parser.add_argument("--shard", required=True, type=int)
    parser.add_argument("--tokenizer", required=True, type=Path)
    parser.add_argument("--source", nargs="*", default=[], metavar="NAME=MANIFEST", help="sources of the texts to decontaminate against")
    parser.add_argument("--checkpoints", required=True, type=Path, help="folder of what is not finished, one folder a shard inside")
    parser.add_argument("--defined-by", required=True, nargs="*", help="what else defines the bytes: digests of code and libraries")
    parser.add_argument("--save-mb", type=float, default=SAVE_MB, help="megabytes of text after which progress is written")
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
        texts=partial(texts_of, component["source"], source, component["text"], {file["path"]: file["num_bytes"] for file in files}),
        validation_share=component["validation_share"],
        max_tokens=None if limit is None else -(-limit // component["shards"]),
        windows=evaluation_windows(spec, args.source),
    )
    folder = args.checkpoints / f"{name}-{args.shard:05d}-{spec_digest([spec, files, digest, *args.defined_by])}"
    with held(folder):
        counts = tokenize(shard, tokenizer, folder, args.save_mb)
        if not counts.documents:
            where = f"component {name} (source {component['source']}), shard {args.shard}"
            raise ValueError(f"{where}: no document to train on of {counts.documents_read} read from {len(files)} files")
        if isinstance(source, LocalOrigin):
            files = [{**file, "sum": sha256_of(local_path(source, file["path"]))} for file in files[: counts.file + 1]]
        with replacing(args.out_validation) as temporary:
            write_documents(HeldOut.read(folder / "validation.jsonl"), temporary)
        publish(folder / "tokens.bin", args.out_tokens)
        record = {
            "component": name,
            "shard": args.shard,
            "dtype": token_dtype(tokenizer.get_vocab_size()).str,
            "vocab_size": tokenizer.get_vocab_size(),
            "tokenizer_sha256": digest,
            "sha256": sha256_of(args.out_tokens),
            "files": files,
            "counts": counts.account(),
        }
        write_json(args.out_record, record)


if __name__ == "__main__":
    run(main)
