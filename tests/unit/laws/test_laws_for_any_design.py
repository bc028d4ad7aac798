"""Laws of a loss and of a gap over runs of any design: planted parameters come back."""

import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.base import GapLaw
from relscale.laws.gap_laws.line import Line
from relscale.laws.gap_laws.plane import LogPlane
from relscale.laws.gap_laws.ratio_of_losses import SATURATING_RATIO, SURFACE_RATIO
from relscale.laws.loss_laws.base import LossLaw
from relscale.laws.loss_laws.power import POWER
from relscale.laws.loss_laws.saturating import SATURATING
from relscale.laws.loss_laws.surface import SURFACES
from relscale.laws.run_points import RunPoints

GRID_PARAMS = np.repeat(np.geomspace(1e7, 1e9, 6), 6)
GRID_TOKENS = np.tile(np.geomspace(1e9, 1e11, 6), 6)


def points_at(params: np.ndarray, tokens: np.ndarray, *losses: np.ndarray) -> RunPoints:
    """Return runs at sizes and tokens with F = 6 N D; every run is a budget of its own."""
    number = np.arange(len(params))
    return RunPoints(
        log_params=np.log(params),
        log_tokens=np.log(tokens),
        log_compute=np.log(6 * params * tokens),
        budget=number,
        cell=number,
        values=np.log(np.stack(losses)),
    )


def surface(
    params: np.ndarray, tokens: np.ndarray, floor: float, alpha: float, beta: float
) -> np.ndarray:
    """Return the losses of a surface."""
    return np.asarray(floor + 400 / params**alpha + 1200 / tokens**beta)


def test_a_noise_free_surface_comes_back() -> None:
    points = points_at(GRID_PARAMS, GRID_TOKENS, surface(GRID_PARAMS, GRID_TOKENS, 1.8, 0.34, 0.37))
    batch = SURFACES.fit(points, np.ones((1, 36))).batch
    assert batch.irreducible[0] == pytest.approx(1.8, rel=1e-6)
    assert batch.alpha[0] == pytest.approx(0.34, rel=1e-6)
    assert batch.beta[0] == pytest.approx(0.37, rel=1e-6)


def test_a_noise_free_saturating_law_comes_back() -> None:
    params = np.geomspace(1e7, 1e10, 7)
    points = points_at(params, 20 * params, np.zeros(7) + 1)
    loss = 1.5 + 60 * np.exp(points.log_compute) ** -0.11
    points = points_at(params, 20 * params, loss)
    fit = SATURATING.fit(points, np.ones((1, 7)))
    assert fit.offset[0] == pytest.approx(1.5, rel=1e-6)
    assert fit.exponent[0] == pytest.approx(0.11, rel=1e-6)
    assert fit.scale[0] == pytest.approx(60 * np.exp(-0.11 * fit.center), rel=1e-6)


def test_a_power_law_is_a_saturating_law_without_an_offset() -> None:
    params = np.geomspace(1e7, 1e10, 7)
    loss = 60 * (120 * params**2) ** -0.11
    points = points_at(params, 20 * params, loss)
    fit = SATURATING.fit(points, np.ones((1, 7)))
    assert fit.offset[0] == pytest.approx(0, abs=1e-6)
    assert fit.exponent[0] == pytest.approx(0.11, rel=1e-5)
    assert fit.log_loss(points.places)[0] == pytest.approx(
        POWER.fit(points, np.ones((1, 7))).log_loss(points.places)[0], abs=1e-6
    )


def test_the_quadratic_plane_comes_back_from_12_runs_and_the_linear_one_from_fewer() -> None:
    rng = np.random.default_rng(0)
    params, tokens = 10 ** rng.uniform(7, 9, 12), 10 ** rng.uniform(9, 11, 12)
    n, d = np.log(params / 1e8), np.log(tokens / 1e10)
    gap = 0.3 - 0.02 * n + 0.01 * d + 0.004 * n * d - 0.003 * n**2
    points = points_at(params, tokens, np.exp(gap), np.ones(12))
    weights = np.ones((2, 12))
    weights[1, :4] = 0
    fit = LogPlane().fit(points, weights)
    assert fit.log_gap(points.places)[0] == pytest.approx(gap, abs=1e-9)
    assert np.all(fit.coefficients[1, 3:] == 0)


LOSS_LAWS = (SURFACES, SATURATING, POWER)
GAP_LAWS = (Line(), LogPlane(), SURFACE_RATIO, SATURATING_RATIO)


def noisy_points() -> RunPoints:
    """Return treatment and baseline with 1 % of noise at 36 places."""
    rng = np.random.default_rng(1)
    treatment, baseline = (
        surface(GRID_PARAMS, GRID_TOKENS, floor, 0.34, 0.37) * np.exp(rng.normal(0, 0.01, 36))
        for floor in (2.2, 1.8)
    )
    return points_at(GRID_PARAMS, GRID_TOKENS, treatment, baseline)


@pytest.mark.parametrize("law", GAP_LAWS, ids=lambda law: law.name)
def test_a_run_with_weight_2_counts_as_two_runs_and_one_with_weight_0_as_none(law: GapLaw) -> None:
    points = noisy_points()
    weights = np.ones((2, 36))
    weights[1, 0], weights[1, 1] = 2, 0
    chosen = np.array([0, 0, *range(2, 36)])
    moved = RunPoints(
        log_params=points.log_params[chosen],
        log_tokens=points.log_tokens[chosen],
        log_compute=points.log_compute[chosen],
        budget=points.budget[chosen],
        cell=points.cell[chosen],
        values=points.values[:, chosen],
    )
    weighted = law.fit(points, weights).log_gap(points.places)[1]
    repeated = law.fit(moved, np.ones((1, 36))).log_gap(points.places)[0]
    # Both searches end where steps of the log exponents are below 1e-7.
    assert weighted == pytest.approx(repeated, abs=1e-6)


@pytest.mark.parametrize("law", LOSS_LAWS, ids=lambda law: law.name)
def test_the_value_of_a_held_out_run_changes_nothing(law: LossLaw) -> None:
    points = noisy_points()
    weights = np.ones((2, 36))
    weights[:, -1] = 0
    before = law.fit(points, weights).log_loss(points.places)
    points.values[0, -1] += 1.0
    assert law.fit(points, weights).log_loss(points.places) == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize("law", GAP_LAWS, ids=lambda law: law.name)
def test_a_law_without_enough_runs_has_a_status(law: GapLaw) -> None:
    points = noisy_points()
    weights = np.zeros((1, 36))
    weights[0, 0] = 1
    with pytest.raises(FitError) as error:
        law.fit(points, weights)
    assert not error.value.status.carries_estimate


def test_a_constant_ratio_of_tokens_to_parameters_identifies_no_surface_and_no_plane() -> None:
    params = np.geomspace(1e7, 1e10, 8)
    loss = surface(params, 20 * params, 1.8, 0.34, 0.37)
    points = points_at(params, 20 * params, loss, loss * 1.1)
    with pytest.raises(FitError) as error:
        SURFACE_RATIO.fit(points, np.ones((1, 8)))
    assert error.value.status is Status.NOT_IDENTIFIED
    with pytest.raises(FitError) as error:
        LogPlane().fit(points, np.ones((1, 8)))
    assert error.value.status is Status.TOO_FEW_RUNS
