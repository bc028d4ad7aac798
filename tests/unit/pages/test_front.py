"""The front page: its three sentences counted by hand, and its limits."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.contract.verdict_words import Verdict
from relscale.pages.findings import FindingsTables
from relscale.pages.front import (
    BACK_TESTS,
    FrontFigure,
    PageLink,
    answer_in_three,
    front_page,
    how_sure,
)
from relscale.pages.glossary import glossary
from relscale.pages.sentences import slope_text
from relscale.pages.spec import FindingsSpec

Tables = dict[str, pd.DataFrame]
FAMILY = {
    "family": "knowledge",
    "metric": "bits_per_byte",
    "baseline": "STEM",
    "domains": ["STEM", "humanities", "social_sciences", "other"],
}
SPEC = FindingsSpec.model_validate(
    {"families": [FAMILY], "corpora": ["curated", "web", "web_synthetic"], "estimator": "joint"}
)
TINY_SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='10pt' height='10pt'></svg>"


def gaps(*verdicts: str, **columns: Any) -> pd.DataFrame:
    """Return laws with these verdicts, one per domain."""
    return pd.DataFrame(
        [
            {
                "corpus": "web",
                "family": "knowledge",
                "metric": "bits_per_byte",
                "treatment": f"domain {place}",
                "verdict": verdict,
                "faster": "undecided",
                "status": "ok",
                "scale": "ratio",
                "detectable_dbeta": 0.02,
                "ci_level": 0.95,
                "margin": 0.05,
                "standard_error": 0.01,
                "change_standard_error": 0.05,
                **columns,
            }
            for place, verdict in enumerate(verdicts)
        ]
    )


def test_the_answer_counts_directions_and_names_the_detectable_slope() -> None:
    rows = gaps("widens", "widens slightly", "narrows", "undecided", "undecided")
    assert answer_in_three(rows, None, SPEC) == [
        "Of 5 gaps (the ratio of two losses), 1 is shown to narrow, 2 to widen, none to cross "
        "and none to be parallel; 2 are undecided.",
        "In the undecided gaps a slope of 0.02 would have been detected with a chance of 80 %.",
    ]


def test_undecided_gaps_that_change_are_said_to_change() -> None:
    rows = gaps("undecided", "undecided", "undecided")
    rows.loc[0, "faster"] = "treatment"
    assert answer_in_three(rows, None, SPEC)[1] == (
        "Of the undecided gaps, 1 is shown to change, but it is not shown which domain is harder; "
        "for the others a slope of 0.02 would have been detected with a chance of 80 %."
    )
    assert answer_in_three(rows[:1], None, SPEC)[1] == (
        "The undecided gap is shown to change, but it is not shown which domain is harder."
    )


def test_laws_without_a_verdict_are_counted_with_the_reason() -> None:
    some = gaps("widens", "")
    some.loc[1, "status"] = "at_chance"
    assert answer_in_three(some, None, SPEC)[0].endswith(
        "; none are undecided, and 1 has no verdict (at chance)."
    )
    assert answer_in_three(gaps("", "", status="at_chance"), None, SPEC) == [
        "2 gaps (the ratio of two losses) have no verdict (at chance)."
    ]


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("widens slightly", "The one gap (the ratio of two losses) is shown to widen."),
        ("undecided", "The one gap (the ratio of two losses) is undecided."),
    ],
)
def test_one_gap_is_not_counted(verdict: str, said: str) -> None:
    assert answer_in_three(gaps(verdict), None, SPEC)[0] == said


def family_tests(*p: float) -> pd.DataFrame:
    """Return families.csv with one test per p value."""
    return pd.DataFrame(
        {
            "family": "knowledge",
            "metric": "bits_per_byte",
            "estimator": "joint",
            "p_equal_slopes_adjusted": p,
        }
    )


def test_whole_families_come_first() -> None:
    others = family_tests(0.001).assign(family="topics")  # not on the page
    families = pd.concat([family_tests(0.01, 0.2), others])
    first = answer_in_three(gaps("widens"), families, SPEC)[0]
    assert (
        "In 1 of 2 tests, one per family and corpus, they are shown not to (p below 0.05" in first
    )
    first = answer_in_three(gaps("widens"), family_tests(0.3, 0.2), SPEC)[0]
    assert "None of 2 tests" in first and "p 0.2 or more" in first


def test_the_level_of_the_tests_is_that_of_the_intervals() -> None:
    """An interval of 70 % goes with tests at .3, so that p = .2 counts."""
    rows = gaps("widens", "undecided", ci_level=0.7)
    first = answer_in_three(rows, family_tests(0.2, 0.4), SPEC)[0]
    assert "1 of 2 tests" in first and "(p below 0.3," in first
    assert "70 % intervals" in how_sure(rows)[0]
    assert glossary(rows, SPEC, tested=True)["interval"].endswith("70 %")


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.01, "They are shown not to (one test, p 0.01)."),
        (0.2, "They are not shown to move unlike each other (one test, p 0.2)."),
    ],
)
def test_one_test_is_not_counted(p: float, said: str) -> None:
    assert answer_in_three(gaps("widens"), family_tests(p), SPEC)[0].endswith(said)


def test_without_laws_it_says_so() -> None:
    assert answer_in_three(gaps().reindex(columns=gaps("widens").columns), None, SPEC) == [
        "The tables hold no relative law."
    ]


def test_it_says_how_many_gaps_the_design_could_not_decide() -> None:
    """The margin of .05 over a range of five natural logs is a slope of .01."""
    rows = gaps("undecided", "undecided", "widens")
    rows.loc[0, "detectable_dbeta"] = 0.005
    said = " ".join(how_sure(rows))
    assert "In 1 of the 2 undecided gaps that are not shown to change the smallest" in said
    assert "95 % intervals" in said
    assert said.endswith("may decide it.")


def test_of_one_undecided_gap_there_is_no_count() -> None:
    said = how_sure(gaps("undecided", "widens"))[-1]
    assert said.startswith("In the one undecided gap that is not shown to change the smallest")
    assert said.endswith("decide it.")
    assert len(how_sure(gaps("undecided", detectable_dbeta=0.005))) == 1
    assert how_sure(gaps("undecided", "undecided"))[-1].startswith("In all 2 undecided gaps")
    assert len(how_sure(gaps("undecided", faster="treatment"))) == 1


def test_a_missing_detectable_slope_is_not_counted() -> None:
    rows = gaps("undecided", detectable_dbeta=math.nan)
    assert not any("undecided gap" in sentence for sentence in how_sure(rows))


@pytest.fixture(name="page")
def page_fixture(tables: Tables, tmp_path: Path) -> Callable[..., str]:
    """The page of the synthetic tables."""
    drawing = tmp_path / "figure.svg"
    drawing.write_text(TINY_SVG)

    def build(title: str = "default", forecast: pd.DataFrame | None = None) -> str:
        return front_page(
            FindingsTables(
                relative=tables["relative"],
                forecast=forecast,
                suite=pd.DataFrame(
                    [{"corpus": "web", "budget": "5e10", "training_flops": 5e10}],
                    columns=list(SUITE_COLUMNS),
                ),
            ),
            SPEC,
            title=title,
            links=[PageLink(href="explorer.html", text="Explorer")],
            figure=FrontFigure.read(drawing, "Relative laws."),
        )

    return build


def test_every_verdict_is_a_cell_with_its_slope_and_interval(
    page: Callable[..., str], tables: Tables
) -> None:
    text = page()
    relative = tables["relative"]
    rows = relative[
        (relative["family"] == "knowledge")
        & (relative["estimator"] == "joint")
        & (relative["scale"] == "ratio")
    ]
    cells = re.findall(r'data-verdict="([^"]*)" title="([^"]*)"', text)
    assert len(cells) == len(rows)
    assert sorted(word for word, _ in cells) == sorted(rows["verdict"].fillna(""))
    for interval in rows.apply(slope_text, axis=1).str.partition(" ")[2]:
        assert f'<span class="interval">{interval}</span>' in text
    for _, row in rows.iterrows():
        slope = f"{row['dbeta']:+.3f}".replace("-", "−")
        assert any(slope in words for _, words in cells)


def test_back_tests_are_explained_before_their_results(
    page: Callable[..., str], tables: Tables
) -> None:
    assert BACK_TESTS not in page()
    text = page(forecast=tables["forecast"])
    assert 0 < text.index(BACK_TESTS) < text.index("Back-test, ")


def test_a_figure_is_at_most_as_wide_as_its_letters_are_readable(tmp_path: Path) -> None:
    drawing = tmp_path / "figure.svg"
    drawing.write_text('<?xml version="1.0"?><svg id="a" width="200.5pt" height="9pt"></svg>')
    assert FrontFigure.read(drawing, "").width == 381  # 1.9 pixels per point
    drawing.write_text("<svg width='20px'></svg>")
    with pytest.raises(ValueError, match=r"figure\.svg: not an SVG drawing"):
        FrontFigure.read(drawing, "")


def test_a_domain_without_a_law_has_a_dash(tables: Tables) -> None:
    family = {**FAMILY, "domains": [*FAMILY["domains"], "law"]}
    spec = FindingsSpec.model_validate({**SPEC.model_dump(), "families": [family]})
    made = FindingsTables(
        relative=tables["relative"], suite=pd.DataFrame(columns=list(SUITE_COLUMNS))
    )
    text = front_page(made, spec, title="default", links=[])
    dash = '<b aria-hidden="true">–</b><span class="word">no row</span>'
    assert text.count(dash) == 3  # one per corpus


def test_the_dash_is_explained_by_the_reason_where_it_is_used(tables: Tables) -> None:
    relative = tables["relative"].copy()
    made = FindingsTables(relative=relative, suite=pd.DataFrame(columns=list(SUITE_COLUMNS)))
    assert "</b> no verdict" not in front_page(made, SPEC, title="default", links=[])
    one = relative["treatment"] == "other"
    relative.loc[one, "verdict"], relative.loc[one, "status"] = None, "at_chance"
    text = front_page(made, SPEC, title="default", links=[])
    assert "<li><b>–</b> no verdict (at chance)</li>" in text


def test_nothing_is_requested_from_elsewhere(page: Callable[..., str]) -> None:
    text = page()
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", text)
    assert "url(" not in text and "@import" not in text
    assert len(text) < 3_000_000


def test_names_are_escaped(page: Callable[..., str]) -> None:
    assert "<script>alert" not in page(title="<script>alert(1)</script>")


def words_of(page: str) -> list[str]:
    """Return the words that the page explains."""
    return re.findall(r"<dt>(.*?)</dt>", page)


def test_the_page_explains_its_words_once_and_only_those_that_it_uses(
    page: Callable[..., str], tables: Tables
) -> None:
    found = words_of(page())
    assert {"corpus", "domain", "baseline", "treatment", "loss", "gap", "slope dβ"} < set(found)
    assert len(found) == len(set(found)) and "accuracy" not in found
    relative = tables["relative"]
    verdicts = set(relative[relative["family"] == "knowledge"]["verdict"].dropna()) - {""}
    assert verdicts & set(found) == set(found) & {verdict.value for verdict in Verdict}


def test_accuracies_and_probabilities_are_explained_where_they_are_shown() -> None:
    rows = pd.concat(
        [gaps("rises", metric="accuracy"), gaps("falls", metric="choice_probability_per_byte")]
    )
    found = glossary(rows, SPEC, tested=False)
    assert {"accuracy", "probability", "comparison"} < set(found)
    assert not {"gap", "loss", "p"} & set(found)
    both = glossary(pd.concat([rows, gaps("widens")]), SPEC, tested=True)
    assert {"accuracy", "probability", "comparison", "gap", "loss", "p"} < set(both)


def test_the_margin_has_the_numbers_of_the_settings() -> None:
    spec = SPEC.model_copy(update={"margin_share": 0.2, "margin_floor": 0.004})
    said = glossary(gaps("widens"), spec, tested=False)["margin"]
    assert "20 % of log G" in said and said.endswith("at least 0.004")
    assert not re.search(
        r"\d", glossary(gaps("widens"), SPEC, tested=False)["margin"].replace("1", "")
    )


def test_the_same_tables_give_the_same_page(page: Callable[..., str]) -> None:
    assert page() == page()
