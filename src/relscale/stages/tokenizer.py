"""Stage `tokenizer`: train the tokenizer on equal bytes of the named corpora."""

import argparse
import json
from pathlib import Path

from relscale.files import write_text
from relscale.runtime import run
from relscale.text.tokenizer import tokenizer_text, train_tokenizer


def main() -> None:
    """Parse the arguments, train the tokenizer, write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON: vocab_size, trained_on, mb_per_corpus")
    parser.add_argument(
        "--train",
        required=True,
        nargs="+",
        metavar="CORPUS=PARQUET",
        help="training documents of each corpus",
    )
    parser.add_argument("--out", required=True, type=Path)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec)
    files = {name: Path(path) for name, path in (pair.split("=", 1) for pair in arguments.train)}
    missing = [name for name in spec["trained_on"] if name not in files]
    if missing:
        raise ValueError(
            f"tokenizer.trained_on: no documents of {', '.join(missing)} given; --train has {', '.join(files)}"
        )
    corpora = {name: files[name] for name in spec["trained_on"]}
    write_text(
        arguments.out,
        tokenizer_text(train_tokenizer(corpora, spec["vocab_size"], spec["mb_per_corpus"])),
    )


if __name__ == "__main__":
    run(main)
