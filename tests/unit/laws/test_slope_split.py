"""Planted laws L_t = E_t + K (L_b - E_b)^kappa, and surfaces that follow no such law."""

import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.fit_error import FitError
from relscale.laws.floors import fit_floor
from relscale.laws.loss_power import fit_loss_power, fit_treatment_floor, sensitivity_band
from relscale.laws.refits import pairs_weights, refit_interval
from relscale.laws.run_points import RunPoints
from relscale.laws.slope_split import split_slope
from relscale.laws.through_loss import through_loss

FLOOR, A, ALPHA, B, BETA = 1.8, 400.0, 0.34, 1200.0, 0.37
LEVEL = 0.95


def baseline(params, tokens):
    return FLOOR + A / params**ALPHA + B / tokens**BETA


def power(floor, coefficient, kappa):
    """Treatment whose loss is a function of the baseline's."""
    return lambda params, tokens: floor + coefficient * (baseline(params, tokens) - FLOOR) ** kappa


def surface(floor, a, alpha, b, beta):
    """Treatment with a surface of its own."""
    return lambda params, tokens: floor + a / params**alpha + b / tokens**beta


def optimum(log_compute):
    """Natural logs of N and D that minimise the baseline's loss at F = 6 N D (Hoffmann et al.,
    2022, equation 4)."""
    tokens = (np.log(BETA * B / (ALPHA * A)) + ALPHA * (log_compute - np.log(6))) / (ALPHA + BETA)
    return log_compute - np.log(6) - tokens, tokens


def isoflop(treatment, sd=0.0, seed=0, num_budgets=6):
    """Six sizes in each budget, 36 points in all."""
    compute = np.repeat(np.log(np.geomspace(1e17, 1e20, num_budgets)), 6)
    tokens = optimum(compute)[1] + np.tile(np.linspace(-1.6, 1.6, 6), num_budgets)
    params = compute - np.log(6) - tokens
    noise = np.random.default_rng(seed).normal(0, sd, (2, len(compute))) if sd else 0.0
    at = np.exp(params), np.exp(tokens)
    return RunPoints(
        log_params=params,
        log_tokens=tokens,
        log_compute=compute,
        budget=np.repeat(np.arange(num_budgets), 6),
        cell=np.arange(len(compute)),
        values=np.log(np.stack([treatment(*at), baseline(*at)])) + noise,
    )


def split(points, draws=0, through=None):
    weights = pairs_weights(points.num_runs, draws, 0)
    p = through_loss(points).p if through is None else through
    return split_slope(
        points, None, weights, lambda values: fit_floor(points, values, weights, LEVEL), p, LEVEL
    )


def true_slope(treatment, log_compute, step=1e-4):
    """d log G / d log F along the baseline's optimal path, by central differences."""
    ends = []
    for side in (-step, step):
        at = [np.exp(part) for part in optimum(log_compute + side)]
        ends.append(np.log(treatment(*at) / baseline(*at)))
    return (ends[1] - ends[0]) / (2 * step)


LAWS = [(2.2, 1.0, 1.0), (1.5, 1.2, 0.8), (2.2, 0.9, 1.2), (0.9, 2.0, 1.1)]


@pytest.mark.parametrize(("floor", "coefficient", "kappa"), LAWS)
def test_floors_coefficient_and_exponent_are_recovered_from_36_points(floor, coefficient, kappa):
    found = split(isoflop(power(floor, coefficient, kappa)))
    assert found.by == "loss_to_loss" and not found.reason
    assert found.law.floor_baseline[0] == pytest.approx(FLOOR, abs=1e-6)
    assert found.law.floor_treatment[0] == pytest.approx(floor, abs=1e-6)
    assert found.law.kappa[0] == pytest.approx(kappa, abs=1e-6)
    assert np.exp(found.law.log_coefficient[0]) == pytest.approx(coefficient, abs=1e-6)


