"""Reading records and texts: every format and compression, from any record on, and broken files."""

import codecs
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relscale.text.formats import is_readable, read_located, read_records, read_text, read_texts

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
    assert list(read_texts(tmp_path / name, "text", skip)) == TEXTS[skip:]


@pytest.mark.parametrize("skip", [0, 2, 3, 5, 7])
def test_rows_of_parquet(tmp_path: Path, skip: int) -> None:
    pq.write_table(
        pa.table({"text": TEXTS, "n": range(len(TEXTS))}), tmp_path / "a.parquet", row_group_size=3
    )
    assert list(read_texts(tmp_path / "a.parquet", "text", skip)) == TEXTS[skip:]


def test_lines_of_text_and_a_last_one_without_its_end(tmp_path: Path) -> None:
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress("one\n\nthré".encode()))
    assert list(read_texts(tmp_path / "a.txt.gz", "unused")) == ["one", "", "thré"]
    assert not is_readable("a.pdf") and not is_readable("a.txt.bz2")


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
            r"a\.jsonl line 1: no key 'text' \(the setting `text`\); the choices are body, id",
        ),
        ("a.jsonl", b'{"text": 3}\n', r"a\.jsonl line 1: text = '3' must be a string"),
        ("a.jsonl", b"[1]\n", r"a\.jsonl line 1: must be a mapping of keys, not '\[1\]'"),
        (
            "a.jsonl.gz",
            gzip.compress(lines(TEXTS * 50), mtime=0)[:-20],
            r"a\.jsonl\.gz: cannot be decompressed: Compressed file ended",
        ),
        (
            "a.jsonl.gz",
            damaged(gzip.compress(lines(TEXTS * 50), mtime=0)),
            r"a\.jsonl\.gz: cannot be decompressed: Error -3 while decompressing data",
        ),
        (
            "a.jsonl.gz",
            b"no gzip at all",
            r"a\.jsonl\.gz: cannot be decompressed: Not a gzipped file",
        ),
        ("a.jsonl.zst", zstd(lines(TEXTS * 50))[:-20], r"a\.jsonl\.zst: cannot be decompressed: "),
        ("a.parquet", b"nothing", r"a\.parquet: not a readable Parquet file"),
    ],
)
def test_a_broken_file_and_its_line_are_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(read_texts(tmp_path / name, "text"))


