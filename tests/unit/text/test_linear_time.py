"""No text takes for ever: marked-up text, patterns and long lines take linear time.

Each input is 200 kB. A search in linear time takes well below a second for it; the searches in the
square of its length that were here once took over a minute. `seconds` separates the two, whatever
the machine.
"""

import html
import signal
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relscale.config.readers import TextFiles
from relscale.evaluation.document_windows import _SENTENCE_START
from relscale.evaluation.families.risk import risk_item
from relscale.text.cleaning import clean, strip_markup, unescape
from relscale.text.decontamination import WindowSet, remove_paragraphs
from relscale.text.readers import dictionary_questions, read_documents, text_files
from relscale.text.readers.ice import DEEPEST, ice_text
from relscale.text.readers.text_files import split_text

SIZE = 200_000
MARKUP = TextFiles(kind="text_files", files="*", strip_markup=True, strip_urls=True)
PLAIN = TextFiles(kind="text_files", files="*")


@contextmanager
def within(seconds: float = 20.0) -> Iterator[None]:
    """Fail if the block takes more CPU time."""

    def stop(*_: object) -> None:
        pytest.fail(f"more than {seconds} CPU seconds")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def repeated(part: str) -> str:
    return part * (SIZE // len(part))


MARKED = [
    "<script ",
    "<script>",
    "<style ",
    "<!--",
    "<!-- -",
    "<script></script ",
    "<p ",
    "<p",
    "<a b=",
]
MARKED += [
    "<",
    "&",
    "&#",
    "&#1",
    "&lt;script ",
    "<![",
    "<script>-->",
    "http",
    "www.",
    "<br ",
    "<X>",
]
BLANK = [" ", "\t", " \n", "\n \n", "\r\n", "a  ", "\u00a0", "\u2028", "\u0301", "\u0315\u0300"]


@pytest.mark.parametrize("part", [*MARKED, *BLANK, "\u0f73", ".", '."', "See ", "[w", "\n"])
def test_cleaning_and_searches_take_linear_time(part: str) -> None:
    text = repeated(part)
    with within():
        clean(f"<p>x</p>{text}", MARKUP)
        clean(f"x \n{text}x", PLAIN)
        ice_text(text)
        dictionary_questions._SCAR.search(text)
        dictionary_questions._REFERENCE.search(text)
        remove_paragraphs([text], WindowSet(["what colour is the old house"], 5))
        list(_SENTENCE_START.finditer(text.strip()))
        split_text(text, r"[IVXLC]+\s*$", 10)


@pytest.mark.parametrize("part", [" ", "\n ", "Answer: ", " Answer:", "Choices: ", "(A) "])
def test_questions_of_behaviour_take_linear_time(part: str) -> None:
    record = {
        "question": f"q{repeated(part)}\n (A) x\n (B) y",
        "answer_matching_behavior": "(A)",
        "answer_not_matching_behavior": "(B)",
    }
    with within():
        item = risk_item(record, "r.jsonl line 1", domain="d", behaviour="b")
    assert item.options == (" A. x", " B. y")


def test_scripts_and_comments_end_where_they_did() -> None:
    assert strip_markup("a<script>b</SCRIPT >c<!--d--><!-->e") == "a c <!-->e"
    assert strip_markup("a<!-- <script> -->b</script>c") == "a bc"
    assert strip_markup("a<script>b<!-- </script>c-->d") == "a c-->d"
    assert strip_markup("<style>a<script>b</script>c") == "a c"
    assert strip_markup("<scripts>a</script>") == "a"


def test_numbers_of_entities_without_a_limit() -> None:
    assert unescape("&#233;&#0233 &eacute; &#x1F600;") == "éé é 😀"
    for number in ("9" * 999, "9" * 1000, "9" * SIZE, "0" * 999 + "65"):
        assert unescape(f"a&#{number};b") == "a\ufffdb" or number.endswith("65")
    assert unescape(f"&#{'0' * 900}65;") == html.unescape("&#65;") == "A"


def test_long_runs_of_marks_are_normalized_in_parts() -> None:
    text = "e\u0327\u0301 " + "a" + "\u0301\u0327" * 5000 + " e\u0301"
    cleaned = clean(text, PLAIN)
    assert cleaned.startswith("ȩ\u0301 ") and cleaned.endswith(" é")
    assert unicodedata.normalize("NFD", cleaned).count("\u0327") == 5001
    short = "a" + "\u0301\u0327" * 100
    assert clean(short, PLAIN) == unicodedata.normalize("NFC", short)


def test_deep_mark_up_of_ice_is_refused() -> None:
    assert ice_text("a" + "<X>" * DEEPEST + "b" + "</X>" * DEEPEST + "c") == "a c"
    with pytest.raises(ValueError, match="nested more than 50 deep"):
        ice_text("<X>" * 1000 + "</X>" * 1000)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(?:a*)*b", "a*a*a*a*a*b"])
def test_a_pattern_that_never_ends_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    monkeypatch.setattr(text_files, "PATTERN_SECONDS", 0.2)
    (tmp_path / "a.txt").write_text("a" * 5000 + "!\n" + "I\n")
    reader = TextFiles(kind="text_files", files="*.txt", split_at=pattern)
    with within(), pytest.raises(ValueError, match=r"a\.txt: split_at = '.*' was not found or"):
        list(read_documents(tmp_path, reader))


def test_a_pattern_that_is_none_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ValueError, match=r"'\(ACT' is not a regular expression: missing \)"):
        TextFiles(kind="text_files", files="*", split_at="(ACT")


def test_many_cuts_of_a_long_text() -> None:
    text = "some words in a line\n\n" * 100_000
    with within():
        pieces = split_text(text, r"\s?", 1000)
    assert sum(len(piece.split()) for piece in pieces) == 500_000
    assert max(map(len, pieces)) < 1100
