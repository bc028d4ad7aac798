"""The table of benchmarks/plan_power.py is complete and up to date, and rows can be continued."""

import importlib
from pathlib import Path

import pandas as pd
import pytest

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
