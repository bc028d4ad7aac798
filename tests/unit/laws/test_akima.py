import numpy as np
import pytest
from scipy.interpolate import Akima1DInterpolator

from relscale.laws.fit_error import FitError
from relscale.laws.optima.akima import akima_at, akima_minimum, akima_row, merge_equal

X = np.array([0.0, 0.3, 0.5, 0.9, 1.4, 1.5, 2.2])


def test_curve_is_scipys_and_its_minimum_is_the_lowest_point():
    """Against scipy on a grid of 4,001 places: no place lies below the minimum by more than
    rounding."""
    curves = np.random.default_rng(0).normal(size=(200, len(X)))
    found = akima_minimum(X, curves)
    read = found.read(curves)
    grid = np.linspace(X[0], X[-1], 4001)
    for at, value, curve in zip(found.at, read, curves, strict=True):
        reference = Akima1DInterpolator(X, curve)
        assert value == pytest.approx(float(reference(at)), abs=1e-12)
        assert value <= reference(grid).min() + 1e-12


def test_row_reads_the_curve_and_reproduces_straight_lines():
    curve = np.random.default_rng(1).normal(size=len(X))
    found = akima_minimum(X, curve)
    row = akima_row(found)
    assert row @ curve == pytest.approx(float(found.read(curve)), abs=1e-12)
    # Any quantity that is a straight line in x is read exactly, since slopes are averages of
    # secants.
    assert row @ (2 - 3 * X) == pytest.approx(2 - 3 * float(found.at), abs=1e-12)


def test_ratios_stay_exact():
    rng = np.random.default_rng(2)
    curve, first, second = rng.normal(size=(3, len(X)))
    row = akima_row(akima_minimum(X, curve))
    assert row @ (first - second) == pytest.approx(row @ first - row @ second, abs=1e-12)


def test_minimum_of_a_parabola_by_hand():
    # Symmetric about 2 with even steps, so the interpolation's own minimum is there.
    x = np.arange(5.0)
    assert float(akima_minimum(x, (x - 2) ** 2).at) == pytest.approx(2.0)


def test_a_given_place():
    curve = (X - 0.8) ** 2
    place = akima_at(X, curve, 0.7)
    assert float(place.at) == pytest.approx(0.7)
    assert float(place.read(curve)) == pytest.approx(
        float(Akima1DInterpolator(X, curve)(0.7)), abs=1e-12
    )
    with pytest.raises(FitError, match="too_few_runs"):
        akima_at(X, curve, 2.3)


def test_too_few_points():
    with pytest.raises(FitError, match="too_few_runs: 2 different sizes"):
        akima_minimum(X[:2], X[:2])


def test_equal_places_are_averaged():
    x, rows = merge_equal(np.array([2.0, 1.0, 2.0]))
    np.testing.assert_array_equal(x, [1, 2])
    np.testing.assert_allclose(rows @ np.array([3.0, 7.0, 5.0]), [7, 4])
