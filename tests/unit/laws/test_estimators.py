"""The registry of estimators, and what every estimator does on planted suites."""

from typing import get_args

import numpy as np
import pytest

from relscale.config.analysis import Estimator as Name
from relscale.laws.cells import readings_of, suites_of
from relscale.laws.estimators.base import Term
from relscale.laws.estimators.registry import ESTIMATORS, estimate
from relscale.laws.inputs import prepare
from relscale.laws.optima.isoflop import fit_isoflop
from relscale.laws.spec import LawSpec

SPEC = LawSpec(family="topics", baseline="base", draws=100)


@pytest.fixture(name="planted")
def planted_fixture(plant):
    losses, optimum = prepare(plant(), SPEC, None)
    runs = suites_of(losses, optimum, SPEC)[0]
    readings = readings_of(losses, runs, "bits_per_byte")
    terms = [
        Term(log_error=readings.log_error[readings.domains.index(name)])
        for name in ("treat", "base")
    ]
    return runs, fit_isoflop(runs), terms


def test_the_configuration_names_every_estimator_and_no_other():
    assert tuple(ESTIMATORS) == get_args(Name) == LawSpec.model_fields["estimators"].default


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_has_one_optimum_per_budget(planted, name):
    runs, fits, _ = planted
    optima = fits.optima(ESTIMATORS[name])
    assert [optimum.budget for optimum in optima] == list(runs.budgets)
    assert fits.optima(ESTIMATORS[name]) is optima


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_finds_the_planted_slope(planted, name):
    runs, fits, terms = planted
    fit = estimate(runs, fits, terms, name, SPEC)
    # Truth: dbeta = -0.03. `best_run` and `surface` do not have the model's shape.
    assert fit.slope == pytest.approx(-0.03, abs=0.006)
    assert fit.estimator == name
    assert np.isfinite(fit.covariance).all()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_leaves_held_out_budgets_out(planted, name):
    runs, fits, terms = planted
    assert estimate(runs, fits, terms, name, SPEC, below=3).budgets.max() == 2
