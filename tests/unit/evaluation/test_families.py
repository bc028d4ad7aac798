import json
from pathlib import Path

import pytest
from family_samples import sample_continuation, sample_of, sample_validation

from relscale.config.families import (
    ContinuationFamily,
    DocumentFamily,
    PairFamily,
    QuestionFamily,
    ValidationFamily,
)

BIG = 10**6


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def articles(files: Path, counts: dict[str, int], sentences: int = 6) -> None:
    rows = [
        {
            "text": " ".join(
                f"Article {number} of {topic}, sentence {place}." for place in range(sentences)
            ),
            "topic": topic,
        }
        for topic, count in counts.items()
        for number in range(count)
    ]
    write_json(files / "articles.json", rows)


def document_family(
    domains: dict[str, list[str]], tokens: int = 400, seed: int = 0
) -> DocumentFamily:
    reader = {"kind": "json", "files": "articles.json", "text": "text", "domain": "topic"}
    return DocumentFamily.model_validate(
        {
            "kind": "documents",
            "source": "s",
            "reader": reader,
            "metrics": ["bits_per_byte"],
            "domains": domains,
            "tokens_per_domain": tokens,
            "sample_seed": seed,
        }
    )


def question(subject: str, number: int, **changes: str) -> dict[str, str]:
    record = {"question": f"{subject} {number}?", "correct_answer": "B", "topic": subject}
    return {**record, **{f"answer_{letter}": f"{letter}{number}" for letter in "abcd"}, **changes}


def question_family(
    domains: dict[str, list[str]], metrics: tuple[str, ...] = ("bits_per_byte",), tokens: int = BIG
) -> QuestionFamily:
    return QuestionFamily.model_validate(
        {
            "kind": "questions",
            "source": "s",
            "file": "q.jsonl",
            "metrics": list(metrics),
            "domains": domains,
            "tokens_per_subject": tokens,
            "shots_per_subject": 2,
        }
    )


def write_questions(files: Path, records: list[dict[str, str]]) -> None:
    (files / "q.jsonl").write_text(
        "".join(json.dumps(record) + "\n" for record in records), encoding="utf-8"
    )


def of_domain(sample, domain):
    return [item for item in sample.items if item.domain == domain]


# --------------------------------------------------------------------------------------- documents


def test_a_domain_or_document_more_moves_no_other(tmp_path, encoder):
    articles(tmp_path / "one", {"a": 30, "b": 30})
    articles(tmp_path / "two", {"c": 5, "a": 31, "b": 30})
    before = sample_of(
        "f", document_family({"A": ["a"], "B": ["b"]}), tmp_path / "one", 64, encoder
    )
    after = sample_of(
        "f", document_family({"C": ["c"], "B": ["b"], "A": ["a"]}), tmp_path / "two", 64, encoder
    )
    assert of_domain(before, "B") == of_domain(after, "B")
    old, new = ([item.item for item in of_domain(sample, "A")] for sample in (before, after))
    # A further document can only push out the last one.
    assert (
        set(new) - set(old) <= {item.item for item in after.items} and len(set(old) - set(new)) <= 1
    )
    reseeded = sample_of(
        "f", document_family({"A": ["a"], "B": ["b"]}, seed=1), tmp_path / "one", 64, encoder
    )
    assert of_domain(reseeded, "B") != of_domain(before, "B")


def test_windows_begin_at_sentences_and_keep_to_the_cap(tmp_path, encoder):
    articles(tmp_path, {"a": 40})
    sample = sample_of("f", document_family({"A": ["a"]}, tokens=1000), tmp_path, 64, encoder)
    assert len(sample.items) == 15  # 15 windows of 64 tokens
    assert sample.left_out["A"]["over_cap"] == 25
    starts = set()
    for item in sample.items:
        (option,) = item.options
        assert option.context == (0,) and option.num_tokens == 64 and item.truncated
        assert item.text.startswith("Article ")
        assert option.num_bytes == len(item.text.encode())
        starts.add(item.text.split("sentence ")[1][0])
    assert len(starts) > 1  # not beginnings alone


