"""The front page: its three sentences counted by hand, and its limits."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.pages.findings import FindingsTables
from relscale.pages.front import (
    GLOSSARY,
    FrontFigure,
    PageLink,
    answer_in_three,
    front_page,
    how_sure,
)
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
        "Of 5 gaps (each the ratio of two losses), 1 is shown to narrow, 2 to widen, none to cross "
        "and none to be parallel; 2 are undecided.",
        "The undecided gaps: a slope of 0.02 would have been detected with a chance of 80 %.",
    ]


def test_laws_without_a_verdict_are_counted_with_the_reason() -> None:
    some = gaps("widens", "")
    some.loc[1, "status"] = "at_chance"
    assert answer_in_three(some, None, SPEC)[0].endswith(
        "; none are undecided, and 1 has no verdict (at chance)."
    )
    assert answer_in_three(gaps("", "", status="at_chance"), None, SPEC) == [
        "2 gaps (each the ratio of two losses) have no verdict (at chance)."
    ]


def test_whole_families_come_first() -> None:
    families = pd.DataFrame(
        {
            "family": ["knowledge", "knowledge", "topics"],
            "metric": "bits_per_byte",
            "estimator": ["joint", "joint", "joint"],
            "p_equal_slopes_adjusted": [0.01, 0.2, 0.001],
        }
    )
    first = answer_in_three(gaps("widens"), families, SPEC)[0]
    assert "In 1 of 2 tests" in first


def test_without_laws_it_says_so() -> None:
    assert answer_in_three(gaps().reindex(columns=gaps("widens").columns), None, SPEC) == [
        "The tables hold no relative law."
    ]


def test_it_says_how_many_gaps_the_design_could_not_decide() -> None:
    """The margin of .05 over a range of five natural logs is a slope of .01."""
    rows = gaps("undecided", "undecided", "widens")
    rows.loc[0, "detectable_dbeta"] = 0.005
    said = " ".join(how_sure(rows))
    assert "For 1 of 2 undecided gaps" in said and "95 % intervals" in said


def test_a_missing_detectable_slope_is_not_counted() -> None:
    rows = gaps("undecided", detectable_dbeta=math.nan)
    assert not any("undecided gap" in sentence for sentence in how_sure(rows))


@pytest.fixture(name="page")
def page_fixture(tables: Tables, tmp_path: Path) -> Callable[..., str]:
    """The page of the synthetic tables."""
    drawing = tmp_path / "figure.svg"
    drawing.write_text(TINY_SVG)

    def build(title: str = "default", **choices: Any) -> str:
        return front_page(
            FindingsTables(
                relative=tables["relative"],
                suite=pd.DataFrame(
                    [{"corpus": "web", "budget": "5e10", "training_flops": 5e10}],
                    columns=list(SUITE_COLUMNS),
                ),
            ),
            SPEC,
            title=title,
            links=[PageLink(href="explorer.html", text="Explorer")],
            figure=FrontFigure.read(drawing, "Relative laws."),
            **choices,
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
    for _, row in rows.iterrows():
        slope = f"{row['dbeta']:+.3f}".replace("-", "−")
        assert any(slope in words for _, words in cells)


def test_nothing_is_requested_from_elsewhere(page: Callable[..., str]) -> None:
    text = page()
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", text)
    assert "url(" not in text and "@import" not in text
    assert len(text) < 3_000_000


def test_names_are_escaped(page: Callable[..., str]) -> None:
    assert "<script>alert" not in page(title="<script>alert(1)</script>")


def test_the_glossary_has_ten_words_that_the_page_uses(page: Callable[..., str]) -> None:
    assert len(GLOSSARY) == 10
    text = page()
    assert all(f"<dt>{word}</dt>" in text for word in GLOSSARY)


def test_the_same_tables_give_the_same_page(page: Callable[..., str]) -> None:
    assert page() == page()
