"""Our fits against those of statsmodels."""

import numpy as np
import pytest

from relscale.laws.estimators.joint_model import JointModel
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


def joint(values, compute, distance, budget, weights):
    return JointModel.of(compute, distance, budget, np.diag(1 / weights), compute.mean()).fit(
        values
    )


def test_the_joint_model_without_scatter_of_budgets_is_weighted_least_squares():
    values, compute, distance, budget, weights = cells(0.0, seed=3)
    ours = joint(values, compute, distance, budget, weights)
    assert ours.noise.budget_variance < 0
    line = design_of(compute, distance)
    theirs = api.WLS(values, line, weights=weights).fit()
    # Both solve the same 5 x 5 linear system in double precision; its condition number is below
    # 1e3, so that 1e-10 leaves three digits of room.
    np.testing.assert_allclose(ours.law @ values, theirs.params[:2], rtol=1e-10)
    dummies = np.concatenate([np.eye(6)[budget], line[:, 2:]], axis=1)
    free = api.WLS(values, dummies, weights=weights).fit()
    _, p_value, dof = free.compare_f_test(theirs)
    assert ours.moments.run_variance == pytest.approx(free.scale, rel=1e-10)
    assert ours.moments.lack_of_fit_p == pytest.approx(p_value, rel=1e-8)
    assert ours.moments.scatter_dof == dof


@pytest.mark.filterwarnings("error")
def test_the_joint_model_of_a_balanced_design_is_a_mixed_model_by_restricted_likelihood():
    values, compute, distance, budget, _ = cells(0.02)
    # In per cent: statsmodels takes a variance below an absolute threshold for 0 and warns.
    values *= 100
    ours = joint(values, compute, distance, budget, np.ones_like(values))
    mixed = api.MixedLM(values, design_of(compute, distance), groups=budget)
    theirs = mixed.fit(reml=True, method="powell")
    # Every budget has the same distances, so that the effects do not depend on the ratio of the
    # variances: only rounding remains.
    np.testing.assert_allclose(ours.law @ values, theirs.fe_params[:2], rtol=1e-10)
    # In a balanced design, moments are the restricted likelihood's estimates where they are
    # positive; its search stops early.
    np.testing.assert_allclose(
        np.sqrt(np.diag(ours.noise.covariance)), theirs.bse_fe[:2], rtol=1e-4
    )
    assert ours.noise.budget_variance == pytest.approx(float(theirs.cov_re[0, 0]), rel=1e-3)


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
