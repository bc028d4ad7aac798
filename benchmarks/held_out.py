"""Memory of converting held-out text from JSON lines to Parquet, and of gathering it.

It is measured at several sizes.

    python benchmarks/held_out.py [--megabytes 100 400] [--validation-mb 16]

Words of made-up text are written to a temporary folder; each measurement is a separate
process, and memory is its peak, with imports (about 85 MB). The SHA-256 of the output is printed,
so that two versions of the package can be compared: PYTHONPATH chooses the version.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tokenization import peak_bytes

from relscale.config.sharded import ShardedCorpus
from relscale.files import sha256_of
from relscale.text.document_files import write_documents
from relscale.text.shard_tokens import HeldOutDocument
from relscale.text.sharded_corpus import held_out_documents


def write_lines(path: Path, megabytes: float) -> None:
    """Write documents of 50 to 1,500 words as a shard does.

    One word in fifty has a letter of two bytes.
    """
    generator, left = random.Random(0), megabytes * 1e6
    words = [f"w{'' if number % 50 else 'ö'}{number}" for number in range(5000)]
    with path.open("w", encoding="utf-8") as handle:
        while left > 0:
            text = " ".join(generator.choices(words, k=generator.randrange(50, 1500)))
            left -= len(text.encode())
            document = hashlib.blake2b(text.encode(), digest_size=16).digest()[:8].hex()
            handle.write(
                json.dumps({"document": document, "text": text}, ensure_ascii=False) + "\n"
            )


def measure(way: str, folder: Path, validation_mb: float) -> None:
    """Do one of the two in this process; print its peak memory and the checksum of its output."""
    shard, gathered = folder / "00000.parquet", folder / "validation.parquet"
    if way == "shard":
        write_documents(HeldOutDocument.read(folder / "validation.jsonl"), shard)
    else:
        components = {
            name: {"source": "mine", "files": "*", "weight": weight}
            for name, weight in (("one", 3), ("two", 1))
        }
        settings = ShardedCorpus.model_validate(
            {"validation_mb": validation_mb, "components": components}
        )
        write_documents(
            held_out_documents("both", settings, {"one": [shard], "two": [shard]}), gathered
        )
    peak = peak_bytes()
    print(f"{way:<8}{peak / 1e6:>8.0f} MB  {sha256_of(shard if way == 'shard' else gathered)[:16]}")


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=float, nargs="+", default=[100.0, 400.0])
    parser.add_argument("--validation-mb", type=float, default=16.0)
    parser.add_argument("--measure", choices=("shard", "gather"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.measure, args.folder, args.validation_mb)
        return
    for megabytes in args.megabytes:
        with tempfile.TemporaryDirectory() as name:
            write_lines(Path(name) / "validation.jsonl", megabytes)
            for way in ("shard", "gather"):
                command = [
                    sys.executable,
                    __file__,
                    "--measure",
                    way,
                    "--folder",
                    name,
                    "--validation-mb",
                    str(args.validation_mb),
                ]
                done = subprocess.run(
                    command, capture_output=True, text=True, check=True, env=os.environ
                )
                print(f"{megabytes:>6g} MB held out: {done.stdout}", end="", flush=True)


if __name__ == "__main__":
    main()
