"""The gate of identifiability: planted laws that data show, and designs that cannot show them."""

import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.fit_error import FitError
from relscale.laws.gap_laws.ratio_of_losses import SURFACE_RATIO
from relscale.laws.identifiability import (
    MAX_CONDITION,
    condition_number,
    identify_saturating,
    identify_surface,
    offset_interval,
    profile_limit,
)
from relscale.laws.loss_laws.saturating import SATURATING
from relscale.laws.loss_laws.surface import SURFACES
from relscale.laws.run_points import RunPoints

LEVEL = 0.95


def points_at(params, tokens, *losses):
    compute = np.log(6 * params * tokens)
    _, budget = np.unique(np.round(compute, 6), return_inverse=True)
    return RunPoints(
        log_params=np.log(params),
        log_tokens=np.log(tokens),
        log_compute=compute,
        budget=budget,
        cell=np.arange(len(params)),
        values=np.log(np.stack(losses)),
    )


def isoflop(ratio, noise, seed=0, scale=1.0):
    """Return five IsoFLOP curves of six sizes between 1 / ratio and ratio times the optimum."""
    compute = np.repeat(np.geomspace(1e17, 1e19, 5), 6)
    params = np.sqrt(compute / 120) * np.tile(np.geomspace(1 / ratio, ratio, 6), 5)
    tokens = compute / 6 / params
    loss = scale * (1.8 + 400 / params**0.34 + 1200 / tokens**0.37)
    return points_at(
        params, tokens, loss * np.exp(np.random.default_rng(seed).normal(0, noise, 30))
    )


def identify(points):
    ones = np.ones(points.num_runs)
    return identify_surface(points, SURFACES.fit(points, ones[None]).batch, ones, LEVEL)


def test_a_surface_over_wide_curves_is_identified():
    found = identify(isoflop(3, 0.002))
    assert found.identified and not found.reasons
    assert found.condition < 200
    assert found.left_out_error < found.simpler_error


def test_a_surface_over_narrow_curves_is_not_and_the_reasons_name_its_parameters():
    found = identify(isoflop(1.03, 0.01))
    assert not found.identified
    assert {"E", "alpha"} & set(found.unbounded)
    with pytest.raises(FitError, match="no finite interval of") as error:
        found.require()
    assert error.value.status is Status.NOT_IDENTIFIED


def test_a_loss_without_an_irreducible_term_does_not_identify_one():
    points = isoflop(3, 0.003)
    n, d = points.log_params, points.log_tokens
    loss = 300 * np.exp(-0.3 * n) + 500 * np.exp(-0.3 * d)
    noise = np.random.default_rng(1).normal(0, 0.003, len(n))
    found = identify(points_at(np.exp(n), np.exp(d), loss * np.exp(noise)))
    assert "E" in found.unbounded


def test_sizes_and_tokens_that_rise_together_have_an_infinite_condition_number():
    params = np.geomspace(1e7, 1e10, 9)
    loss = 1.8 + 400 / params**0.34 + 1200 / (20 * params) ** 0.37
    points = points_at(params, 20 * params, loss)
    batch = SURFACES.fit(
        points_at(params, 20 * params * np.geomspace(1, 1.1, 9) ** np.tile([1, -1, 1], 3), loss),
        np.ones((1, 9)),
    ).batch
    found = identify_surface(points, batch, np.ones(9), LEVEL)
    assert found.condition == float("inf") > MAX_CONDITION
    assert not found.identified


def test_profile_intervals_cover_a_planted_offset():
    """200 planted curves of 40 runs: 95 % intervals hold the offset in 95 % up to three standard
    errors of 1.5 points."""
    rng = np.random.default_rng(0)
    params = np.geomspace(1e7, 1e10, 40)
    compute = np.log(120 * params**2)
    truth = 1.5 + 60 * np.exp(-0.11 * compute)
    inside = 0
    for _ in range(200):
        points = points_at(params, 20 * params, truth * np.exp(rng.normal(0, 0.003, 40)))
        fit = SATURATING.fit(points, np.ones((1, 40)))
        low, high = offset_interval(points, fit, np.ones(40), LEVEL)
        inside += low <= 1.5 <= high
    assert 181 <= inside <= 199


def test_an_offset_is_identified_over_four_decades_and_not_over_half_a_decade():
    for decades, expected in ((4, True), (0.5, False)):
        params = np.geomspace(1e7, 10 ** (7 + decades / 2), 12)
        loss = 1.5 + 60 * (120 * params**2) ** -0.11
        noisy = loss * np.exp(np.random.default_rng(2).normal(0, 0.003, 12))
        points = points_at(params, 20 * params, noisy)
        fit = SATURATING.fit(points, np.ones((1, 12)))
        assert identify_saturating(points, fit, np.ones(12), LEVEL).identified is expected


def test_the_condition_number_is_numpys_of_columns_of_unit_length():
    rng = np.random.default_rng(0)
    jacobian = rng.normal(size=(20, 3)) * [1, 100, 1e-4]
    unit = jacobian / np.linalg.norm(jacobian, axis=0)
    assert condition_number(jacobian) == pytest.approx(np.linalg.cond(unit))
    assert condition_number(jacobian[:2]) == float("inf")
    assert condition_number(np.column_stack([jacobian, np.zeros(20)])) == float("inf")


def test_the_profile_limit_of_a_mean_is_that_of_students_t():
    """Sum of squares about m is S + n (m - mean)^2, so that the limit gives the t interval."""
    values = np.array([1.0, 2.0, 4.0, 5.0])
    squares = float(np.sum((values - 3) ** 2))
    half = np.sqrt((profile_limit(squares, 3, 0.95) - squares) / 4)
    # t of .975 with 3 degrees of freedom is 3.18245.
    assert half == pytest.approx(3.18245 * np.sqrt(squares / 3 / 4), rel=1e-5)


def test_a_ratio_of_losses_says_which_loss_is_not_identified():
    wide, narrow = isoflop(3, 0.001), isoflop(1.03, 0.01)
    both = np.concatenate([wide.values, isoflop(3, 0.001, seed=4, scale=1.2).values])
    assert SURFACE_RATIO.fit(with_values(wide, both), np.ones((1, 30))).remarks == ()
    bad = np.concatenate([narrow.values, narrow.values])
    remarks = SURFACE_RATIO.fit(with_values(narrow, bad), np.ones((1, 30))).remarks
    assert any(remark.startswith("treatment: not identified: ") for remark in remarks)
    assert any(remark.startswith("baseline: not identified: ") for remark in remarks)


def with_values(points, values):
    return RunPoints(
        log_params=points.log_params,
        log_tokens=points.log_tokens,
        log_compute=points.log_compute,
        budget=points.budget,
        cell=points.cell,
        values=values,
    )
