"""Kinds of families: every kind has settings and items, and answers the workflow's questions."""

from typing import get_args

import pytest
from pydantic import TypeAdapter

from relscale.config.families import AnyFamily, Family
from relscale.config.families.base import Surroundings
from relscale.evaluation.families import FAMILY_ITEMS

DOCUMENTS = {
    "kind": "documents",
    "source": "s",
    "reader": {"kind": "json", "files": "a.json", "text": "text", "domain": "topic"},
    "domains": {"A": ["a"], "B": ["b"]},
}
PAIRS = {"files": ["p.json"], "positive": "good", "negative": "bad"}
SETTINGS = {
    "validation": {"kind": "validation", "max_tokens": 500},
    "documents": DOCUMENTS,
    "questions": {
        "kind": "questions",
        "source": "s",
        "file": "q.jsonl",
        "shots": 1,
        "shots_source": "t",
        "shots_file": "dev.jsonl",
        "domains": {"A": ["x", "y"], "B": ["z"]},
    },
    "pairs": {"kind": "pairs", "source": "s", "domains": {"A": [PAIRS]}},
    "risk": {"kind": "risk", "source": "s", "domains": {"A": ["one", "two"]}},
    "continuation": {"kind": "continuation", "documents": "docs", "num_items": 10},
    "parallel": {
        "kind": "parallel",
        "reader": {"kind": "pythonbible", "files": "*/plain_text_bible.py"},
        "domains": {"A": "s", "B": "t"},
    },
    "table": {"kind": "table", "baseline": "A", "num_options": 5},
    "strata": {
        "kind": "strata",
        "corpus": "even",
        "domains": {"A": 0, "B": 1},
        "tokens_per_domain": 300,
    },
}


def rest() -> Surroundings:
    """Return a configuration with one family of documents, two sources and a short window."""
    families = {"docs": family("documents")}
    return Surroundings(families=families, sources={"s": 1, "t": 1}, window=128)


def family(kind: str, **changes) -> Family:
    settings = {"metrics": ["bits_per_byte"], **SETTINGS[kind], **changes}
    return TypeAdapter(AnyFamily).validate_python(settings)


def test_every_kind_of_settings_has_items_and_is_tested_here():
    union, _ = get_args(AnyFamily)
    kinds = {
        get_args(kind.model_fields["kind"].annotation)[0]: kind.of_table for kind in get_args(union)
    }
    assert sorted(kinds) == sorted(SETTINGS)
    assert sorted(kind for kind, of_table in kinds.items() if not of_table) == sorted(FAMILY_ITEMS)


@pytest.mark.parametrize(
    ("kind", "sources", "text", "needs_suite", "options"),
    [
        ("validation", [], None, True, None),
        ("documents", ["s"], "f", False, None),
        ("questions", ["s", "t"], "f", False, 4),
        ("pairs", ["s"], "f", False, None),
        ("risk", ["s"], "f", False, None),
        ("continuation", [], "docs", True, 4),
        ("parallel", ["s", "t"], "f", False, None),
        ("table", [], None, False, 5),
        ("strata", [], None, True, None),
    ],
)
def test_each_kind_names_its_text_and_its_options(kind, sources, text, needs_suite, options):
    made = family(kind)
    assert made.sources() == sources
    assert made.text_family("f") == text
    assert made.needs_suite == needs_suite
    assert made.fixed_options() == options
    if needs_suite or made.of_table:
        with pytest.raises(ValueError, match="no text of its own"):
            made.text_spec()
    else:
        spec = made.text_spec()
        assert "kind" in spec and {"source", "sources"} & spec.keys()


@pytest.mark.parametrize(
    ("kind", "changes", "tokens"),
    [
        ("validation", {}, 500),
        # Two domains of 1,000 windows, then of 3 windows, then of fewer tokens than windows have.
        ("documents", {}, 2 * 1000 * 128),
        ("documents", {"documents_per_domain": 3}, 2 * 3 * 128),
        ("documents", {"documents_per_domain": 3, "tokens_per_domain": 100}, 2 * 100),
        # Three subjects of 250 questions with four options and one shot, cut to the window.
        ("questions", {}, 3 * 250 * 4 * 128),
        ("questions", {"questions_per_subject": 7}, 3 * 7 * 4 * 128),
        ("pairs", {}, 1000 * 2 * 128),
        ("risk", {"tokens_per_behaviour": 50}, 2 * 50),
        # Two variants of ten passages with four options of 80 + 32 tokens.
        ("continuation", {}, 2 * 10 * 4 * 112),
        # Two domains of 1,000 texts, then of 3 texts, then of fewer tokens than windows have.
        ("parallel", {}, 2 * 1000 * 128),
        ("parallel", {"texts_per_domain": 3}, 2 * 3 * 128),
        ("parallel", {"texts_per_domain": 3, "tokens_per_domain": 100}, 2 * 100),
        ("table", {}, 0),
        ("strata", {}, 2 * 300),
    ],
)
def test_tokens_to_score_follow_from_caps_and_bounds(kind, changes, tokens):
    assert family(kind, **changes).tokens_to_score(128) == tokens


