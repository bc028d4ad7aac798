import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.loss_to_loss import LossToLoss, fit_curve
from relscale.laws.run_points import Places, RunPoints

LOSS = np.exp(np.linspace(1.4, 0.9, 30))
ONES = np.ones((1, 30))


def points(baseline, log_gap, budget=None, compute=None):
    number = len(baseline)
    baseline = np.log(baseline)
    return RunPoints(
        log_params=np.zeros(number),
        log_tokens=np.zeros(number),
        log_compute=np.linspace(40, 48, number) if compute is None else compute,
        budget=np.arange(number) if budget is None else np.asarray(budget),
        cell=np.arange(number),
        values=np.stack([baseline + log_gap, baseline]),
    )


def parabola(loss):
    return 0.3 - 0.2 * np.log(loss) + 0.1 * np.log(loss) ** 2


def test_a_planted_parabola_is_recovered_and_chosen():
    fitted = LossToLoss().fit(points(LOSS, parabola(LOSS)), ONES)
    assert fitted.degree == 2 and fitted.share == 1
    np.testing.assert_allclose(fitted.curve.powers()[0], [0.3, -0.2, 0.1], atol=1e-10)
    beyond = Places(
        log_params=np.zeros(1),
        log_tokens=np.zeros(1),
        log_compute=np.zeros(1),
        log_baseline=np.array([0.5]),
    )
    assert fitted.log_gap(beyond)[0, 0] == pytest.approx(0.3 - 0.1 + 0.025, abs=1e-10)
    assert fitted.slope(beyond)[0, 0] == pytest.approx(-0.2 + 0.1, abs=1e-9)


def test_a_noisy_line_is_chosen_over_a_parabola_that_predicts_later_runs_worse():
    rng = np.random.default_rng(3)
    chosen = [
        LossToLoss().fit(points(LOSS, 0.3 - 0.2 * np.log(LOSS) + rng.normal(0, 0.01, 30)), ONES)
        for _ in range(20)
    ]
    assert np.mean([fitted.degree == 1 for fitted in chosen]) > 0.6


def test_a_law_as_chosen_keeps_degree_and_share_whatever_the_values():
    fitted = LossToLoss().fit(points(LOSS, parabola(LOSS)), ONES)
    line = points(LOSS, 0.3 - 0.2 * np.log(LOSS))
    assert LossToLoss().fit(line, ONES).degree == 1
    kept = LossToLoss().as_chosen(fitted).fit(line, ONES)
    assert (kept.degree, kept.share) == (fitted.degree, fitted.share) == (2, 1.0)


def test_every_draw_is_the_weighted_fit_of_numpy():
    rng = np.random.default_rng(0)
    gap = parabola(LOSS) + rng.normal(0, 0.01, 30)
    weights = rng.multinomial(30, np.full(30, 1 / 30), size=20).astype(float)
    for degree in (1, 2):
        powers = fit_curve(np.log(LOSS), gap, weights, degree).powers()
        for row, weight in zip(powers, weights, strict=True):
            expected = np.polyfit(np.log(LOSS), gap, degree, w=np.sqrt(weight))[::-1]
            np.testing.assert_allclose(row[: degree + 1], expected, atol=1e-9)


def test_runs_without_weight_in_the_first_row_are_held_out():
    gap = parabola(LOSS)
    wrong = gap.copy()
    wrong[20:] += 5
    weights = np.ones((1, 30))
    weights[0, 20:] = 0
    fitted = LossToLoss(share=1).fit(points(LOSS, wrong), weights)
    np.testing.assert_allclose(fitted.curve.at(np.log(LOSS))[0], gap, atol=1e-9)


def test_a_row_that_holds_out_later_runs_is_the_fit_without_them():
    """Later runs bend the curve. A back-test must not know that, whatever the other rows are."""
    rng = np.random.default_rng(1)
    gap = 0.3 - 0.2 * np.log(LOSS) + rng.normal(0, 0.002, 30)
    gap[20:] += np.linspace(0, 0.5, 10) ** 2
    runs = points(LOSS, gap)
    earlier = np.where(np.arange(30) < 20, 1.0, 0.0)
    together = LossToLoss().fit(runs, np.stack([np.ones(30), earlier]))
    alone = LossToLoss().fit(runs, earlier[None])
    assert together.degree == 2 and alone.degree == 1
    at = np.log(LOSS)
    np.testing.assert_array_equal(together.curve.at(at)[1], alone.curve.at(at)[0])


def test_runs_far_from_the_frontier_on_another_curve_are_left_out():
    """Two of five sizes per budget are far from the frontier. Their gaps are off in the lower
    budgets, and come back to the curve with more compute."""
    budget = np.repeat(np.arange(6), 5)
    best = np.exp(np.linspace(1.4, 0.9, 6))[budget]
    loss = best * np.exp(np.tile([0.2, 0.01, 0.0, 0.01, 0.25], 6))
    far = np.tile([1.0, 0, 0, 0, 1.0], 6)
    gap = parabola(loss) + far * 0.2 * np.exp(-2.0 * budget)
    runs = points(loss, gap, budget=budget, compute=40.0 + budget)
    fitted = LossToLoss().fit(runs, ONES)
    assert fitted.share < 1
    assert not fitted.near[far > 0].any() and fitted.near[far == 0].any()
    np.testing.assert_allclose(fitted.curve.at(np.log(best))[0], parabola(best), atol=1e-8)


def test_draws_that_do_not_determine_a_curve_are_nan():
    weights = np.ones((3, 30))
    weights[1, 1:] = 0
    weights[2, 2:] = 0
    fitted = LossToLoss(degree=2, share=1).fit(points(LOSS, parabola(LOSS)), weights)
    at = fitted.log_gap(points(LOSS, parabola(LOSS)).places)
    assert np.isfinite(at[0]).all() and np.isnan(at[1:]).all()


@pytest.mark.parametrize(
    ("loss", "status"),
    [
        (np.array([3.0, 2.0]), Status.TOO_FEW_RUNS),
        (np.array([]), Status.TOO_FEW_RUNS),
        (np.full(8, 2.0), Status.NO_VARIATION),
        (2.0 + 1e-12 * np.arange(8), Status.NO_VARIATION),
    ],
)
def test_losses_that_no_line_fits_end_with_a_status(loss, status):
    with pytest.raises(FitError) as error:
        LossToLoss().fit(points(loss, 0 * loss), np.ones((1, len(loss))))
    assert error.value.status is status


def test_ties_are_fitted_by_a_line():
    loss = np.repeat([3.0, 2.0], 4)
    fitted = LossToLoss().fit(points(loss, 0.1 * np.log(loss)), np.ones((1, 8)))
    assert fitted.degree == 1
    np.testing.assert_allclose(fitted.curve.powers()[0], [0, 0.1, 0], atol=1e-12)


def test_a_place_without_the_baselines_loss_is_refused():
    fitted = LossToLoss().fit(points(LOSS, parabola(LOSS)), ONES)
    zero = np.zeros(1)
    with pytest.raises(ValueError, match="depends on the baseline's loss"):
        fitted.log_gap(Places(log_params=zero, log_tokens=zero, log_compute=zero))


@pytest.mark.parametrize(
    ("options", "message"), [({"degree": 3}, "degree is 3"), ({"share": 0.0}, "share is 0")]
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LossToLoss(**options)
