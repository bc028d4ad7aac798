"""Laws of training conditions: planted parameters, and the simpler law as a limit."""

from dataclasses import replace

import numpy as np
import pytest

from relscale.contract.status import Status
from relscale.laws.classical.batch import CRITICAL_BATCH
from relscale.laws.classical.fitted import FittedForm
from relscale.laws.classical.fitting import DomainLosses, FamilyFits
from relscale.laws.classical.form import Axes
from relscale.laws.classical.quality import QUALITY, QUALITY_LAW
from relscale.laws.classical.repetition import (
    DATA_CONSTRAINED,
    DATA_CONSTRAINED_PARAMS,
    UNIQUE,
    worth,
)
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE
from relscale.laws.classical.width_depth import ASPECT, WIDTH_OR_DEPTH

E, A, B, ALPHA, BETA = 1.2, 40.0, 120.0, 0.34, 0.38
SURFACE = {"E": E, "A": A, "B": B, "alpha": ALPHA, "beta": BETA}
BUDGETS = np.geomspace(1e11, 1e14, 6)


def runs(levels, sizes=5):
    """Return N, D, C, the budget and the condition of runs on IsoFLOP curves at several levels."""
    compute = np.tile(np.repeat(BUDGETS, sizes), len(levels))
    around = np.tile(np.geomspace(0.3, 3, sizes), len(BUDGETS) * len(levels))
    params = np.sqrt(compute / 6 / 20) * around
    budget = np.tile(np.repeat(np.arange(len(BUDGETS)), sizes), len(levels))
    condition = np.repeat(np.asarray(levels, dtype=float), len(BUDGETS) * sizes)
    return params, compute / 6 / params, compute, budget, condition


def fit(form, made, loss, name, condition):
    """Fit a law to losses, (run,), with one condition, (run,), centred by the caller."""
    params, tokens, compute, budget = made[:4]
    axes = Axes.of(np.log(params), np.log(tokens), np.log(compute))
    axes = replace(axes, conditions={name: condition})
    losses = DomainLosses(axes=axes, budget=budget, log_losses=np.log(loss[None]), level=0.95)
    (found,) = FamilyFits(losses).fit(form)
    return found


def values(found):
    assert isinstance(found, FittedForm), found
    assert found.converged
    return {each.name: each.value for each in found.estimates}


def known(found, expected, rel=1e-5):
    got = values(found)
    assert {name: got[name] for name in expected} == pytest.approx(expected, rel=rel)


def surface(params, tokens):
    return E + A / params**ALPHA + B / tokens**BETA


def effective(unique, everything, decay):
    """Equation 5 of the source, in plain numbers."""
    first = np.minimum(unique, everything)
    repeated = everything / first - 1
    return first + first * decay * (1 - np.exp(-repeated / decay))


LEVELS = (3e5, 1e6, 4e6, np.inf)


def repeated(decay, decay_params=None):
    """Return runs with limited tokens, their losses and the condition."""
    made = runs(LEVELS)
    params, tokens, _, _, unique = made
    size = params
    if decay_params is not None:
        best = (ALPHA * A / (BETA * B)) ** (1 / ALPHA) * unique ** (BETA / ALPHA)
        size = effective(best, params, decay_params)
    loss = surface(size, effective(unique, tokens, decay))
    return made, loss, np.log(unique) - np.log(tokens).mean()


def test_the_worth_of_repeated_tokens_is_that_of_the_equation():
    unique, everything = np.array([1e5, 2e6, 1e6]), np.array([1e6, 2e6, 3e7])
    found = worth(np.log(unique), np.log(everything), np.log([[4.0]]))
    assert np.exp(found[0]) == pytest.approx(effective(unique, everything, 4.0))
    assert found[0, 1] == np.log(2e6)  # no repetition: exactly the tokens


@pytest.mark.parametrize("decay", [2.0, 12.0])
def test_the_decay_of_repeated_tokens_is_found(decay):
    made, loss, condition = repeated(decay)
    found = fit(DATA_CONSTRAINED, made, loss, UNIQUE, condition)
    known(found, SURFACE | {"R_tokens": decay})
    assert found.status == Status.OK


def test_the_decays_of_tokens_and_parameters_are_found():
    made, loss, condition = repeated(6.0, 4.0)
    found = fit(DATA_CONSTRAINED_PARAMS, made, loss, UNIQUE, condition)
    known(found, SURFACE | {"R_tokens": 6.0, "R_params": 4.0}, rel=1e-4)


