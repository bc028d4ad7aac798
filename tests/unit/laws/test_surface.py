import numpy as np
import pytest
from scipy import optimize

from relscale.laws.fit_error import FitError
from relscale.laws.surface_fit.huber import DELTA, fit_huber, huber_loss, refit_huber
from relscale.laws.surface_fit.projection import BOUNDS, Plane, fit_surface, fit_surfaces

PARAMS, TOKENS = np.repeat(np.geomspace(1e7, 1e9, 6), 5), np.tile(np.geomspace(1e9, 1e11, 5), 6)
E, A, ALPHA, B, BETA = 1.8, 400.0, 0.34, 1200.0, 0.37


def loss(params=PARAMS, tokens=TOKENS):
    return E + A / params**ALPHA + B / tokens**BETA


def noisy(seed, sd=0.01):
    return loss() * np.exp(np.random.default_rng(seed).normal(0, sd, len(PARAMS)))


def test_planted_surface_is_recovered():
    """Without noise: to the step tolerance of the search, both methods."""
    plane = Plane.of(PARAMS, TOKENS)
    fit, starts = fit_surface(plane, loss())
    assert fit.converged[0] and starts == 25
    huber = fit_huber(plane, np.log(loss()), fit)
    for surface in (fit, huber.surface):
        assert (surface.alpha[0], surface.beta[0]) == pytest.approx((ALPHA, BETA), abs=1e-5)
        assert surface.irreducible[0] == pytest.approx(E, abs=1e-5)
        assert surface.from_params[0] * np.exp(
            surface.alpha[0] * plane.mean_log_params
        ) == pytest.approx(A, rel=1e-3)
        assert surface.from_tokens[0] * np.exp(
            surface.beta[0] * plane.mean_log_tokens
        ) == pytest.approx(B, rel=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_objective_is_at_most_bfgss(seed):
    """The same objective by scipy from the true constants: ours is lower, or equal to 1e-8 (its
    gradient tolerance)."""
    plane, values = Plane.of(PARAMS, TOKENS), noisy(seed)
    n, d = plane.log_params, plane.log_tokens
    truth = [
        E,
        A * np.exp(-ALPHA * plane.mean_log_params),
        B * np.exp(-BETA * plane.mean_log_tokens),
        ALPHA,
        BETA,
    ]
    other = optimize.minimize(
        lambda q: np.sum(
            ((q[0] + q[1] * np.exp(-q[3] * n) + q[2] * np.exp(-q[4] * d)) / values - 1) ** 2
        ),
        truth,
        method="BFGS",
    )
    assert fit_surface(plane, values)[0].objective[0] <= other.fun * (1 + 1e-8)


def test_terms_stay_at_zero_or_above():
    """Losses that fall by powers alone: the irreducible term would be negative. Scipy with the same
    bounds finds nothing lower."""
    plane = Plane.of(PARAMS, TOKENS)
    values = 5 * (PARAMS / 1e8) ** -0.05 * (TOKENS / 1e10) ** -0.05
    fit, _ = fit_surface(plane, values)
    assert fit.irreducible[0] == 0
    assert min(fit.from_params[0], fit.from_tokens[0]) > 0
    n, d = plane.log_params, plane.log_tokens
    found = [
        optimize.minimize(
            lambda q: np.sum(
                ((q[0] + q[1] * np.exp(-q[3] * n) + q[2] * np.exp(-q[4] * d)) / values - 1) ** 2
            ),
            [start, 2.0, 2.0, 0.1, 0.1],
            method="L-BFGS-B",
            bounds=[(0, None)] * 3 + [BOUNDS] * 2,
            options={"maxiter": 5000, "maxfun": 50_000},
        ).fun
        for start in (0.0, 1.0)
    ]
    assert fit.objective[0] <= min(found) * (1 + 1e-6)


def test_a_batch_is_its_surfaces_one_by_one():
    """From one start each, to the step tolerance."""
    plane = Plane.of(PARAMS, TOKENS)
    values = np.stack([noisy(seed) for seed in range(8)])
    batch = fit_surfaces(plane, values, np.array([0.3, 0.3]))
    for place, row in enumerate(values):
        one = fit_surfaces(plane, row[None, :], np.array([0.3, 0.3]))
        assert (batch.alpha[place], batch.beta[place]) == pytest.approx(
            (one.alpha[0], one.beta[0]), abs=1e-5
        )
        assert batch.objective[place] == pytest.approx(one.objective[0], rel=1e-9)


def test_a_start_near_the_minimum_gets_there_as_one_from_afar_does():
    plane, values = Plane.of(PARAMS, TOKENS), noisy(3)[None]
    far = fit_surfaces(plane, values, np.array([0.3, 0.3]))
    ends = np.array([far.alpha[0], far.beta[0]])
    # A first step below 1e-3 says nothing about the next one.
    near = fit_surfaces(plane, values, ends * np.exp([9e-4, -9e-4]))
    assert np.array([near.alpha[0], near.beta[0]]) == pytest.approx(ends, rel=1e-8)


def test_optimum_is_the_lowest_place_on_the_line():
    plane = Plane.of(PARAMS, TOKENS)
    fit, _ = fit_surface(plane, noisy(3))
    level, falls = np.log(1e18), 1.05
    at = float(fit.optimum(level, falls)[0])
    places = np.linspace(at - 1, at + 1, 2001)
    values = fit.predict(level - falls * places, places)
    # The grid's step is .001, and the curve is flat to second order.
    assert places[np.argmin(values)] == pytest.approx(at, abs=1.1e-3)


def test_weights_count_as_repeats():
    plane, values = Plane.of(PARAMS, TOKENS), noisy(1)
    twice = Plane.of(np.append(PARAMS, PARAMS[:4]), np.append(TOKENS, TOKENS[:4]))
    weighted, _ = fit_surface(plane, values, np.where(np.arange(len(values)) < 4, 2.0, 1.0))
    repeated, _ = fit_surface(twice, np.append(values, values[:4]))
    assert weighted.alpha[0] == pytest.approx(repeated.alpha[0], abs=1e-5)
    assert weighted.irreducible[0] == pytest.approx(repeated.irreducible[0], abs=1e-5)


def test_huber_loss_by_hand():
    np.testing.assert_allclose(huber_loss(np.array([0.0, 1e-3, -3e-3])), [0, 5e-7, 1e-3 * 2.5e-3])


def test_huber_shrugs_off_one_bad_run_that_least_squares_follows():
    """One of thirty runs 40 % too high: the irreducible term of Huber's fit moves less than a fifth
    as far as that of least squares."""
    plane, values = Plane.of(PARAMS, TOKENS), noisy(2, sd=0.002)
    bad = values.copy()
    bad[-1] *= 1.4
    moved = {}
    for name, data in (("clean", values), ("bad", bad)):
        least, _ = fit_surface(plane, data)
        moved[name] = (
            least.irreducible[0],
            fit_huber(plane, np.log(data), least).surface.irreducible[0],
        )
    least, huber = (abs(moved["bad"][k] - moved["clean"][k]) for k in (0, 1))
    assert huber < least / 5


def test_huber_refits_find_what_the_full_search_finds():
    """Objectives agree to 1e-4: the refits end where a step gains less than 1e-6."""
    plane = Plane.of(PARAMS, TOKENS)
    values = np.log(np.stack([noisy(seed) for seed in range(4)]))
    guess, _ = fit_surface(plane, np.exp(values[0]))
    start = fit_huber(plane, values[0], guess)
    batch = refit_huber(plane, values, start.surface)
    for place, row in enumerate(values):
        full = fit_huber(plane, row, guess)
        assert batch.objective[place] <= full.surface.objective[0] * (1 + 1e-4)
    assert start.surface.converged[0] and start.starts_at_optimum > 1
    assert np.sum(
        huber_loss(np.log(start.surface.fitted()[0]) - values[0], DELTA)
    ) == pytest.approx(start.surface.objective[0])


@pytest.mark.parametrize("keep", [slice(0, 5), slice(0, 10)])
def test_too_few_points(keep):
    with pytest.raises(FitError, match=r"too_few_runs: .* a surface needs 6 with 3 of either"):
        Plane.of(PARAMS[keep], TOKENS[keep])
