"""Absolute laws with the offset that held-out budgets prefer, on planted points."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from relscale.laws.absolute import AbsolutePoints, SurfaceFloor, choose_absolute
from relscale.laws.fit_error import FitError
from relscale.laws.power import fit_power_law

LEVEL = 0.95


class KnownFloors:
    """An irreducible loss that runs are said to identify, or not."""

    def __init__(self, value, standard_error=0.01, identified=True):
        self.known, self.standard_error, self.identified = value, standard_error, identified

    def value(self, below):
        return self.known

    def floor(self, below):
        if not self.identified:
            return None
        half = 1.96 * self.standard_error
        return SurfaceFloor(
            value=self.known,
            standard_error=self.standard_error,
            ci_low=self.known - half,
            ci_high=self.known + half,
        )


def planted(offset, number, noise=0.0, seed=0):
    compute = np.linspace(np.log(1e17), np.log(1e20), number)
    value = offset + np.exp(-0.15 * (compute - compute.mean()))
    error = np.random.default_rng(seed).normal(0, noise, number) if noise else 0.0
    return AbsolutePoints(
        log_compute=compute, values=np.log(value) + error, budgets=np.arange(number)
    )


def test_a_planted_floor_gives_the_planted_law_from_four_budgets():
    choice = choose_absolute(planted(1.5, 4), KnownFloors(1.5), LEVEL)
    law = choice.law
    assert (law.law, law.offset_from, law.offset) == ("saturating", "surface", 1.5)
    assert law.exponent == pytest.approx(0.15, rel=1e-9)
    assert law.log_level == pytest.approx(0, abs=1e-9)
    assert choice.saturating_error == pytest.approx(0, abs=1e-9)
    assert choice.power_error > 0.001
    far = np.log(1e21)
    expected = 1.5 + np.exp(-0.15 * (far - law.log_reference))
    assert float(law.predict(far)) == pytest.approx(np.log(expected), rel=1e-9)


def test_the_error_of_the_floor_moves_the_exponent():
    """The slope of the exponent by the floor, by fits at two floors."""
    points = planted(1.5, 6, noise=0.002)
    exact = choose_absolute(points, KnownFloors(1.5, 1e-9), LEVEL).law
    known = choose_absolute(points, KnownFloors(1.5, 0.02), LEVEL).law
    above, below = (
        choose_absolute(points, KnownFloors(1.5 + move, 1e-9), LEVEL).law.exponent
        for move in (0.002, -0.002)
    )
    expected = np.hypot(exact.standard_error, 0.02 * (above - below) / 0.004)
    assert known.standard_error == pytest.approx(expected, rel=1e-3)


def test_a_power_law_stays_a_power_law_with_its_own_interval():
    points = planted(0.0, 7, noise=0.003)
    choice = choose_absolute(points, KnownFloors(0.8), LEVEL)
    plain = fit_power_law(points.log_compute, points.values, LEVEL)
    assert choice.law.law == "power" and choice.law.offset == 0
    assert choice.power_error < choice.saturating_error
    assert choice.law.exponent_interval(LEVEL) == pytest.approx((plain.ci_low, plain.ci_high))
    at = np.log(1e21)
    assert float(choice.law.predict(at)) == pytest.approx(float(plain.predict(at)))
    assert float(choice.law.prediction_error(at, new_point=True)) == pytest.approx(
        float(plain.prediction_error(at, new_point=True))
    )


def test_a_floor_that_predicts_better_but_is_not_identified_is_not_used_and_that_is_said():
    # Whether four points identify an offset by themselves is decided by rounding.
    points = replace(planted(1.5, 4, noise=0.0005), independent=False)
    choice = choose_absolute(points, KnownFloors(1.5, identified=False), LEVEL)
    assert choice.law.law == "power"
    assert choice.saturating_error < choice.power_error
    assert choice.reason.startswith("offset not used: ")


def test_points_alone_identify_an_offset_over_three_decades_with_little_noise():
    choice = choose_absolute(planted(1.5, 9, noise=0.0005), None, LEVEL)
    law = choice.law
    assert (law.law, law.offset_from) == ("saturating", "points")
    low, high = law.offset_interval
    assert low < 1.5 < high
    assert high - low < 0.5
    low, high = law.exponent_interval(LEVEL)
    assert low < 0.15 < high


def test_points_on_one_curve_give_no_offset_of_their_own():
    points = planted(1.5, 9, noise=0.0005)
    dependent = AbsolutePoints(
        log_compute=points.log_compute,
        values=points.values,
        budgets=points.budgets,
        independent=False,
    )
    assert choose_absolute(dependent, None, LEVEL).law.law == "power"


def test_points_that_are_read_again_without_the_largest_budgets_are_compared_so():
    """The lower points are a planted power law, whatever the points through all budgets are."""
    straight, bent = planted(0.0, 6), planted(1.5, 6)

    def lower(below):
        return AbsolutePoints(
            log_compute=straight.log_compute[:below],
            values=straight.values[:below],
            budgets=straight.budgets[:below],
        )

    points = AbsolutePoints(
        log_compute=straight.log_compute, values=bent.values, budgets=bent.budgets, lower=lower
    )
    direct = choose_absolute(bent, KnownFloors(1.5), LEVEL)
    again = choose_absolute(points, KnownFloors(1.5), LEVEL)
    assert direct.power_error < 0.05 < again.power_error


def test_prediction_intervals_hold_planted_values_at_ten_times_the_compute():
    """200 suites of six budgets; the floor is known with its error. 95 % intervals hold at least
    180, three standard errors below 95 %."""
    rng = np.random.default_rng(1)
    inside = 0
    far = np.log(1e21)
    for seed in range(200):
        points = planted(1.5, 6, noise=0.003, seed=seed)
        floors = KnownFloors(1.5 + rng.normal(0, 0.02), 0.02)
        law = choose_absolute(points, floors, LEVEL).law
        truth = np.log(1.5 + np.exp(-0.15 * (far - law.log_reference)))
        half = stats.t.ppf(0.975, law.dof) * float(law.prediction_error(far))
        inside += abs(float(law.predict(far)) - truth) <= half
    assert inside >= 180


def test_one_point_has_no_law():
    with pytest.raises(FitError, match="too_few_budgets"):
        choose_absolute(planted(1.5, 1), None, LEVEL)
