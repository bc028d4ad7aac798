"""Turn a family's texts into the token sequences that every run is asked to score."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import TypeAdapter

from relscale.config.families import (
    AnyFamily,
    DocumentFamily,
    PairFamily,
    QuestionFamily,
    RiskFamily,
)
from relscale.evaluation.continuation import sample_continuation
from relscale.evaluation.requests import write_requests
from relscale.evaluation.samples import (
    Sample,
    sample_documents,
    sample_questions,
    sample_validation,
)
from relscale.evaluation.tokens import TextEncoder
from relscale.files import sha256_of, write_json
from relscale.runtime import run
from relscale.text.tokenizer import load_tokenizer


def make_sample(
    spec: Mapping[str, Any],
    encoder: TextEncoder,
    files: Path | None,
    validation: Path | None,
    shots_files: Path | None = None,
) -> Sample:
    """Return the items of the family that a spec describes.

    Args:
        spec: `family` (its name), `context_length`, `settings`, and for a continuation `documents`
            (the settings of its document family).
        encoder: the tokenizer.
        files: folder of the family's source; unused for `validation`.
        validation: held-out documents of a corpus (component, document, text); used for
            `validation` only.
        shots_files: folder of the source with solved questions, where that is another one.

    Raises:
        ValueError: naming key, value and choices, where a domain has no text, or the input that is
            missing.
    """
    name, length = spec["family"], spec["context_length"]
    family = TypeAdapter(AnyFamily).validate_python(spec["settings"])
    if family.kind == "validation":
        if validation is None:
            raise ValueError(f"families.{name}: kind validation needs --validation")
        rows = pq.read_table(validation, columns=["component", "document", "text"]).to_pylist()
        return sample_validation(
            name,
            family,
            [(str(row["component"]), row["document"], row["text"]) for row in rows],
            length,
            encoder,
        )
    if files is None:
        raise ValueError(f"families.{name}: kind {family.kind} needs --source")
    if family.kind == "documents":
        return sample_documents(name, family, files, length, encoder)
    if isinstance(family, QuestionFamily | PairFamily | RiskFamily):
        return sample_questions(name, family, files, length, encoder, shots_files)
    documents = DocumentFamily.model_validate(spec["documents"])
    return sample_continuation(name, family, documents, files, length, encoder)


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument("--tokenizer", required=True, type=Path)
    parser.add_argument(
        "--source",
        type=Path,
        help="manifest of the family's source; its files lie in files/ beside it",
    )
    parser.add_argument(
        "--shots-source",
        type=Path,
        help="manifest of the source with solved questions, where that is another one",
    )
    parser.add_argument(
        "--validation", type=Path, help="held-out documents of a corpus, for kind validation"
    )
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--manifest", required=True, type=Path)
    args = parser.parse_args(argv)
    encoder = TextEncoder(load_tokenizer(args.tokenizer), str(args.tokenizer))
    files, shots_files = (
        path.parent / "files" if path else None for path in (args.source, args.shots_source)
    )
    sample = make_sample(args.spec, encoder, files, args.validation, shots_files)
    write_requests(sample.items, args.out)
    account = sample.manifest(
        args.spec["family"], args.spec["settings"]["kind"], args.spec["context_length"]
    )
    write_json(args.manifest, {**account, "sha256": sha256_of(args.out)})


if __name__ == "__main__":
    run(main)
