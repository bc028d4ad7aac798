"""Runs that are left out as the future, and the comparison of laws there."""

import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.fit_error import FitError
from relscale.laws.leave_future_out import (
    MOST_GROUPS,
    comparable,
    compare_laws,
    compute_groups,
    future_splits,
    root_mean_square,
)
from relscale.laws.run_points import RunPoints


def points_of(budget, cell=None):
    """Return runs whose log compute is their budget."""
    budget = np.asarray(budget)
    number = len(budget)
    return RunPoints(
        log_params=np.zeros(number),
        log_tokens=np.zeros(number),
        log_compute=budget.astype(float),
        budget=budget,
        cell=np.arange(number) if cell is None else np.asarray(cell),
        values=np.zeros((1, number)),
    )


def test_half_of_the_budgets_stay_and_all_later_ones_are_left_out():
    splits = future_splits(points_of(np.repeat(np.arange(6), 4)))
    assert [origin.group for origin in splits.origins] == [3, 4, 5]
    assert splits.held_out.sum(axis=1).tolist() == [12, 8, 4]
    np.testing.assert_array_equal(splits.weights[0], 1)
    np.testing.assert_array_equal(splits.weights[1:] == 0, splits.held_out)


@pytest.mark.parametrize("number", [12, 25, 40])
def test_budgets_of_one_size_are_merged_by_compute_into_groups_of_about_the_same_size(number):
    points = points_of(np.arange(number))
    splits = future_splits(points)
    count = np.bincount(splits.group)
    assert len(count) == MOST_GROUPS and np.ptp(count) <= 1
    for origin in splits.origins:
        assert points.log_compute[origin.train].max() < points.log_compute[~origin.train].min()


def test_a_budget_stays_whole():
    # 12 budgets, of which the last has two sizes; then seeds of one size.
    groups = compute_groups(points_of([*range(12), 11]))
    assert groups[-1] == groups[-2] and len(np.unique(groups)) < 12
    seeds = points_of(np.repeat(np.arange(5), 3), cell=np.repeat(np.arange(5), 3))
    assert compute_groups(seeds).tolist() == np.repeat(np.arange(5), 3).tolist()


def test_many_budgets_with_several_sizes_are_not_merged():
    assert compute_groups(points_of(np.repeat(np.arange(12), 3))).max() == 11


def test_a_fit_has_two_groups_and_enough_runs():
    assert not future_splits(points_of([0, 0, 0, 1, 1, 1])).origins
    assert not future_splits(points_of([0, 1, 2])).origins
    assert [origin.group for origin in future_splits(points_of([0, 1, 2]), 2).origins] == [2]


def test_errors_are_of_runs_left_out_by_origins_with_more_runs_than_parameters():
    splits = future_splits(points_of(np.repeat(np.arange(4), 3)))  # 6, then 9 runs are fitted
    predicted = np.full((2, 12), 0.5)
    errors = splits.errors(predicted, np.full(12, 0.2), parameters=6)
    assert np.isnan(errors[0]).all()
    assert np.isnan(errors[1, :9]).all()
    assert errors[1, 9:] == pytest.approx(0.3)
    family = splits.errors(np.zeros((2, 5, 12)), np.zeros((5, 12)))
    assert np.isfinite(family).sum(axis=(1, 2)).tolist() == [30, 15]


def test_laws_without_predictions_in_common_lose_the_one_that_predicts_least():
    nothing = np.full(4, np.nan)
    first, last = np.array([0.1, 0.2, 0.3, np.nan]), np.array([np.nan, np.nan, np.nan, 0.4])
    names, squared = comparable({"nothing": nothing, "first": first, "last": last})
    assert names == ["first"]
    assert squared[0] == pytest.approx([0.01, 0.04, 0.09])
    assert comparable({"nothing": nothing})[0] == []
    assert root_mean_square(first) == pytest.approx(np.sqrt(0.14 / 3))
    assert np.isnan(root_mean_square(nothing))


def test_laws_are_compared_at_the_runs_that_all_of_them_predict():
    splits = future_splits(points_of(np.arange(4)), 2)  # the last two, then the last

    def near(weights):
        assert weights.sum(axis=1).tolist() == [3, 2]  # the most runs first
        return np.full((len(weights), 4), 0.1)

    def far(weights):
        return np.where(np.arange(4) == 3, np.full((len(weights), 4), 0.3), np.nan)

    def failing(weights):
        raise FitError(Status.TOO_FEW_RUNS, "none")

    found = compare_laws(splits, np.zeros(4), {"far": far, "failing": failing, "near": near})
    assert list(found.errors) == ["near", "far", "failing"]
    assert found.errors["near"] == pytest.approx(0.1)
    assert found.errors["far"] == pytest.approx(0.3)
    assert np.isnan(found.errors["failing"])
    assert found.num_left_out == 2


def test_two_budgets_have_no_future():
    with pytest.raises(FitError) as error:
        compare_laws(future_splits(points_of([0, 1, 1])), np.zeros(3), {})
    assert error.value.status is Status.TOO_FEW_BUDGETS
