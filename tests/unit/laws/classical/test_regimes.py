"""Points whose loss depends on the size alone, or on the data alone."""

import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.classical.fitting import DomainLosses, FamilyFits
from relscale.laws.classical.form import Axes
from relscale.laws.classical.power_laws import power_law_with_floor
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


WIDE = {
    "params": (np.geomspace(1e7, 1e10, 8), np.geomspace(1e9, 3e17, 16)),
    "tokens": (np.geomspace(1e7, 1e15, 16), np.geomspace(1e9, 1e12, 8)),
}
"""Sizes and tokens of which many are limited by one of the two."""


def test_the_rule_is_a_term_of_at_most_five_percent_of_the_other():
    params, tokens, fits = fits_of(*WIDE["params"])
    of_size, of_data = A / params**ALPHA, B / tokens**BETA
    weights, failures = limited_by(fits, "params")
    assert (weights[0] == (of_data <= 0.05 * of_size)).all() and failures == [None]
    assert weights.any() and not weights.all()
    params, tokens, fits = fits_of(*WIDE["tokens"])
    of_size, of_data = A / params**ALPHA, B / tokens**BETA
    weights, failures = limited_by(fits, "tokens")
    assert (weights[0] == (of_size <= 0.05 * of_data)).all() and failures == [None]
    assert weights.any() and not weights.all()


@pytest.mark.parametrize(
    ("variable", "name", "truth"), [("params", "alpha_N", ALPHA), ("tokens", "alpha_D", BETA)]
)
def test_the_exponent_of_the_limited_runs_is_that_of_the_surface(variable, name, truth):
    """The term that is left adds less than the noise of .05 %: the interval holds the truth, and
    is narrow enough to tell .34 from a tenth of it more or less."""
    _, _, fits = fits_of(*WIDE[variable], noise=0.0005)
    weights, _ = limited_by(fits, variable)
    found = fits.fit(power_law_with_floor(variable), weights)[0]
    estimate = found.estimate(name)
    assert found.status == Status.OK
    assert estimate.low <= truth <= estimate.high
    assert estimate.high - estimate.low < 0.1 * truth


def test_too_few_sizes_have_a_status_that_counts_them():
    _, _, fits = fits_of(np.geomspace(1e8, 4e8, 4), np.geomspace(1e9, 1e17, 16))
    _, failures = limited_by(fits, "params")
    assert failures[0].status == Status.NOT_INFINITE_DATA
    assert "4 value(s) of N over a factor of 4 are limited by it" in str(failures[0])
    assert "at most 5 % of its own" in str(failures[0])


def test_five_times_the_data_at_which_both_terms_are_equal_are_not_enough():
    """There the term of D is still 5^-.28 = .64 of that of N."""
    sizes = np.geomspace(1e7, 1e10, 8)
    counts = 5 * (B * sizes**ALPHA / A) ** (1 / BETA)
    _, _, fits = fits_of(sizes, counts)
    weights, _ = limited_by(fits, "params")
    assert not np.diag(weights[0].reshape(8, 8)).any()


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
