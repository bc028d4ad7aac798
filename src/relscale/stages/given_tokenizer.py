"""Take a tokenizer that others made, from a file or from the hub, and check that it can be used."""

import argparse
import hashlib
import json
from pathlib import Path

from relscale.config.corpora import GivenTokenizer
from relscale.files import replacing, write_json
from relscale.runtime import run
from relscale.text.local_files import local_files, stamps
from relscale.text.tokenizer import load_tokenizer


def tokenizer_file(given: GivenTokenizer) -> Path:
    """Return the tokenizer's file, downloaded where it is on the hub.

    Raises:
        ValueError: naming key and value, where it cannot be had.
    """
    if given.path is not None:
        if not Path(given.path).is_file():
            raise ValueError(f"tokenizer.given.path = {given.path!r}: no such file")
        return Path(given.path)
    try:
        from huggingface_hub import hf_hub_download  # comes with the `hub` extra
    except ImportError as error:
        raise ValueError(
            "tokenizer.given.hub: needs the package `huggingface_hub`; install relscale with its `hub` extra"
        ) from error
    assert given.hub is not None
    try:
        return Path(hf_hub_download(given.hub, "tokenizer.json", revision=given.revision))
    except Exception as error:  # the library raises errors of many packages
        key = f"tokenizer.given.hub = {given.hub!r} at {given.revision}"
        advice = "a gated repository needs a token in the variable HF_TOKEN; `tokenizer.given.path` takes a local file"
        raise ValueError(
            f"{key}: cannot be had: {type(error).__name__}: {error}. {advice}"
        ) from error


def main(argv: list[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads, help="JSON: vocab_size, given")
    parser.add_argument(
        "--listing",
        default="",
        help="name by which the workflow knows a local file; it is kept in the manifest",
    )
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--manifest", required=True, type=Path)
    args = parser.parse_args(argv)
    given = GivenTokenizer.model_validate(args.spec["given"])
    file = tokenizer_file(given)
    seen = (
        {"listing": args.listing, "stamps": stamps(local_files(file))}
        if given.path is not None
        else {}
    )
    content = file.read_bytes()
    with replacing(args.out) as temporary:
        temporary.write_bytes(content)
        entries = load_tokenizer(temporary).get_vocab_size()
        if entries != args.spec["vocab_size"]:
            raise ValueError(
                f"tokenizer.vocab_size = {args.spec['vocab_size']}: the given tokenizer has {entries} entries"
            )
    write_json(args.manifest, {"files": {file.name: hashlib.sha256(content).hexdigest()}} | seen)


if __name__ == "__main__":
    run(main)
