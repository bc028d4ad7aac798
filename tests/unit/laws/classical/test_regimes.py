"""Runs whose loss depends on the size alone, or on the data alone."""

import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.classical.fitting import DomainLosses, FamilyFits
from relscale.laws.classical.form import Axes
from relscale.laws.classical.regimes import limited_by

A, ALPHA, B, BETA = 406.4, 0.34, 410.7, 0.28


def fits_of(sizes, counts, noise=0.0):
    """Return fits of a grid of sizes and tokens."""
    params, tokens = (np.repeat(sizes, len(counts)), np.tile(counts, len(sizes)))
    loss = 1.69 + A / params**ALPHA + B / tokens**BETA
    compute = 6 * params * tokens
    rng = np.random.default_rng(0)
    losses = DomainLosses(
        axes=Axes.of(np.log(params), np.log(tokens), np.log(compute)),
        budget=np.unique(np.round(np.log(compute), 6), return_inverse=True)[1],
        log_losses=np.log(loss)[None] + noise * rng.normal(size=(1, len(loss))),
        level=0.95,
    )
    return params, tokens, FamilyFits(losses)


def test_the_rule_is_five_times_the_data_at_which_both_terms_are_equal():
    params, tokens, fits = fits_of(np.geomspace(1e7, 1e10, 8), np.geomspace(1e9, 1e14, 12))
    equal = (B * params**ALPHA / A) ** (1 / BETA)
    weights, failures = limited_by(fits, "params")
    assert (weights[0] == (tokens >= 5 * equal)).all() and failures == [None]
    same = (A * tokens**BETA / B) ** (1 / ALPHA)
    weights, failures = limited_by(fits, "tokens")
    assert (weights[0] == (params >= 5 * same)).all()


def test_too_few_sizes_have_a_status_that_counts_them():
    _, _, fits = fits_of(np.geomspace(1e8, 4e8, 4), np.geomspace(1e9, 1e14, 12))
    _, failures = limited_by(fits, "params")
    assert failures[0].status == Status.NOT_INFINITE_DATA
    assert "4 value(s) of N over a factor of 4 are limited by it" in str(failures[0])


@pytest.mark.parametrize("variable", ["params", "tokens"])
def test_without_an_identified_surface_nobody_knows(variable):
    sizes = np.geomspace(1e8, 1e10, 12)
    losses = DomainLosses(
        axes=Axes.of(np.log(sizes), np.log(20 * sizes), np.log(120 * sizes**2)),
        budget=np.arange(12),
        log_losses=np.log(1.69 + A / sizes**ALPHA)[None],
        level=0.95,
    )
    _, failures = limited_by(FamilyFits(losses), variable)
    assert failures[0].status == Status.NOT_IDENTIFIED
