import numpy as np
import pandas as pd
import pytest

from relscale.laws.fit import fit_family
from relscale.laws.spec import LawSpec

SETTINGS = LawSpec(family="topics", baseline="base", draws=200, estimators=("joint",))


def grid(slope_params, slope_tokens, noise=0.0):
    """Four sizes, the same in all budgets; log G = 0.1 + slope_params log(N / 1e5) + slope_tokens
    log(D / 1e7)."""
    rng = np.random.default_rng(0)
    rows = []
    for budget in ("6e12", "1.2e13", "2.4e13"):
        for params in (5e4, 1e5, 2e5, 4e5):
            tokens = float(budget) / 6 / params
            common = {
                "corpus": "web",
                "run": f"{budget}-{params:g}",
                "budget": budget,
                "training_flops": float(budget),
                "tokens": tokens,
            }
            common |= {
                "num_params_total": params + 1000,
                "num_params_head": 0.0,
                "num_params_transformer": params,
                "metric": "bits_per_byte",
            }
            s = np.log10(tokens / np.sqrt(float(budget) / 6 * 100))
            gap = (
                0.1
                + slope_params * np.log(params / 1e5)
                + slope_tokens * np.log(tokens / 1e7)
                + rng.normal(0, noise)
            )
            rows.append(
                {**common, "family": "validation", "domain": "own", "value": np.exp(0.3 * s**2)}
            )
            rows.append({**common, "family": "topics", "domain": "base", "value": 2.0})
            rows.append(
                {**common, "family": "topics", "domain": "treat", "value": 2.0 * np.exp(gap)}
            )
    return pd.DataFrame(rows)


def test_planted_slopes():
    row = fit_family(grid(-0.04, 0.01), SETTINGS).decomposition.iloc[0]
    assert row["slope_params"] == pytest.approx(-0.04)
    assert row["slope_tokens"] == pytest.approx(0.01)
    assert row["num_runs"] == 12
    assert "all parameters used" not in row["remarks"]


def test_intervals_hold_the_truth():
    row = fit_family(grid(-0.04, 0.01, noise=0.005), SETTINGS).decomposition.iloc[0]
    for name, truth in (("slope_params", -0.04), ("slope_tokens", 0.01)):
        assert row[f"{name}_ci_low"] < truth < row[f"{name}_ci_high"]
        # Student t with 12 - 3 degrees of freedom.
        assert (row[f"{name}_ci_high"] - row[name]) / row[
            f"{name}_standard_error"
        ] == pytest.approx(2.26216, rel=1e-5)


def test_slices_by_hand():
    # G depends on size alone: 1.1 -> by construction log G = .1 - .04 log(N/1e5); every size is in
    # all budgets, so the smallest is sliced.
    row = fit_family(grid(-0.04, 0.0), SETTINGS).decomposition.iloc[0]
    assert row["slice_tokens_points_per_decade"] == pytest.approx(0.0, abs=1e-9)
    assert "token slice at 5.1e+04 parameters over 3 budgets" in row["remarks"]
    # Sizes of the budgets' runs with tokens nearest one count double from budget to budget:
    # reduction is a line in log N, nearly.
    settings = LawSpec(family="topics", baseline="base", draws=200, slice_tokens=1e7)
    row = fit_family(grid(-0.04, 0.0), settings).decomposition.iloc[0]
    sizes = np.array([1e5, 2e5, 4e5])
    reduction = 100 * (1 - np.exp(0.1 - 0.04 * np.log(sizes / 1e5)))
    assert row["slice_params_points_per_decade"] == pytest.approx(
        np.polyfit(np.log10(sizes), reduction, 1)[0]
    )


def test_too_few_runs_is_a_status(plant):
    frame = plant(budgets=("1e11", "2e11"))
    row = fit_family(frame[frame["run"].str.contains("e11-n2")], SETTINGS).decomposition.iloc[0]
    assert row["status"] == "too_few_runs"
    assert np.isnan(row["slope_params"])
