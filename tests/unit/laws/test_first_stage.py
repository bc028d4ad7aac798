import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.first_stage import FirstStage, places_of
from relscale.laws.fit_error import FitError
from relscale.laws.power import fit_power_law
from relscale.laws.run_points import RunPoints

COMPUTE = np.log(1e18) + np.log(10) * 0.4 * np.arange(6)


def points_of(log_loss, log_compute=COMPUTE):
    """One point per budget on a path of 20 tokens per parameter."""
    number = len(log_compute)
    return RunPoints(
        log_params=(log_compute - np.log(120)) / 2,
        log_tokens=(log_compute - np.log(120)) / 2 + np.log(20),
        log_compute=log_compute,
        budget=np.arange(number),
        cell=np.arange(number),
        values=np.asarray(log_loss)[None],
    )


def grid_of(seed=0, noise=0.002):
    """Five sizes of five token counts each on a surface; the budget is the size."""
    size = np.repeat(np.arange(5), 5)
    log_n = np.log(2e8) + 0.7 * size
    log_d = log_n + np.log(20) + np.log(np.tile([0.5, 1, 2, 5, 10], 5))
    loss = 0.5 + 180 * np.exp(-0.34 * log_n) + 260 * np.exp(-0.30 * log_d)
    return RunPoints(
        log_params=log_n,
        log_tokens=log_d,
        log_compute=np.log(6) + log_n + log_d,
        budget=size,
        cell=np.arange(25),
        values=(np.log(loss) + np.random.default_rng(seed).normal(0, noise, 25))[None],
    )


def stage_of(points, runs=None, step1="auto", draws=400):
    return FirstStage(
        points=points, runs=points if runs is None else runs, step1=step1, draws=draws, seed=0
    )


def test_the_power_law_has_the_interval_of_ordinary_least_squares():
    """The spread of draws is Student's, to the error of 20,000 draws."""
    log_loss = 0.2 - 0.1 * (COMPUTE - COMPUTE[0])
    points = points_of(log_loss + np.random.default_rng(1).normal(0, 0.01, 6))
    stage = stage_of(points, step1="compute", draws=20_000)
    places = stage.on_path(COMPUTE[-1:] + np.log(10))
    found = stage.predict("compute", stage.end, places)
    law = fit_power_law(COMPUTE, points.values[0])
    at = float(places.log_compute[0])
    assert found.log_loss[0] == pytest.approx(float(law.predict(at)), abs=1e-10)
    low, high = np.quantile(found.drawn[:, 0], [0.025, 0.975])
    half = 2.776 * float(law.prediction_error(at))
    assert (high - low) / 2 == pytest.approx(half, rel=0.03)
    assert found.scatter**2 == pytest.approx(law.residual_variance)


def test_the_law_that_made_the_losses_is_chosen():
    noise = np.random.default_rng(2).normal(0, 0.001, 6)
    falling = np.log(1.5) - 0.12 * (COMPUTE - COMPUTE[0])
    assert stage_of(points_of(falling + noise)).laws(6)[0][0] == "compute"
    floored = np.log(0.5 + np.exp(-0.3 * (COMPUTE - COMPUTE[0])))
    assert stage_of(points_of(floored + noise)).laws(6)[0] == ("saturating",)
    assert stage_of(grid_of(noise=0.0)).laws(5)[0][0] == "surface"


def test_left_out_sizes_are_predicted_by_the_surface():
    grid = grid_of(noise=0.0)
    stage = stage_of(grid, step1="surface")
    top = grid.budget == 4
    found = stage.predict("surface", 4, places_of(grid, top))
    np.testing.assert_allclose(found.log_loss, grid.values[0][top], atol=1e-5)


def test_intervals_of_surfaces_cover_a_size_that_was_left_out():
    """40 grids of which the largest size is left out: its five expected losses are inside in .90 of
    200, less three errors for groups of five."""
    truth, inside = grid_of(noise=0.0), []
    for seed in range(40):
        grid = grid_of(seed=seed)
        top = grid.budget == 4
        found = stage_of(grid, step1="surface", draws=200).predict(
            "surface", 4, places_of(grid, top)
        )
        low, high = np.quantile(found.drawn, [0.025, 0.975], axis=0)
        inside.extend((low <= truth.values[0][top]) & (truth.values[0][top] <= high))
    assert np.mean(inside) >= 0.85


def test_laws_without_enough_points():
    """Three points leave the saturating law nothing to judge it by; two points have no law with an
    irreducible loss; one has none at all."""
    log_loss = 0.2 - 0.1 * (COMPUTE - COMPUTE[0])
    stage = stage_of(points_of(log_loss))
    assert stage.laws(3)[0] == ("compute",)
    assert stage.laws(2)[0] == ("compute",)
    assert np.isnan(stage.predict("compute", 2, stage.on_path(COMPUTE[:1])).drawn).all()
    with pytest.raises(FitError) as caught:
        stage_of(points_of(log_loss), step1="saturating").laws(2)
    assert caught.value.status == Status.TOO_FEW_BUDGETS
    with pytest.raises(FitError, match="a surface needs 8"):
        stage_of(points_of(log_loss), step1="surface").laws(6)


def test_a_model_of_given_size_has_the_compute_of_the_runs():
    grid = grid_of()
    assert np.exp(stage_of(grid).of_size(1e9, 1e11, np.nan).log_compute) == pytest.approx(6e20)
    assert np.exp(stage_of(grid).of_size(1e9, 1e11, 7e20).log_compute) == pytest.approx(7e20)
