"""Check before any training that every corpus has enough tokens for its longest run."""

import argparse
import json
from pathlib import Path
from typing import Any

from relscale.command import run
from relscale.files import read_json, write_json


def check_tokens(manifests: dict[str, dict[str, Any]], most_tokens: dict[str, int], max_epochs: float) -> list[str]:
    """Return one line for each corpus that is too small.

    Args:
        manifests: by corpus.
        most_tokens: tokens of the longest run of each corpus.
        max_epochs: how often a run may see its corpus.
    """
    problems = []
    for corpus, needed in most_tokens.items():
        tokens = manifests[corpus]["tokens"]
        if needed > max_epochs * tokens:
            problems.append(
                f"corpora.mixtures.{corpus}: {tokens:,} tokens, and its longest run needs {needed:,}, {needed / tokens:.2f} epochs; "
                f"suite.max_epochs = {max_epochs:g}: add text, raise suite.max_epochs, or drop the smallest shapes of the largest budget"
            )
    return problems


def main(argv: list[str] | None = None) -> None:
    """Run the stage.

    Raises:
        ValueError: naming every corpus that is too small.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument("--manifest", required=True, type=Path, nargs="+", help="manifests of the corpora's tokens")
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    manifests = {manifest["corpus"]: manifest for manifest in map(read_json, args.manifest)}
    if problems := check_tokens(manifests, args.spec["most_tokens"], args.spec["max_epochs"]):
        raise ValueError("before training:\n  " + "\n  ".join(problems))
    epochs = {corpus: round(needed / manifests[corpus]["tokens"], 4) for corpus, needed in args.spec["most_tokens"].items()}
    write_json(args.out, {"most_epochs": epochs})


if __name__ == "__main__":
    run(main)
