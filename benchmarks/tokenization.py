"""Measure the speed and the memory of tokenization.

A shard is compared with the tokenizer alone and with `datasets.map`, on the same files.

    python benchmarks/tokenization.py --text results/shared/corpora/*/train.parquet

Options are listed by `--help`. The text of the given corpora is written repeatedly, each time in
another order, to JSON Lines files in a temporary folder. Each measurement runs in a new process,
and rounds are interleaved. Times are CPU seconds without imports; memory is the peak of the whole
process. On a shared machine, the CPU seconds of the same work differ by a factor of two. The time
inside the tokenizer is therefore measured in each process as well: the ratio of whole to inside
compares methods on any machine. `datasets.map` encodes a thousand documents at a time, its default:
once as it is usually written, with a tokenizer of `transformers`, and once with the `tokenizers`
library and its call without offsets. Needs `datasets` (extra `hub`).
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from tokenizers import Tokenizer

from relscale.text.document_files import read_batches
from relscale.text.formats import read_texts
from relscale.text.shard_tokens import BATCH_CHARACTERS, ShardText, tokenize_shard
from relscale.text.tokenizer import end_of_text, load_tokenizer, tokenizer_text, train_tokenizer

MAPPED, MAPPED_FAST = "datasets.map", "datasets.map, fast"
WAYS = ("tokenizer alone", "shard", MAPPED, MAPPED_FAST)
WATCHED = 50_000_000
"""Number of characters after which a shard prints its progress."""


def write_files(corpora: list[Path], folder: Path, megabytes: float, parts: int = 4) -> list[str]:
    """Write some megabytes of text to a few JSON Lines files and return their names."""
    texts = [
        text
        for path in corpora
        for batch in read_batches(path)
        for text in batch.column("text").to_pylist()
    ]
    left, generator = megabytes * 1e6, random.Random(0)
    names = [f"{part}.jsonl" for part in range(parts)]
    handles = [(folder / name).open("w", encoding="utf-8") for name in names]
    number = 0
    while left > 0:
        generator.shuffle(texts)
        for text in texts:
            handles[number % parts].write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
            number += 1
            left -= len(text.encode())
            if left <= 0:
                break
    for handle in handles:
        handle.close()
    return names


def batches(folder: Path, names: list[str]) -> Iterator[list[str]]:
    """Yield the texts of files in batches of the size that a shard encodes together."""
    batch: list[str] = []
    characters = 0
    for name in names:
        for text in read_texts(folder / name, "text"):
            batch.append(text)
            characters += len(text)
            if characters >= BATCH_CHARACTERS:
                yield batch
                batch, characters = [], 0
    if batch:
        yield batch


def measure(
    way: str, tokenizer_path: Path, folder: Path, names: list[str], work: Path
) -> dict[str, float]:
    """Measure one method in this process."""
    tokenizer = Timed(load_tokenizer(tokenizer_path))
    if way == "tokenizer alone":
        seconds, tokens, size = encode_alone(tokenizer, folder, names)
    elif way == "shard":
        seconds, tokens, size = encode_shard(tokenizer, folder, names, work)
    else:
        files = [str(folder / name) for name in names]
        usual = tokenizer_path if way == MAPPED else None
        seconds, tokens, size = encode_mapped(tokenizer, files, work, usual)
    return {
        "cpu_s": seconds,
        "inside_s": tokenizer.seconds,
        "tokens": tokens,
        "peak_mb": peak_bytes() / 1e6,
        "disk_mb": size / 1e6,
    }


def encode_alone(tokenizer: "Timed", folder: Path, names: list[str]) -> tuple[float, int, int]:
    """Return CPU seconds, tokens and bytes on disk of the tokenizer alone."""
    loaded = list(batches(folder, names))
    begin, tokens = time.process_time(), 0
    for texts in loaded:
        for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False):
            tokens += len(encoding) + 1
    return time.process_time() - begin, tokens, 0


def encode_shard(
    tokenizer: "Timed", folder: Path, names: list[str], work: Path
) -> tuple[float, int, int]:
    """Return CPU seconds, tokens and bytes on disk of a shard."""
    begin, seen = time.process_time(), 0

    def texts_of(name: str, skip: int) -> Iterator[str]:
        nonlocal seen
        for text in read_texts(folder / name, "text", skip):
            before, seen = seen, seen + len(text)
            if seen // WATCHED > before // WATCHED:
                seconds, peak = time.process_time() - begin, peak_bytes() / 1e6
                line = f"{seen / 1e6:.0f} M characters: {seconds:.0f} CPU-s, peak {peak:.0f} MB"
                print(line, flush=True)
            yield text

    work.mkdir()
    text = ShardText(files=names, texts=texts_of, validation_share=1e-4)
    done = tokenize_shard(text, cast(Tokenizer, tokenizer), work)
    tokens = done.tokens + done.tokens_validation
    return time.process_time() - begin, tokens, done.tokens_size


def encode_mapped(
    tokenizer: "Timed", files: list[str], work: Path, usual: Path | None
) -> tuple[float, int, int]:
    """Return CPU seconds, tokens and bytes on disk of `datasets.map`.

    Args:
        tokenizer: the tokenizer.
        files: JSON Lines files.
        work: folder of the cache.
        usual: file of the tokenizer, to use it through `transformers`; None uses `tokenizers`.
    """
    import datasets

    datasets.disable_progress_bars()
    _, end = end_of_text(cast(Tokenizer, tokenizer))
    wrapped: Any = None
    if usual is not None:
        from transformers import PreTrainedTokenizerFast

        wrapped = PreTrainedTokenizerFast(tokenizer_object=load_tokenizer(usual))

    def encode(rows: dict[str, list[str]]) -> dict[str, list[list[int]]]:
        if wrapped is None:
            encodings = tokenizer.encode_batch_fast(rows["text"], add_special_tokens=False)
            return {"ids": [[*encoding.ids, end] for encoding in encodings]}
        begin = time.process_time()
        ids = wrapped(rows["text"], add_special_tokens=False)["input_ids"]
        tokenizer.seconds += time.process_time() - begin
        return {"ids": [[*document, end] for document in ids]}

    begin = time.process_time()
    rows = datasets.load_dataset("json", data_files=files, split="train", cache_dir=str(work))
    mapped = rows.map(encode, batched=True, remove_columns=["text"], new_fingerprint="measured")
    seconds = time.process_time() - begin
    tokens = sum(len(row) for batch in mapped.iter(1000) for row in batch["ids"])
    size = sum(file.stat().st_size for file in work.rglob("*") if file.is_file())
    return seconds, tokens, size


def peak_bytes() -> int:
    """Return the peak memory of this process in bytes.

    Linux's `ru_maxrss` would include the memory of its parent.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


