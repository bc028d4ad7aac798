"""Reading the records of large files: every ending, from any record on, and what is wrong with one
by its line."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relscale.config.sources import HubOrigin
from relscale.text.rows import hub_texts, is_readable, local_texts

TEXTS = ["plain", "ünï 中文 🙂", "two\nlines\r\nand\u2028more", "", " spaces ", "x" * 5000, "last"]


def zstd(data: bytes, frames: int = 1) -> bytes:
    """Pack data, in several frames one behind the other."""
    size = -(-len(data) // frames)
    return b"".join(
        pa.compress(data[start : start + size], codec="zstd", asbytes=True)
        for start in range(0, len(data), size)
    )


def lines(values: list[str]) -> bytes:
    return b"".join(
        json.dumps({"text": value, "n": 1}, ensure_ascii=False).encode() + b"\n" for value in values
    )


def damaged(packed: bytes) -> bytes:
    """Return a file as a bad disk gives it: the beginning is right, and the length."""
    return packed[:10] + bytes(byte ^ 0xFF for byte in packed[10:40]) + packed[40:]


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "a.jsonl": lambda data: data,
    "a.json": lambda data: data.replace(b"\n", b"\r\n"),
    "a.jsonl.gz": gzip.compress,
    "a.json.gz": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]),
    "a.jsonl.zst": zstd,
    "a.jsonl.zstd": lambda data: zstd(data, frames=3),
}


@pytest.mark.parametrize("skip", [0, 1, 4, 7])
@pytest.mark.parametrize("name", PACKED)
def test_lines_of_records(tmp_path: Path, name: str, skip: int) -> None:
    (tmp_path / name).write_bytes(PACKED[name](lines(TEXTS)))
    assert is_readable(name)
    assert list(local_texts(tmp_path / name, "text", skip)) == TEXTS[skip:]


@pytest.mark.parametrize("skip", [0, 2, 3, 5, 7])
def test_rows_of_parquet(tmp_path: Path, skip: int) -> None:
    pq.write_table(
        pa.table({"text": TEXTS, "n": range(len(TEXTS))}), tmp_path / "a.parquet", row_group_size=3
    )
    assert list(local_texts(tmp_path / "a.parquet", "text", skip)) == TEXTS[skip:]


def test_lines_of_text_and_a_last_one_without_its_end(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("one\n\nthré".encode()))
    assert list(local_texts(tmp_path / "a.txt.gz", "unused")) == ["one", "", "thré"]
    assert not is_readable("a.csv") and not is_readable("a.txt.bz2")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.jsonl",
            lines(["fine"]) + b'{"text": "\xff"}\n',
            r"a\.jsonl line 2: not UTF-8 text: .*0xff",
        ),
        ("a.jsonl", lines(["fine"] * 2) + b'{"text": \n', r"a\.jsonl line 3: not valid JSON"),
        (
            "a.jsonl",
            b'{"body": "x", "id": 1}\n',
            r"a\.jsonl line 1: no key 'text' \(the component's `text`\); the choices are body, id",
        ),
        ("a.jsonl", b'{"text": 3}\n', r"a\.jsonl line 1: text = '3' is no text"),
        ("a.jsonl", b"[1]\n", r"a\.jsonl line 1: a JSON record is needed, not '\[1\]'"),
        (
            "a.jsonl.gz",
            gzip.compress(lines(TEXTS * 50))[:-20],
            r"a\.jsonl\.gz: cannot be unpacked: Compressed file ended",
        ),
        (
            "a.jsonl.gz",
            damaged(gzip.compress(lines(TEXTS * 50))),
            r"a\.jsonl\.gz: cannot be unpacked: Error -3 while decompressing data",
        ),
        ("a.jsonl.gz", b"no gzip at all", r"a\.jsonl\.gz: cannot be unpacked: Not a gzipped file"),
        ("a.jsonl.zst", zstd(lines(TEXTS * 50))[:-20], r"a\.jsonl\.zst: cannot be unpacked: "),
        ("a.parquet", b"nothing", r"a\.parquet: not a readable Parquet file"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(local_texts(tmp_path / name, "text"))


def test_a_column_that_is_missing(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet: no column 'text' .*; the choices are body"):
        list(local_texts(tmp_path / "a.parquet", "text"))
    with pytest.raises(ValueError, match=r"b\.jsonl: cannot be read"):
        list(local_texts(tmp_path / "b.jsonl", "text"))


@pytest.mark.parametrize("ending", ["jsonl.gz", "parquet"])
def test_datasets_streams_what_lies_in_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    pytest.importorskip("datasets", reason="the extra `hub` is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / f"a.{ending}"
    if ending == "parquet":
        pq.write_table(pa.table({"text": TEXTS, "n": range(len(TEXTS))}), path)
    else:
        path.write_bytes(gzip.compress(lines(TEXTS)))
    # A folder stands for the repository: the library opens both the same way.
    source = HubOrigin(kind="hub", dataset=str(tmp_path), revision="0" * 40)
    for skip in (0, 3):
        assert list(hub_texts("mine", source, f"data/a.{ending}", "text", skip)) == TEXTS[skip:]
    with pytest.raises(
        ValueError, match=rf"sources\.mine: .* at 0{{40}}, data/a\.{ending} row 1: no key 'body'"
    ):
        next(hub_texts("mine", source, f"data/a.{ending}", "body"))
    with pytest.raises(ValueError, match=r"sources\.mine: .*gone\.parquet: cannot be read: "):
        next(hub_texts("mine", source, "data/gone.parquet", "text"))
