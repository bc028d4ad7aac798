"""The average error as an exponential of the loss."""

import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.classical.error_law import fit_error_law
from relscale.laws.fit_error import FitError

LOSS = np.linspace(2.4, 3.6, 24)
BUDGET = np.repeat(np.arange(6), 4)[::-1]
SPLITS = np.stack([first > BUDGET for first in (3, 4, 5)]).astype(float)
EPSILON, K, GAMMA = 0.86, 2.2, 0.72


def test_planted_parameters_are_found():
    """The constants are of the size that the source reports."""
    estimates, evidence = fit_error_law(LOSS, EPSILON - K * np.exp(-GAMMA * LOSS), SPLITS, 0.95)
    found = {each.name: each.value for each in estimates}
    assert found == pytest.approx({"epsilon": EPSILON, "k": K, "gamma": GAMMA}, rel=1e-6)
    assert evidence.reasons == ()


def test_intervals_contain_the_truth():
    inside = np.zeros(3)
    rng = np.random.default_rng(0)
    truth = EPSILON - K * np.exp(-GAMMA * LOSS)
    for _ in range(200):
        estimates, _ = fit_error_law(LOSS, truth + 0.002 * rng.normal(size=24), SPLITS, 0.95)
        inside += [
            each.low <= value <= each.high
            for each, value in zip(estimates, (EPSILON, K, GAMMA), strict=True)
        ]
    assert np.all(inside / 200 >= 0.91)


def test_a_straight_line_does_not_identify_the_law():
    rng = np.random.default_rng(0)
    _, evidence = fit_error_law(LOSS, 0.2 + 0.1 * LOSS + 0.003 * rng.normal(size=24), SPLITS, 0.95)
    assert any("gamma" in reason for reason in evidence.reasons)


def test_without_budgets_to_leave_out_the_law_is_not_identified():
    _, evidence = fit_error_law(LOSS, EPSILON - K * np.exp(-GAMMA * LOSS), SPLITS[:0], 0.95)
    assert evidence.reasons == ("too few budgets to leave some out",)


def test_four_runs_are_too_few():
    with pytest.raises(FitError) as caught:
        fit_error_law(LOSS[:4], LOSS[:4], SPLITS[:, :4], 0.95)
    assert caught.value.status == Status.TOO_FEW_RUNS