class Timed:
    """A tokenizer that measures the time it spends on encoding."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Wrap a tokenizer."""
        self._tokenizer = tokenizer
        self.seconds = 0.0
        """CPU seconds inside `encode_batch_fast`."""

    def encode_batch_fast(self, texts: list[str], add_special_tokens: bool = True) -> list[Any]:
        """Encode and add the CPU seconds."""
        begin = time.process_time()
        encodings: list[Any] = self._tokenizer.encode_batch_fast(
            texts, add_special_tokens=add_special_tokens
        )
        self.seconds += time.process_time() - begin
        return encodings

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)


def in_own_process(
    way: str, tokenizer: Path, folder: Path, names: list[str], watch: Path | None = None
) -> dict[str, float]:
    """Measure one method in a new process, whose output is written to the file `watch`."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        command = [
            sys.executable,
            __file__,
            "--measure",
            way,
            "--tokenizer",
            tokenizer,
            "--folder",
            folder,
            "--work",
            f"{work}/made",
        ]
        environment = {
            **os.environ,
            "TOKENIZERS_PARALLELISM": "false",
            "RAYON_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        with (
            tempfile.TemporaryFile("w+") as said,
            watch.open("w+") if watch else tempfile.TemporaryFile("w+") as output,
        ):
            done = subprocess.run(
                [*map(str, command), "--names", *names],
                env=environment,
                stdout=output,
                stderr=said,
                check=False,
            )
            said.seek(0)
            output.seek(0)
            if done.returncode:
                raise RuntimeError(said.read()[-3000:])
            result: dict[str, float] = json.loads(output.read().splitlines()[-1])
    return result


def compare(
    corpora: list[Path], tokenizer: Path, scratch: Path, megabytes: float, rounds: int
) -> Iterator[str]:
    """Yield lines with each method's rate, its ratio to the shard's, memory and disk space."""
    folder = scratch / "compared"
    folder.mkdir()
    names = write_files(corpora, folder, megabytes)
    seen: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            seen[way].append(in_own_process(way, tokenizer, folder, names))
    yield f"{megabytes:g} MB of text, {rounds} rounds, medians (in brackets: lowest and highest)"
    yield (
        f"{'method':<18}{'tokens':>12}{'tokens/CPU-s':>14}{'CPU-s':>8}"
        f"{'whole / inside the tokenizer':>30}{'peak MB':>9}{'disk MB':>9}"
    )
    middle: dict[str, float] = {}
    for way in WAYS:
        ratios = sorted(one["cpu_s"] / one["inside_s"] for one in seen[way])
        one = sorted(seen[way], key=lambda one: one["cpu_s"])[rounds // 2]
        middle[way] = ratios[rounds // 2]
        spread = f"{middle[way]:.3f} ({ratios[0]:.3f}-{ratios[-1]:.3f})"
        rate = one["tokens"] / one["cpu_s"]
        yield (
            f"{way:<18}{one['tokens']:>12,.0f}{rate:>14,.0f}{one['cpu_s']:>8.1f}"
            f"{spread:>30}{one['peak_mb']:>9.0f}{one['disk_mb']:>9.0f}"
        )
    yield f"a shard reaches {1 / middle['shard']:.3f} of the rate of the tokenizer alone"
    for way in (MAPPED, MAPPED_FAST):
        ratios = sorted(
            mapped["cpu_s"] / shard["cpu_s"]
            for mapped, shard in zip(seen[way], seen["shard"], strict=True)
        )
        by_round = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        yield f"and {ratios[rounds // 2]:.2f} times the rate of {way} (by round: {by_round})"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--text",
        type=Path,
        nargs="+",
        help="documents of corpora (Parquet), as the workflow makes them",
    )
    parser.add_argument("--vocab-size", type=int, default=8192)
    parser.add_argument(
        "--compare-mb", type=float, default=50.0, help="text that the methods are compared on"
    )
    parser.add_argument(
        "--small-mb", type=float, default=200.0, help="text of the smaller shard; 0 leaves it out"
    )
    parser.add_argument(
        "--large-mb", type=float, default=2000.0, help="text of the larger shard; 0 leaves it out"
    )
    parser.add_argument("--rounds", type=int, default=3, help="0 leaves the comparison out")
    parser.add_argument("--scratch", type=Path, help="where the temporary folder is made")
    parser.add_argument("--out", type=Path, help="also write the table there")
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    for name in ("--tokenizer", "--folder", "--work"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--names", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure, args.tokenizer, args.folder, args.names, args.work)))
        return
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        print(line, flush=True)
        if args.out:
            args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")

    with tempfile.TemporaryDirectory(dir=args.scratch) as name:
        scratch = Path(name)
        tokenizer = scratch / "tokenizer.json"
        trained = train_tokenizer(
            {path.parent.name: path for path in args.text}, args.vocab_size, 4.0
        )
        tokenizer.write_text(tokenizer_text(trained), encoding="utf-8")
        say(f"byte-level BPE of {args.vocab_size} entries, one thread")
        if args.rounds:
            for line in compare(args.text, tokenizer, scratch, args.compare_mb, args.rounds):
                say(line)
        for megabytes in filter(None, (args.small_mb, args.large_mb)):
            folder = scratch / f"{megabytes:g}"
            folder.mkdir()
            names = write_files(args.text, folder, megabytes)
            found = in_own_process(
                "shard",
                tokenizer,
                folder,
                names,
                args.out.with_suffix(f".{megabytes:g}.txt") if args.out else None,
            )
            rate = megabytes / found["cpu_s"]
            say(
                f"a shard of {megabytes:g} MB: {found['cpu_s']:.0f} CPU-s, {rate:.2f} MB of text"
                f" per CPU-s, peak {found['peak_mb']:.0f} MB"
            )


if __name__ == "__main__":
    main()
