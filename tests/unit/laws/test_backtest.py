import numpy as np
import pandas as pd
import pytest

from relscale.laws.fit import fit_family
from relscale.laws.spec import LawSpec
from relscale.laws.tables.backtest import coverage

SETTINGS = LawSpec(
    family="topics", baseline="base", draws=500, estimators=("joint", "vertex", "best_run", "akima")
)


def test_exact_laws_are_predicted(plant):
    table = fit_family(plant(), SETTINGS).backtest
    table = table[table["estimator"].isin(["joint", "vertex"])]
    assert set(table["held_out_budget"]) == {"2e11", "5e11"}
    assert set(table["quantity"]) == {"value", "gap"}
    np.testing.assert_allclose(table["predicted"], table["observed"], rtol=1e-9)
    top = table[
        (table["quantity"] == "value")
        & (table["domain"] == "treat")
        & (table["held_out_budget"] == "5e11")
    ]
    assert top["observed"].to_numpy() == pytest.approx(2.4 * 5**-0.13)
    np.testing.assert_allclose(table["error_percent"], 0, atol=1e-6)


def test_a_broken_law_falls_outside(plant):
    frame = plant(run_sd=0.002, domain_sd=0.002)
    frame.loc[(frame["domain"] == "treat") & (frame["budget"] == "5e11"), "value"] *= 1.2
    table = fit_family(frame, SETTINGS).backtest
    row = table[
        (table["quantity"] == "gap")
        & (table["estimator"] == "joint")
        & (table["held_out_budget"] == "5e11")
    ].iloc[0]
    assert row["observed"] > row["ci_high"]
    assert row["error_percent"] == pytest.approx(100 * (row["predicted"] / row["observed"] - 1))
    # Noise of .2 % per run and per domain: extrapolated to the last budget, well below 1 %.
    assert row["error_percent"] == pytest.approx(100 * (1 / 1.2 - 1), abs=2)


def test_gap_predictions_cover(plant):
    """Thirty planted suites, the top budget held out: 95 % intervals hold at least 26 of 30
    (binomial 1 % point)."""
    inside = 0
    settings = LawSpec(family="topics", baseline="base", draws=100, estimators=("joint",))
    for seed in range(30):
        table = fit_family(plant(seed=seed, run_sd=0.01, domain_sd=0.008), settings).backtest
        row = table[
            (table["quantity"] == "gap")
            & (table["estimator"] == "joint")
            & (table["held_out_budget"] == "5e11")
        ].iloc[0]
        inside += row["ci_low"] <= row["observed"] <= row["ci_high"]
    assert inside >= 26


def test_two_budgets_leave_nothing_to_hold_out(plant):
    assert fit_family(plant(budgets=("1e11", "2e11"), run_sd=0.01), SETTINGS).backtest.empty


def test_coverage_summary_by_hand():
    table = pd.DataFrame(
        {
            "quantity": "gap",
            "estimator": "joint",
            "observed": [1.0, 1.0, 1.0],
            "ci_low": [0.9, 1.1, np.nan],
            "ci_high": [1.1, 1.2, np.nan],
            "error_percent": [2.0, -4.0, 6.0],
        }
    )
    row = coverage(table).iloc[0]
    assert (row["predictions"], row["with_interval"], row["inside"], row["share_inside"]) == (
        3,
        2,
        1,
        0.5,
    )
    assert row["mean_absolute_error_percent"] == 4.0