@pytest.mark.parametrize("form", [DATA_CONSTRAINED, DATA_CONSTRAINED_PARAMS])
def test_without_repetition_the_law_is_the_surface_exactly(form):
    made = runs((np.inf,))
    axes = Axes.of(*(np.log(each) for each in made[:3]))
    theta = HOFFMANN_SURFACE.starts(axes, np.log(surface(*made[:2])))
    more = np.zeros((len(theta), form.num_parameters - 5))
    limited = replace(axes, conditions={UNIQUE: np.full(len(made[0]), np.inf)})
    ours = form.log_loss(np.hstack([theta, more]), limited)
    assert np.array_equal(ours, HOFFMANN_SURFACE.log_loss(theta, axes))


def test_repeated_tokens_that_are_worth_new_ones_identify_no_decay():
    made, _, condition = repeated(6.0)
    noise = np.exp(0.003 * np.random.default_rng(0).normal(size=len(condition)))
    found = fit(DATA_CONSTRAINED, made, surface(*made[:2]) * noise, UNIQUE, condition)
    assert found.status == Status.NOT_IDENTIFIED
    assert any("R_tokens" in reason for reason in found.evidence.reasons)


def test_the_exponent_of_quality_is_found_and_0_is_the_surface():
    for gamma in (0.4, 0.0):
        made = runs((1.0, 0.9, 0.75, 0.5))
        params, tokens, _, _, quality = made
        loss = E + A / params**ALPHA + B / (tokens**BETA * quality**gamma)
        found = fit(QUALITY_LAW, made, loss, QUALITY, np.log(quality))
        known(found, SURFACE)
        assert values(found)["gamma"] == pytest.approx(gamma, abs=1e-6)


def test_without_noise_quality_0_has_an_interval_about_it():
    made = runs((1.0, 0.9, 0.75, 0.5))
    noise = np.exp(0.005 * np.random.default_rng(1).normal(size=len(made[0])))
    found = fit(QUALITY_LAW, made, surface(*made[:2]) * noise, QUALITY, np.log(made[4]))
    gamma = found.estimate("gamma")
    assert gamma.low < 0 < gamma.high


def test_the_best_ratio_of_width_and_depth_is_found():
    made = runs((0.0, 1.0, 2.0, 3.0, 4.0))
    params, tokens, _, _, aspect = made
    loss = surface(params, tokens) + 0.02 * (aspect - 2.3) ** 2
    found = fit(WIDTH_OR_DEPTH, made, loss, ASPECT, aspect)
    known(found, SURFACE | {"c": 0.02, "m": 2.3})
    assert found.status == Status.OK


def test_where_the_shape_does_not_matter_no_best_ratio_is_shown():
    made = runs((0.0, 1.0, 2.0, 3.0, 4.0))
    noise = np.exp(0.003 * np.random.default_rng(0).normal(size=len(made[0])))
    found = fit(WIDTH_OR_DEPTH, made, surface(*made[:2]) * noise, ASPECT, made[4])
    assert found.status == Status.NOT_IDENTIFIED


def batch_fit(batch, steps):
    log_batch = np.log(batch)
    losses = DomainLosses(
        axes=Axes.of(log_batch, log_batch, log_batch),
        budget=np.arange(len(batch)),
        log_losses=np.log(steps)[None],
        level=0.95,
    )
    return FamilyFits(losses).fit(CRITICAL_BATCH)[0]


def test_the_critical_batch_is_found():
    batch = 128 * 2.0 ** np.arange(8)
    steps = 400 * (1 + 1500 / batch)
    tokens = steps * batch
    assert (steps / 400 - 1) * (tokens / (400 * 1500) - 1) == pytest.approx(np.ones(8))
    found = batch_fit(batch, steps)
    known(found, {"S_min": 400, "E_min": 400 * 1500, "B_crit": 1500})
    assert found.status == Status.OK


def test_perfect_scaling_has_no_critical_batch():
    batch = 128 * 2.0 ** np.arange(8)
    noise = np.exp(0.01 * np.random.default_rng(0).normal(size=8))
    found = batch_fit(batch, 1e6 / batch * noise)
    assert found.status == Status.NOT_IDENTIFIED