@pytest.mark.parametrize(
    "treatment",
    [
        *(power(*law) for law in LAWS),
        surface(1.5, 400.0, 0.31, 1200.0, 0.36),
        surface(2.2, 700.0, 0.35, 900.0, 0.37),
    ],
)
def test_both_parts_sum_to_the_slope_along_the_optimal_path(treatment):
    found = split(isoflop(treatment))
    assert found.place.path == "optimal"
    total = found.split.floor[0] + found.split.rate[0]
    assert total == pytest.approx(true_slope(treatment, found.place.log_compute), abs=1e-6)


def test_two_surfaces_that_follow_no_law_of_the_loss_are_split_by_their_surfaces():
    treatment = surface(1.5, 400.0, 0.31, 1200.0, 0.36)
    found = split(isoflop(treatment))
    assert found.by == "surfaces"
    assert found.law.floor_treatment[0] == pytest.approx(1.5, abs=1e-6)
    at = [np.exp(part) for part in optimum(found.place.log_compute)]
    share = 1 - 1.5 / treatment(*at)
    assert found.split.share_treatment[0] == pytest.approx(share, abs=1e-6)


def test_equal_rates_and_other_floors_are_a_floor_effect_alone():
    found = split(isoflop(power(2.6, 1.0, 1.0)))
    assert found.split.rate[0] == pytest.approx(0, abs=1e-9)
    assert found.split.floor[0] > 0.01, "the domain with the higher floor falls more slowly"


def test_a_domain_with_the_same_floor_and_rate_has_a_gap_that_stays():
    """L_t = 2 L_b: the floors are the same share of both losses."""
    found = split(isoflop(power(2 * FLOOR, 2.0, 1.0)), through=1.0)
    assert found.split.floor[0] == pytest.approx(0, abs=1e-9)
    assert found.split.rate[0] == pytest.approx(0, abs=1e-9)


def test_without_floors_the_law_is_the_power_law_of_the_ratio():
    """E_t = E_b = 0: dbeta = (1 - kappa) beta_b, today's law."""
    points = isoflop(power(1.0, 1.0, 1.0))
    reducible = np.exp(points.values[1]) - FLOOR
    values = np.log(np.stack([1.3 * reducible**0.9, reducible]))
    points = RunPoints(**{**vars(points), "values": values})
    law = fit_loss_power(points, np.zeros(1), np.zeros(1), np.ones((1, 36)))
    parts = law.split(np.array([-0.5]), np.array([0.2]))
    assert law.kappa[0] == pytest.approx(0.9, abs=1e-12)
    assert parts.floor[0] == pytest.approx(0, abs=1e-12)
    assert parts.rate[0] == pytest.approx(0.1 * 0.2, abs=1e-12)


def test_the_split_is_the_derivative_of_the_law():
    """The formula against central differences of log G by log L_b."""
    law = fit_treatment_floor(isoflop(power(1.5, 1.2, 0.8)), np.full(1, FLOOR), np.ones((1, 36)))
    step, at, beta = 1e-5, 0.9, 0.07
    ends = law.log_gap(np.array([at - step, at + step]))[0]
    parts = law.split(np.array([at]), np.array([beta]))
    slope = -beta * (ends[1] - ends[0]) / (2 * step)
    assert parts.floor[0] + parts.rate[0] == pytest.approx(slope, abs=1e-8)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """30 noisy suites: at 95 %, fewer than 25 hits have a probability below 1 %."""
    treatment = power(1.5, 1.2, 0.8)
    hits = []
    for seed in range(30):
        points = isoflop(treatment, sd=0.003, seed=seed)
        found = split(points, draws=200, through=1.0)
        total = true_slope(treatment, found.place.log_compute)
        truth = np.array([0.8, total])
        drawn = found.law.kappa, found.split.floor + found.split.rate
        ends = [refit_interval(values, LEVEL, 36) for values in drawn]
        hits.append([low <= at <= high for (low, high), at in zip(ends, truth, strict=True)])
    assert np.sum(hits, axis=0).min() >= 25


def test_noise_leaves_a_floor_unidentified_on_a_short_range_and_says_so():
    points = isoflop(power(1.5, 1.2, 0.8), sd=0.03, num_budgets=2)
    found = split(points, draws=100)
    assert found.law is None and found.split is None
    assert found.reason.startswith("floor of the")


