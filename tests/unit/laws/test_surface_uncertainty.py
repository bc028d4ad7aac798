"""Bootstraps of surfaces: which one is used, and losses of residuals as options."""

import numpy as np
import pytest
from scipy import optimize

from relscale.laws.fit import fit_family
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.huber import (
    fit_huber,
    huber_loss,
    refit_huber,
    robust_loss,
)
from relscale.laws.surface_fit.projection import Plane, fit_surface, fit_surfaces
from relscale.laws.surface_fit.reader import equal_variance_p
from relscale.laws.tables.surface import _disagreement

PARAMS = np.repeat(np.geomspace(1e7, 1e9, 8), 8)
TOKENS = np.tile(np.geomspace(1e9, 1e11, 8), 8)
TRUTH = 1.8 + 400 / PARAMS**0.34 + 1200 / TOKENS**0.37
PLANE = Plane.of(PARAMS, TOKENS)


def noisy(seed, by_size=0.0, sd=0.01):
    spread = sd * np.exp(by_size * PLANE.log_params)
    return TRUTH * np.exp(np.random.default_rng(seed).normal(0, 1, 64) * spread)


def p_value(loss):
    fit, _ = fit_surface(PLANE, loss)
    centre = np.log(fit.fitted()[0])
    return equal_variance_p(PLANE, centre, np.log(loss) - centre)


def test_the_test_of_equal_variance_rejects_where_noise_depends_on_size_and_seldom_else():
    equal = [p_value(noisy(seed)) for seed in range(100)]
    unequal = [p_value(noisy(seed, by_size=-0.5)) for seed in range(100)]
    # At .10: 10 +- 3 of 100 by chance.
    assert np.sum(np.array(equal) < 0.10) <= 19
    assert np.sum(np.array(unequal) < 0.10) >= 90


def test_equal_residuals_have_equal_variance_and_few_points_are_not_tested():
    assert equal_variance_p(PLANE, np.log(TRUTH), np.tile([0.01, -0.01], 32)) == 1.0
    few = Plane(
        log_params=PLANE.log_params[::13],
        log_tokens=PLANE.log_tokens[::13],
        mean_log_params=0.0,
        mean_log_tokens=0.0,
    )
    assert np.isnan(equal_variance_p(few, np.log(TRUTH[::13]), np.arange(5.0)))


def test_residuals_have_the_p_value_of_statsmodels():
    diagnostic = pytest.importorskip("statsmodels.stats.diagnostic")
    loss = noisy(3, by_size=-0.3)
    fit, _ = fit_surface(PLANE, loss)
    centre = np.log(fit.fitted()[0])
    design = np.column_stack([np.ones(64), PLANE.log_params, PLANE.log_tokens, centre])
    expected = diagnostic.het_breuschpagan(np.log(loss) - centre, design, robust=True)[1]
    assert p_value(loss) == pytest.approx(expected, rel=1e-6)


def test_cells_are_drawn_where_noise_depends_on_size_else_residuals(plant_surface):
    frame = plant_surface(num_sizes=9, run_sd=0.0005, domain_sd=0.0005)
    rng = np.random.default_rng(0)
    size = np.log10(frame["num_params_total"] / frame["num_params_total"].median())
    noise = rng.normal(0, 1, len(frame)) * 0.002 * 10 ** (-size)
    unequal = frame.assign(value=frame["value"] * np.exp(noise))
    methods = {}
    for name, table in (("equal", frame), ("unequal", unequal)):
        rows = fit_family(table, LawSpec(family="topics", draws=100, estimators=("surface",)))
        methods[name] = rows.surface.groupby("domain")["bootstrap"].first()
        shown = rows.surface["status"].isin(["ok", "methods_disagree", "on_bound"])
        p = rows.surface["equal_variance_p"]
        assert (rows.surface["bootstrap"].eq("pairs") == (shown & (p < 0.10))).all()
    assert methods["equal"].eq("residuals").any()
    assert methods["unequal"].eq("pairs").any()


def test_a_refit_with_weights_is_a_refit_to_repeated_points():
    loss = noisy(1)
    fit, _ = fit_surface(PLANE, loss)
    weights = np.random.default_rng(0).multinomial(64, np.full(64, 1 / 64), 3).astype(float)
    chosen = np.repeat(np.arange(64), weights[1].astype(int))
    repeated = Plane(
        log_params=PLANE.log_params[chosen],
        log_tokens=PLANE.log_tokens[chosen],
        mean_log_params=PLANE.mean_log_params,
        mean_log_tokens=PLANE.mean_log_tokens,
    )
    start = np.array([fit.alpha[0], fit.beta[0]])
    many = fit_surfaces(PLANE, loss, start, weights)
    one = fit_surfaces(repeated, loss[chosen], start)
    assert many.alpha[1] == pytest.approx(one.alpha[0], rel=1e-5)
    robust = robust_loss("huber", None, np.log(loss / fit.fitted()[0]))
    many = refit_huber(PLANE, np.log(loss), fit, weights, robust)
    one = refit_huber(repeated, np.log(loss[chosen]), fit, None, robust)
    # Refits end where a step gains less than a millionth of the objective.
    assert many.alpha[1] == pytest.approx(one.alpha[0], rel=1e-3)


