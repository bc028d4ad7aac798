"""Turn a family's files into the texts that every checkpoint is asked to score, whatever its
tokenizer."""

import argparse
import json
from pathlib import Path

from pydantic import TypeAdapter

from relscale.config.families import AnyFamily
from relscale.evaluation.families import family_texts
from relscale.files import sha256_of, write_json
from relscale.released.text_table import texts_manifest, write_texts
from relscale.runtime import run


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument(
        "--source",
        required=True,
        type=Path,
        help="manifest of the family's source; its files lie in files/ beside it",
    )
    parser.add_argument(
        "--shots-source",
        type=Path,
        help="manifest of the source with solved questions, where that is another one",
    )
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--manifest", required=True, type=Path)
    args = parser.parse_args(argv)
    family = TypeAdapter(AnyFamily).validate_python(args.spec["settings"])
    files, shots_files = (
        path.parent / "files" if path else None for path in (args.source, args.shots_source)
    )
    assert files is not None
    texts = family_texts(args.spec["family"], family, files, shots_files)
    write_texts(texts, args.out)
    write_json(
        args.manifest,
        {**texts_manifest(texts, args.spec["family"], family.kind), "sha256": sha256_of(args.out)},
    )


if __name__ == "__main__":
    run(main)
