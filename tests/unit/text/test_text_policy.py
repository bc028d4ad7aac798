"""One file, read through every door: shards, documents, families, questions, pairs, risk."""

import codecs
import gzip
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relscale.config.families import PairFiles
from relscale.config.readers import CsvRows, DomainFolders, JsonRecords, ParquetRows, TextFiles
from relscale.evaluation.families.pairs import preference
from relscale.evaluation.families.risk import risk_item
from relscale.text.exams import read_questions
from relscale.text.formats import is_readable, read_located, read_text, read_texts, text_in
from relscale.text.hub_datasets import _json_line
from relscale.text.readers import read_documents


def packed(data):
    """Compress data, without the time, so that each process gives a test the same name."""
    return gzip.compress(data, mtime=0)


def shard(path: Path) -> list[str]:
    return list(read_texts(path, "text"))


def documents(path: Path) -> list[str]:
    kinds: dict[str, Any] = {"csv": CsvRows, "parquet": ParquetRows}
    kind = path.name.split(".")[1].lower()
    reader = kinds.get(kind, JsonRecords)(
        kind=kind if kind in kinds else "json", files=path.name, text="text"
    )
    return [document.text for document in read_documents(path.parent, reader)]


def located(path: Path) -> list[str]:
    return [text_in(record, "text", where) for where, record in read_located(path)]


DOORS: list[Callable[[Path], list[str]]] = [shard, documents, located]


def assert_read(path: Path, data: bytes, texts: list[str]) -> None:
    path.write_bytes(data)
    assert [door(path) for door in DOORS] == [texts] * len(DOORS)


def assert_refused(path: Path, data: bytes, message: str) -> None:
    path.write_bytes(data)
    for door in DOORS:
        with pytest.raises(ValueError, match=message) as caught:
            door(path)
        assert path.name in str(caught.value) and "\n" not in str(caught.value)


