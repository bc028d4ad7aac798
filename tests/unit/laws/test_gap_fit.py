"""The result of a fit: what the straight line says at the ends of the observed range."""

import numpy as np
import pytest

from relscale.laws.gap import gap_fit


def line(covariance):
    return gap_fit(
        estimator="joint",
        budgets=np.arange(4),
        log_compute=np.array([1.0, 2.0, 4.0, 9.0]),
        points=np.zeros(4),
        law=np.array([0.5, -0.1]),
        covariance=np.asarray(covariance),
        point_variance=np.zeros(4),
        dof=7,
        ci_method="runs",
        num_runs=20,
        notes=(),
    )


def test_levels_are_those_of_the_line_at_the_ends_and_the_middle():
    fit = line([[0.04, 0.001], [0.001, 0.0009]])
    np.testing.assert_allclose(fit.levels_at, [1, 5, 9])
    for at, level, variance in zip(
        fit.levels_at, fit.levels, np.diag(fit.levels_covariance), strict=True
    ):
        assert (level, variance) == pytest.approx(fit.predict(at))
    assert (fit.law, fit.path) == ("line", "optimal")


def test_change_of_a_line_is_slope_times_range():
    fit = line([[0.04, 0.001], [0.001, 0.0009]])
    assert fit.change == pytest.approx(-0.1 * 8)
    assert fit.change_standard_error == pytest.approx(0.03 * 8)


def test_without_an_interval_the_change_has_no_standard_error():
    fit = line(np.full((2, 2), np.nan))
    assert fit.change == pytest.approx(-0.8)
    assert np.isnan(fit.change_standard_error)
