"""Sentences on shares claim no more than the intervals of the table show."""

import pytest
from planted_shares import Planted, spec_of

from relscale.laws.representation import fit_representation
from relscale.pages.representation import representation_sentences

NOISE = {"run": 0.004, "size": 0.003, "item": 0.1, "interaction": 0.02}
EXPECTED = {
    "written": "2026-11-29",
    "level": "negative",
    "slope_ratio": "positive",
    "slope_reducible": "zero",
    "reason": "planted",
}


@pytest.fixture(scope="module", name="table")
def table_fixture():
    losses, items = Planted(level=-0.05, slope=-0.006, **NOISE).tables()
    spec = spec_of(representation={"expectation": EXPECTED})
    return fit_representation(losses, spec, items)


def row(table, quantity):
    found = table[(table["kind"] == "difference") & (table["scale"] == "ratio")]
    return found[found["quantity"] == quantity].iloc[0]


def test_level_and_slope_have_their_intervals(table):
    said = " ".join(representation_sentences(table, {"lean_a": "A-heavy", "lean_b": "B-heavy"}))
    for quantity in ("level", "slope"):
        here = row(table, quantity)
        number = f"{here['value']:+.4f} [{here['ci_low']:+.4f}, {here['ci_high']:+.4f}]"
        assert number in said
    assert "in the corpus A-heavy minus in the corpus B-heavy" in said
    assert "is shown to make the ratio fall faster" in said


def test_the_expectation_is_next_to_the_result(table):
    said = representation_sentences(table)[-1]
    assert said.startswith("Expected on 2026-11-29, before the runs: level of the ratio of losses")
    assert "positive (the result contradicts it)" in said


def test_a_slope_whose_interval_holds_0_is_not_called_a_change(table):
    wide = table.assign(ci_low=-1.0, ci_high=1.0)
    said = " ".join(representation_sentences(wide))
    assert "not shown to change the slope, nor to leave it unchanged" in said
    assert "is shown to" not in said and "not shown to move the level" in said


def test_a_slope_within_the_margin_is_smaller_than_the_margin(table):
    near = table.assign(ci_low=-1e-5, ci_high=1e-5)
    assert "smaller than the margin" in " ".join(representation_sentences(near))


def test_without_the_table_nothing_is_said(table):
    assert representation_sentences(None) == []
    assert representation_sentences(table.iloc[:0]) == []