RECORDS = b'{"text": "one"}\n{"text": "two"}\n'


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", codecs.BOM_UTF8 + RECORDS),
        ("a.jsonl", b"\n\n" + RECORDS.replace(b"\n", b"\r\n") + b"\r\n"),
        ("A.JSONL", RECORDS.rstrip()),
        ("c4-train.00000.json", RECORDS),
        ("c4-train.00000.json.gz", packed(codecs.BOM_UTF8 + b"\n" + RECORDS)),
        ("a.json.GZ", packed(RECORDS[:16]) + packed(RECORDS[16:])),
        ("a.json", codecs.BOM_UTF8 + b'[{"text": "one"},\n {"text": "two"}]\n\n'),
        ("a.json", b'{"x": {"text": "one"}, "y": {"text": "two"}}'),
        ("a.csv", codecs.BOM_UTF8 + b"text\none\ntwo\n\n"),
        ("a.csv", b'\n"text"\r\n"one"\r\n\r\n"two"\r\n'),
        ("a.csv", b"text,,\rone,,\rtwo,,\r"),
    ],
)
def test_containers_of_the_same_text(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    found = [[text for text in door(path) if text] for door in DOORS]
    assert found == [["one", "two"]] * len(DOORS)


def test_lines_of_text_without_their_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(codecs.BOM_UTF8 + b"first line\r\nse\xe2\x80\xa8cond\x0b\n")
    assert shard(tmp_path / "a.txt") == ["first line", "se\u2028cond\x0b"]
    (tmp_path / "a.txt").write_bytes(b"one\rtwo\r")
    with pytest.raises(ValueError, match=r"a\.txt: the lines end with CR alone"):
        shard(tmp_path / "a.txt")


def test_what_looks_missing_or_like_a_number_is_text(tmp_path: Path) -> None:
    texts = ["None", "NA", "nan", "null", "1,000", "007", " ", "#N/A", "TRUE", "1e5"]
    rows = "".join(f'"{text}"\n' for text in texts)
    assert_read(tmp_path / "a.csv", f"text\n{rows}".encode(), texts)
    values = "".join(json.dumps({"text": text}) + "\n" for text in [*texts, None])
    assert_read(tmp_path / "a.jsonl", values.encode(), [*texts, ""])


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"text,id,text\none,1,two\n", r"a\.csv: the column 'text' occurs twice"),
        (
            "a.jsonl",
            b'{"text": "a"}\n{"text": "b", "text": "c"}\n',
            r"line 2: .*'text' occurs twice",
        ),
        ("a.jsonl", b'{"text": "a", "m": {"k": 1, "k": 2}}\n', r"line 1: .*'k' occurs twice"),
        ("a.json", b'[{"text": "a", "text": "b"}]', r"a\.json: .*'text' occurs twice"),
        ("a.jsonl", b'{"text": NaN}\n', r"line 1: text = 'nan' must be a string"),
        ("a.jsonl", b'{"text": 12}\n', r"line 1: text = '12' must be a string"),
        ("a.jsonl", b'{"text": ["a"]}\n', r"line 1: text = .* must be a string"),
        ("a.jsonl", b'\n{"body": "a"}\n', r"line 2: no key 'text' .*; the choices are body"),
        ("a.jsonl", b'"a"\n', r"line 1: must be a mapping"),
        ("a.json", b'[{"text": "a"}, 3]', r"a\.json record 2: must be a mapping"),
        ("a.json", b'{\n"text": "a"\n}', r"a\.json record 1: must be a mapping"),
        ("a.json", b'{"text": "a"}\n{"text": \n', r"a\.json line 2: not valid JSON"),
        ("a.json", b"", r"a\.json: not valid JSON"),
        ("a.jsonl", RECORDS.decode().encode("utf-16"), r"line 1: not UTF-8 text: .*it is UTF-16"),
        ("a.jsonl", RECORDS.decode().encode("utf-32"), r"line 1: not UTF-8 text: .*it is UTF-32"),
        ("a.csv", "text\né\n".encode("utf-16"), r"line 1: not UTF-8 text: .*it is UTF-16"),
        ("a.csv", b"text\none\ncaf\xe9\n", r"a\.csv line 3: not UTF-8 text: .*; save it as UTF-8"),
        ("a.csv", "text\nx\n".encode("utf-16-le"), r"line 1: not UTF-8 text: a NUL byte"),
        ("a.jsonl", RECORDS.decode().encode("utf-16-le"), r"line 1: not UTF-8 text: a NUL byte"),
        ("a.jsonl", RECORDS + b"\0" * 99 + b"\n", r"line 3: not UTF-8 text: a NUL byte"),
        ("a.jsonl", packed(RECORDS), r"line 1: not UTF-8 text: .*compressed with gzip"),
        ("a.jsonl.gz", packed(packed(RECORDS)), r"it is compressed with gzip"),
        ("a.jsonl.gz", RECORDS, r"a\.jsonl\.gz: cannot be decompressed"),
        ("a.jsonl.gz", b"", r"a\.jsonl\.gz: cannot be decompressed: it is empty, so it was cut"),
        ("a.jsonl.zst", b"", r"a\.jsonl\.zst: cannot be decompressed: it is empty, so it was cut"),
        ("a.jsonl.gz", packed(RECORDS * 99)[:-9], r"cannot be decompressed: Compressed"),
        ("a.jsonl.zst", RECORDS, r"a\.jsonl\.zst: cannot be decompressed"),
        ("a.ndjson", RECORDS, r"a\.ndjson: unknown format; .* one record per line is \.jsonl"),
        ("a.jsonl.bz2", RECORDS, r"a\.jsonl\.bz2: unknown format; the endings .* are \.jsonl"),
        ("a.jsonl", b"[" * 100_000, r"line 1: not readable JSON: nested too deeply"),
        (
            "a.jsonl",
            b'{"text": "a", "n": ' + b"9" * 5000 + b"}",
            r"line 1: not readable JSON: .*4300",
        ),
        ("a.csv", b'text\n"one\n', r"a\.csv line 2: not a readable CSV file: unexpected end"),
        ("a.csv", b"text,n\none\n", r"a\.csv line 2: the number of columns differs"),
    ],
)
def test_one_message_in_every_door(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    assert_refused(tmp_path / name, data, message)


def test_numbers_of_other_keys_may_be_nan(tmp_path: Path) -> None:
    assert_read(tmp_path / "a.jsonl", b'{"text": "a", "score": NaN, "n": -Infinity}\n', ["a"])


def test_half_a_surrogate_pair_is_removed_everywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = b'{"text": "cut \\ud83d", "k": ["\\uDE00"]}\n{"text": "whole \\ud83d\\ude00"}\n'
    assert_read(tmp_path / "a.jsonl", data, ["cut ", "whole 😀"])
    message = "a.jsonl: removed halves of surrogate pairs from 1 record(s), first in"
    assert caplog.text.count(message) == len(DOORS)
    question = {
        "question": "cut \ud83d",
        "subject": "s\udc00",
        "choices": ["a\ud83d", "b"],
        "answer": 0,
    }
    (tmp_path / "q.jsonl").write_text(json.dumps(question))
    (read,) = read_questions(tmp_path, "q.jsonl", "hub")
    assert (read.question, read.subject, read.answers) == ("cut", "s", ("a", "b"))
    (tmp_path / "p.jsonl").write_text(json.dumps({"good\ud83d": "a\ud83d", "bad": "b"}))
    ((where, record),) = read_located(tmp_path / "p.jsonl")
    keys = PairFiles(files=["p.jsonl"], positive="good", negative="bad")
    assert preference(record, keys, where, domain="d", stratum="p").options == ("a", "b")


def test_two_keys_that_differ_by_half_a_pair_are_one(tmp_path: Path) -> None:
    assert_refused(tmp_path / "a.jsonl", b'{"text": "a", "text\\ud83d": "b"}', r"line 1: .*twice")


def test_an_archive_may_hold_resource_forks(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("./text.jsonl", RECORDS)
        archive.writestr("__MACOSX/._text.jsonl", b"\0\5\x16\7")
        archive.writestr(".DS_Store", b"\0")
    assert shard(tmp_path / "a.zip") == located(tmp_path / "a.zip") == ["one", "two"]


def test_archives_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jsonl", RECORDS)
    data = bytearray(path.read_bytes())
    for place in (data.index(b"PK\1\2") + 8, 6):
        data[place] |= 1  # the flag of a password
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"a\.zip: cannot be decompressed: .*password"):
        shard(path)
    with zipfile.ZipFile(path, "w"):
        pass
    with pytest.raises(ValueError, match=r"a\.zip: has .*; it is empty"):
        shard(path)


# ----------------------------------------------------------------------------------------- Parquet


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x", None, "é"], pa.string()),
        pa.array(["x", None, "é"], pa.large_string()),
        pa.array(["x", None, "é"], pa.string_view()),
        pa.array(["x", None, "é"]).dictionary_encode(),
        pa.array([b"x", None, "é".encode()], pa.binary()),
        pa.array([b"x", None, "é".encode()], pa.large_binary()),
        pa.array([b"x", None, "é".encode()], pa.binary_view()),
        pa.array([b"x", None, "é".encode()]).dictionary_encode(),
    ],
    ids=lambda column: str(column.type),
)
def test_kinds_of_text_in_parquet(tmp_path: Path, column: pa.Array) -> None:
    table = pa.table({"text": column, "image": [b"\xff", b"", b"\x89PNG"]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert [door(tmp_path / "a.parquet") for door in DOORS] == [["x", "", "é"]] * len(DOORS)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": [b"x"] * 300 + [b"\xff"]}, r"record 301: text = b'\\xff' is not UTF-8"),
        ({"text": [1]}, r"record 1: text = '1' must be a string"),
        ({"text": [["a"]]}, r"record 1: text = .* must be a string"),
        ({"text": [{"en": "a"}]}, r"record 1: text = .* must be a string"),
    ],
)
def test_columns_that_are_no_text(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    for door in (shard, documents):
        with pytest.raises(ValueError, match=rf"a\.parquet {message}"):
            door(tmp_path / "a.parquet")


def test_a_damaged_string_in_parquet_names_its_row(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["x", "abcd"]}), tmp_path / "a.parquet", compression="none")
    data = (tmp_path / "a.parquet").read_bytes().replace(b"abcd", b"ab\xffd")
    assert_refused(
        tmp_path / "a.parquet", data, r"a\.parquet record 2: cannot be read: 'utf-8' codec"
    )


