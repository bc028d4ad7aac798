import numpy as np
import pytest

from relscale.laws.nearness import excess_loss, near_runs
from relscale.laws.run_points import RunPoints


def points(compute, loss, budget=None, cell=None):
    number = len(compute)
    values = np.log(np.stack([loss, loss]))
    return RunPoints(
        log_params=np.zeros(number),
        log_tokens=np.zeros(number),
        log_compute=np.log(compute),
        budget=np.arange(number) if budget is None else np.array(budget),
        cell=np.arange(number) if cell is None else np.array(cell),
        values=values,
    )


def everything(runs):
    return np.ones(runs.num_runs, dtype=bool)


def test_on_isoflop_curves_the_excess_is_over_the_best_size_of_the_budget():
    compute = np.repeat([1e18, 1e19, 1e20], 4)
    best = np.repeat([3.0, 2.9, 2.5], 4)  # the middle budget is above the hull of the other two
    off = np.tile([0.02, 0.0, 0.03, 0.1], 3)
    runs = points(compute, best * np.exp(off), budget=np.repeat([0, 1, 2], 4))
    np.testing.assert_allclose(excess_loss(runs, everything(runs)), off, atol=1e-12)


def test_on_a_ladder_the_excess_is_over_the_hull_at_the_same_compute():
    compute = np.geomspace(1e18, 1e21, 7)
    loss = 50 * compute**-0.07
    loss[3] *= np.exp(0.2)
    runs = points(compute, loss)
    expected = np.array([0, 0, 0, 0.2, 0, 0, 0])
    np.testing.assert_allclose(excess_loss(runs, everything(runs)), expected, atol=1e-12)


def test_one_run_per_budget_with_falling_losses_is_all_on_the_frontier():
    compute = np.geomspace(1e18, 1e21, 7)
    loss = np.array([3.0, 2.99, 2.5, 2.49, 2.3, 2.29, 2.1])  # not convex
    runs = points(compute, loss)
    assert np.all(excess_loss(runs, everything(runs)) == 0)


def test_a_frontier_does_not_rise_where_the_costliest_runs_are_bad():
    compute = np.geomspace(1e18, 1e20, 5)
    loss = np.array([3.0, 2.7, 2.5, 2.6, 2.7])
    runs = points(compute, loss)
    excess = excess_loss(runs, everything(runs))
    np.testing.assert_allclose(excess[3:], np.log(loss[3:] / 2.5), atol=1e-12)


def test_seeds_are_averaged_before_the_frontier_is_drawn():
    compute = np.repeat([1e18, 1e19, 1e20], 2)
    loss = np.exp(np.array([1.2, 1.0, 1.1, 1.0, 1.3, 0.7]))  # means 1.1, 1.05, 1.0
    runs = points(compute, loss, budget=[0, 0, 1, 1, 2, 2], cell=[0, 0, 1, 1, 2, 2])
    assert np.all(excess_loss(runs, everything(runs)) == 0)


def test_runs_that_are_not_used_do_not_make_the_frontier():
    compute = np.geomspace(1e18, 1e20, 4)
    loss = np.array([3.0, 1.0, 2.6, 2.7])
    runs = points(compute, loss)
    used = np.array([True, False, True, True])
    excess = excess_loss(runs, used)
    assert excess[2] == 0 and excess[3] == pytest.approx(np.log(2.7 / 2.6))


def test_the_nearest_share_keeps_ties_and_at_least_eight_runs():
    excess = np.array([0.0, 0.1, 0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    used = np.ones(12, dtype=bool)
    assert near_runs(excess, used, 1.0).sum() == 12
    assert near_runs(excess, used, 0.1).sum() == 8
    assert near_runs(np.zeros(12), used, 0.1).sum() == 12
