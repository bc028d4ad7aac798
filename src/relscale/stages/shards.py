"""Tokenize one corpus to memory-mapped files, with a manifest of their checksums."""

from pathlib import Path

from relscale.files import write_json
from relscale.runtime import run
from relscale.text.spec import TokensSpec
from relscale.text.token_writer import tokenize_corpus


def main(
    *,
    spec: TokensSpec,
    tokenizer: Path,
    train: Path,
    validation: Path,
    report: Path,
    out_train: Path,
    out_validation: Path,
    manifest: Path,
) -> None:
    """Tokenize both splits of one corpus."""
    documents = {"train": train, "validation": validation}
    outputs = {"train": out_train, "validation": out_validation}
    written = tokenize_corpus(spec.corpus, tokenizer, report, documents, outputs)
    write_json(manifest, written.model_dump(mode="json"))


if __name__ == "__main__":
    run(main)