def test_a_column_of_parquet_that_occurs_twice(tmp_path: Path) -> None:
    table = pa.table([["a"], ["b"], ["c"]], names=["text", "text", "id"])
    pq.write_table(table, tmp_path / "a.parquet")
    for door in DOORS:
        with pytest.raises(ValueError, match=r"a\.parquet: the column 'text' occurs twice"):
            door(tmp_path / "a.parquet")


@pytest.mark.parametrize("cut", [0, 3, 4, 100, -1, -8, -20])
def test_a_parquet_file_that_is_cut(tmp_path: Path, cut: int) -> None:
    pq.write_table(pa.table({"text": ["word " * 40] * 40}), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()[:cut]
    assert_refused(tmp_path / "a.parquet", data, r"a\.parquet: not a readable Parquet file")


# --------------------------------------------------------------------------- whole texts, questions


def test_a_whole_text_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for data, message in (
        ("one\ntwo".encode("utf-16"), r"a\.txt line 1: .*it is UTF-16"),
        ("one\ntwo".encode("utf-16-be"), r"a\.txt line 1: .*NUL byte; it is UTF-16 or not text"),
        (b"one\ntwo\ncaf\xe9", r"a\.txt line 3: not UTF-8 text: .*; save it as UTF-8"),
        (b"one\ntwo\0", r"a\.txt line 2: not UTF-8 text: a NUL byte"),
        (b"BZh91AY&SY\xff", r"a\.txt line 1: .*it is compressed with bzip2"),
    ):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=message):
            read_text(path)
        with pytest.raises(ValueError, match=message):
            list(read_documents(tmp_path, TextFiles(kind="text_files", files="*")))


