"""Check before any training that every corpus has enough tokens for its longest run."""

import argparse
import json
from pathlib import Path
from typing import Any

from relscale.files import read_json, write_json
from relscale.runtime import run


def check_tokens(
    manifests: dict[str, dict[str, Any]], most_tokens: dict[str, int], max_epochs: float
) -> list[str]:
    """Return one line for each corpus that is too small.

    Args:
        manifests: by corpus.
        most_tokens: tokens of the longest run of each corpus.
        max_epochs: how often a run may see its corpus.
    """
    problems = []
    for corpus, needed in most_tokens.items():
        if "components" in manifests[corpus]:
            problems += check_components(manifests[corpus], needed)
            continue
        tokens = manifests[corpus]["tokens"]
        if needed > max_epochs * tokens:
            problems.append(
                f"corpora.mixtures.{corpus}: {tokens:,} tokens, and its longest run needs {needed:,}, {needed / tokens:.2f} epochs; "
                f"suite.max_epochs = {max_epochs:g}: add text, raise suite.max_epochs, or drop the smallest shapes of the largest budget"
            )
    return problems


def check_components(manifest: dict[str, Any], needed: int) -> list[str]:
    """Return one line for each component of a sharded corpus that is too small for its weight."""
    problems = []
    for part, epochs in most_epochs(manifest, needed).items():
        allowed = next(
            other["max_epochs"] for other in manifest["components"] if other["name"] == part
        )
        if epochs > allowed:
            key = f"corpora.sharded.{manifest['corpus']}"
            problems.append(
                f"{key}.components.{part}: the longest run, of {needed:,} tokens, would see it {epochs:.2f} times; {key}.max_epochs ="
                f" {allowed:g}: add text (or raise `max_tokens`), raise max_epochs, or lower its weight"
            )
    return problems


def most_epochs(manifest: dict[str, Any], needed: int) -> dict[str, float]:
    """Return how often a run of so many tokens sees each component of a sharded corpus."""
    whole = sum(part["weight"] for part in manifest["components"])
    tokens = {
        part["name"]: sum(shard["tokens"] for shard in part["shards"])
        for part in manifest["components"]
    }
    return {
        part["name"]: part["weight"] / whole * needed / tokens[part["name"]]
        for part in manifest["components"]
    }


def main(argv: list[str] | None = None) -> None:
    """Run the stage.

    Raises:
        ValueError: naming every corpus that is too small.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument(
        "--manifest", required=True, type=Path, nargs="+", help="manifests of the corpora's tokens"
    )
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    manifests = {manifest["corpus"]: manifest for manifest in map(read_json, args.manifest)}
    if problems := check_tokens(manifests, args.spec["most_tokens"], args.spec["max_epochs"]):
        raise ValueError("before training:\n  " + "\n  ".join(problems))
    epochs = {}
    for corpus, needed in args.spec["most_tokens"].items():
        manifest = manifests[corpus]
        seen = (
            max(most_epochs(manifest, needed).values())
            if "components" in manifest
            else needed / manifest["tokens"]
        )
        epochs[corpus] = round(seen, 4)
    write_json(args.out, {"most_epochs": epochs})


if __name__ == "__main__":
    run(main)
