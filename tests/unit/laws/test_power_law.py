import numpy as np
import pytest

from relscale.laws.fit_error import FitError
from relscale.laws.power import fit_power_law


def test_planted_law():
    compute = np.log([1e18, 1e19, 1e20])
    law = fit_power_law(compute, np.log(50.0) - 0.125 * compute)
    assert law.exponent == pytest.approx(0.125)
    assert np.exp(law.log_coefficient) == pytest.approx(50.0)
    assert law.r2 == pytest.approx(1)
    assert float(np.exp(law.predict(np.log(1e21)))) == pytest.approx(50 * 1e21**-0.125)


def test_published_points_give_the_published_exponent():
    # Protocol section 5: compute-optimal losses of one corpus over seven budgets, exponent about
    # 0.125.
    compute = np.log([1e18, 3e18, 6e18, 1e19, 3e19, 6e19, 1e20])
    loss = np.log([2.676, 2.302, 2.114, 1.980, 1.697, 1.579, 1.517])
    law = fit_power_law(compute, loss)
    assert law.exponent == pytest.approx(0.125, abs=0.002)
    assert law.ci_low < 0.125 < law.ci_high
    assert law.r2 > 0.99


def test_interval_by_hand():
    # x = -1, 0, 1 and y = 0, 0.3, 0: slope 0, residuals -.1, .2, -.1, variance .06 on one degree of
    # freedom, t(.975, 1) = 12.7062.
    law = fit_power_law(np.array([-1.0, 0.0, 1.0]), np.array([0.0, 0.3, 0.0]))
    assert law.exponent == pytest.approx(0)
    assert law.standard_error == pytest.approx(np.sqrt(0.06 / 2))
    assert law.ci_high == pytest.approx(12.7062 * np.sqrt(0.03), rel=1e-5)
    assert law.r2 == pytest.approx(0, abs=1e-12)
    # A new point one step beyond the data: 0.06 (1 + 1/3 + 2^2/2).
    assert float(law.prediction_error(2.0, new_point=True)) == pytest.approx(
        np.sqrt(0.06 * (1 + 1 / 3 + 2))
    )


def test_two_points_have_no_interval():
    law = fit_power_law(np.array([0.0, 1.0]), np.array([0.0, -0.5]))
    assert law.exponent == 0.5
    assert np.isnan(law.ci_low)


def test_one_budget_is_an_error():
    with pytest.raises(FitError, match="too_few_budgets: 1 compute value"):
        fit_power_law(np.array([1.0]), np.array([1.0]))
