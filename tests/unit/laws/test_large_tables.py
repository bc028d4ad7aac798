"""Many domains at once, and what a large table reduces: both give the results of the long way."""

import numpy as np
import pytest

from relscale.laws.checklist import checklist
from relscale.laws.estimators import joint_model
from relscale.laws.estimators.joint_model import JointModel
from relscale.laws.fit import fit_family
from relscale.laws.identifiability import identify_surface, identify_surfaces
from relscale.laws.inputs import FEWEST_DRAWS, prepare, reduced
from relscale.laws.kept import Recent, digest
from relscale.laws.loss_laws.surface import SURFACES
from relscale.laws.noise import order_kernel
from relscale.laws.run import fit_laws
from relscale.laws.run_points import RunPoints
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.projection import Plane, fit_each, fit_surface

NUMBER = 30
THREE = {"base": (2.0, 0.10, 0.0), "closer": (2.4, 0.13, 0.05), "farther": (2.4, 0.07, 0.0)}
SPEC = LawSpec(family="topics", baseline="base")


@pytest.fixture
def points():
    """Five IsoFLOP curves of six sizes with the losses of four domains."""
    compute = np.repeat(np.geomspace(1e17, 1e19, 5), 6)
    params = np.sqrt(compute / 120) * np.tile(np.geomspace(1 / 3, 3, 6), 5)
    tokens = compute / 6 / params
    noise = np.random.default_rng(0).normal(0, 0.004, (4, NUMBER))
    floors = np.array([[1.8], [1.2], [0.6], [2.4]])
    losses = (floors + 400 / params**0.34 + 1200 / tokens**0.37) * np.exp(noise)
    return RunPoints(
        log_params=np.log(params),
        log_tokens=np.log(tokens),
        log_compute=np.log(compute),
        budget=np.repeat(np.arange(5), 6),
        cell=np.arange(NUMBER),
        values=np.log(losses),
    )


def alone(points, domain):
    return RunPoints(**{**vars(points), "values": points.values[domain : domain + 1]})


def test_surfaces_of_several_domains_at_once_are_those_of_one_after_the_other(points):
    plane = Plane.of(np.exp(points.log_params), np.exp(points.log_tokens))
    losses = np.exp(points.values)
    together, near = fit_each(plane, losses)
    for domain, loss in enumerate(losses):
        fit, starts = fit_surface(plane, loss)
        for name in ("irreducible", "alpha", "beta", "objective"):
            # Searches end at steps of 1e-10; sums of another order of points round differently.
            assert getattr(fit, name)[0] == pytest.approx(getattr(together, name)[domain], rel=1e-9)
        assert starts == near[domain]


def test_refits_of_several_domains_at_once_are_those_of_one_after_the_other(points):
    weights = np.ones((4, NUMBER))
    weights[1:, 24:] = 0, 0.5, 2, 1, 1, 3
    together = SURFACES.fit_domains(points, points.values, weights)
    for domain, found in enumerate(together):
        single = SURFACES.fit(alone(points, domain), weights).batch
        assert found.batch.irreducible == pytest.approx(single.irreducible, rel=1e-8)
        assert found.batch.alpha == pytest.approx(single.alpha, rel=1e-8)


def test_the_gate_judges_several_domains_as_it_judges_one(points):
    ones = np.ones(NUMBER)
    fits = [SURFACES.fit(alone(points, domain), ones[None]).batch for domain in range(4)]
    together = identify_surfaces(points, points.values, fits, ones, 0.95)
    for domain, found in enumerate(together):
        single = identify_surface(alone(points, domain), fits[domain], ones, 0.95)
        assert found.unbounded == single.unbounded
        assert found.condition == single.condition
        assert found.left_out_error == pytest.approx(single.left_out_error, rel=1e-8)
        assert found.simpler_error == single.simpler_error


def test_many_cells_are_solved_by_an_update_with_the_same_rows(monkeypatch):
    rng = np.random.default_rng(1)
    budget = np.repeat(np.arange(5), 6)
    distance = np.tile(np.linspace(-0.6, 0.6, 6), 5)
    compute = np.log(10) * (17 + 0.5 * budget)
    tokens = np.log(10) * (9 + 0.25 * budget + distance)
    shape = 0.4 * order_kernel(tokens) + 0.6 * np.eye(NUMBER)
    values = 0.1 - 0.02 * compute + rng.normal(0, 0.01, 5)[budget] + rng.normal(0, 0.004, NUMBER)

    def fitted():
        return JointModel.of(compute, distance, budget, shape, compute.mean()).fit(values)

    few = fitted()
    monkeypatch.setattr(joint_model, "MANY_CELLS", 10)
    many = fitted()
    assert few.noise.budget_variance > 0
    assert many.law == pytest.approx(few.law, rel=1e-8, abs=1e-12)
    assert many.points == pytest.approx(few.points, rel=1e-8, abs=1e-12)
    assert many.noise.covariance == pytest.approx(few.noise.covariance, rel=1e-8)


def test_the_oldest_results_are_dropped():
    kept = Recent(5)
    for number in range(4):
        kept.keep(digest(number), number, size=2)
    assert [kept.get(digest(number)) for number in range(4)] == [None, None, 2, 3]
    assert digest(np.zeros(2)) != digest(np.zeros((1, 2))) != digest(np.zeros(2), np.zeros(0))


def test_a_large_table_reduces_the_defaults_and_nothing_that_is_named(plant):
    family, _ = prepare(plant(domains=THREE), SPEC, None)
    assert reduced(family, SPEC) == SPEC
    large = SPEC.model_copy(update={"reduce_above": 24})  # of 72 values
    found = reduced(family, large)
    assert (found.draws, found.estimators) == (333, ("auto",))
    larger = SPEC.model_copy(update={"reduce_above": 1})
    assert reduced(family, larger).draws == FEWEST_DRAWS
    named = large.model_copy(update={"draws": 500, "estimators": ("joint", "auto")})
    assert reduced(family, named) == named


def test_fewer_draws_keep_the_slopes_and_nearly_the_standard_errors(plant):
    table = plant(domains=THREE, run_sd=0.01, domain_sd=0.004)
    full = SPEC.model_copy(update={"estimators": ("auto",)})
    large = SPEC.model_copy(update={"reduce_above": 24})
    rows = [fit_family(table, spec).ratio for spec in (full, large)]
    # Surfaces of all domains are searched at once, which rounds differently.
    assert rows[1]["dbeta"].to_numpy() == pytest.approx(rows[0]["dbeta"].to_numpy(), rel=1e-7)
    assert rows[1]["law"].tolist() == rows[0]["law"].tolist()
    # A standard error from 333 draws is good to 4 %; there may be two of these.
    assert rows[1]["standard_error"].to_numpy() == pytest.approx(
        rows[0]["standard_error"].to_numpy(), rel=0.12
    )
    notes = rows[1]["remarks"].iloc[0]
    assert "333 draws in place of 1000" in notes
    assert "the estimator auto alone" in notes


def test_the_settings_of_found_laws_and_their_checklist_are_the_reduced_ones(plant):
    table = plant(domains=THREE)
    found = fit_laws(table, family="topics", baseline="base", classical=(), reduce_above=24)
    assert (found.spec.draws, found.spec.estimators) == (333, ("auto",))
    text = checklist(found.laws.corpora, found.spec)
    assert "333 draws" in text and "by the estimators auto; " in text
