"""Approaches 1 to 3: planted exponents, and the bias of parabolas."""

import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.classical.exponents import (
    Curves,
    approach_1,
    approach_2,
    approach_2_bias,
    surface_ratios,
)
from relscale.laws.fit_error import FitError

ALPHA, BETA = 0.34, 0.28
A, B, E = 406.4, 410.7, 1.69
BUDGETS = np.geomspace(1e18, 1e21, 6)


def optimum(compute, alpha=ALPHA, beta=BETA):
    """Return the N that minimises the surface at C = 6 N D (Hoffmann et al., 2022, equation 4)."""
    ratio = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    return ratio * (compute / 6) ** (beta / (alpha + beta))


def curves(offsets, alpha=ALPHA, beta=BETA, noise=0.0, budgets=BUDGETS):
    """Return IsoFLOP curves at offsets of log N from the optimum."""
    rng = np.random.default_rng(0)
    compute = np.repeat(budgets, len(offsets))
    params = optimum(compute, alpha, beta) * np.exp(np.tile(offsets, len(budgets)))
    tokens = compute / 6 / params
    loss = E + A / params**alpha + B / tokens**beta
    number = len(loss)
    return Curves(
        log_params=np.log(params),
        log_tokens=np.log(tokens),
        log_compute=np.log(compute),
        log_loss=np.log(loss) + noise * rng.normal(size=number),
        weights=np.ones(number),
        groups=tuple(np.split(np.arange(number), len(budgets))),
    )


def searched(made, alpha=ALPHA, beta=BETA):
    """Return the surface's parameters as they are searched."""
    axes = made.axes
    return np.array(
        [
            np.log(E),
            np.log(A) - alpha * axes.mean_params,
            np.log(B) - beta * axes.mean_tokens,
            np.log(alpha),
            np.log(beta),
        ]
    )


OFFSETS = np.linspace(-1.2, 1.2, 7)


def test_a_symmetric_surface_has_the_exponents_of_the_surface():
    """Equal exponents and centred grids: the parabolas have no bias (arXiv:2603.22339)."""
    made = curves(OFFSETS, 0.3, 0.3)
    found = approach_2(made, 0.95)
    assert found.a[0] == pytest.approx(0.5, abs=1e-9)
    assert approach_2_bias(made, searched(made, 0.3, 0.3)) == pytest.approx(0, abs=1e-9)


def test_where_compute_is_6nd_both_exponents_add_up_to_one():
    found = approach_2(curves(np.array([-1.0, -0.4, 0.1, 0.7, 1.5])), 0.95)
    assert found.a[0] + found.b[0] == pytest.approx(1, abs=1e-9)


def test_where_compute_is_counted_otherwise_they_need_not():
    made = curves(OFFSETS)
    bent = Curves(**{**vars(made), "log_compute": made.log_compute + 0.02 * (made.log_params - 20)})
    found = approach_2(bent, 0.95)
    assert abs(found.a[0] + found.b[0] - 1) > 1e-3


def test_the_shift_of_a_minimum_is_that_of_the_closed_form():
    """A parabola by least squares over centred offsets w has its vertex at -c1 / (2 c2), where c1
    and c2 are projections of the log loss on w and on w^2 less its mean: with the same offsets
    around every optimum and no floor the shift is the same at every budget."""
    compute = np.array([1e18, 1e20, 1e21])
    w = OFFSETS
    params = optimum(compute)[:, None] * np.exp(w)
    tokens = compute[:, None] / 6 / params
    loss = A / params**ALPHA + B / tokens**BETA
    log_loss = np.log(loss)
    centred = w**2 - np.mean(w**2)
    shift = -(log_loss @ w / np.sum(w**2)) / (2 * (log_loss @ centred) / np.sum(centred**2))
    made = Curves(
        log_params=np.log(params).ravel(),
        log_tokens=np.log(tokens).ravel(),
        log_compute=np.repeat(np.log(compute), len(w)),
        log_loss=log_loss.ravel(),
        weights=np.ones(log_loss.size),
        groups=tuple(np.split(np.arange(log_loss.size), len(compute))),
    )
    found = approach_2(made, 0.95)
    level = np.log(optimum(compute[0])) + shift[0]
    lowest = found.a[0] * (np.log(compute[0]) - np.log(compute[-1])) + (
        np.log(optimum(compute[-1])) + shift[-1]
    )
    assert lowest == pytest.approx(level, abs=1e-8)
    assert np.ptp(shift) < 1e-8 and abs(shift[0]) > 1e-3


