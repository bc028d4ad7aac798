"""The table of benchmarks/plan_power.py is complete and up to date, and rows can be continued."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from relscale.laws.verdict import p_equivalence
from relscale.planner.power import power_of_equivalence

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module", name="benchmark_module")
def benchmark_fixture():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield importlib.import_module("benchmarks.plan_power")


def test_predicted_power_is_within_six_points_of_400_simulated_suites(benchmark_module):
    table = pd.read_csv(ROOT / "benchmarks/plan_power.csv").set_index("design")
    assert list(table.index) == list(benchmark_module.CASES) and len(table) == 12
    assert (table["suites"] >= 400).all()
    for name, case in benchmark_module.CASES.items():
        assert case.predicted == pytest.approx(table.loc[name, "predicted"], abs=1e-6)
        assert abs(case.predicted - table.loc[name, "simulated"]) < 0.06, name
    assert table["simulated"].between(0.4, 0.95).all()  # where power is neither 0 nor 1


def test_a_row_that_is_continued_is_that_of_one_call(benchmark_module, monkeypatch):
    monkeypatch.setattr(benchmark_module, "BATCH", 2)
    measure = benchmark_module.measure
    nothing = {"suites": 0, "planted": 0, "detected": 0}
    *_, whole = measure("one_gap", 4, nothing)
    *_, first = measure("one_gap", 2, nothing)
    *_, rest = measure("one_gap", 4, first)
    for key in ("suites", "planted", "detected", "simulated"):
        assert whole[key] == rest[key]


def test_power_of_equivalence_is_that_of_fitted_suites(benchmark_module):
    """200 suites of one gap without a slope: a standard error of 3.4 points."""
    scenario = replace(benchmark_module.BASE, slope=0.0, budgets=6, treatments=1)
    case = benchmark_module.PowerCase(scenario=scenario)
    span, margin = 5 * np.log(3.0), 0.02
    error = case.variance.standard_error * span
    predicted = power_of_equivalence(0.0, margin, error, case.variance.dof)
    simulator = benchmark_module.Simulator(scenario)
    shown = 0
    for suite in range(200):
        (gap,) = benchmark_module.fit_suite(simulator, suite, "joint", 100)
        fit = gap.fit
        shown += p_equivalence(fit.change, fit.change_standard_error, fit.dof, margin) < 0.05
    assert 0.3 < predicted < 0.9
    assert shown / 200 == pytest.approx(predicted, abs=0.1)
