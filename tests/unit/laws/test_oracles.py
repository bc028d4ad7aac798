"""Our fits against those of statsmodels."""

import numpy as np
import pytest

from relscale.laws.estimators.joint_model import fit_joint
from relscale.laws.power import fit_power_law

api = pytest.importorskip("statsmodels.api")


def cells(budget_sd, seed=0, budgets=6, sizes=7):
    rng = np.random.default_rng(seed)
    budget = np.repeat(np.arange(budgets), sizes)
    compute = 25.0 + 0.8 * budget
    distance = np.tile(np.linspace(-0.6, 0.6, sizes), budgets)
    weights = rng.uniform(0.5, 2.0, len(budget))
    values = 0.2 - 0.03 * (compute - compute.mean()) + 0.05 * distance + 0.1 * distance**2
    values += rng.normal(0, 0.004, len(budget)) / np.sqrt(weights)
    values += rng.normal(0, budget_sd, budgets)[budget]
    return values, compute, distance, budget, weights


def design_of(compute, distance):
    away = compute - compute.mean()
    return np.stack([np.ones_like(away), away, distance, distance**2, distance * away], axis=1)


def test_the_joint_model_without_a_budget_effect_is_weighted_least_squares():
    values, compute, distance, budget, weights = cells(0.0)
    ours = fit_joint(values, compute, distance, budget, weights, compute.mean())
    assert not ours.budget_effect
    theirs = api.WLS(values, design_of(compute, distance), weights=weights).fit()
    # Both solve the same 5 x 5 linear system in double precision; its condition number is below
    # 1e3, so that 1e-10 leaves three digits of room.
    np.testing.assert_allclose(ours.law @ values, theirs.params[:2], rtol=1e-10)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params()[:2, :2], rtol=1e-8, atol=1e-15)
    assert ours.dof == theirs.df_resid


@pytest.mark.filterwarnings("error")
def test_the_joint_model_with_a_budget_effect_is_a_mixed_model_by_restricted_likelihood():
    values, compute, distance, budget, _ = cells(0.02)
    # In per cent: statsmodels takes a variance below an absolute threshold for 0 and warns.
    values *= 100
    ours = fit_joint(values, compute, distance, budget, np.ones_like(values), compute.mean())
    assert ours.budget_effect
    mixed = api.MixedLM(values, design_of(compute, distance), groups=budget)
    theirs = mixed.fit(reml=True, method="powell")
    # Every budget has the same distances, so that the effects do not depend on the ratio r of the
    # variances: only rounding remains.
    np.testing.assert_allclose(ours.law @ values, theirs.fe_params[:2], rtol=1e-10)
    # Our search stops within 1e-6 of r / (1 + r), where r is 30: r is exact to 1e-6 (1 + r)^2 / r =
    # 3e-5, the standard error to half of that; three times as much is for the other search.
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), theirs.bse_fe[:2], rtol=6e-5)


def test_a_power_law_is_ordinary_least_squares_of_logs():
    rng = np.random.default_rng(0)
    x = np.linspace(20, 30, 9)
    y = 1.0 - 0.1 * x + rng.normal(0, 0.01, 9)
    ours, theirs = fit_power_law(x, y, level=0.9), api.OLS(y, api.add_constant(x)).fit()
    low, high = theirs.conf_int(alpha=0.1)[1]
    # The uncentred design of the oracle has condition number 250: ten digits remain of sixteen.
    assert -ours.exponent == pytest.approx(theirs.params[1], rel=1e-10)
    assert (-ours.ci_high, -ours.ci_low) == pytest.approx((low, high), rel=1e-9)
    assert ours.r2 == pytest.approx(theirs.rsquared, rel=1e-10)
