"""Stage `shards`: turn one corpus into memory-mapped tokens, with a small manifest of sums."""

import argparse
import json
from pathlib import Path

from relscale.files import read_json, sha256_of, write_json
from relscale.runtime import run
from relscale.text.shards import token_dtype, write_tokens
from relscale.text.tokenizer import load_tokenizer


def main() -> None:
    """Parse the arguments, write the tokens of both splits and the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="JSON: corpus")
    parser.add_argument("--tokenizer", required=True, type=Path)
    parser.add_argument("--train", required=True, type=Path)
    parser.add_argument("--validation", required=True, type=Path)
    parser.add_argument("--report", required=True, type=Path)
    parser.add_argument("--out-train", required=True, type=Path)
    parser.add_argument("--out-validation", required=True, type=Path)
    parser.add_argument("--manifest", required=True, type=Path)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec)
    tokenizer = load_tokenizer(arguments.tokenizer)
    report = read_json(arguments.report)
    if report["corpus"] != spec["corpus"]:
        raise ValueError(
            f"{arguments.report}: report of corpus {report['corpus']!r}, where {spec['corpus']!r} is asked for"
        )
    train = write_tokens(tokenizer, arguments.train, arguments.out_train)
    validation = write_tokens(tokenizer, arguments.validation, arguments.out_validation)
    rows = [
        row
        | {
            "tokens": train.tokens[row["component"]],
            "tokens_validation": validation.tokens[row["component"]],
        }
        for row in report["rows"]
    ]
    manifest = {
        "corpus": spec["corpus"],
        "dtype": token_dtype(tokenizer.get_vocab_size()).str,
        "vocab_size": tokenizer.get_vocab_size(),
        "tokenizer_sha256": sha256_of(arguments.tokenizer),
        "rows": rows,
    }
    for suffix, counts in (("", train), ("_validation", validation)):
        manifest |= {
            f"tokens{suffix}": counts.num_tokens,
            f"documents{suffix}": counts.num_documents,
            f"bytes{suffix}": counts.num_bytes,
        }
    manifest |= {
        "sha256": {
            arguments.out_train.name: train.sha256,
            arguments.out_validation.name: validation.sha256,
        }
    }
    write_json(arguments.manifest, manifest)


if __name__ == "__main__":
    run(main)
