"""A short version of benchmarks/coverage: its simulated suites with the default experiment's
design, fewer of them."""

import dataclasses
import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from relscale.config.load import load_config, read_yaml
from relscale.plan.suite import plan_suite

ROOT = Path(__file__).parents[3]
MODULES = ("scenarios", "simulation", "table", "tally", "__main__")


@pytest.fixture(scope="module", name="coverage")
def coverage_fixture():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield SimpleNamespace(
            **{name: importlib.import_module(f"benchmarks.coverage.{name}") for name in MODULES}
        )


@pytest.fixture(scope="module", name="measure")
def measure_fixture(coverage):
    """Returns a function: the columns of a row after a number of suites."""

    def measure(scenario: str, suites: int, estimator: str = "joint", **options):
        *_, row = coverage.__main__.measure(scenario, estimator, suites, **options)
        return row.columns()

    return measure


def test_the_design_is_the_default_experiments(coverage):
    experiment = load_config(read_yaml(ROOT / "config.yaml"), [])
    design = coverage.scenarios.default_design()
    planned = plan_suite(experiment.suite, experiment.tokenizer.vocab_size)
    own = [run for run in planned if run.corpus == experiment.suite.corpora[0]]
    assert design.budgets == tuple(budget.label for budget in experiment.suite.budgets)
    assert sorted(design.runs) == sorted(run.run for run in own)
    assert design.num_cells == sum(len(budget.shapes) for budget in experiment.suite.budgets)


def test_joint_covers(measure):
    """15 suites of 3 corpora and 6 treatments: nominal 95 % intervals hold the truth in at least
    90 %, and not always.

    The six gaps of a corpus are about three independent ones, so that 15 suites are about 135
    intervals with a standard error of 1.9 %.
    """
    for name in ("asymmetric", "budget_008"):
        row = measure(name, 15)
        assert 0.89 <= row["coverage"] < 1
        assert row["gaps"] == row["fitted"] == row["known"] == 270


def test_budget_effects_of_a_noisy_baseline_give_few_false_verdicts(measure):
    """40 suites of 3 corpora and ten null treatments: at most 12.5 % of the tables of thirty gaps
    have a false verdict (the level of 5 % and two standard errors)."""
    assert measure("noisy_baseline_three_corpora", 40)["family_wise"] <= 0.125


def test_two_budgets_have_an_interval_by_the_other_gaps_only(measure):
    row = measure("two_budgets", 2)
    assert row["fitted"] == row["gaps"] == 36
    assert row["known"] == row["judged"] == 0 and np.isnan(row["coverage"])


def test_the_truth_of_a_surface_is_its_own(coverage, monkeypatch):
    """The planted dbeta against the estimator that knows the shape, without any noise but the
    smallest."""
    for name in ("RUN_SD", "RATIO_SD"):
        monkeypatch.setattr(coverage.simulation, name, 1e-7)
    few = dataclasses.replace(coverage.scenarios.SCENARIOS["asymmetric"], corpora=1, treatments=2)
    simulator = coverage.simulation.Simulator(few)
    gaps = coverage.simulation.fit_suite(simulator, 0, "surface", draws=100)
    tally = coverage.tally.tally_of(simulator, gaps)
    assert tally.gaps == tally.fitted == 2
    assert tally.error == pytest.approx(0, abs=2e-4)


def test_auto_is_measured_with_the_gaps_of_a_corpus_as_its_family(measure):
    """Two suites of 18 gaps: all have an interval and a coverage of the change, too."""
    row = measure("asymmetric", 2, "auto", draws=100)
    assert row["gaps"] == row["known"] == 36
    assert 0 <= row["line"] <= 1
    for name in ("coverage", "coverage_tangent", "coverage_change"):
        assert row[name] >= 0.7  # 36 dependent gaps


def test_auto_is_simulated_as_it_is_fitted(coverage, monkeypatch):
    """Without the remarks, which take a third of the time, and with the same numbers."""
    simulator = coverage.simulation.simulator_of("floors")
    quick = coverage.simulation.fit_suite(simulator, 0, "auto", draws=100)
    monkeypatch.setattr(coverage.simulation, "_without_remarks", lambda model: model)
    whole = coverage.simulation.fit_suite(simulator, 0, "auto", draws=100)
    assert {gap.fit.law for gap in whole} >= {"surfaces"}
    for ours, theirs in zip(quick, whole, strict=True):
        assert ours.fit.slope == theirs.fit.slope and ours.fit.dof == theirs.fit.dof
        np.testing.assert_array_equal(ours.fit.covariance, theirs.fit.covariance)
        np.testing.assert_array_equal(ours.fit.levels_covariance, theirs.fit.levels_covariance)


def test_slopes_are_planted_in_the_gaps_where_power_is_measured(measure):
    """One of six treatments has a slope of .020: half-widths are a third of that."""
    row = measure("power_020", 4)
    assert row["planted"] == 4 * 3
    assert row["detected"] == row["detected_alone"] == 1
    assert np.isnan(measure("symmetric", 1)["detected"])  # no gap is looked for