def test_short_documents_are_taken_whole_and_copies_once(tmp_path, encoder):
    rows = [{"text": text, "topic": "a"} for text in ("Short.", "Short.", "  ", "Other é.")]
    write_json(tmp_path / "articles.json", rows)
    sample = sample_of("f", document_family({"A": ["a"]}), tmp_path, 64, encoder)
    assert sorted(item.text for item in sample.items) == ["Other é.", "Short."]
    assert {item.text: item.options[0].num_bytes for item in sample.items} == {
        "Other é.": 9,
        "Short.": 6,
    }
    assert not any(item.truncated for item in sample.items)
    assert (sample.left_out["A"]["copies"], sample.left_out["A"]["empty"]) == (1, 1)


def test_domain_without_text(tmp_path, encoder):
    articles(tmp_path, {"a": 2, "b": 2})
    message = (
        r"families\.f\.domains\.B = \['x'\]: no text of that name in the source; "
        r"the choices are 'a', 'b'"
    )
    with pytest.raises(ValueError, match=message):
        sample_of("f", document_family({"A": ["a"], "B": ["b", "x"]}), tmp_path, 64, encoder)
    write_json(tmp_path / "articles.json", [{"text": " ", "topic": "a"}])
    with pytest.raises(ValueError, match=r"families\.f\.domains\.A = \['a'\]: no text"):
        sample_of("f", document_family({"A": ["a"]}), tmp_path, 64, encoder)


def test_values_outside_all_domains_are_counted(tmp_path, encoder):
    articles(tmp_path, {"a": 2, "b": 3})
    manifest = sample_of("f", document_family({"A": ["a"]}), tmp_path, 64, encoder).manifest(
        "f", "documents", 64
    )
    assert manifest["outside_domains"] == {"b": 3}
    assert manifest["domains"]["A"]["items"] == 2 and manifest["tokens"] == 128


def test_validation_covers_documents_throughout(encoder):
    family = ValidationFamily.model_validate(
        {"kind": "validation", "metrics": ["bits_per_byte"], "max_tokens": BIG}
    )
    documents = [("0", "d1", "x" * 10), ("1", "d2", "y" * 4)]
    sample = sample_validation("validation", family, documents, 4, encoder)
    assert {item.item: item.options[0].num_bytes for item in sample.items} == {
        "d1:0": 4,
        "d1:1": 4,
        "d1:2": 2,
        "d2:0": 4,
    }
    assert {item.domain for item in sample.items} == {"own"}
    assert {item.item: item.stratum for item in sample.items}["d2:0"] == "1"
    capped = sample_validation(
        "validation", family.model_copy(update={"max_tokens": 9}), documents, 4, encoder
    )
    assert len(capped.items) == 2 and capped.left_out["own"]["over_cap"] == 2
    assert capped.items == sample.items[:2]
    with pytest.raises(
        ValueError, match=r"families\.validation: the corpus has no validation text"
    ):
        sample_validation("validation", family, [], 4, encoder)


# --------------------------------------------------------------------------------------- questions


def test_questions(tmp_path, encoder):
    header = {key: key for key in ("question", "answer_a", "answer_b", "answer_c", "answer_d")}
    records = [question("s", number) for number in range(5)]
    records[3] = question("s", 3, question="long " * 40)
    write_questions(
        tmp_path,
        [*records, {**header, "correct_answer": "answer", "topic": "s"}, question("unused", 0)],
    )
    sample = sample_of("f", question_family({"D": ["s"]}), tmp_path, 64, encoder)
    # Two are kept for shots, one does not fit; of the others the right answer alone is scored.
    assert sorted(item.text.split("\n")[0] for item in sample.items) == [
        "Question: s 2?",
        "Question: s 4?",
    ]
    assert sample.left_out["D"]["kept_for_shots"] == 2 and sample.left_out["D"]["too_long"] == 1
    assert sample.outside == {"(header row)": 1, "unused": 1}
    by_text = {item.text: item for item in sample.items}
    item = by_text["Question: s 4?\nAnswer:\na4\nb4\nc4\nd4"]
    assert encoder.tokenizer.decode(item.options[0].continuation) == " b4"
    assert (item.gold, item.options[0].num_bytes, item.stratum) == (0, 2, "s")
    assert encoder.tokenizer.decode(item.options[0].context) == "Question: s 4?\nAnswer:"


def test_all_options_are_scored_where_a_metric_needs_them(tmp_path, encoder):
    write_questions(tmp_path, [question("s", number) for number in range(3)])
    (item,) = sample_of(
        "f", question_family({"D": ["s"]}, ("bits_per_byte", "accuracy")), tmp_path, 64, encoder
    ).items
    assert [encoder.tokenizer.decode(option.continuation) for option in item.options] == [
        " a2",
        " b2",
        " c2",
        " d2",
    ]
    assert item.gold == 1


