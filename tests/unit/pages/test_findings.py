"""The answer in five sentences, the table of verdicts, and provenance: counted and worked by
hand."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from docutils.core import publish_parts
from jinja2 import Environment

from relscale.files import sha256_of
from relscale.pages.findings import findings_page, findings_rst, result_links
from relscale.pages.provenance import duration, machine, provenance_page, stage_costs
from relscale.pages.sentences import (
    GAPS,
    answer_sentences,
    beside_sentences,
    scope_sentence,
    shown_laws,
    slope_text,
)

Tables = dict[str, pd.DataFrame]
FAMILIES = [
    {
        "family": "knowledge",
        "metric": "bits_per_byte",
        "baseline": "STEM",
        "domains": ["STEM", "humanities", "social_sciences", "other"],
    },
    {
        "family": "behaviour",
        "metric": "choice_probability_per_byte",
        "baseline": "factual",
        "domains": ["factual", "deception"],
    },
]
SPEC = {
    "families": FAMILIES,
    "corpora": ["curated", "web", "web_synthetic"],
    "labels": {"social_sciences": "social sciences"},
}


def suite_of(budgets: list[str]) -> pd.DataFrame:
    rows = [
        {"corpus": corpus, "budget": b, "training_flops": float(b)}
        for corpus in ("curated", "web")
        for b in budgets
    ]
    return pd.DataFrame(rows)


def gaps(verdicts: dict[str, str], **columns: object) -> pd.DataFrame:
    """Return relative laws of treatments with these verdicts, on one corpus."""
    rows = [{"treatment": name, "verdict": verdict} for name, verdict in verdicts.items()]
    common = {
        "corpus": "web", "family": "knowledge", "metric": "bits_per_byte", "baseline": "STEM", "estimator": "joint", "margin": 0.01,
        "detectable_dbeta": 0.008, "status": "ok", "dbeta": 0.02, "ci_low": 0.01, "ci_high": 0.03,
    }  # fmt: skip
    return pd.DataFrame(rows).assign(**{**common, **columns})


def test_five_sentences_name_each_gap_once_under_its_verdict() -> None:
    shown = gaps(
        {
            "a_b": "narrows",
            "b": "widens",
            "c": "crosses",
            "d": "parallel",
            "e": "undecided",
            "f": "undecided",
        }
    )
    said = answer_sentences(shown, {})
    assert len(said) == 5
    assert said[0].startswith("1 of 6 gaps narrows as compute grows") and said[0].endswith(
        "knowledge against STEM: a b (web)."
    )
    assert said[1].startswith("1 of 6 gaps widens") and said[2].startswith(
        "1 of 6 gaps crosses 1 within the observed compute"
    )
    assert said[3].startswith(
        "1 of 6 gaps stays parallel (a slope within ±0.01, which is 2.3 % of the gap for ten times the compute)"
    )
    assert (
        said[4].startswith("2 of 6 gaps are undecided")
        and "could have found a slope of 0.008" in said[4]
    )
    assert said[4].endswith("knowledge against STEM: e (web) and f (web).")


def test_a_verdict_that_no_gap_got_is_said_so() -> None:
    said = answer_sentences(gaps({"a": "narrows"}), {})
    assert said[1:] == [
        "No gap of 1 widens.",
        "No gap of 1 crosses 1.",
        "No gap of 1 stays parallel (a slope within ±0.01, which is 2.3 % of the gap for ten times the compute).",
        "No gap of 1 is undecided.",
    ]
    assert answer_sentences(gaps({}), {}) == [
        f"No gap {one}: the tables hold no relative law." for one, _, _ in GAPS.values()
    ]


def test_the_counts_are_the_tables(tables: Tables) -> None:
    shown = shown_laws(tables["relative"], FAMILIES, "joint")
    said = answer_sentences(shown, {})
    errors = tables["relative"].query("estimator == 'joint' and family == 'knowledge'")
    for verdict, sentence in zip(GAPS, said, strict=True):
        count = int((errors["verdict"] == verdict).sum())
        assert sentence.startswith(
            f"{count} of {len(errors)} gap" if count else f"No gap of {len(errors)} "
        ), sentence
    probabilities = tables["relative"].query("estimator == 'joint' and family == 'behaviour'")
    beside = " ".join(beside_sentences(shown, tables["relative"], {}))
    assert f"Of {len(probabilities)} comparisons in choice probability per byte" in beside
    assert f"{int((probabilities['verdict'] == 'rises').sum())} rise," in beside


def test_many_gaps_are_counted_by_family() -> None:
    shown = pd.concat(
        [
            gaps({f"d{k}": "widens" for k in range(20)}),
            gaps({"x": "widens"}, family="topics", baseline="People"),
        ]
    )
    sentence = answer_sentences(shown, {})[1]
    assert sentence.endswith("knowledge against STEM: 20; topics against People: 1.")
    assert (
        "every corpus"
        in answer_sentences(
            pd.concat([gaps({"a": "narrows"}), gaps({"a": "narrows"}, corpus="curated")]), {}
        )[0]
    )


def test_laws_without_a_verdict_and_other_estimators_are_said() -> None:
    shown = gaps({"a": "narrows", "b": "widens", "c": ""})
    shown.loc[2, ["dbeta", "status"]] = [math.nan, "too_few_budgets; 1 budget"]
    others = gaps({"a": "narrows", "b": "narrows", "c": ""}, estimator="vertex")
    said = beside_sentences(shown, pd.concat([shown, others]), {})
    assert said[0] == "1 comparison of 3 got no verdict (too few budgets)."
    assert said[1] == (
        "Of the 2 verdicts that the estimator joint reaches, 1 is reached by another one, too (vertex), and 1 is contradicted by one."
    )


def test_scope() -> None:
    said = scope_sentence(suite_of(["5e10", "1e12"]), "training_flops")
    assert said.startswith(
        "4 language models were trained on 2 corpora at 2 budgets from 5e10 to 1e12 training FLOPs"
    )
    assert scope_sentence(suite_of([]), "training_flops") == "The table of runs is empty."


def test_slopes_as_text() -> None:
    assert (
        slope_text({"dbeta": -0.0314, "ci_low": -0.04, "ci_high": 0.001})
        == "−0.031 [−0.040, +0.001]"
    )
    assert slope_text({"dbeta": 0.01, "ci_low": math.nan, "ci_high": math.nan}) == "+0.010"
    assert slope_text({"dbeta": math.nan, "ci_low": 0.0, "ci_high": 0.0}) == ""


def test_page_holds_every_verdict_and_nothing_from_outside(tables: Tables) -> None:
    text = findings_page(tables["relative"], suite_of(["5e10"]), SPEC)
    rows = tables["relative"].query("estimator == 'joint' and family == 'knowledge'")
    cells = re.findall(
        r'data-verdict="(\w*)"',
        text.partition('data-family="knowledge"')[2].partition("</table>")[0],
    )
    assert sorted(cells) == sorted(rows["verdict"])
    assert text.count("<li>") == 5
    assert not re.search(r"(src|href)=|https?:", text)
    assert "social sciences" in text and "social_sciences" not in text


@pytest.mark.parametrize("case", ["headers", "failed", "one corpus", "long names"])
def test_page_from_degenerate_tables(
    case: str, tables: Tables, maker: Callable[..., Tables]
) -> None:
    relative = tables["relative"]
    if case == "headers":
        relative = relative.iloc[:0]
    elif case == "failed":
        relative = relative.assign(verdict=None, dbeta=math.nan, status="too_few_budgets; 1 budget")
    elif case == "one corpus":
        relative = relative[relative["corpus"] == "web"]
    else:
        relative = relative.assign(corpus="<b>" + "x" * 200)
    page = findings_page(relative, suite_of(["5e10"]), SPEC)
    text = findings_rst(relative, suite_of(["5e10"]), SPEC, {})
    assert page.endswith("</html>\n") and "<b>x" not in page
    assert {
        "headers": "no relative law",
        "failed": "too few budgets",
        "one corpus": "(web)",
        "long names": "xxx",
    }[case] in page
    assert len(re.findall(r"^\d\. ", text, re.MULTILINE)) == 5


def test_text_is_whole_markup_for_the_report(tables: Tables) -> None:
    labels = {"humanities": "a_b* `c` |d| {{ e }}"}
    links = result_links(["explorer.html", "nothing.html"])
    assert list(links) == ["explorer.html"]
    text = findings_rst(tables["relative"], suite_of(["5e10"]), {**SPEC, "labels": labels}, links)
    rendered = Environment().from_string(text + "\n.. _explorer.html: javascript:show()\n").render()
    parts = publish_parts(rendered, writer="html", settings_overrides={"halt_level": 2})
    assert "a_b* `c` |d| (( e ))" in parts["html_body"]
    assert 'href="javascript:show()"' in parts["html_body"]
    assert parts["html_body"].count("<li>") == 6


def record(folder: Path, name: str, rule: str, **changes: object) -> None:
    values = {
        "rule_name": rule,
        "s": 10.0,
        "cpu_time": 8.0,
        "max_rss": 100.0,
        "params": {"code": "c0de"},
        **changes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.jsonl").write_text(json.dumps(values) + "\n")


def test_time_is_summed_by_stage_and_shared_jobs_of_others_are_left_out(tmp_path: Path) -> None:
    record(tmp_path / "own/train", "a", "train", s=60.0, cpu_time=50.0)
    record(
        tmp_path / "own/train",
        "b",
        "train",
        s=30.0,
        cpu_time=40.0,
        max_rss=300.0,
        params={"code": "0ther"},
    )
    record(tmp_path / "shared/source", "sotu-123", "source", s="NA", cpu_time="NA", max_rss="NA")
    record(tmp_path / "shared/source", "elsewhere-456", "source")
    costs = stage_costs([tmp_path / "own", tmp_path / "absent"], tmp_path / "shared", ["sotu-123"])
    assert [
        (cost.rule, cost.jobs, cost.wall_s, cost.cpu_s, cost.memory_mb, cost.code) for cost in costs
    ] == [
        ("train", 2, 90.0, 90.0, 300.0, "0ther, c0de"),
        ("source", 1, 0.0, 0.0, 0.0, "c0de"),
    ]


def test_durations() -> None:
    assert [duration(s) for s in (0.861, 12.4, 59.7, 185, 7620)] == [
        "0.861 s",
        "12 s",
        "60 s",
        "3 min 05 s",
        "2 h 07 min",
    ]


def test_provenance_page(tmp_path: Path, reference: Path) -> None:
    table = tmp_path / "suite.csv"
    table.write_text("run\na\n")
    sources = pd.DataFrame(
        [
            {
                "source": "s&t",
                "package": "p",
                "version": "1.0",
                "sha256": "ab12",
                "licence": "CC-BY-4.0",
                "citation": "Doe <2020>",
            },
            {
                "source": "own",
                "package": None,
                "version": None,
                "sha256": "cd34",
                "licence": "ours",
                "citation": "us",
            },
        ]
    )
    spec = {"experiment": "tiny", "digests": {"tokenizer": "d1ge57"}, "packages": ["numpy"]}
    citation = yaml.safe_load((reference.parents[1] / "CITATION.cff").read_text())
    page = provenance_page(costs=[], sources=sources, tables=[table], citation=citation, spec=spec)
    for said in (
        sha256_of(table),
        "d1ge57",
        "CC-BY-4.0",
        "Doe &lt;2020&gt;",
        "s&amp;t",
        "Held, W., Hall, D., Liang, P., Yang, D. (2025)",
        "arXiv:2510.24626",
    ):
        assert said in page
    assert "No benchmark record was found" in page
    assert not re.search(r"(src|href)=|https?:", page)
    assert machine()["Python"].startswith("3.")