def test_a_column_that_is_missing(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet: no column 'text'; the choices are body"):
        list(read_texts(tmp_path / "a.parquet", "text"))
    with pytest.raises(ValueError, match=r"b\.jsonl: cannot be read"):
        list(read_texts(tmp_path / "b.jsonl", "text"))


RECORDS = [{"text": value} for value in TEXTS]


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return path


def csv_file(values: list[str]) -> bytes:
    rows = ('"' + value.replace('"', '""') + '"' for value in values)
    return "".join(f"{row}\r\n" for row in ["text", *rows]).encode("utf-8-sig")


WHOLE: dict[str, bytes] = {
    "list.json": json.dumps(RECORDS, indent=1).encode(),
    "mapping.json": json.dumps({str(n): row for n, row in enumerate(RECORDS)}, indent=1).encode(),
    "one_line_mapping.json": json.dumps({str(n): row for n, row in enumerate(RECORDS)}).encode(),
    "lines.json": lines(TEXTS),
    "marked.jsonl": codecs.BOM_UTF8 + lines(TEXTS),
    "rows.csv": csv_file(TEXTS),
}


@pytest.mark.parametrize("skip", [0, 3, 7])
@pytest.mark.parametrize("packed", ["plain", "gz", "zst", "zip", "zip of gz"])
@pytest.mark.parametrize("name", WHOLE)
def test_every_format_in_every_compression_gives_the_same_texts(
    tmp_path: Path, name: str, packed: str, skip: int
) -> None:
    data = WHOLE[name]
    if packed == "zip":
        path = archive(tmp_path / "a.zip", {f"inside/{name}": data})
    elif packed == "zip of gz":
        path = archive(tmp_path / "a.zip", {f"{name}.gz": gzip.compress(data)})
    else:
        pack: Callable[[bytes], bytes] = {"gz": gzip.compress, "zst": zstd}.get(packed, bytes)
        path = tmp_path / (name if packed == "plain" else f"{name}.{packed}")
        path.write_bytes(pack(data))
    assert is_readable(path.name)
    assert list(read_texts(path, "text", skip)) == TEXTS[skip:]
    assert [record["text"] for record in read_records(path)] == TEXTS


def test_a_parquet_file_inside_an_archive(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": TEXTS}), tmp_path / "a.parquet", row_group_size=2)
    path = archive(tmp_path / "a.zip", {"a.parquet": (tmp_path / "a.parquet").read_bytes()})
    assert list(read_texts(path, "text", 3)) == TEXTS[3:]


def test_one_record_on_the_only_line_of_a_json_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"text": "one", "meta": {}}\n')
    assert list(read_texts(tmp_path / "a.json", "text")) == ["one"]
    (tmp_path / "a.json").write_text("{}")
    assert list(read_records(tmp_path / "a.json")) == []


def test_a_member_of_several_must_be_named(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.txt": b"one", "b.txt": b"two"})
    assert read_text(path, "b.txt") == "two"
    with pytest.raises(ValueError, match=r"a\.zip: has several files.*choices .* a\.txt, b\.txt"):
        read_text(path)
    with pytest.raises(ValueError, match=r"a\.zip: has no 'c\.txt'; the choices for `member` are"):
        read_text(path, "c.txt")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ValueError, match=r"a\.txt: member = 'b' is given, but this is not a \.zip"):
        read_text(tmp_path / "a.txt", "b")


def test_records_know_their_lines(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n')
    assert [where.split("/")[-1] for where, _ in read_located(tmp_path / "a.jsonl")] == [
        "a.jsonl line 1",
        "a.jsonl line 3",
    ]
    (tmp_path / "a.csv").write_text('a\n"x\ny"\nz\n')
    assert [where.split("/")[-1] for where, _ in read_located(tmp_path / "a.csv")] == [
        "a.csv line 3",
        "a.csv line 4",
    ]
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "a.parquet")
    assert list(read_records(tmp_path / "a.parquet")) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.jsonl",
            b'{"a": 1}\n{"a": \n',
            r"a\.jsonl line 2: not valid JSON: Expecting value at column",
        ),
        ("a.jsonl", b'{"a": 1}\n[2]\n', r"a\.jsonl line 2: must be a mapping of keys"),
        ("a.jsonl", b'{"a": 1}\n{"a": "caf\xe9"}\n', r"a\.jsonl line 2: not UTF-8 text"),
        ("a.csv", b"a,b\n1,2\n3\n", r"a\.csv line 3: the number of columns differs"),
        (
            "a.jsonl.gz",
            gzip.compress(b'{"a": 1}\n' * 99, mtime=0)[:-9],
            r"a\.jsonl\.gz: cannot be decompressed: Compressed file ended",
        ),
        (
            "a.jsonl.gz",
            gzip.compress(b"", mtime=0)[:10] + b"\xff" * 40,
            r"a\.jsonl\.gz: cannot be decompressed: Error -3",
        ),
        ("a.csv.gz", b"a,b", r"a\.csv\.gz: cannot be decompressed: Not a gzipped file"),
        ("a.parquet", b"PAR1 no", r"a\.parquet: not a readable Parquet file"),
    ],
)
def test_broken_records(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(read_records(tmp_path / name))


def test_the_line_that_is_not_utf8_is_found_in_long_and_compressed_files(tmp_path: Path) -> None:
    lines = [f"line {number}\n".encode() for number in range(5000)]
    lines[4321] = b"\xff\n"
    (tmp_path / "a.txt").write_bytes(b"".join(lines))
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"".join(lines)))
    for name in ("a.txt", "a.txt.gz"):
        with pytest.raises(ValueError, match=rf"{name} line 4322: not UTF-8 text"):
            read_text(tmp_path / name)


@pytest.mark.parametrize("ending", ["txt", "csv", "jsonl", "json", "parquet", "jsonl.gz", "zip"])
def test_a_pointer_of_git_lfs_is_no_text(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(ValueError, match=rf"a\.{ending}: is a pointer of Git LFS"):
        list(read_texts(path, "text"))


def test_byte_order_marks_of_joined_files_are_no_text(tmp_path):
    mark = "\ufeff".encode()
    (tmp_path / "a.txt").write_bytes(mark + b"one\n" + mark + b"two\n")
    (tmp_path / "a.jsonl").write_bytes(2 * (mark + b'{"text": "one"}\n'))
    assert list(read_texts(tmp_path / "a.txt", "text")) == ["one", "two"]
    assert list(read_texts(tmp_path / "a.jsonl", "text")) == ["one", "one"]