def test_the_standard_error_is_that_of_the_mean_over_suites(coverage):
    """Against the mean of shares per suite, computed by numpy."""
    name = "budget_008_one_corpus"
    tallies = [coverage.__main__.suite_tally(name, "joint", 100, suite) for suite in range(12)]
    shares = np.array([each.covered / each.known for each in tallies])
    total = sum(tallies, coverage.tally.Tally())
    assert total.coverage_error == pytest.approx(shares.std(ddof=1) / np.sqrt(12))
    assert total.coverage_error > 0


def test_a_row_that_was_stopped_is_continued_to_the_same_numbers(coverage, tmp_path):
    path = tmp_path / "coverage.csv"
    key = ("budget_008", "joint")

    def until(suites: int, begun=None):
        for row in coverage.__main__.measure(*key, suites, begun):
            coverage.table.write({key: row}, path)
        return pd.read_csv(path)

    whole = until(25)
    assert list(whole["suites"]) == [25]
    for row in coverage.__main__.measure(*key, 25):  # stopped after the first batch
        coverage.table.write({key: row}, path)
        break
    assert list(pd.read_csv(path)["suites"]) == [11]
    pd.testing.assert_frame_equal(until(25, coverage.table.read(path)[key]), whole, rtol=1e-6)
    # Fewer than there are change nothing.
    pd.testing.assert_frame_equal(until(5, coverage.table.read(path)[key]), whole, rtol=1e-6)


def test_a_row_by_other_code_is_begun_anew(coverage, tmp_path):
    path = tmp_path / "coverage.csv"
    key = ("null_family", "joint")
    *_, row = coverage.__main__.measure(*key, 4)
    coverage.table.write({key: dataclasses.replace(row, first=row.first * 1.01)}, path)
    *_, again = coverage.__main__.measure(*key, 2, coverage.table.read(path)[key])
    assert again.tally.suites == 2


def test_processes_give_the_numbers_of_one(measure):
    one, two = (measure("null_family", 4, processes=number) for number in (1, 2))
    assert one == pytest.approx(two, nan_ok=True)


def test_rows_of_a_scenario_are_replaced_and_others_are_kept(coverage, tmp_path, monkeypatch):
    path = tmp_path / "coverage.csv"
    for name, suites in (("null_family", 2), ("symmetric", 2), ("null_family", 3)):
        arguments = f"--scenario {name} --estimator joint --suites {suites} --out {path}"
        monkeypatch.setattr("sys.argv", ["coverage", *arguments.split()])
        coverage.__main__.main()
    found = pd.read_csv(path)
    assert list(found["scenario"]) == ["symmetric", "null_family"]
    assert list(found["suites"]) == [2, 3]


@pytest.fixture(scope="module", name="table")
def table_fixture():
    return pd.read_csv(ROOT / "benchmarks/coverage.csv").set_index(["scenario", "estimator"])


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_the_documents_state_the_committed_coverage_and_its_worst_scenario(coverage, table):
    """README and docs name range and worst scenario of `auto` as the committed table has them."""
    assert set(table.index.get_level_values(0)) <= set(coverage.scenarios.SCENARIOS)
    auto = table.xs("auto", level="estimator")
    assert (auto["gaps"] >= 200).all() and len(auto) >= 7
    percent = 100 * auto["coverage"]
    ranges = f"{percent.min():.1f} to {percent.max():.1f} %"
    worst = f"`{percent.idxmin()}`"
    family = f"{100 * auto['family_wise'].max():.1f} %"
    for path in ("README.md", "docs/user/verdicts.md"):
        text = " ".join(text_of(path).split())
        assert ranges in text, f"{path} lacks {ranges!r}"
        assert worst in text, f"{path} lacks {worst}"
    text = " ".join(text_of("docs/user/verdicts.md").split())
    assert family in text, f"verdicts.md lacks {family!r}"
    joint = table.xs("joint", level="estimator")
    assert f"(`joint`: at most {100 * joint['family_wise'].max():.1f} %)" in text
    for scenario, words in (
        ("floors", "contains the true slope in {:.1f} % of the gaps. Use"),
        ("order_010_shared_one_seed", "contain the true slope in {:.1f} % of the gaps (`order"),
    ):
        assert words.format(100 * joint.loc[scenario, "coverage"]) in text, scenario


def test_the_documented_coverage_and_power_are_those_of_the_table(table):
    text = text_of("docs/user/verdicts.md")
    rows = re.findall(
        r"\| `(\w+)` \|[^|]*\| `(\w+)` \| (\d+) \| ([\d.]+) ± ([\d.]+) \| ([\d.]+) \|", text
    )
    assert len(rows) >= 12  # six scenarios and two estimators
    for scenario, estimator, suites, coverage, error, family in rows:
        row = table.loc[scenario, estimator]
        assert int(suites) == row["suites"]
        shares = row[["coverage", "coverage_error", "family_wise"]]
        assert (coverage, error, family) == tuple(f"{100 * share:.1f}" for share in shares)
    power = re.findall(r"\| \.(\d+) \| (\d+) \| (\d+) \| (\d+) \|", text)
    assert len(power) >= 3
    for slope, suites, detected, alone in power:
        row = table.loc[f"power_{slope}", "auto"]
        assert int(suites) == row["suites"]
        shares = row[["detected", "detected_alone"]]
        assert (detected, alone) == tuple(f"{100 * share:.0f}" for share in shares)
