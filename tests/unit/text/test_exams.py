"""Questions of exams in their three forms, and broken ones."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relscale.text.exams import read_questions

ROW = '"What, then?",one,two,three,"four, or more",D\n'
EMBEDDED = (
    '{"question": "q", "answer_a": "a", "answer_b": "b", "answer_c": "c", "answer_d": "d",'
    ' "correct_answer": "B", "topic": "s"}\n'
)


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
            r"q\.jsonl line 1: answer_c = ' ' must be a text",
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
            r"x_test\.csv line 1: answer_b = '' must be a text",
        ),
        (
            "original",
            "x_test.csv",
            ROW + "q,a,b,c,A\n",
            r"x_test\.csv line 2: 5 column\(s\); it must have a question, four answers",
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
