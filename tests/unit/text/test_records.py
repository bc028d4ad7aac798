"""Broken files: one error each, with file and line."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relscale.text.exams import read_questions
from relscale.text.records import read_located, read_records, read_text

ROW = '"What, then?",one,two,three,"four, or more",D\n'
EMBEDDED = '{"question": "q", "answer_a": "a", "answer_b": "b", "answer_c": "c", "answer_d": "d", "correct_answer": "B", "topic": "s"}\n'


def test_records_know_their_lines(tmp_path: Path):
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
        ("a.jsonl", b'{"a": 1}\n[2]\n', r"a\.jsonl: line 2 is no mapping"),
        ("a.jsonl", b'{"a": 1}\n{"a": "caf\xe9"}\n', r"a\.jsonl line 2: not UTF-8 text"),
        ("a.csv", b"a,b\n1,2\n3\n", r"a\.csv: line 3: the number of columns differs"),
        (
            "a.jsonl.gz",
            gzip.compress(b'{"a": 1}\n' * 99, mtime=0)[:-9],
            r"a\.jsonl\.gz: cannot be unpacked: Compressed file ended",
        ),
        (
            "a.jsonl.gz",
            gzip.compress(b"", mtime=0)[:10] + b"\xff" * 40,
            r"a\.jsonl\.gz: cannot be unpacked: Error -3",
        ),
        ("a.csv.gz", b"a,b", r"a\.csv\.gz: cannot be unpacked: Not a gzipped file"),
        ("a.parquet", b"PAR1 no", r"a\.parquet: not a readable Parquet file"),
    ],
)
def test_broken_records(tmp_path: Path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        list(read_records(tmp_path / name))


def test_the_line_that_is_no_utf8_is_found_behind_many_and_in_archives(tmp_path: Path):
    lines = [f"line {number}\n".encode() for number in range(5000)]
    lines[4321] = b"\xff\n"
    (tmp_path / "a.txt").write_bytes(b"".join(lines))
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"".join(lines)))
    for name in ("a.txt", "a.txt.gz"):
        with pytest.raises(ValueError, match=rf"{name} line 4322: not UTF-8 text"):
            read_text(tmp_path / name)


def test_three_forms_of_the_same_question(tmp_path: Path):
    (tmp_path / "q.jsonl").write_text(EMBEDDED)
    (tmp_path / "test").mkdir()
    (tmp_path / "test/college_biology_test.csv").write_text(ROW)
    table = pa.table(
        {
            "question": ["q"],
            "subject": ["college_biology"],
            "choices": [["a", "b", "c", "d"]],
            "answer": [1],
        }
    )
    pq.write_table(table, tmp_path / "test-00000.parquet")
    (embedded,) = read_questions(tmp_path, "q.jsonl", "embedded")
    (original,) = read_questions(tmp_path, "test/*_test.csv", "original")
    (hub,) = read_questions(tmp_path, "*.parquet", "hub")
    assert (embedded.subject, embedded.question, embedded.answers, embedded.gold) == (
        "s",
        "q",
        ("a", "b", "c", "d"),
        1,
    )
    assert (original.question, original.answers[3], original.gold) == (
        "What, then?",
        "four, or more",
        3,
    )
    assert original.subject == hub.subject == "college biology"
    assert (hub.question, hub.answers, hub.gold) == (
        embedded.question,
        embedded.answers,
        embedded.gold,
    )


@pytest.mark.parametrize(
    ("form", "name", "content", "message"),
    [
        (
            "embedded",
            "q.jsonl",
            EMBEDDED + EMBEDDED.replace('"B"', '"E"'),
            r"q\.jsonl line 2: correct_answer = 'E'; it must",
        ),
        (
            "embedded",
            "q.jsonl",
            EMBEDDED.replace('"c"', '" "'),
            r"q\.jsonl line 1: answer_c = ' ' is no text",
        ),
        (
            "original",
            "x_test.csv",
            ROW + ROW.replace(",D", ","),
            r"x_test\.csv line 2: the letter = ''; it must be one of A, B, C, D",
        ),
        (
            "original",
            "x_test.csv",
            ROW.replace("two", ""),
            r"x_test\.csv line 1: answer_b = '' is no text",
        ),
        (
            "original",
            "x_test.csv",
            ROW + "q,a,b,c,A\n",
            r"x_test\.csv line 2: 5 column\(s\); a question, four answers and a letter",
        ),
        (
            "original",
            "x_test.csv",
            'q,a,b,c,"d"e,A\n',
            r"x_test\.csv line 1: not a readable CSV file",
        ),
        (
            "hub",
            "h.jsonl",
            '{"question": "q", "subject": "s", "choices": ["a", "b"], "answer": 2}',
            r"h\.jsonl line 1: answer = 2; it",
        ),
        (
            "hub",
            "h.jsonl",
            '{"question": "q", "subject": "s", "choices": ["a", ""], "answer": 0}',
            r"h\.jsonl line 1: choices = \['a'",
        ),
        (
            "hub",
            "h.jsonl",
            '{"question": "q", "choices": ["a", "b"], "answer": 0}',
            r"h\.jsonl line 1: no key 'subject'",
        ),
    ],
)
def test_broken_questions(tmp_path: Path, form, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        list(read_questions(tmp_path, name, form))
