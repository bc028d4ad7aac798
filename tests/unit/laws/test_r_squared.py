"""R2: the share of variance that a law explains, and none where only rounding is left."""

import doctest

import numpy as np
import pytest

from relscale.laws import r_squared
from relscale.laws.power import fit_power_law


def test_the_examples_are_true():
    assert doctest.testmod(r_squared).failed == 0


@pytest.mark.parametrize("level", [-0.7, 1e-9, 3e4])
def test_rounding_is_not_explained(level):
    rng = np.random.default_rng(0)
    values = level + np.spacing(max(abs(level), 1.0)) * rng.integers(-3, 4, 6)
    assert np.isnan(r_squared.r_squared(values, values - level))


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e6])
def test_the_share_does_not_depend_on_the_unit(size):
    rng = np.random.default_rng(1)
    values, residuals = rng.normal(size=(2, 9))
    expected = 1 - np.sum(residuals**2) / np.sum((values - values.mean()) ** 2)
    assert r_squared.r_squared(size * values, size * residuals) == pytest.approx(expected)


def test_a_constant_metric_has_no_r2():
    """Such as the accuracy of a domain whose questions no run answers."""
    log_error = np.log(0.3) + np.array([0, 2e-16, -4e-16, 4e-16])
    law = fit_power_law(np.log([1e11, 3e11, 1e12, 3e12]), log_error)
    assert abs(law.exponent) < 1e-12 and np.isnan(law.r2)
