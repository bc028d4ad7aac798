"""The answer in five sentences and the table of verdicts: counted and worked by hand."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from docutils.core import publish_parts
from jinja2 import Environment

from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.pages.findings import FindingsTables, findings_page, findings_rst, result_links
from relscale.pages.sentences import (
    GAPS,
    answer_sentences,
    family_sentences,
    reach_sentences,
    remark_sentences,
    scope_sentence,
    shown_laws,
    slope_text,
)
from relscale.pages.spec import FindingsSpec, Origin
from relscale.runtime import call
from relscale.stages import findings

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
SPEC: dict[str, Any] = {
    "families": FAMILIES,
    "corpora": ["curated", "web", "web_synthetic"],
    "labels": {"social_sciences": "social sciences"},
}
SHOWN = [(family["family"], family["metric"]) for family in FAMILIES]


def spec(**changes: Any) -> FindingsSpec:
    return FindingsSpec.model_validate({**SPEC, **changes})


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
        "corpus": "web", "family": "knowledge", "metric": "bits_per_byte", "baseline": "STEM",
        "estimator": "joint", "scale": "ratio", "path": "optimal", "scales_agree": "false",
        "margin": 0.01, "detectable_dbeta": 0.008, "status": "ok",
        "dbeta": 0.02, "ci_low": 0.01, "ci_high": 0.03, "faster": "undecided",
    }  # fmt: skip
    return pd.DataFrame(rows).assign(**{**common, **columns})


def page_of(relative: pd.DataFrame, **changes: Any) -> str:
    return findings_page(
        FindingsTables(relative=relative, suite=suite_of(["5e10"])), spec(**changes)
    )


def test_five_sentences_name_each_gap_once_under_its_direction() -> None:
    verdicts = "narrows", "narrows slightly", "widens", "crosses", "parallel", "undecided"
    shown = gaps(dict(zip(["a_b", "a", "b", "c", "d", "e"], verdicts, strict=True)))
    shown = shown.assign(scales_agree=["true", "", "false", "true", "true", ""])
    said = answer_sentences(shown, {})
    assert len(said) == 5
    assert said[0] == (
        "2 of 6 gaps are shown to narrow on the ratio scale (1 of them slightly, by a change "
        "within the margin; 1 on every scale): the domain with the larger error catches up – "
        "knowledge against STEM: a b (web) and a (web)."
    )
    assert said[1].startswith(
        "1 of 6 gaps is shown to widen on the ratio scale (0 on every scale): the domain with"
    )
    assert said[2].startswith("1 of 6 gaps is shown to cross on the ratio scale (1 on every")
    assert said[3] == (
        "1 of 6 gaps is shown to be parallel on the ratio scale (log G changes by less than 0.01 "
        "over the observed compute; 1 on every scale) – knowledge against STEM: d (web)."
    )
    assert said[4] == (
        "1 of 6 gaps is undecided: a slope of 0.008 would have been detected with a chance of 80 % "
        "– knowledge against STEM: e (web)."
    )


def test_a_direction_that_no_gap_has_is_not_shown_rather_than_false() -> None:
    said = answer_sentences(gaps({"a": "narrows"}), {})
    assert said[1:] == [
        "0 of 1 gap are shown to widen on the ratio scale.",
        "0 of 1 gap are shown to cross on the ratio scale.",
        "0 of 1 gap are shown to be parallel on the ratio scale.",
        "0 of 1 gap are undecided.",
    ]
    none = "The tables hold no relative law of an error."
    assert answer_sentences(gaps({}), {}) == [none] * len(GAPS)


def test_the_counts_are_the_tables(tables: Tables) -> None:
    shown = shown_laws(tables["relative"], SHOWN, "joint")
    said = answer_sentences(shown, {})
    ratio = tables["relative"].query("estimator == 'joint' and scale == 'ratio'")
    errors = ratio.query("family == 'knowledge'")
    for direction, sentence in zip(GAPS, said, strict=True):
        count = int(errors["verdict"].str.startswith(direction).sum())
        assert sentence.startswith(f"{count} of {len(errors)} gaps "), sentence
    probabilities = ratio.query("family == 'behaviour'")
    beside = " ".join(remark_sentences(shown, tables["relative"], {}))
    assert (
        f"Of {len(probabilities)} comparisons with a baseline in choice probability per byte"
        in beside
    )
    rising, falling = (
        int(probabilities["verdict"].str.startswith(word).sum()) for word in ("rises", "falls")
    )
    assert re.search(rf"better, {rising} (is|are) shown to rise", beside)
    assert re.search(rf", {falling} to fall(,| and| \()", beside), beside


def test_the_test_of_a_whole_family_is_said_before_its_gaps(tables: Tables) -> None:
    families = pd.DataFrame(
        [
            {"corpus": corpus, "family": family, "metric": metric, "estimator": "joint",
             "p_equal_slopes_adjusted": p}
            for family, metric, p_values in (
                ("knowledge", "bits_per_byte", (0.0002, 0.2)),
                ("behaviour", "choice_probability_per_byte", (0.3, 0.7)),
            )
            for corpus, p in zip(("curated", "web"), p_values, strict=True)
        ]
    )  # fmt: skip
    said = family_sentences(families, SHOWN, "joint", {}, 0.05)
    assert said == [
        "One test per family and corpus before the single gaps: Not all slopes of a family are "
        "equal in knowledge (curated; p below 0.001). Equal slopes are not refuted in behaviour "
        "(p 0.3 or more)."
    ]
    made = FindingsTables(relative=tables["relative"], suite=suite_of(["5e10"]), families=families)
    page, text = findings_page(made, spec()), findings_rst(made, spec(), {})
    assert page.index("One test per family") < page.index("shown to narrow")
    assert text.index("One test per family") < text.index("shown to narrow")
    assert family_sentences(families, SHOWN, "vertex", {}, 0.05) == []


def test_back_tests_of_the_shown_families_are_said_by_horizon(tables: Tables) -> None:
    made = FindingsTables(
        relative=tables["relative"], suite=suite_of(["5e10"]), forecast=tables["forecast"]
    )
    rows = tables["forecast"]
    count = int(
        (rows["family"].isin(["knowledge", "behaviour"]) & (rows["horizon_class"] == "10x")).sum()
    )
    said = f"Back-test, ten times the compute: {count} predictions of gaps"
    assert said in findings_page(made, spec()) and said in findings_rst(made, spec(), {})


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


def test_scales_that_are_not_known_to_agree_are_not_counted_and_no_verdict_is_no_zero() -> None:
    shown = gaps({"a": "narrows"}, scales_agree="")
    assert answer_sentences(shown, {})[0].startswith(
        "1 of 1 gap is shown to narrow on the ratio scale: the domain"
    )
    lost = gaps({"a": "", "b": ""}, metric="accuracy", status="at_chance")
    said = remark_sentences(lost, lost, {})
    assert said == [
        "2 of 2 comparisons have no verdict (at chance).",
        "Of 2 comparisons with a baseline in accuracy, where higher is better, none has a verdict.",
    ]


def test_laws_without_a_verdict_and_other_estimators_are_said() -> None:
    shown = gaps({"a": "narrows", "b": "widens", "c": ""})
    shown.loc[2, ["dbeta", "status"]] = [math.nan, "too_few_budgets"]
    others = gaps({"a": "narrows", "b": "narrows", "c": ""}, estimator="vertex")
    said = remark_sentences(shown, pd.concat([shown, others]), {})
    assert said[0] == "1 of 3 comparisons has no verdict (too few budgets)."
    assert said[1] == (
        "The estimator joint reaches 2 decided verdicts. At least one other estimator (vertex) "
        "reaches the same direction for 1 of them, and a different one for 1."
    )


def test_an_undecided_or_missing_verdict_of_another_estimator_contradicts_nothing() -> None:
    shown = gaps({"a": "narrows", "b": "widens"})
    others = gaps({"a": "undecided", "b": ""}, estimator="vertex")
    (said,) = remark_sentences(shown, pd.concat([shown, others]), {})
    assert said.endswith("the same direction for 0 of them, and a different one for 0.")


def test_margins_that_vary_are_said_by_their_range() -> None:
    shown = gaps({"a": "parallel", "b": "parallel"}).assign(margin=[0.01, 0.1])
    said = answer_sentences(shown, {})[3]
    assert "(log G changes by less than a margin of 0.01 to 0.1 over the observed compute" in said


def test_scope() -> None:
    said = scope_sentence(suite_of(["5e10", "1e12"]), "training_flops")
    assert said.startswith(
        "4 language models were trained on 2 corpora at 2 budgets, with 5e10 to 1e12 training "
        "FLOPs per model."
    )
    assert scope_sentence(suite_of([]), "training_flops") == "The table of runs is empty."


def test_the_reach_of_the_verdicts_is_said_in_two_sentences() -> None:
    suite = suite_of(["5e10", "1e12"])
    small = reach_sentences(suite.assign(num_params_total=560_000))
    assert small.startswith("Verdicts say whether the gaps between these test texts move")
    assert "up to 560,000 parameters" in small and small.count(". ") == 1
    assert "little more than spelling and frequent words, nor why a gap moves" in small
    large = reach_sentences(suite.assign(num_params_total=7e9), "released")
    assert "up to 7,000,000,000 parameters" in large and "spelling" not in large
    unknown = reach_sentences(suite.assign(num_params_total=None))
    assert "up to their size" not in unknown and "spelling" not in unknown
    assert reach_sentences(suite, "table") == reach_sentences(suite_of([])) == ""


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("table", "The losses of 4 runs on 2 corpora at 2 budgets, with 5e10 to 1e12 training "
         "FLOPs per run, were read from a table; nothing was trained or evaluated for this page."),
        ("released", "4 released language models, trained by others on 2 corpora at 2 budgets, "
         "with 5e10 to 1e12 training FLOPs per model, were evaluated."),
    ],
)  # fmt: skip
def test_models_that_others_trained_are_not_said_to_be_trained(origin: Origin, said: str) -> None:
    suite = suite_of(["5e10", "1e12"])
    assert scope_sentence(suite, "training_flops", [], origin).startswith(said)


@pytest.mark.parametrize(
    ("slope", "low", "high", "text"),
    [
        (-0.0314, -0.04, 0.001, "−0.031 [−0.040, +0.001]"),
        (0.01, math.nan, math.nan, "+0.010"),
        (math.nan, 0.0, 0.0, ""),
    ],
)
def test_slopes_as_text(slope: float, low: float, high: float, text: str) -> None:
    assert slope_text(pd.Series({"dbeta": slope, "ci_low": low, "ci_high": high})) == text


def test_an_asterisk_marks_verdicts_whose_status_is_not_ok(tables: Tables) -> None:
    relative = tables["relative"].query(
        "estimator == 'joint' and corpus == 'web' and scale == 'ratio'"
    )
    marked = relative["treatment"] == "humanities"
    status = relative["status"].mask(marked, "lack_of_fit")
    page = page_of(relative.assign(status=status))
    assert page.count("*</b>") == int((marked & (relative["family"] == "knowledge")).sum()) == 1


def test_page_holds_every_verdict_and_nothing_from_outside(tables: Tables) -> None:
    text = page_of(tables["relative"])
    rows = tables["relative"].query(
        "estimator == 'joint' and family == 'knowledge' and scale == 'ratio'"
    )
    cells = re.findall(
        r'data-verdict="([\w ]*)"',
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
        relative = relative.assign(verdict=None, dbeta=math.nan, status="too_few_budgets")
    elif case == "one corpus":
        relative = relative[relative["corpus"] == "web"]
    else:
        relative = relative.assign(corpus="<b>" + "x" * 200)
    page = page_of(relative)
    made = FindingsTables(relative=relative, suite=suite_of(["5e10"]))
    text = findings_rst(made, spec(), {})
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
    made = FindingsTables(relative=tables["relative"], suite=suite_of(["5e10"]))
    text = findings_rst(made, spec(labels=labels), links)
    rendered = Environment().from_string(text + "\n.. _explorer.html: javascript:show()\n").render()
    parts = publish_parts(rendered, writer="html", settings_overrides={"halt_level": 2})
    assert "a_b* `c` |d| {{ e }}" in parts["html_body"]
    assert 'href="javascript:show()"' in parts["html_body"]
    assert parts["html_body"].count("<li>") == 6


def test_the_stage_writes_both_pages_with_links_to_the_others(
    tables: Tables, tmp_path: Path
) -> None:
    tables["relative"].to_csv(tmp_path / "relative.csv", index=False)
    suite = suite_of(["5e10"]).reindex(columns=list(SUITE_COLUMNS))
    suite.to_csv(tmp_path / "suite.csv", index=False)
    page, text = tmp_path / "findings.html", tmp_path / "landing.rst"
    words = ["--spec", json.dumps(SPEC), "--link", "explorer.html", "provenance.html"]
    words += ["--relative", str(tmp_path / "relative.csv"), "--suite", str(tmp_path / "suite.csv")]
    call(findings.main, [*words, "--out-page", str(page), "--out-text", str(text)])
    assert page.read_text().count("<li>") == 5
    names = re.findall(r"`([\w.]+)`_", text.read_text())
    assert names == ["findings.html", "explorer.html", "provenance.html"]
