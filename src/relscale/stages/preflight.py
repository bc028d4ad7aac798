"""Check before any training, or scoring of checkpoints, that every domain has text to score."""

import argparse
from pathlib import Path
from typing import Any

from relscale.files import read_json, write_json
from relscale.runtime import run


def check_domains(manifest: dict[str, Any]) -> list[str]:
    """Return one line for each domain of a family without an item to score."""
    return [
        f"families.{manifest['family']}: domain {domain!r} has no item that fits the window"
        for domain, counts in manifest["domains"].items()
        if counts["items"] == 0
    ]


def main(argv: list[str] | None = None) -> None:
    """Run the stage.

    Raises:
        ValueError: naming every empty domain.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--family", required=True, type=Path, nargs="+", help="manifests of the families' requests"
    )
    parser.add_argument(
        "--tokens",
        type=Path,
        help="result of the check of the corpora's tokens, where there are corpora",
    )
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    manifests = [read_json(path) for path in args.family]
    if problems := [problem for manifest in manifests for problem in check_domains(manifest)]:
        raise ValueError("before anything is trained or scored:\n  " + "\n  ".join(problems))
    tokens = read_json(args.tokens) if args.tokens else {}
    write_json(
        args.out, {**tokens, "families": sorted({manifest["family"] for manifest in manifests})}
    )


if __name__ == "__main__":
    run(main)