def test_the_band_over_all_floors_contains_the_truth():
    points = isoflop(power(1.5, 1.2, 0.8))
    found = split(points)
    band = sensitivity_band(points, found.place.log_baseline[0], found.place.beta[0])
    for (low, high), value in (
        (band.kappa, 0.8),
        (band.floor, found.split.floor[0]),
        (band.rate, found.split.rate[0]),
    ):
        assert low < value < high


def test_intervals_are_wider_the_fewer_runs_there_are():
    draws = np.r_[1.0, np.linspace(0.5, 1.5, 101)]
    assert refit_interval(draws, 0.9, 100_000) == pytest.approx((0.55, 1.45), abs=1e-3)
    low, high = refit_interval(draws, 0.9, 20)
    assert (low, high) == pytest.approx((1 - 0.45 * np.sqrt(20 / 15), 1 + 0.45 * np.sqrt(20 / 15)))


def test_the_same_number_of_runs_has_the_same_draws():
    weights = pairs_weights(9, 5, 1)
    assert weights.shape == (6, 9) and np.all(weights[0] == 1) and np.all(weights.sum(axis=1) == 9)
    np.testing.assert_array_equal(weights, pairs_weights(9, 5, 1))


def test_sizes_that_rise_with_tokens_have_no_surface():
    points = isoflop(power(1.5, 1.2, 0.8))
    along = RunPoints(**{**vars(points), "log_tokens": points.log_params + 3.0})
    with pytest.raises(FitError) as error:
        fit_floor(along, along.values[1], np.ones((1, 36)), LEVEL)
    assert error.value.status is Status.TOO_FEW_RUNS
    with pytest.raises(FitError):
        through_loss(along)
    found = split(along, draws=10, through=float("nan"))
    assert found.place.path == "observed" and "rise together" in found.reason


@pytest.mark.parametrize(
    ("of_treatment", "of_baseline"),
    [(0.003, 0.003), (0.006, 0.001), (0.001, 0.006)],
    ids=["equally noisy", "a noisy treatment", "a noisy baseline"],
)
def test_a_gap_that_follows_the_loss_is_rarely_rejected(of_treatment, of_baseline):
    """40 ladders: more than 7 of 40 rejections at 5 % have a probability below .1 %. A cubic of
    log L_b alone would be rejected in nearly all with a noisy baseline."""
    params = np.log(np.repeat([1.9e8, 3.7e8, 7.6e8, 1.3e9, 3.2e9], 5))
    tokens = params + np.log(np.tile([10.0, 20, 40, 100, 200], 5))
    at = np.exp(params), np.exp(tokens)
    exact = np.log(np.stack([power(2.2, 0.9, 1.2)(*at), baseline(*at)]))
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(40):
        shared = rng.normal(0, 0.002, 25)
        noise = rng.normal(0, 1, (2, 25)) * [[of_treatment], [of_baseline]]
        points = RunPoints(
            log_params=params,
            log_tokens=tokens,
            log_compute=params + tokens,
            budget=np.arange(25),
            cell=np.arange(25),
            values=exact + shared + noise,
        )
        rejected += through_loss(points).p < 0.05
    assert rejected <= 7


def test_a_gap_that_depends_on_size_beyond_the_loss_is_rejected():
    found = through_loss(isoflop(surface(1.5, 400.0, 0.31, 1200.0, 0.36), sd=0.001))
    assert found.p < 1e-6
    assert found.slopes[0] < 0 < found.slopes[1]


@pytest.mark.parametrize(
    ("points", "status"),
    [
        (isoflop(power(1.5, 1.2, 0.8), num_budgets=1), Status.TOO_FEW_RUNS),
        (isoflop(lambda params, tokens: 2 * baseline(params, tokens)), Status.NO_VARIATION),
    ],
)
def test_a_test_without_runs_or_scatter_has_a_status(points, status):
    with pytest.raises(FitError) as error:
        through_loss(points)
    assert error.value.status is status