def test_the_stated_bias_is_what_approach_2_adds_without_noise():
    """An off-centre grid that drifts with compute."""
    made = curves(np.array([-1.0, -0.4, 0.1, 0.7, 1.5]))
    drift = np.repeat(np.linspace(-0.4, 0.4, len(BUDGETS)), 5)
    params = np.exp(made.log_params + drift)
    tokens = np.exp(made.log_compute) / 6 / params
    moved = Curves(
        **{
            **vars(made),
            "log_params": np.log(params),
            "log_tokens": np.log(tokens),
            "log_loss": np.log(E + A / params**ALPHA + B / tokens**BETA),
        }
    )
    found = approach_2(moved, 0.95)
    bias = approach_2_bias(moved, searched(moved))
    assert bias == pytest.approx(found.a[0] - BETA / (ALPHA + BETA), abs=1e-12)
    assert abs(bias) > 0.001


def test_the_interval_of_approach_2_contains_the_truth():
    inside = 0
    for seed in range(200):
        made = curves(OFFSETS, 0.3, 0.3)
        rng = np.random.default_rng(seed)
        noisy = Curves(
            **{
                **vars(made),
                "log_loss": made.log_loss + 0.002 * rng.normal(size=made.log_loss.size),
            }
        )
        found = approach_2(noisy, 0.95)
        inside += found.a[1] <= 0.5 <= found.a[2]
    assert 0.91 <= inside / 200 <= 0.985


def test_approach_1_reads_the_hull():
    """With one run per budget at the optimum, the hull is all runs."""
    made = curves(np.array([0.0]), budgets=np.geomspace(1e18, 1e21, 12))
    found = approach_1(made, 0.95, 200, 0)
    assert found.num_points == 12
    assert found.a[0] == pytest.approx(BETA / (ALPHA + BETA), abs=1e-9)
    assert found.b[0] == pytest.approx(ALPHA / (ALPHA + BETA), abs=1e-9)


def above_the_hull(budgets):
    """Return curves whose runs are a third worse wherever they are not at the optimum."""
    made = curves(OFFSETS, budgets=budgets)
    worse = 0.3 * (np.tile(OFFSETS, len(budgets)) != 0)
    return Curves(**{**vars(made), "log_loss": made.log_loss + worse})


def test_runs_above_the_hull_do_not_count():
    found = approach_1(above_the_hull(np.geomspace(1e18, 1e21, 12)), 0.95, 200, 0)
    assert found.a[0] == pytest.approx(BETA / (ALPHA + BETA), abs=1e-6)
    assert found.num_points == 12


def test_draws_need_enough_budgets_too():
    """With six runs on the hull, 4 budgets over a decade remain in too few of the draws: a run is
    drawn with a probability of 1 - 1/e."""
    with pytest.raises(FitError) as caught:
        approach_1(above_the_hull(BUDGETS), 0.95, 200, 0)
    assert caught.value.status == Status.TOO_FEW_RUNS and "of 200 draws" in str(caught.value)


def test_a_hull_needs_four_budgets_and_three_sizes():
    three = curves(np.array([0.0]), budgets=np.geomspace(1e18, 1e21, 3))
    with pytest.raises(FitError) as caught:
        approach_1(three, 0.95, 200, 0)
    assert "3 budget(s) and 3 size(s)" in str(caught.value)
    made = curves(np.array([0.0]), budgets=np.geomspace(1e18, 1e21, 12))
    two = np.where(np.arange(12) < 6, 20.0, 21.0)
    with pytest.raises(FitError) as caught:
        approach_1(Curves(**{**vars(made), "log_params": two}), 0.95, 200, 0)
    assert "12 budget(s) and 2 size(s)" in str(caught.value)


def test_less_than_a_decade_of_compute_has_no_approach_1():
    made = curves(OFFSETS, budgets=np.geomspace(1e18, 5e18, 6))
    with pytest.raises(FitError) as caught:
        approach_1(made, 0.95, 200, 0)
    assert caught.value.status == Status.TOO_FEW_RUNS and "a factor of 5" in str(caught.value)


def test_two_budgets_have_no_exponent():
    with pytest.raises(FitError) as caught:
        approach_2(curves(OFFSETS, budgets=np.array([1e18, 1e20])), 0.95)
    assert caught.value.status == Status.TOO_FEW_BUDGETS


def test_tokens_per_parameter_of_a_surface_are_those_of_its_optimum():
    made = curves(OFFSETS)
    low, high = surface_ratios(made, searched(made))
    for found, compute in ((low, BUDGETS[0]), (high, BUDGETS[-1])):
        assert found == pytest.approx(compute / 6 / optimum(compute) ** 2, rel=1e-9)
