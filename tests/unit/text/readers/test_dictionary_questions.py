"""Template-made questions and answers."""

import json
from pathlib import Path

import pytest

from relscale.config.readers import DictionaryQuestions
from relscale.text.readers import read_documents
from relscale.text.readers.dictionary_questions import questions_and_answers


def entry(word: str, *texts: str, part_of_speech: str = "n.", **more: str) -> dict[str, object]:
    definitions = [{"text": text, "examples": []} for text in texts]
    return {
        "entry": word,
        "pos": [
            {
                "part_of_speech": part_of_speech,
                "etymology": "[Gr. nothing]",
                "definitions": definitions,
                **more,
            }
        ],
    }


def test_every_template_shows_word_and_meaning_and_no_etymology() -> None:
    texts = [
        questions_and_answers(entry(f"word{number}", "a thing of the kind."), "f")
        for number in range(60)
    ]
    assert all(
        f"word{number}" in text and "A thing of the kind." in text and "Gr." not in text
        for number, text in enumerate(texts)
    )
    shapes = {text.replace(f"word{number}", "W") for number, text in enumerate(texts)}
    assert len(shapes) == 6


def test_same_entry_same_text() -> None:
    assert questions_and_answers(entry("axiom", "A truth."), "f") == questions_and_answers(
        entry("axiom", "A truth."), "g"
    )


def test_several_senses_are_numbered_and_damaged_or_referring_ones_left_out() -> None:
    text = questions_and_answers(
        entry(
            "x",
            "First.",
            "See Other.",
            "Cut off at an \n[1913 Webster]",
            "Same as X, a.",
            "second.",
        ),
        "f",
    )
    assert "1. First.\n2. Second." in text
    assert "See Other" not in text and "Cut off" not in text


def test_entry_without_usable_sense_is_empty() -> None:
    assert questions_and_answers(entry("x", "See Other.", syn="Syn. -- Y."), "f") == ""


def test_expressions_and_synonyms() -> None:
    text = questions_and_answers(
        entry(
            "oval",
            "Egg-shaped.",
            cs="Oval chuck (Mech.), a lathe chuck. -- Broken one1913 Webster]",
            syn="Syn. -- Round; ovate. See Round.",
        ),
        "f",
    )
    assert text.endswith(
        'Which expressions are made with "oval"?\nOval chuck (Mech.), a lathe chuck.\n\n'
        'Which words are close to "oval"?\nRound; ovate.'
    )


def test_first_whole_example_is_quoted() -> None:
    record = entry("x", "A thing.")
    record["pos"][0]["definitions"][0]["examples"] = ["Cut1913 Webster]", "It is\na thing."]  # type: ignore[index]
    assert 'A thing. For example: "It is a thing."' in questions_and_answers(record, "f")


def test_missing_key_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"words_A\.json: entry .* has no key 'pos'; the choices are entry"
    ):
        questions_and_answers({"entry": "x"}, "words_A.json")


def test_dictionary_entries_become_documents_even_if_empty(tmp_path: Path) -> None:
    def entry(word: str, text: str) -> dict[str, object]:
        return {
            "entry": word,
            "pos": [{"part_of_speech": "n.", "definitions": [{"text": text, "examples": []}]}],
        }

    (tmp_path / "words_A.json").write_text(
        json.dumps(
            {
                "axiom": entry("axiom", "A self-evident truth."),
                "arere": entry("arere", "See Arear."),
            }
        )
    )
    documents = list(
        read_documents(
            tmp_path, DictionaryQuestions(kind="dictionary_questions", files="words_*.json")
        )
    )
    assert "A self-evident truth." in documents[0].text
    assert [one.text for one in documents[1:]] == [""]
