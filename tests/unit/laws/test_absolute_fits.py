import numpy as np
import pytest
from scipy import optimize

from relscale.laws.gap import gap_fit
from relscale.laws.surface_fit.huber import huber_loss
from relscale.laws.tables.absolute_fits import (
    absolute_deviation_lines,
    absolute_fits,
    fit_offset,
    huber_lines,
    least_squares_lines,
)


def points(y, number=None):
    number = len(y)
    nan = np.full((2, 2), np.nan)
    return gap_fit(
        estimator="vertex",
        budgets=np.arange(number),
        log_compute=np.log(1e18) + np.arange(number) * 0.8,
        points=np.asarray(y),
        law=np.zeros(2),
        covariance=nan,
        point_variance=np.full(number, np.nan),
        dof=1.0,
        ci_method="none",
        num_runs=number,
        notes=(),
    )


def rows_of(y):
    return {row["fit"]: row for row in absolute_fits(points(y))}


X = np.arange(5.0)


def test_lines_by_hand():
    # Four points on y = 1 + 2 x and one far off: least absolute deviations passes through the four.
    y = 1 + 2 * X
    y[2] += 10
    level, slope = absolute_deviation_lines(X, y, np.ones((1, 5)))
    assert (level[0], slope[0]) == pytest.approx((1, 2))
    # Least squares: the off point is at the mean of x, so that it lifts the line by 10 / 5 and
    # turns nothing.
    level, slope = least_squares_lines(X, y, np.ones((1, 5)))
    assert (level[0], slope[0]) == pytest.approx((3, 2))


def test_rounding_does_not_decide_between_lines_that_are_as_good():
    # Lines through one of the low and one of the high points, or through both, have deviations that
    # add up to 2.
    x, y = X[:4], np.array([0.0, 1.0, 1.0, 0.0])
    rng = np.random.default_rng(0)
    for fit, within in ((absolute_deviation_lines, 1e-12), (huber_lines, 1e-9)):
        level, slope = fit(x, y, np.ones((1, 4)))
        assert np.sum(np.abs(level[0] + slope[0] * x - y)) == pytest.approx(2)
        for _ in range(20):
            other = fit(x, y + 1e-14 * rng.standard_normal(4), np.ones((1, 4)))
            assert (other[0][0], other[1][0]) == pytest.approx((level[0], slope[0]), abs=within)


def test_huber_line_is_the_minimum():
    y = np.array([0.0, 1.002, 1.995, 3.3, 4.0])
    level, slope = huber_lines(X, y, np.ones((1, 5)))

    def objective(line):
        return np.sum(huber_loss(line[0] + line[1] * X - y))

    other = optimize.minimize(
        objective,
        [0, 1],
        method="Nelder-Mead",
        options={"xatol": 1e-12, "fatol": 1e-18, "maxiter": 5000},
    )
    assert objective((level[0], slope[0])) <= other.fun * (1 + 1e-6)


def test_exact_power_law():
    rows = rows_of(1.0 - 0.1 * 0.8 * X)
    for name in ("least_squares", "huber", "absolute_deviations"):
        assert rows[name]["exponent"] == pytest.approx(0.1)
        assert rows[name]["left_out_error_percent"] == pytest.approx(0, abs=1e-9)
        assert rows[name]["exponent_left_out_low"] == pytest.approx(
            rows[name]["exponent_left_out_high"]
        )
    assert rows["offset"]["status"] == "offset_not_identifiable"
    assert rows["offset"]["remarks"] == "fewer than nine budgets"
    assert np.isnan(rows["offset"]["offset"])


def test_left_out_error_by_hand():
    # Without the middle of three points the line is the other two's: its error there is y1 - (y0 +
    # y2) / 2 = .03; the ends' are .06.
    rows = rows_of([0.0, 0.03, 0.0])
    assert rows["least_squares"]["left_out_error_percent"] == pytest.approx(
        100 * np.sqrt((0.03**2 + 2 * 0.06**2) / 3)
    )


def test_offset_is_found_where_there_is_one():
    x = np.arange(12) * 0.8
    y = np.log(0.8 + 1.5 * np.exp(-0.25 * x)) + np.random.default_rng(0).normal(0, 0.001, 12)
    row = rows_of(y)["offset"]
    assert row["status"] == "ok" and row["best"]
    # Five standard errors: .002 and .001, from the derivatives of log(e + a exp(-b x)).
    assert row["offset"] == pytest.approx(0.8, abs=0.01)
    assert row["exponent"] == pytest.approx(0.25, abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_a_straight_power_law_has_no_offset_that_predicts_better_and_is_positive_throughout(seed):
    y = 1.0 - 0.1 * np.arange(10) * 0.8 + np.random.default_rng(seed).normal(0, 0.01, 10)
    rows = rows_of(y)
    if rows["offset"]["status"] == "ok":
        assert (
            rows["offset"]["left_out_error_percent"]
            < rows["least_squares"]["left_out_error_percent"]
        )
    else:
        assert not rows["offset"]["best"]
    assert sum(row["best"] for row in rows.values()) == 1


def test_offset_fit_recovers_its_constants():
    x = np.linspace(-3, 3, 9)
    assert fit_offset(x, np.log(0.5 + 2 * np.exp(-0.3 * x))) == pytest.approx(
        (0.5, 2, 0.3), abs=1e-4
    )


def test_two_points_are_said_to_be_two():
    rows = rows_of([1.0, 0.9])
    assert rows["least_squares"]["status"] == "ok"
    assert rows["least_squares"]["remarks"] == "two points: no scatter to compare by"
    assert np.isnan(rows["least_squares"]["left_out_error_percent"])
    assert not any(row["best"] for row in rows.values())
