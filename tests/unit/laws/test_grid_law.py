import numpy as np
import pytest

from relscale.laws.fit_error import FitError
from relscale.laws.grid import fit_grid

PARAMS, TOKENS = (
    np.repeat(np.log([1e8, 3e8, 1e9, 3e9]), 4),
    np.tile(np.log([2e9, 1e10, 5e10, 2e11]), 4),
)


def gap(params, tokens, noise=0.0):
    return 0.1 - 0.03 * (params - np.log(1e9)) + 0.01 * (tokens - np.log(1e10)) + noise


def test_planted_plane():
    law = fit_grid(gap(PARAMS, TOKENS), PARAMS, TOKENS)
    np.testing.assert_allclose(law.slopes, [-0.03, 0.01], atol=1e-12)
    assert law.dbeta()[0] == pytest.approx(-0.01)
    assert law.predict(np.log(1e10), np.log(1e12))[0] == pytest.approx(
        gap(np.log(1e10), np.log(1e12))
    )
    assert law.dof == 13


def test_dbeta_is_the_slope_along_a_fixed_ratio():
    law = fit_grid(
        gap(PARAMS, TOKENS, np.random.default_rng(0).normal(0, 0.01, 16)), PARAMS, TOKENS
    )
    compute = np.log(1e19), np.log(1e22)
    ends = [law.predict((at - np.log(6 * 20)) / 2, (at - np.log(6 / 20)) / 2)[0] for at in compute]
    assert (ends[1] - ends[0]) / (compute[1] - compute[0]) == pytest.approx(law.dbeta()[0])


def test_new_runs_are_covered():
    """400 grids: the 95 % interval of a run beyond the grid holds it in 93.3 to 96.7 % of them,
    give or take twice that (binomial)."""
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(400):
        law = fit_grid(gap(PARAMS, TOKENS, rng.normal(0, 0.01, 16)), PARAMS, TOKENS)
        _, low, high = law.predict(np.log(1e10), np.log(1e12))
        inside += low <= gap(np.log(1e10), np.log(1e12), rng.normal(0, 0.01)) <= high
    assert 0.917 <= inside / 400 <= 0.983


@pytest.mark.parametrize("keep", [slice(0, 3), slice(0, 4), slice(0, 16, 5)])
def test_runs_that_do_not_span_the_plane(keep):
    # Three runs; one size; size and tokens that rise together.
    with pytest.raises(FitError, match="too_few_runs"):
        params, tokens = PARAMS[keep], TOKENS[keep]
        fit_grid(
            gap(params, tokens), params, params if len(params) == 4 and np.ptp(params) else tokens
        )
