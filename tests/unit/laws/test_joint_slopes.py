"""The slopes of a family together: omnibus test and contrasts."""

import numpy as np
import pandas as pd
import pytest

from relscale.laws.fit import fit_family
from relscale.laws.joint_slopes import JointSlopes
from relscale.laws.spec import LawSpec

SPEC = LawSpec(family="topics", baseline="a", draws=100, estimators=("joint", "vertex"))
EXPONENTS = {"a": 0.10, "b": 0.13, "c": 0.10, "d": 0.08}


def family(plant, exponents, **noise):
    domains = {name: (2.0 + 0.1 * k, at, 0.0) for k, (name, at) in enumerate(exponents.items())}
    return plant(domains=domains, **noise)


def slopes_by_chance(rng, gaps, dof):
    """Equal slopes: estimates and their covariance from residuals, all with one baseline."""
    root = np.linalg.cholesky(0.5 * np.ones((gaps, gaps)) + 0.5 * np.eye(gaps))
    residual = root @ rng.standard_normal((gaps, dof))
    covariance = np.zeros((gaps + 1, gaps + 1))
    covariance[1:, 1:] = residual @ residual.T / dof
    scale = np.sqrt(np.diag(covariance)[1:])
    other = root @ rng.standard_normal((gaps, 18))
    size = np.sqrt(np.sum(other**2, axis=1))
    if dof < gaps + 2:  # as in `joint_slopes`: correlations from the runs
        covariance[1:, 1:] = other @ other.T / np.outer(size, size) * np.outer(scale, scale)
    return JointSlopes(
        domains=tuple("abcdefghi"[: gaps + 1]),
        slopes=np.array([0.0, *(root @ rng.standard_normal(gaps))]),
        covariance=covariance,
        dof=float(dof),
        correlation_dof=18.0,
    )


@pytest.mark.parametrize(
    ("gaps", "dof", "method", "suites"),
    [(1, 3, "hotelling", 1000), (5, 20, "hotelling", 1000), (4, 2, "max_t", 200)],
)
def test_equal_slopes_are_found_unequal_in_one_family_of_twenty_at_most(gaps, dof, method, suites):
    rng = np.random.default_rng(11)
    tests = [slopes_by_chance(rng, gaps, dof).omnibus(seed=0) for _ in range(suites)]
    assert {test.method for test in tests} == {method}
    level = np.mean([test.p < 0.05 for test in tests])
    # Three standard errors.
    assert level <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / suites)


def test_a_family_with_unequal_slopes_is_found_and_one_with_equal_slopes_is_not(plant):
    noise = {"run_sd": 0.01, "domain_sd": 0.004}
    unequal = fit_family(family(plant, EXPONENTS, **noise), SPEC).families
    assert unequal["estimator"].tolist() == ["joint", "vertex"]
    assert (unequal["p_equal_slopes"] < 0.05).all()
    assert unequal["num_domains"].tolist() == [4, 4]
    equal = fit_family(family(plant, dict.fromkeys(EXPONENTS, 0.10), **noise), SPEC).families
    assert (equal["p_equal_slopes"] > 0.05).all()


def test_the_p_values_of_a_family_are_adjusted_over_its_corpora(plant):
    frames = [
        family(plant, EXPONENTS, run_sd=0.01, domain_sd=0.01, seed=k, corpus=name)
        for k, name in enumerate(("one", "two"))
    ]
    table = fit_family(pd.concat(frames), SPEC).families.query("estimator == 'joint'")
    raw = np.sort(table["p_equal_slopes"])
    expected = [min(1, 2 * raw[0]), max(min(1, 2 * raw[0]), raw[1])]
    np.testing.assert_allclose(np.sort(table["p_equal_slopes_adjusted"]), expected)


def test_contrasts_are_all_pairs_and_every_domain_against_the_mean(plant):
    frame = family(plant, EXPONENTS, run_sd=0.002, domain_sd=0.001)
    table = fit_family(frame, SPEC).contrasts
    assert set(table["estimator"]) == {"joint"}
    pairs = table[table["kind"] == "pair"].set_index(["domain", "other"])
    assert list(pairs.index) == [
        ("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")
    ]  # fmt: skip
    for (one, other), row in pairs.iterrows():
        truth = EXPONENTS[other] - EXPONENTS[one]
        assert row["ci_low"] < truth < row["ci_high"] or abs(row["dbeta"] - truth) < 1e-3
    assert pairs["faster"].to_dict() == {
        ("a", "b"): "other", ("a", "c"): "undecided", ("a", "d"): "domain",
        ("b", "c"): "domain", ("b", "d"): "domain", ("c", "d"): "domain",
    }  # fmt: skip
    means = table[table["kind"] == "family_mean"].set_index("domain")
    assert means["dbeta"].sum() == pytest.approx(0, abs=1e-12)
    assert means.loc["b", "dbeta"] == pytest.approx(0.1025 - 0.13, abs=1e-3)
    assert means.loc["b", "faster"] == "domain"


def test_a_pair_has_the_slope_and_on_average_the_error_of_its_own_fit(plant):
    spec = SPEC.model_copy(update={"estimators": ("joint",)})
    ratios = []
    for seed in range(8):
        frame = family(plant, EXPONENTS, run_sd=0.01, domain_sd=0.01, seed=seed)
        pairs = fit_family(frame, spec).contrasts.query("kind == 'pair'")
        row = pairs.set_index(["domain", "other"]).loc["b", "d"]
        own = fit_family(frame, spec.model_copy(update={"baseline": "d"})).ratio
        own = own[own["treatment"] == "b"].iloc[0]
        # A budget effect in one of the fits weights the budgets a little differently.
        assert row["dbeta"] == pytest.approx(own["dbeta"], rel=2e-2)
        ratios.append(row["standard_error"] / own["standard_error"])
    assert np.median(ratios) == pytest.approx(1, abs=0.15)


def test_a_family_without_a_baseline_has_contrasts_too(plant):
    frame = family(plant, EXPONENTS, run_sd=0.01, domain_sd=0.004)
    spec = SPEC.model_copy(update={"baseline": None})
    with_one, without = (fit_family(frame, each) for each in (SPEC, spec))
    pd.testing.assert_frame_equal(with_one.contrasts, without.contrasts)
    pd.testing.assert_frame_equal(with_one.families, without.families)


def test_one_domain_is_no_family(plant):
    laws = fit_family(family(plant, {"a": 0.1}, run_sd=0.01), SPEC)
    assert laws.families["status"].tolist() == ["too_few_domains"] * 2
    assert laws.contrasts.empty
