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
from collections.abc import Callable, Iterator
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
Compare = Callable[[Path, Path], str]
DIGEST = re.compile(r"(^|-)[0-9a-f]{16}(?=/|$)")


def files_of(folder: Path, pattern: str) -> dict[str, list[Path]]:
    """Return files by their path below the folder, digests left out.

    Folders of several experiments can have the same name apart from the digest.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(pattern)):
        if path.is_file():
            name = DIGEST.sub("", path.relative_to(folder).as_posix())
            found.setdefault(name, []).append(path)
    return found


def same_bytes(before: Path, after: Path) -> str:
    """Return the difference between two files, empty if their bytes are equal."""
    one, two = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (before, after))
    return "" if one == two else f"other bytes ({one[:12]}, {two[:12]})"


def differences(before: Path, after: Path, pattern: str, compare: Compare) -> Iterator[str]:
    """Yield one text per newer file, empty if it equals an older one of the same name."""
    older = files_of(before, pattern)
    for name, paths in files_of(after, pattern).items():
        for path in paths:
            found = [compare(old, path) for old in older.get(name, [])]
            text = "" if "" in found else next(iter(found), "the older results have no such file")
            yield f"{name}: {text[:300]}" if text else ""


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
        texts = list(
            differences(arguments.before / place, arguments.after / place, pattern, compare)
        )
        wrong = [text for text in texts if text]
        print(*(f"  {place}/{text}" for text in wrong), sep="\n", end="\n" if wrong else "")
        print(f"{place / pattern}: {len(texts)} compared, {len(wrong)} differ")
        failed += len(wrong) + (not texts)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
