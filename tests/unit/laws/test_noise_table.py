"""Table noise: planted standard deviations are found again."""

import numpy as np
import pandas as pd
import pytest

from relscale.laws.fit import fit_family
from relscale.laws.spec import LawSpec

SETTINGS = LawSpec(family="topics", baseline="base", draws=100, estimators=("joint",))
DOMAINS = {f"d{k:02d}": (2.0 + k / 10, 0.1, 0.0) for k in range(12)}


def noise(plant, **kwargs):
    frame = pd.concat(
        [
            plant(
                domains={"base": (2.0, 0.1, 0.0), **DOMAINS},
                corpus=corpus,
                seed=number,
                run_sd=0.01,
                domain_sd=0.01,
                budgets=("5e10", "1e11", "2e11", "5e11", "1e12", "2e12"),
                **kwargs,
            )
            for number, corpus in enumerate(("one", "two", "three"))
        ]
    )
    return fit_family(frame, SETTINGS)["noise"].set_index("corpus")


def test_planted_components_are_found(plant):
    found = noise(plant, budget_sd=0.02, replicates={"1e11": 4, "2e11": 4, "5e11": 4})
    assert list(found.index) == ["one", "three", "two", "pooled"]
    pooled = found.loc["pooled"]
    # A gap has the noise of two domains. 36 gaps, worth about 9 independent ones with 13 degrees of
    # freedom each within budgets and 4 between them: standard errors of 7 % and 12 %, three times
    # as much is allowed.
    assert pooled["run_sd"] == pytest.approx(0.01 * np.sqrt(2), rel=0.2)
    assert pooled["budget_sd"] == pytest.approx(0.02 * np.sqrt(2), rel=0.4)
    assert pooled["seed_sd"] == pytest.approx(0.01 * np.sqrt(2), rel=0.3)
    assert pooled["num_gaps"] == 36
    # r = .5 gives 12 / (1 + 11 / 4) = 3.2 per corpus.
    assert 3 * 2 <= pooled["independent_gaps"] <= 3 * 4.2
    assert pooled["dof"] == pytest.approx(4 * pooled["independent_gaps"])
    assert pooled["ratio_ci_low"] < 4 < pooled["ratio_ci_high"]


def test_without_budget_effects_the_interval_of_the_ratio_holds_zero(plant):
    pooled = noise(plant).loc["pooled"]
    assert pooled["ratio_ci_low"] < 0 < pooled["ratio_ci_high"]
    assert pooled["budget_sd"] < 0.005


def test_two_budgets_have_no_ratio(plant):
    frame = plant(run_sd=0.01, domain_sd=0.01, budgets=("1e11", "2e11"))
    row = fit_family(frame, SETTINGS)["noise"].iloc[0]
    assert row["status"] == "too_few_budgets"
    assert np.isnan(row["ratio"])
    assert row["run_sd"] > 0


def test_a_shared_order_of_the_data_shows_in_neighbours(plant):
    """Noise that runs of one seed share over all sizes: the differences between two seeds correlate
    by one half where the runs' own noise is as large."""
    rng = np.random.default_rng(0)
    frames = [plant(domain_sd=0.007, seed=seed, num_sizes=9).assign(seed=seed) for seed in (0, 1)]
    for seed, frame in enumerate(frames):
        frame["run"] = frame["run"].str.replace("-s0", f"-s{seed}")
    both = pd.concat(frames, ignore_index=True)
    treat = both["domain"] == "treat"
    steps = rng.normal(0, 0.0099, (2, 60))  # constant within .2 decades of tokens
    place = np.minimum((np.log10(both["tokens"]) * 5).astype(int) - 25, 59)
    both.loc[treat, "value"] *= np.exp(steps[both["seed"], place])[treat]
    found = fit_family(both, SETTINGS)["noise"].iloc[0]
    assert found["order_share"] > 0.2
    own = fit_family(pd.concat(frames, ignore_index=True), SETTINGS)["noise"].iloc[0]
    assert abs(own["order_share"]) < 0.2
