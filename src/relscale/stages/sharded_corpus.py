"""Gather the shards of a corpus's components: the manifest of its tokens and its held-out
documents."""

import argparse
import json
import os
from pathlib import Path

from relscale.config.sharded import ShardedCorpus
from relscale.files import read_json, sha256_of, write_json
from relscale.runtime import run
from relscale.text.parquet import write_documents
from relscale.text.sharded_corpus import gather, held_out


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads, help="JSON: corpus, settings")
    parser.add_argument(
        "--component",
        required=True,
        nargs="+",
        metavar="NAME=FOLDER",
        help="folder of each component's shards",
    )
    parser.add_argument("--out-validation", required=True, type=Path)
    parser.add_argument("--manifest", required=True, type=Path)
    args = parser.parse_args(argv)
    corpus, settings = args.spec["corpus"], ShardedCorpus.model_validate(args.spec["settings"])
    folders = {
        name: Path(folder) for name, folder in (pair.split("=", 1) for pair in args.component)
    }
    records, parts = {}, {}
    for name, component in settings.components.items():
        paths = [folders[name] / f"{index:05d}.bin" for index in range(component.shards)]
        records[name] = [
            (os.path.relpath(path, args.manifest.parent), read_json(path.with_suffix(".json")))
            for path in paths
        ]
        parts[name] = [path.with_suffix(".parquet") for path in paths]
    manifest = gather(corpus, settings, records)
    chosen = held_out(corpus, settings, parts)
    try:
        write_documents(chosen, args.out_validation)
        manifest["sha256"][args.out_validation.name] = sha256_of(args.out_validation)
        write_json(args.manifest, manifest)
    except OSError as error:
        raise ValueError(
            f"{args.manifest.parent}: cannot be written: {error}; make room, and call again"
        ) from error


if __name__ == "__main__":
    run(main)
