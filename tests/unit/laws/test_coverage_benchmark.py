"""A short version of benchmarks/coverage.py: its simulated suites with the default experiment's
design, fewer of them."""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import pandas as pd
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
    """15 suites of 3 corpora and 6 treatments: nominal 95 % intervals hold the truth in at least
    90 %, and not always.

    The six gaps of a corpus are about three independent ones, so that 15 suites are about 135
    intervals with a standard error of 1.9 %.
    """
    for name in ("asymmetric", "budget_008"):
        row = coverage.measure(design, name, 15).iloc[0]
        assert 0.89 <= row["coverage"] < 1
        assert row["without_estimate"] == row["without_interval"] == 0


def test_budget_effects_of_a_noisy_baseline_give_few_false_verdicts(coverage, design):
    """40 suites of 3 corpora: at most 10 % of the families of ten null treatments have a false
    verdict (the level of 5 % and 2.5 standard errors)."""
    assert (
        coverage.measure(design, "noisy_baseline_three_corpora", 40).iloc[0]["family_wise"] <= 0.1
    )


def test_two_budgets_have_an_interval_by_the_other_gaps_only(coverage, design):
    row = coverage.measure(design, "two_budgets", 2).iloc[0]
    assert row["without_interval"] == 1


def test_the_truth_of_a_surface_is_its_own(coverage, design, monkeypatch):
    """The planted dbeta against the estimator that knows the shape, without any noise but the
    smallest."""
    for name in ("RUN_SD", "RATIO_SD"):
        monkeypatch.setattr(coverage, name, 1e-7)
    few = dataclasses.replace(coverage.SCENARIOS["asymmetric"], corpora=1, treatments=2)
    monkeypatch.setitem(coverage.SCENARIOS, "asymmetric", few)
    row = coverage.measure(design, "asymmetric", 1, ("surface",), draws=100).iloc[0]
    assert row["bias"] == pytest.approx(0, abs=1e-4)


def test_auto_is_measured_with_the_gaps_of_a_corpus_as_its_family(coverage, design):
    """Two suites of 18 gaps: all have an interval and a coverage of the change, too."""
    row = coverage.measure(design, "asymmetric", 2, ("auto",), draws=60).iloc[0]
    assert row["gaps"] == 36
    assert row["without_estimate"] == row["without_interval"] == 0
    assert 0 <= row["line"] <= 1
    for name in ("coverage", "coverage_tangent", "coverage_change"):
        assert row[name] >= 0.7  # 36 dependent gaps


def test_the_documents_state_the_committed_coverage_and_its_worst_scenario(coverage):
    """README and docs name range and worst scenario of `auto` as the committed table has them."""
    table = pd.read_csv(ROOT / "benchmarks/coverage.csv")
    assert set(table["scenario"]) <= set(coverage.SCENARIOS)
    auto = table[table["estimator"] == "auto"].set_index("scenario")
    assert (auto["gaps"] >= 200).all() and len(auto) >= 7
    percent = 100 * auto["coverage"]
    ranges = f"{percent.min():.1f} to {percent.max():.1f} %"
    worst = f"`{percent.idxmin()}`"
    family = f"{100 * auto['family_wise'].max():.1f} %"
    for path in ("README.md", "docs/user/verdicts.md"):
        text = " ".join((ROOT / path).read_text(encoding="utf-8").split())
        assert ranges in text, f"{path} lacks {ranges!r}"
        assert worst in text, f"{path} lacks {worst}"
    text = " ".join((ROOT / "docs/user/verdicts.md").read_text(encoding="utf-8").split())
    assert family in text, f"verdicts.md lacks {family!r}"
    # A suite of noisy_baseline has about one independent gap: 24 have a standard error of 4 to 6 %.
    # The others have about nine, so that 12 suites have one of 2 %.
    assert percent["noisy_baseline"] >= 85
    assert percent.drop("noisy_baseline").min() >= 93


def test_rows_of_a_scenario_are_replaced_and_others_are_kept(coverage, design, tmp_path):
    path = tmp_path / "coverage.csv"
    for name, suites in (("null_family", 2), ("symmetric", 2), ("null_family", 3)):
        coverage.write(coverage.measure(design, name, suites), path)
    found = pd.read_csv(path)
    assert list(found["scenario"]) == ["symmetric", "null_family"]
    assert list(found["suites"]) == [2, 3]
