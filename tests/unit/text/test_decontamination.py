"""Windows of words, and paragraphs that hold one of an evaluation set."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from relscale.text.decontamination import WindowSet, evaluation_texts, remove_paragraphs
from relscale.text.spec import FamilyText
from relscale.text.windows import WordHasher, window_hashes

QUESTION = "one two three four five six seven eight nine ten eleven twelve thirteen"


def test_window_hashes_tell_words_and_order() -> None:
    hasher = WordHasher()
    windows = window_hashes(hasher("a b c a b d c b a"), 2)
    assert len(windows) == 8
    assert windows[0] == windows[3]  # "a b" twice
    assert len(set(windows.tolist())) == 7
    assert len(window_hashes(hasher("a b"), 3)) == 0
    assert np.array_equal(hasher("It's, ONE."), hasher("it s one"))


def test_paragraph_with_a_window_goes_and_the_rest_stays() -> None:
    windows = WindowSet([QUESTION], 13)
    assert len(windows.hashes) == 1
    text = f"Before.\n\nHe said: {QUESTION.upper()}, and went.\n\nAfter."
    assert remove_paragraphs([text, "other"], windows) == (["Before.\n\nAfter.", "other"], 1)


def test_twelve_of_thirteen_words_are_no_window() -> None:
    windows = WindowSet([QUESTION], 13)
    text = QUESTION.replace("seven", "7")
    assert remove_paragraphs([text], windows) == ([text], 0)


def test_window_across_paragraphs_or_documents_does_not_count() -> None:
    windows = WindowSet([QUESTION], 13)
    first, second = QUESTION[:27], QUESTION[28:]
    assert remove_paragraphs([f"{first}\n\n{second}"], windows)[1] == 0
    assert remove_paragraphs([first, second], windows)[1] == 0
    assert remove_paragraphs([f"{first}\n{second}"], windows) == ([""], 1)


def test_nothing_to_search_or_to_find() -> None:
    assert remove_paragraphs([], WindowSet([QUESTION], 13)) == ([], 0)
    assert remove_paragraphs(["text", ""], WindowSet([], 13)) == (["text", ""], 0)
    assert remove_paragraphs(["short"], WindowSet(["too short for a window"], 13)) == (["short"], 0)


def test_agrees_with_a_plain_search() -> None:
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(["a", "b", "c"], size=40)) for _ in range(60)]
    evaluation = [" ".join(generator.choice(["a", "b", "c"], size=40)) for _ in range(10)]
    windows = WindowSet(evaluation, 4)

    def plain(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        return {tuple(words[start : start + 4]) for start in range(len(words) - 3)}

    wanted = set().union(*map(plain, evaluation[:2]))
    few = WindowSet(evaluation[:2], 4)
    assert [text == "" for text in remove_paragraphs(texts, few)[0]] == [
        bool(plain(text) & wanted) for text in texts
    ]
    assert set(few.hashes.tolist()) <= set(windows.hashes.tolist())


def texts(family: dict[str, Any], folder: Path) -> list[str]:
    settings = TypeAdapter(FamilyText).validate_python({"source": "s", **family})
    return list(evaluation_texts(settings, folder))


def test_texts_of_each_kind_of_family(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(
        json.dumps(
            {"question": "Q?", "answer_a": "A", "answer_b": "B", "answer_c": 3, "answer_d": "D"}
        )
        + "\n"
    )
    (tmp_path / "p.json").write_text(
        json.dumps([{"text": "P", "good": "G", "bad": "B", "options": ["x", "y"], "right": 0}])
    )
    (tmp_path / "d.json").write_text(json.dumps([{"text": "<i>doc</i>", "topic": "not asked for"}]))
    documents = {
        "kind": "documents",
        "reader": {"kind": "json", "files": "d.json", "text": "text", "strip_markup": True},
    }
    assert texts(documents, tmp_path) == ["doc"]
    assert texts({"kind": "questions", "file": "q.jsonl"}, tmp_path) == ["Q?\nA\nB\n3\nD"]
    assert texts({"kind": "risk", "file": "{behaviour}.jsonl"}, tmp_path) == ["Q?"]
    pairs = [
        {
            "files": ["p.json"],
            "prompt": "text",
            "positive": "good",
            "negative": "bad",
            "options": None,
        },
        {
            "files": ["p.json"],
            "prompt": None,
            "positive": "right",
            "negative": None,
            "options": "options",
        },
    ]
    assert texts({"kind": "pairs", "domains": {"D": pairs}}, tmp_path) == ["P\nG\nB", "x\ny"]


def test_family_without_text_or_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"'validation' .* 'documents', 'questions', 'pairs', 'risk'"
    ):
        texts({"kind": "validation"}, tmp_path)
    (tmp_path / "q.jsonl").write_text('{"question": "Q?", "answer_a": "A"}\n')
    with pytest.raises(
        ValueError,
        match=r"q\.jsonl line 1: no key 'answer_b'; the choices are question, answer_a",
    ):
        texts({"kind": "questions", "file": "q.jsonl"}, tmp_path)
