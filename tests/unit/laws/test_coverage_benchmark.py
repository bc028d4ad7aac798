"""A short version of benchmarks/coverage.py: its simulated suites with the default experiment's
design, fewer of them."""

import importlib.util
import sys
from pathlib import Path

import pytest

from relscale.config.load import load_config, read_yaml
from relscale.plan.suite import plan_suite

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module", name="coverage")
def coverage_fixture():
    spec = importlib.util.spec_from_file_location(
        "coverage_benchmark", ROOT / "benchmarks/coverage.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module", name="design")
def design_fixture(coverage):
    return coverage.default_design(ROOT / "config.yaml")


def test_the_design_is_the_default_experiments(design):
    experiment = load_config(read_yaml(ROOT / "config.yaml"), [])
    planned = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    own = [run for run in planned if run.corpus == experiment.suite.corpora[0]]
    assert design.budgets == tuple(budget.label for budget in experiment.suite.budgets)
    assert sorted(design.runs) == sorted(run.run for run in own)
    assert design.num_cells == sum(len(budget.shapes) for budget in experiment.suite.budgets)


def test_joint_covers(coverage, design):
    """100 suites: nominal 95 % intervals hold the truth in at least 88.5 % (.95 less three standard
    errors), and not always."""
    row = coverage.measure(design, "asymmetric", 100, ("joint",), draws=100).iloc[0]
    assert 0.885 <= row["coverage"] < 1
    assert row["without_estimate"] == 0
    # The interval's half-width is 1.96 to 2.06 standard errors; 100 draws know a standard deviation
    # to 7 %, three of those are 21 %.
    assert row["median_half_width"] / row["standard_deviation"] == pytest.approx(2.0, rel=0.25)


def test_false_verdicts_stay_at_their_level(coverage, design):
    """100 suites: at most 11.5 % false (the level of 5 % and three standard errors)."""
    row = coverage.measure(design, "no_slope", 100, ("joint",), draws=100).iloc[0]
    assert row["narrows"] + row["widens"] + row["crosses"] <= 0.115
    assert (
        coverage.measure(design, "at_margin", 100, ("joint",), draws=100).iloc[0]["parallel"]
        <= 0.115
    )


def test_a_crossing_is_said_where_there_is_one(coverage, design):
    """100 suites each: G that ends at 1 crosses in at most 7.2 % (the level of 2.5 % and three
    standard errors) and never widens by more.

    G that is 1 in the middle neither narrows nor widens; one that has passed far beyond 1 at both
    ends is seen.
    """
    touching = coverage.measure(design, "touching", 100, ("joint",), draws=100).iloc[0]
    assert touching["crosses"] <= 0.072
    assert touching["widens"] <= 0.072
    middle = coverage.measure(design, "crossing", 100, ("joint",), draws=100).iloc[0]
    assert middle["narrows"] + middle["widens"] <= 0.115
    assert (
        coverage.measure(design, "wide_crossing", 100, ("joint",), draws=100).iloc[0]["crosses"]
        >= 0.6
    )


def test_the_truth_of_a_surface_is_its_own(coverage, design):
    """The planted dbeta against the estimator that knows the shape, without any noise but the
    smallest."""
    before = (
        coverage.RUN_SD,
        coverage.RATIO_SD,
        coverage.ITEM_SD,
        coverage.ITEM_SLOPE_SD,
        coverage.ITEM_NOISE_SD,
    )
    names = ("RUN_SD", "RATIO_SD", "ITEM_SD", "ITEM_SLOPE_SD", "ITEM_NOISE_SD")
    try:
        for name in names:
            setattr(coverage, name, 1e-7)
        row = coverage.measure(design, "asymmetric", 2, ("surface",), draws=100).iloc[0]
    finally:
        for name, value in zip(names, before, strict=True):
            setattr(coverage, name, value)
    assert row["bias"] == pytest.approx(0, abs=1e-4)