@pytest.mark.parametrize("kind", ["documents", "questions", "pairs", "risk", "parallel"])
def test_a_limit_becomes_the_cap_of_the_kind(kind):
    made = family(kind)
    assert made.item_cap() is None and made.token_cap() is None
    assert made.limited_to(5).item_cap() == 5
    assert made.limited_to(5).limited_to(3).item_cap() == 3


def test_a_kind_without_a_cap_on_items_ignores_a_limit():
    made = family("validation")
    assert made.limited_to(5) == made


def test_questions_always_report_bits_per_byte_and_score_what_the_metrics_need():
    made = family("questions", metrics=["choice_loss_nats"])
    assert made.reported_metrics() == ["choice_loss_nats", "bits_per_byte"]
    assert made.needs_all_options() and made.compared_prompt() == "continuation"
    alone = family("questions")
    assert alone.reported_metrics() == ["bits_per_byte"]
    assert not alone.needs_all_options() and alone.compared_prompt() is None


@pytest.mark.parametrize(
    ("kind", "changes", "key", "message"),
    [
        ("documents", {"source": "x"}, ("source",), "is not in sources"),
        ("strata", {"baseline": "C"}, ("baseline",), "the choices are A, B"),
        ("strata", {"metrics": ["accuracy"]}, ("metrics",), "in bits_per_byte only"),
        ("documents", {"baseline": "C"}, ("baseline",), "is not in the domains"),
        ("documents", {"metrics": ["accuracy"]}, ("metrics",), "in bits_per_byte only"),
        ("questions", {"shots_source": "x"}, ("shots_source",), "is not in sources"),
        ("questions", {"shots_file": None}, ("shots_source",), "needs `shots_file`"),
        (
            "questions",
            {"shots_file": None, "shots_source": None, "shots": 6},
            ("shots",),
            "more than shots_per_subject = 5",
        ),
        (
            "pairs",
            {"domains": {"A": [{**PAIRS, "options": "all"}]}},
            ("domains", "A", 0),
            "needs either `negative` or `options`",
        ),
        ("risk", {"file": "x.jsonl"}, ("file",), 'must contain "{behaviour}"'),
        ("parallel", {"domains": {"A": "s", "B": "x"}}, ("domains", "B"), "is not in sources"),
        ("parallel", {"domains": {"A": "s", "B": "s"}}, ("domains",), "the same source"),
        ("parallel", {"reader": DOCUMENTS["reader"]}, ("reader",), "that names texts"),
        ("parallel", {"metrics": ["accuracy"]}, ("metrics",), "in bits_per_byte only"),
        ("continuation", {"documents": "x"}, ("documents",), "the choices are docs"),
        ("table", {"baseline": None}, ("baseline",), "missing: name the domain"),
        ("table", {"domains": ["B", "C"]}, ("baseline",), "the choices are B, C"),
        ("continuation", {"num_options": 3}, ("num_options",), "more than the 2 topics"),
        ("continuation", {"num_options": 2, "context_tokens": 100}, ("context_tokens",), "of 128"),
    ],
)
def test_each_kind_reports_settings_that_do_not_fit(kind, changes, key, message):
    (problem,) = family(kind, **changes).problems(rest())
    assert problem[0] == key and message in problem[1]


@pytest.mark.parametrize("kind", list(SETTINGS))
def test_settings_that_fit_have_no_problem(kind):
    changes = {"num_options": 2} if kind == "continuation" else {}
    assert family(kind, **changes).problems(rest()) == []


def test_two_domains_of_one_component_are_both_named():
    problems = family("strata", domains={"A": 0, "B": 0}).problems(rest())
    assert [key for key, _ in problems] == [("domains", "A"), ("domains", "B")]
    assert all("component 0 is that of two domains" in message for _, message in problems)
