"""The findings in README.md are those of the published results of the default experiment."""

import re
from pathlib import Path

import pandas as pd
import pytest

from relscale.contract.metrics import METRICS
from relscale.workflow.experiment import read_experiment

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT = " ".join(README.split())
ROWS = {
    "knowledge, against": "knowledge",
    "topics, against": "topics",
    "news outlets": "language",
    "English of six centuries": "centuries",
    "the items of behaviour as text": "behaviour",
}
"""Beginnings of the rows of the table of verdicts, and their families."""


@pytest.fixture(scope="module", name="laws")
def laws_fixture():
    """The published laws of the first estimator on the ratio scale."""
    table = pd.read_csv(ROOT / "experiments/certified/default/relative.csv")
    return table[(table["estimator"] == "auto") & (table["scale"] == "ratio")]


@pytest.fixture(scope="module", name="gaps")
def gaps_fixture(laws):
    """The gaps of the table: five families in bits per byte."""
    return laws[(laws["metric"] == "bits_per_byte") & laws["family"].isin(ROWS.values())]


def counts_of(rows):
    """Return the cells of a row of the table: gaps, then verdicts with the slight ones."""
    direction = rows["verdict"].str.removesuffix(" slightly")
    slight = direction[rows["verdict"] != direction]
    words = ("narrows", "widens", "crosses", "parallel", "undecided")
    number = {word: int((direction == word).sum()) for word in words}
    cells = [str(len(rows)), *(str(number[word]) for word in words)]
    for place, word in enumerate(words[:2], start=1):
        if number[word]:
            cells[place] += f" ({int((slight == word).sum())})"
    return cells


@pytest.mark.parametrize(("start", "family"), ROWS.items())
def test_the_table_of_verdicts_is_the_published_one(start, family, gaps):
    (row,) = (line for line in README.splitlines() if line.startswith(f"| {start}"))
    assert [cell.strip() for cell in row.split("|")[2:-1]] == counts_of(
        gaps[gaps["family"] == family]
    )


def test_the_sums_are_those_of_the_published_laws(gaps):
    number = gaps["verdict"].str.removesuffix(" slightly").value_counts()
    assert set(number.index) == {"widens", "undecided"}
    assert f"Of {len(gaps)} gaps, {number['widens']} are shown to widen, none to narrow" in TEXT
    assert f"{number['undecided']} are undecided. That does not mean" in TEXT
    assert f"{number['widens']} of {len(gaps)} gaps are shown to widen with compute" in TEXT


def test_the_front_page_counts_the_gaps_that_the_readme_says(laws, gaps, monkeypatch):
    """Each family in its first metric; only metrics where lower is better have gaps."""
    monkeypatch.chdir(ROOT)
    experiment = read_experiment([Path("config.yaml")])
    first = {name: experiment.family(name).metrics[0] for name in experiment.families}
    shown = laws[laws["metric"] == laws["family"].map(first)]
    lower = shown["metric"].map(lambda name: METRICS[name].lower_is_better)
    added = (shown["family"] == "continuation").sum()
    assert f"The front page counts {lower.sum()} gaps, not {len(gaps)}." in TEXT
    assert f"its {(~lower).sum()} comparisons are counted apart, and the {added} gaps" in TEXT


def test_the_slopes_of_social_sciences_are_the_published_ones(gaps):
    rows = gaps[gaps["treatment"] == "social_sciences"]
    assert len(rows) == 3
    for _, row in rows.iterrows():
        slope = f"{row['dbeta']:.3f}".replace("0.", ".")
        assert re.search(rf"{re.escape(slope)} \[[-.\d, ]+\] \(`{row['corpus']}`\)", TEXT)
