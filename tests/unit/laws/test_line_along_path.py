"""The straight line along a path, fitted to runs that do not leave the path."""

import numpy as np
import pytest

from relscale.laws.gap_laws.along_path import LineAlongPath
from relscale.laws.run_points import Places, RunPoints

SIZES = np.log(np.geomspace(7e7, 1.2e10, 12))
SLOPE, NOISE = -0.01, 0.002


def published_models(seed: int) -> RunPoints:
    """Twelve models of 300e9 tokens, apart from rounding, and five larger ones of other tokens."""
    rng = np.random.default_rng(seed)
    params = np.concatenate([SIZES, np.log([1.3e9, 2.6e9, 6e9, 2e10, 4e10])])
    tokens = np.log(
        np.concatenate([rng.uniform(2.998e11, 3.0e11, 12), np.linspace(3.8e11, 5e11, 5)])
    )
    compute = params + tokens + np.log(6)
    gap = 0.1 + SLOPE * (compute - compute[0]) + rng.normal(0, NOISE, len(params))
    number = np.arange(len(params))
    return RunPoints(
        log_params=params,
        log_tokens=tokens,
        log_compute=compute,
        budget=number,
        cell=number,
        values=np.stack([gap, np.zeros_like(gap)]),
    )


def tokens_on_path(log_compute: np.ndarray) -> np.ndarray:
    """A path on which tokens rise with compute."""
    return np.log(3e11) + 0.2 * (log_compute - np.log(1e22))


@pytest.mark.parametrize("seed", range(5))
def test_runs_of_one_number_of_tokens_fit_no_effect_of_tokens(seed: int) -> None:
    points = published_models(seed)
    weights = np.ones((2, 17))
    weights[1, 12:] = 0
    law = LineAlongPath(tokens_on_path).fit(points, weights)
    assert np.any(law.coefficients[0, 2:] != 0)
    assert np.all(law.coefficients[1, 2:] == 0)
    later = Places(
        log_params=points.log_params[12:],
        log_tokens=points.log_tokens[12:],
        log_compute=points.log_compute[12:],
    )
    missed = law.log_gap(later)[1] - points.log_gap[12:]
    # Noise of one run, and of the line over the 2.2 decades that it was fitted to.
    assert np.abs(missed).max() < 5 * NOISE


def test_one_run_off_the_path_shows_no_curve_about_it() -> None:
    points = published_models(0)
    weights = np.ones((2, 17))
    weights[1, 13:] = 0
    fitted = LineAlongPath(tokens_on_path).fit(points, weights).coefficients[1]
    assert np.all(fitted[3:] == 0)


def test_runs_about_the_path_still_fit_their_distance() -> None:
    params, tokens = np.meshgrid(SIZES[::3], np.log([1e10, 1e11, 1e12]))
    compute = (params + tokens + np.log(6)).ravel()
    s = (tokens.ravel() - tokens_on_path(compute)) / np.log(10)
    gap = 0.1 + SLOPE * (compute - compute.mean()) + 0.03 * s
    number = np.arange(len(gap))
    points = RunPoints(
        log_params=params.ravel(),
        log_tokens=tokens.ravel(),
        log_compute=compute,
        budget=number,
        cell=number,
        values=np.stack([gap, np.zeros_like(gap)]),
    )
    weights = np.ones((2, len(gap)))
    weights[1, -1] = 0
    found = LineAlongPath(tokens_on_path).fit(points, weights).coefficients
    assert found[:, 1:3] == pytest.approx(np.array([[SLOPE, 0.03]] * 2), abs=1e-9)
