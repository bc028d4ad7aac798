import numpy as np
import pytest

from relscale.laws.first_stage import FirstStage, places_of
from relscale.laws.run_points import RunPoints
from relscale.laws.sigmoid import SigmoidForm
from relscale.laws.two_stages import Pairs, TwoStages

FLOOR, CEILING, STEEPNESS, MIDPOINT = 0.30, 0.90, 9.0, 0.9


def accuracy_of(loss):
    return FLOOR + (CEILING - FLOOR) / (1 + np.exp(STEEPNESS * (loss - MIDPOINT)))


def ladder(seed, noise=0.003, form=None, step1="auto"):
    """Five sizes of five token counts each: losses on a surface, accuracies on a sigmoid."""
    rng = np.random.default_rng(seed)
    size = np.repeat(np.arange(5), 5)
    log_n = np.log(2e8) + 0.7 * size
    log_d = log_n + np.log(20) + np.log(np.tile([0.5, 1, 2, 5, 10], 5))
    loss = 0.45 + 180 * np.exp(-0.34 * log_n) + 260 * np.exp(-0.30 * log_d)
    loss = loss * np.exp(rng.normal(0, noise, 25))
    accuracy = accuracy_of(loss) + rng.normal(0, 2 * noise, 25)
    runs = RunPoints(
        log_params=log_n,
        log_tokens=log_d,
        log_compute=np.log(6) + log_n + log_d,
        budget=size,
        cell=np.arange(25),
        values=np.log(loss)[None],
    )
    return TwoStages(
        first=FirstStage(points=runs, runs=runs, step1=step1, draws=200, seed=0),
        pairs=Pairs(loss=loss, accuracy=accuracy, budget=size),
        observed=accuracy,
        form=SigmoidForm(chance=0.25) if form is None else form,
        level=0.95,
    )


def largest(stages):
    """Return the runs of the largest size, and the prediction of them by the others."""
    top = stages.first.points.budget == 4
    return stages.observed[top], stages.predict(places_of(stages.first.points, top), 4)


def test_without_noise_a_size_that_was_left_out_is_predicted_exactly():
    observed, found = largest(ladder(0, noise=0.0, step1="surface"))
    np.testing.assert_allclose(found.accuracy, observed, atol=1e-4)
    assert found.laws == ("surface",)
    assert found.horizon[-1] == pytest.approx(np.exp(2 * 0.7))


def test_intervals_cover_a_size_that_was_left_out():
    """20 ladders: at least .88 of 100 accuracies are inside (.95 less three errors)."""
    inside = []
    for seed in range(20):
        observed, found = largest(ladder(seed))
        inside.extend((found.ci_low <= observed) & (observed <= found.ci_high))
        assert found.calibration >= 1
    assert np.mean(inside) >= 0.88


def test_free_floor_and_ceiling_predict_better_than_wrong_fixed_ones():
    fixed = SigmoidForm(chance=0.25, floor="chance", ceiling="one")
    errors = []
    for form in (None, fixed):
        pairs = [largest(ladder(seed, form=form)) for seed in range(6)]
        errors.append(np.mean([np.abs(found.accuracy - seen) for seen, found in pairs]))
    assert errors[0] < 0.7 * errors[1]


def test_a_back_test_that_fails_stretches_the_interval():
    """Accuracies of the second-largest size are displaced by .1: far more than their scatter."""
    stages = ladder(3)
    shifted = stages.pairs.accuracy + 0.1 * (stages.pairs.budget == 3)
    true = stages.pairs
    pairs = Pairs(loss=true.loss, accuracy=shifted, budget=true.budget)
    off = TwoStages(
        first=stages.first, pairs=pairs, observed=shifted, form=stages.form, level=stages.level
    )
    assert off.calibration(4) > 3 * stages.calibration(4)
    found = largest(off)[1]
    assert found.calibration == off.calibration(4)
    assert np.all(found.ci_high - found.ci_low > 0.2)


def test_the_curve_is_known_better_than_a_new_run():
    stages = ladder(1)
    places = places_of(stages.first.points, stages.first.points.budget == 4)
    curve, run = (stages.predict(places, 4, new_point=new) for new in (False, True))
    assert np.all(curve.ci_high - curve.ci_low < run.ci_high - run.ci_low)
    np.testing.assert_array_equal(curve.accuracy, run.accuracy)


def test_two_budgets_have_no_interval():
    stages = ladder(1)
    places = places_of(stages.first.points, stages.first.points.budget == 4)
    found = stages.predict(places, 2)
    assert np.isnan(found.ci_low).all() and np.isfinite(found.accuracy).all()