def test_a_subject_more_moves_no_other(tmp_path, encoder):
    write_questions(
        tmp_path, [question(subject, number) for subject in ("s", "t") for number in range(40)]
    )
    alone = sample_of("f", question_family({"D": ["s"]}, tokens=200), tmp_path, 64, encoder)
    both = sample_of(
        "f", question_family({"E": ["t"], "D": ["t", "s"]}, tokens=200), tmp_path, 64, encoder
    )
    assert alone.items == [item for item in both.items if item.stratum == "s"]
    assert 1 < len(alone.items) < 38


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"correct_answer": "E"}, "line 3: correct_answer = 'E'; it must be one of A, B, C, D"),
        ({"answer_c": " "}, "line 3: answer_c = ' ' must be a text"),
        ({"question": None}, "line 3: question = None must be a text"),
    ],
)
def test_broken_questions(tmp_path, encoder, changes, message):
    write_questions(tmp_path, [question("s", 0), question("s", 1), question("s", 2, **changes)])
    with pytest.raises(ValueError, match=message):
        sample_of("f", question_family({"D": ["s"]}), tmp_path, 64, encoder)


def test_subjects_without_questions(tmp_path, encoder):
    write_questions(tmp_path, [question("s", number) for number in range(3)])
    with pytest.raises(
        ValueError,
        match=r"families\.f\.domains\.D = \['r'\]: no text of that name in the source; "
        r"the choices are 's'",
    ):
        sample_of("f", question_family({"D": ["s", "r"]}), tmp_path, 64, encoder)
    with pytest.raises(
        ValueError,
        match=r"families\.f\.domains\.D: no item is left to score "
        r"\(kept_for_shots 2, over_cap 0, too_long 1\)",
    ):
        sample_of("f", question_family({"D": ["s"]}), tmp_path, 8, encoder)


# ------------------------------------------------------------------------------------------- pairs


def pair_family(domains: dict[str, list[dict[str, object]]]) -> PairFamily:
    return PairFamily.model_validate(
        {
            "kind": "pairs",
            "source": "s",
            "metrics": ["accuracy"],
            "domains": domains,
            "tokens_per_domain": BIG,
        }
    )


def test_pairs(tmp_path, encoder):
    write_json(
        tmp_path / "plain.json", [{"good": "yes", "bad": "no"}, {"good": "yes", "bad": "no"}]
    )
    write_json(
        tmp_path / "options.json",
        [
            {"q": "Which?", "all": ["p", "q", "r"], "right": 2},
            {"q": "w" * 90, "all": ["p", "q"], "right": 0},
        ],
    )
    family = pair_family(
        {
            "A": [{"files": ["plain.json"], "positive": "good", "negative": "bad"}],
            "B": [
                {"files": ["options.json"], "prompt": "q", "options": "all", "positive": "right"}
            ],
        }
    )
    sample = sample_of("f", family, tmp_path, 64, encoder)
    pair, options = sample.items
    assert [encoder.tokenizer.decode(option.continuation) for option in pair.options] == [
        "yes",
        "no",
    ]
    assert (pair.gold, pair.options[0].context) == (0, (0,))
    assert [encoder.tokenizer.decode(option.continuation) for option in options.options] == [
        " p",
        " q",
        " r",
    ]
    assert options.gold == 2 and options.stratum == "options"
    assert sample.left_out["A"]["copies"] == 1 and sample.left_out["B"]["too_long"] == 1


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"positive": "good", "negative": "worse"},
            r"x\.json record 1: no key 'worse'; the choices are good, bad, all, right",
        ),
        ({"positive": "good"}, "a pair needs `negative` or `options`"),
        (
            {"positive": "right", "options": "all"},
            "right = 2; it must be the index of an option, 0 to 1",
        ),
        (
            {"positive": "right", "options": "good"},
            "good = 'yes'; it must be a list of two or more texts",
        ),
    ],
)
def test_broken_pairs(tmp_path, encoder, keys, message):
    write_json(tmp_path / "x.json", [{"good": "yes", "bad": "no", "all": ["a", "b"], "right": 2}])
    with pytest.raises(ValueError, match=message):
        sample_of("f", pair_family({"A": [{"files": ["x.json"], **keys}]}), tmp_path, 64, encoder)


