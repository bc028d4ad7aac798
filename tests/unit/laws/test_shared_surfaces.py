"""Surfaces that share exponents over a family: planted exponents and kappas come back."""

from dataclasses import replace

import numpy as np
import pytest

from relscale.laws.choice import try_laws
from relscale.laws.gap_laws.ratio_of_losses import SURFACE_RATIO
from relscale.laws.gap_laws.shared import SHARED_KAPPA, SHARED_SURFACES
from relscale.laws.run_points import RunPoints

PARAMS = np.repeat(np.geomspace(1e7, 1e9, 6), 6)
TOKENS = np.tile(np.geomspace(1e9, 1e11, 6), 6)
FLOORS = (2.4, 1.1, 1.8)


def family(kappas: tuple[float, ...], noise: float = 0.0) -> RunPoints:
    """Return three domains; alpha and beta are .34 and .37 times kappa."""
    rng = np.random.default_rng(3)
    n, d = np.log(PARAMS / 1e8), np.log(TOKENS / 1e10)
    losses = [
        floor + 0.7 * np.exp(-kappa * 0.34 * n) + 0.5 * np.exp(-kappa * 0.37 * d)
        for floor, kappa in zip(FLOORS, kappas, strict=True)
    ]
    compute = np.log(6 * PARAMS * TOKENS)
    _, budget = np.unique(np.round(compute, 6), return_inverse=True)
    return RunPoints(
        log_params=np.log(PARAMS),
        log_tokens=np.log(TOKENS),
        log_compute=compute,
        budget=budget,
        cell=np.arange(36),
        values=np.log(losses) + rng.normal(0, noise, (3, 36)) if noise else np.log(losses),
    )


def test_shared_exponents_come_back() -> None:
    fit = SHARED_SURFACES.fit_family(family((1, 1, 1)), np.ones((2, 36)))
    assert fit.alpha == pytest.approx(0.34, rel=1e-6)
    assert fit.beta == pytest.approx(0.37, rel=1e-6)
    assert fit.coefficients[0, :, 0] == pytest.approx(FLOORS, rel=1e-6)
    assert np.all(fit.kappa == 1)


def test_kappa_comes_back_and_the_baseline_has_1() -> None:
    fit = SHARED_KAPPA.fit_family(family((1.2, 0.8, 1)), np.ones((1, 36)))
    assert fit.kappa[0] == pytest.approx([1.2, 0.8, 1], rel=1e-6)
    assert fit.alpha[0] == pytest.approx([0.408, 0.272, 0.34], rel=1e-6)
    assert fit.coefficients[0, :, 0] == pytest.approx(FLOORS, rel=1e-6)


def test_the_gap_is_that_of_the_first_domain_to_the_last() -> None:
    points = family((1, 1, 1))
    found = SHARED_SURFACES.fit(points, np.ones((1, 36))).log_gap(points.places)[0]
    assert found == pytest.approx(points.values[0] - points.values[-1], abs=1e-7)


@pytest.mark.parametrize("law", [SHARED_SURFACES, SHARED_KAPPA], ids=lambda law: law.name)
def test_a_draw_is_the_fit_to_the_drawn_runs(law) -> None:
    points = family((1.1, 0.9, 1), noise=0.01)
    rng = np.random.default_rng(0)
    weights = np.concatenate([np.ones((1, 36)), rng.multinomial(36, np.full(36, 1 / 36), 3)])
    together = law.fit(points, weights).log_gap(points.places)
    alone = law.fit(points, weights[2:3]).log_gap(points.places)[0]
    # Each domain's weight is its precision about its own surface, which differs between the draws.
    assert together[2] == pytest.approx(alone, abs=2e-3)
    assert np.max(np.abs(together[2] - together[0])) > 2e-3


def test_the_sharing_that_is_true_predicts_the_largest_budgets_best() -> None:
    laws = (SHARED_SURFACES, SHARED_KAPPA, SURFACE_RATIO)

    def errors(kappas, noise):
        points = family(kappas, noise)
        pair = replace(points, values=points.values[[0, -1]])
        return {trial.name: trial.rms for trial in try_laws(pair, laws).trials}

    equal, scaled = errors((1, 1, 1), 0.01), errors((1.6, 0.6, 1), 0.004)
    assert min(equal, key=equal.get) == SHARED_SURFACES.name
    assert min(scaled, key=scaled.get) == SHARED_KAPPA.name


def test_sharing_narrows_the_gap_where_the_exponents_are_equal() -> None:
    points = family((1, 1, 1), noise=0.01)
    rng = np.random.default_rng(5)
    weights = np.concatenate([np.ones((1, 36)), rng.multinomial(36, np.full(36, 1 / 36), 60)])
    far = RunPoints(
        log_params=points.log_params[-1:] + 2,
        log_tokens=points.log_tokens[-1:] + 2,
        log_compute=points.log_compute[-1:] + 4,
        budget=points.budget[-1:],
        cell=points.cell[-1:],
        values=points.values[:, -1:],
    ).places
    own = SURFACE_RATIO.fit(points, weights).log_gap(far)[1:, 0]
    shared = SHARED_SURFACES.fit(points, weights).log_gap(far)[1:, 0]
    assert np.nanstd(shared) < np.nanstd(own)


def test_more_draws_than_are_searched_at_a_time_are_all_fitted() -> None:
    """1,000 draws of 36 runs and three domains are three blocks."""
    points = family((1, 1, 1), noise=0.002)
    fit = SHARED_SURFACES.fit_family(points, np.ones((1000, 36)))
    assert fit.alpha.shape[0] == 1000
    assert fit.alpha[-1] == pytest.approx(fit.alpha[0], rel=1e-9)
