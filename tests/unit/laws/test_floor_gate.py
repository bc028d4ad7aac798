"""The one rule that says whether a floor is identified, and everything that asks it."""

import numpy as np
import pytest

from relscale.laws.cells import suites_of
from relscale.laws.floor_gate import gate_floor, gate_surface
from relscale.laws.floors import fit_floor, gate_treatment_floor
from relscale.laws.identifiability import Identification
from relscale.laws.inputs import prepare
from relscale.laws.metric_fits import CorpusFits
from relscale.laws.refits import pairs_weights
from relscale.laws.run_points import RunPoints, run_points
from relscale.laws.spec import LawSpec
from relscale.laws.surface_floors import SurfaceFloors

LEVEL = 0.95
DRAWS = np.r_[1.0, np.linspace(0.5, 1.5, 101)]
GOOD = {"condition": 10.0, "unbounded": (), "left_out_error": 0.01, "simpler_error": 0.02}


def gate(draws=DRAWS, lowest=2.0, converged=True, **evidence):
    return gate_floor(
        Identification(**(GOOD | evidence)), draws, lowest, LEVEL, 100_000, converged=converged
    )


def test_a_floor_passes_if_its_law_is_identified_and_its_interval_is_inside_its_bounds():
    found = gate()
    assert found.identified and found.reason == ""
    assert (found.low, found.high) == pytest.approx((0.525, 1.475), abs=1e-3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"condition": 2e4}, "condition number"),
        ({"unbounded": ("alpha",)}, "no finite interval of alpha"),
        ({"left_out_error": 0.03}, "budgets left out"),
        ({"converged": False}, "did not converge"),
        ({"lowest": 1.45}, "the lowest loss is in its interval"),
        ({"draws": np.where(DRAWS < 0.6, 0, DRAWS)}, "0 is in its interval"),
        ({"draws": np.where(DRAWS < 0.6, np.nan, DRAWS)}, "0 is in its interval"),
    ],
)
def test_each_condition_alone_stops_a_floor_and_is_named(change, reason):
    found = gate(**change)
    assert not found.identified and len(found.reasons) == 1
    assert reason in found.reason


def corpus_of(frame):
    spec = LawSpec(family="topics", baseline="base", draws=200)
    family, score = prepare(frame, spec, None)
    return CorpusFits(family=family, runs=suites_of(family, score, spec)[0], spec=spec)


BASE = (1.5, 350.0, 0.33, 500.0, 0.30)
TREAT = (1.9, 300.0, 0.35, 450.0, 0.29)


@pytest.mark.parametrize(
    ("treatment", "identified"), [(TREAT, True), ((0.0, *TREAT[1:]), False)], ids=["floor", "none"]
)
def test_all_laws_of_a_corpus_get_the_same_answer(plant_surface, treatment, identified):
    """The scale `reducible`, the absolute law, the loss-to-loss law and the gate of the surface."""
    own = (1.7, 406.0, 0.34, 411.0, 0.28)
    corpus = corpus_of(
        plant_surface(
            surfaces={"own": own, "base": BASE, "treat": treatment}, run_sd=0.002, domain_sd=0.001
        )
    )
    fits = corpus.metrics[0]
    assert (fits.floors("treat") is not None) == identified
    absolute = SurfaceFloors(fits, "treat").floor(len(corpus.runs.budgets))
    assert (absolute is not None) == identified
    points = run_points(corpus.runs, fits.values("treat"), fits.values("base"))
    weights = pairs_weights(points.num_runs, 200, 0)
    assert fit_floor(points, points.values[0], weights, LEVEL).gate.identified == identified
    cells = np.arange(corpus.runs.num_cells)
    assert gate_surface(fits.reader, points.values[0], cells)[0].identified == identified


def by_loss(floor, sd=0.002):
    """36 runs of L_t = floor + 1.2 (L_b - 1.8)^0.8 at six budgets."""
    reducible = np.exp(np.linspace(0.7, -0.6, 36))
    noise = np.random.default_rng(0).normal(0, sd, 36)
    losses = np.log([floor + 1.2 * reducible**0.8, 1.8 + reducible])
    losses[0] += noise
    number = np.arange(36)
    return RunPoints(
        log_params=np.zeros(36),
        log_tokens=np.zeros(36),
        log_compute=number / 6.0,
        budget=number // 6,
        cell=number,
        values=losses,
    )


def test_the_floor_of_a_law_by_another_loss_passes_the_same_gate():
    weights, near = np.ones(36), np.array([1.5, *np.linspace(1.45, 1.55, 50)])
    assert gate_treatment_floor(by_loss(1.5), near, 1.8, weights, LEVEL).identified
    # Refits that agree do not help where the losses are as well without a floor.
    without = gate_treatment_floor(by_loss(0.0, sd=0.02), near / 10, 1.8, weights, LEVEL)
    assert not without.identified and "no finite interval of offset" in without.reasons