def test_delta_is_1345_robust_standard_deviations_unless_it_is_given():
    residual = np.random.default_rng(0).normal(0, 0.01, 100_001)
    assert robust_loss("huber", None, residual).delta == pytest.approx(0.01345, rel=0.02)
    assert robust_loss("huber", 1e-4, residual).delta == 1e-4
    assert robust_loss("least_squares", None, residual).delta == np.inf
    bad = np.where(np.arange(100_001) % 10 == 0, residual + 5, residual)
    assert robust_loss("huber", None, bad).delta < 0.02


@pytest.mark.parametrize("name", ["lad", "least_squares"])
def test_the_other_losses_find_the_minimum_of_their_objective(name):
    """Scipy from the fit finds nothing lower by more than a thousandth."""
    loss = noisy(5)
    guess, _ = fit_surface(PLANE, loss)
    robust = robust_loss(name, None, np.log(loss / guess.fitted()[0]))
    found = fit_huber(PLANE, np.log(loss), guess, None, robust)
    power = {"lad": np.abs, "least_squares": lambda r: r**2 / 2}[name]
    n, d = PLANE.log_params, PLANE.log_tokens

    def objective(q):
        return np.sum(
            power(np.log(q[0] + q[1] * np.exp(-q[3] * n) + q[2] * np.exp(-q[4] * d)) - np.log(loss))
        )

    surface = found.surface
    start = [
        float(part[0])
        for part in (
            surface.irreducible,
            surface.from_params,
            surface.from_tokens,
            surface.alpha,
            surface.beta,
        )
    ]
    other = optimize.minimize(
        objective, start, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-12}
    )
    assert objective(start) <= other.fun * 1.001
    # Quadratic below a hundredth of a standard deviation, where |r| counts half of delta less.
    assert robust.objective(surface.objective)[0] == pytest.approx(objective(start), rel=0.01)


def test_huber_loss_by_hand_for_any_delta():
    np.testing.assert_allclose(huber_loss(np.array([0.5, -3.0]), 1.0), [0.125, 2.5])
    np.testing.assert_allclose(huber_loss(np.array([0.5, -3.0]), np.inf), [0.125, 4.5])


def test_every_draw_is_used_by_both_methods_and_options_change_the_second(plant_surface):
    frame = plant_surface(run_sd=0.002, domain_sd=0.002)
    tables = {
        name: fit_family(
            frame,
            LawSpec(
                family="topics", draws=300, estimators=("surface",), surface_loss=name, **options
            ),
        ).surface.query("domain == 'base'")
        for name, options in (("huber", {"huber_delta": 1e-3}), ("lad", {}), ("least_squares", {}))
    }
    for name, table in tables.items():
        assert list(table["method"]) == ["projection", name]
        assert (table["draws"] == 300).all()
    assert tables["huber"]["delta"].iloc[1] == 1e-3
    assert tables["lad"]["delta"].isna().all()
    # Least squares of logs and of relative errors agree to second order in the noise.
    first, second = tables["least_squares"]["alpha"]
    assert second == pytest.approx(first, rel=0.02)


def test_methods_whose_intervals_do_not_overlap_disagree():
    start = np.array([0.3, 0.3])
    low = fit_surfaces(PLANE, np.stack([noisy(k, sd=0.001) for k in range(20)]), start)
    other = 1.8 + 4000 / PARAMS**0.48 + 1200 / TOKENS**0.37
    high = fit_surfaces(
        PLANE, other * np.stack([noisy(k, sd=0.001) / TRUTH for k in range(20)]), start
    )
    assert _disagreement(low, high, 0.95) == [
        "the intervals of alpha by the two methods do not overlap"
    ]
    assert _disagreement(low, low, 0.95) == []


def test_effects_of_budgets_are_in_the_interval_of_the_estimator_surface(plant_surface):
    frame = plant_surface(run_sd=0.002, domain_sd=0.002)
    spec = LawSpec(family="topics", baseline="base", draws=200, estimators=("joint", "surface"))
    # Effects of budgets on log G that no line and no surface follows.
    effect = frame["budget"].map({"1e18": 0.02, "3e18": -0.02, "1e19": -0.02, "3e19": 0.02})
    moved = frame.assign(
        value=frame["value"] * np.exp(effect.where(~frame["domain"].isin(["base", "own"]), 0.0))
    )
    still, shaken = (
        fit_family(table, spec).ratio.set_index(["treatment", "estimator"]).sort_index()
        for table in (frame, moved)
    )
    for treatment in shaken.index.unique("treatment"):
        surface, joint = (shaken.loc[treatment, name] for name in ("surface", "joint"))
        assert surface["budget_sd"] == joint["budget_sd"] > 0.01
        assert surface["dof"] <= joint["dof"]
        # The effects move the slope by far more than the runs' noise of .003.
        before = still.loc[(treatment, "surface"), "standard_error"]
        assert surface["standard_error"] > 3 * before
        # An effect u moves a line through four budgets as much as it moves its points: the
        # surface, which spreads it over neighbouring budgets, is moved by a similar amount.
        assert surface["standard_error"] == pytest.approx(joint["standard_error"], rel=0.5)