@pytest.mark.parametrize("name", ["a.ndjson", "a.tsv", "A.NDJSON.gz", "a.jsonlines"])
def test_records_in_an_unknown_format_are_no_document(tmp_path: Path, name: str) -> None:
    (tmp_path / "US").mkdir()
    (tmp_path / "US" / name).write_bytes(packed(RECORDS) if "gz" in name else RECORDS)
    with pytest.raises(ValueError, match=r"records in an unknown format; the endings"):
        list(read_documents(tmp_path, DomainFolders(kind="domain_folders", files="**/*")))
    assert not is_readable(name)


def test_cells_of_original_questions_stay_text(tmp_path: Path) -> None:
    (tmp_path / "x_test.csv").write_bytes(
        codecs.BOM_UTF8
        + b'"What is ""it""?",None,N/A,"1,000",nan,C\r\n\r\n'
        + b'"Line one\nline two",TRUE,0.50,1e5,\xe2\x80\xa8x,D\n\n\n'
    )
    first, second = read_questions(tmp_path, "x_test.csv", "original")
    assert (first.question, first.answers, first.gold) == (
        'What is "it"?',
        ("None", "N/A", "1,000", "nan"),
        2,
    )
    assert (second.question, second.answers) == ("Line one\nline two", ("TRUE", "0.50", "1e5", "x"))
    assert second.where.endswith("x_test.csv line 4")


def test_a_packed_file_of_questions_has_the_same_subject(tmp_path: Path) -> None:
    (tmp_path / "high_school_us_history_test.csv.gz").write_bytes(packed(b"q,a,b,c,d,A\n"))
    (question,) = read_questions(tmp_path, "*_test.csv.gz", "original")
    assert question.subject == "high school us history"


def test_a_long_answer_of_an_original_question(tmp_path: Path) -> None:
    (tmp_path / "x_test.csv").write_text(f"q,{'a' * 200_000},b,c,d,A\n")
    (question,) = read_questions(tmp_path, "x_test.csv", "original")
    assert len(question.answers[0]) == 200_000


@pytest.mark.parametrize("gold", [True, None, 1.0, "0", 2, -1])
def test_the_right_option_is_an_index(gold: Any) -> None:
    keys = PairFiles(files=["p.jsonl"], positive="right", options="texts")
    record = {"texts": ["a", "b"], "right": gold}
    with pytest.raises(ValueError, match=r"p\.jsonl line 1: right = .*; it must be the index"):
        preference(record, keys, "p.jsonl line 1", domain="d", stratum="p")


def test_messages_about_long_values_are_short(tmp_path: Path) -> None:
    question = {"question": "q", "subject": "s", "choices": ["a" * 1_000_000], "answer": 0}
    (tmp_path / "q.jsonl").write_text(json.dumps(question))
    with pytest.raises(ValueError, match=r"q\.jsonl line 1: choices = ") as caught:
        list(read_questions(tmp_path, "q.jsonl", "hub"))
    assert len(str(caught.value)) < 500
    record = {
        "question": "(A) x\n" * 10_000,
        "answer_matching_behavior": "(A)",
        "answer_not_matching_behavior": "(B)",
    }
    with pytest.raises(ValueError, match=r"two different choices of the question, \(A\)$"):
        risk_item(record, "r.jsonl line 1", domain="d", behaviour="b")


def test_a_value_that_json_lacks_names_the_source() -> None:
    with pytest.raises(ValueError, match=r"sources\.mine\.columns: a value .* bytes is not JSON"):
        _json_line("mine", {"text": b"x"})


def test_a_line_over_many_chunks_is_whole(tmp_path: Path) -> None:
    def words() -> Iterator[bytes]:
        yield b'{"text": "'
        for _ in range(100):
            yield b"word " * 20_000
        yield b'"}\n{"text": "last"}\n'

    (tmp_path / "a.jsonl").write_bytes(b"".join(words()))  # 10 MB, of chunks of 4 MiB
    first, last = shard(tmp_path / "a.jsonl")
    assert (len(first), first[-10:], last) == (10_000_000, "word word ", "last")
