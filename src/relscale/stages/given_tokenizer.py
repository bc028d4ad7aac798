"""Take an existing tokenizer from a file or from the Hub, and check that it can be used."""

from pathlib import Path

from relscale.runtime import run
from relscale.text.existing_tokenizer import take_tokenizer
from relscale.text.spec import GivenTokenizerSpec


def main(*, spec: GivenTokenizerSpec, out: Path, manifest: Path, listing: str = "") -> None:
    """Take a tokenizer; `listing` is the workflow's name for a local file."""
    take_tokenizer(spec.given, spec.vocab_size, listing, out, manifest)


if __name__ == "__main__":
    run(main)
