"""Compare the results of an experiment with those that an older version of the code made.

    python tests/golden/compare_results.py BEFORE AFTER [--experiment default]

BEFORE and AFTER are the folders `results` of two checkouts. The digests in the names of shared
folders differ, since the code that they stand for changed, so folders are matched by their names
without the digest. Compared are the tokenizer, documents, tokens and requests; weights and loss
curves of every run; losses, items, laws and tables (apart from renamed columns, see
`compare_tables`); and the figures' SVG. Prints one line per group and every difference; the exit
code is 1 if there is one.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from compare_tables import difference

SHARED = (
    "tokenizers/*/tokenizer.json",
    "corpora/*/*.parquet",
    "corpora/*/tokens-*/*.bin",
    "families/*/requests.parquet",
)
BYTES = ("runs/*/model/model.safetensors", "runs/*/curve.csv", "figures/*.svg")
TABLES = ("tables/*.csv", "tables/*.parquet", "evaluations/**/*.parquet", "laws/**/*.csv")
DIGEST = re.compile(r"(^|-)[0-9a-f]{16}(?=/|$)")


def files_of(folder: Path, pattern: str) -> dict[str, Path]:
    """Return files by their path below the folder, digests left out."""
    return {
        DIGEST.sub("", path.relative_to(folder).as_posix()): path
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    }


def same_bytes(before: Path, after: Path) -> str:
    """Return the difference between two files; empty if their bytes are equal."""
    one, two = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (before, after))
    return "" if one == two else f"other bytes ({one[:12]}, {two[:12]})"


def pairs(before: Path, after: Path, pattern: str) -> Iterator[tuple[str, Path, Path | None]]:
    """Yield every file of the older folder with its counterpart."""
    newer = files_of(after, pattern)
    for name, path in files_of(before, pattern).items():
        yield name, path, newer.get(name)


def main() -> None:
    """Compare group by group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--experiment", default="default")
    arguments = parser.parse_args()
    groups = [(Path("shared"), pattern, same_bytes) for pattern in SHARED]
    groups += [(Path(arguments.experiment), pattern, same_bytes) for pattern in BYTES]
    groups += [(Path(arguments.experiment), pattern, difference) for pattern in TABLES]
    failed = 0
    for place, pattern, compare in groups:
        count = wrong = 0
        for name, old, new in pairs(arguments.before / place, arguments.after / place, pattern):
            count += 1
            said = compare(old, new) if new is not None else "missing"
            if said:
                wrong += 1
                print(f"  {place / name}: {said[:300]}")
        print(f"{place / pattern}: {count} compared, {wrong} differ")
        failed += wrong + (count == 0)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