# ------------------------------------------------------------------------------------ continuation


def continuation_family(**changes: object) -> ContinuationFamily:
    settings = {
        "kind": "continuation",
        "documents": "topics",
        "metrics": ["accuracy"],
        "num_items": 12,
        "num_options": 3,
    }
    return ContinuationFamily.model_validate(
        {**settings, "context_tokens": 20, "continuation_tokens": 10, **changes}
    )


def test_continuation(tmp_path, encoder):
    rows = [
        {"text": f"shared words of topic {topic} {7**number:09d} and more", "topic": topic}
        for topic in "abc"
        for number in range(10)
    ]
    write_json(tmp_path / "articles.json", rows)
    topics = document_family({"A": ["a"], "B": ["b"], "C": ["c"]})
    sample = sample_continuation("cont", continuation_family(), topics, tmp_path, 64, encoder)
    same, others = of_domain(sample, "same_topic"), of_domain(sample, "other_topics")
    assert len(same) == len(others) == 12
    assert [item.item for item in same] == [item.item for item in others]
    for item, other in zip(same, others, strict=True):
        assert item.options[item.gold] == other.options[other.gold]
        assert item.text == encoder.tokenizer.decode(
            [*item.options[0].context[1:], *item.options[item.gold].continuation]
        )
        assert {len(option.continuation) for option in (*item.options, *other.options)} == {10}
        assert {option.context for option in (*item.options, *other.options)} == {
            item.options[0].context
        }
        assert len({option.continuation for option in item.options}) == 3
    assert len({item.gold for item in same}) == 3  # the right option is not always at one place
    assert sample == sample_continuation(
        "cont", continuation_family(), topics, tmp_path, 64, encoder
    )


def test_continuation_distractors_come_from_the_right_topics(tmp_path, encoder):
    # Passages tell their topic by their letters alone.
    rows = [
        {"text": topic * 20 + str(number) * 10, "topic": topic}
        for topic in "xyz"
        for number in range(5)
    ]
    rows = [{**row, "text": row["text"][:20] + row["topic"] + row["text"][21:]} for row in rows]
    write_json(tmp_path / "articles.json", rows)
    topics = document_family({"X": ["x"], "Y": ["y"], "Z": ["z"]})
    sample = sample_continuation(
        "cont", continuation_family(num_items=9), topics, tmp_path, 64, encoder
    )
    for item in sample.items:
        first = [
            encoder.tokenizer.decode(option.continuation)[0].upper() for option in item.options
        ]
        own = [place for place, topic in enumerate(first) if topic == item.stratum]
        assert own == ([0, 1, 2] if item.domain == "same_topic" else [item.gold])


@pytest.mark.parametrize(
    ("changes", "length", "message"),
    [
        (
            {},
            29,
            r"families\.cont: context_tokens \+ continuation_tokens = 30 does not fit a window of "
            r"29 tokens",
        ),
        (
            {"num_items": 100, "num_options": 2},
            64,
            r"families\.cont\.num_items = 100: there are only 20 passages of 30 tokens",
        ),
        ({"num_options": 4}, 64, "num_options = 4 needs passages of as many topics"),
        (
            {"num_options": 11},
            64,
            r"topic 'A' has 10 passage\(s\) of 30 tokens; it needs more than 10",
        ),
    ],
)
def test_continuations_that_cannot_be_made(tmp_path, encoder, changes, length, message):
    articles(tmp_path, {"a": 10, "b": 10})
    with pytest.raises(ValueError, match=message):
        sample_continuation(
            "cont",
            continuation_family(**changes),
            document_family({"A": ["a"], "B": ["b"]}),
            tmp_path,
            length,
            encoder,
        )


def test_continuations_that_are_all_alike(tmp_path, encoder):
    rows = [
        {"text": f"{number} {topic}" + "and so on " * 5, "topic": topic}
        for topic in "abc"
        for number in range(4)
    ]
    write_json(tmp_path / "articles.json", rows)
    topics = document_family({"A": ["a"], "B": ["b"], "C": ["c"]})
    with pytest.raises(
        ValueError, match=r"topic '[ABC]': too few of its 4 passages have different"
    ):
        sample_continuation("cont", continuation_family(num_items=9), topics, tmp_path, 64, encoder)
