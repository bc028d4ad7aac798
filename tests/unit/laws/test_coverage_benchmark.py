"""A short version of benchmarks/coverage.py: its simulated suites with the default experiment's design, fewer of them."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module", name="coverage")
def coverage_fixture():
    spec = importlib.util.spec_from_file_location("coverage_benchmark", ROOT / "benchmarks/coverage.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module", name="design")
def design_fixture(coverage):
    return coverage.default_design(ROOT / "config.yaml")


def test_the_design_is_the_default_experiments(design):
    assert (len(design.budgets), design.num_cells, len(design.runs)) == (5, 30, 60)


def test_joint_covers(coverage, design):
    """100 suites: nominal 95 % intervals hold the truth in at least 88.5 % (.95 less three standard errors), and not always."""
    row = coverage.measure(design, "asymmetric", 100, ("joint",), draws=100).iloc[0]
    assert 0.885 <= row["coverage"] < 1
    assert row["without_estimate"] == 0
    # The interval's half-width is 1.96 to 2.06 standard errors; 100 draws know a standard deviation to 7 %, three of those are 21 %.
    assert row["median_half_width"] / row["standard_deviation"] == pytest.approx(2.0, rel=0.25)


def test_false_verdicts_stay_at_their_level(coverage, design):
    """100 suites: at most 11.5 % false (the level of 5 % and three standard errors)."""
    row = coverage.measure(design, "no_slope", 100, ("joint",), draws=100).iloc[0]
    assert row["narrows"] + row["widens"] + row["crosses"] <= 0.115
    assert coverage.measure(design, "at_margin", 100, ("joint",), draws=100).iloc[0]["parallel"] <= 0.115


def test_the_truth_of_a_surface_is_its_own(coverage, design):
    """The planted dbeta against the estimator that knows the shape, without any noise but the smallest."""
    before = coverage.RUN_SD, coverage.RATIO_SD, coverage.ITEM_SD, coverage.ITEM_SLOPE_SD, coverage.ITEM_NOISE_SD
    names = ("RUN_SD", "RATIO_SD", "ITEM_SD", "ITEM_SLOPE_SD", "ITEM_NOISE_SD")
    try:
        for name in names:
            setattr(coverage, name, 1e-7)
        row = coverage.measure(design, "asymmetric", 2, ("surface",), draws=100).iloc[0]
    finally:
        for name, value in zip(names, before, strict=True):
            setattr(coverage, name, value)
    assert row["bias"] == pytest.approx(0, abs=1e-4)
