"""Gaps on other scales than the ratio, on planted suites whose floors are known."""

import numpy as np
import pandas as pd
import pytest

from relscale.laws.estimators.base import Term
from relscale.laws.fit import fit_family
from relscale.laws.scales import Gain, Scaled
from relscale.laws.spec import LawSpec

SPEC = LawSpec(
    family="topics", baseline="base", draws=300, estimators=("joint", "vertex", "surface")
)
OWN = (1.7, 406.0, 0.34, 411.0, 0.28)
BASE = (1.5, 350.0, 0.33, 500.0, 0.30)


def by_scale(frame, estimator="joint", spec=SPEC):
    table = fit_family(frame, spec).relative
    return table[table["estimator"] == estimator].set_index("scale")


def test_equal_rates_and_unequal_floors_move_the_ratio_alone(plant_surface):
    # L_t = L_b + .4 everywhere: kappa = 1 and K = 1.
    frame = plant_surface(surfaces={"own": OWN, "base": BASE, "treat": (1.9, *BASE[1:])})
    for estimator in ("joint", "vertex", "surface"):
        rows = by_scale(frame, estimator)
        assert rows.loc["ratio", "verdict"] == "widens"
        assert rows.loc["ratio", "faster"] == "baseline"
        difference = rows.loc["difference"]
        assert difference[["gamma", "gap_first", "gap_last"]].tolist() == pytest.approx(
            [0.4] * 3, abs=1e-9
        )
        assert difference["change"] == pytest.approx(0, abs=1e-9)
        assert (difference["verdict"], difference["faster"]) == ("parallel", "neither")
        assert rows.loc[["ratio", "difference"], "scales_agree"].tolist() == ["false"] * 2
    reducible = by_scale(frame).loc["reducible"]
    assert reducible[["gamma", "dbeta"]].tolist() == pytest.approx([1, 0], abs=1e-6)


def test_the_ratio_of_reducible_losses_is_that_of_the_parts_above_the_floors(plant_surface):
    # R_t = 1.3 R_b with other floors: r = log 1.3.
    treat = (1.9, 1.3 * BASE[1], BASE[2], 1.3 * BASE[3], BASE[4])
    rows = by_scale(plant_surface(surfaces={"own": OWN, "base": BASE, "treat": treat}))
    assert rows.loc["reducible", "gamma"] == pytest.approx(1.3, rel=1e-6)
    assert rows.loc["reducible", "dbeta"] == pytest.approx(0, abs=1e-6)


def test_without_floors_the_reducible_ratio_is_not_shown(plant_surface):
    # Both floors are 0, so that the intervals of both end there, and the ratio is the whole truth:
    # 1.2 of equal rates.
    treat = (0.0, 1.2 * BASE[1], BASE[2], 1.2 * BASE[3], BASE[4])
    surfaces = {"own": OWN, "base": (0.0, *BASE[1:]), "treat": treat}
    rows = by_scale(plant_surface(surfaces=surfaces, run_sd=0.002, domain_sd=0.002))
    assert sorted(rows.index) == ["difference", "gain", "ratio"]
    assert rows.loc["ratio", "gamma"] == pytest.approx(1.2, rel=2e-3)
    assert rows.loc["ratio", "verdict"] == "parallel"


def test_with_small_floors_the_reducible_ratio_is_the_ratio(plant_surface):
    treat = (0.01, 700.0, 0.35, 300.0, 0.27)
    rows = by_scale(plant_surface(surfaces={"own": OWN, "base": (0.01, *BASE[1:]), "treat": treat}))
    assert rows.loc["reducible", "dbeta"] == pytest.approx(rows.loc["ratio", "dbeta"], abs=2e-3)
    assert rows.loc["reducible", "gamma"] == pytest.approx(rows.loc["ratio", "gamma"], rel=1e-2)


def test_the_difference_has_the_unit_of_the_metric(plant):
    frame = plant(domain_sd=0.005)
    rows, scaled = by_scale(frame), by_scale(frame.assign(value=1000 * frame["value"]))
    pd.testing.assert_series_equal(
        scaled.loc["difference", ["gamma", "dbeta", "change", "margin", "standard_error"]].astype(
            float
        ),
        1000
        * rows.loc["difference", ["gamma", "dbeta", "change", "margin", "standard_error"]].astype(
            float
        ),
    )
    # 2.4 x 1e11^-.13 less 2.0 x 1e11^-.10, at 2^.25 x 1e11.
    assert rows.loc["difference", "gap_first"] == pytest.approx(
        2.4 * 0.5**-0.13 - 2.0 * 0.5**-0.10, rel=0.02
    )


@pytest.mark.parametrize(
    ("treat", "faster"), [((2.4, 0.13), "treatment"), ((1.6, 0.07), "baseline")]
)
def test_the_gain_is_the_compute_that_the_treatment_needs_for_the_loss_of_the_baseline(
    plant, treat, faster
):
    level, exponent = treat
    frame = plant(
        domains={"base": (2.0, 0.10, 0.0), "treat": (level, exponent, 0.0)},
        domain_sd=1e-6,
        run_sd=1e-6,
    )
    rows = by_scale(frame)
    reference = rows.loc["gain", "reference_compute"]
    # level (F' / 1e11)^-exponent = 2 (F / 1e11)^-.1
    reached = 1e11 * (level / 2 * (reference / 1e11) ** 0.10) ** (1 / exponent)
    assert rows.loc["gain", "gamma"] == pytest.approx(reached / reference, rel=1e-3)
    assert rows.loc["gain", "dbeta"] == pytest.approx(0.10 / exponent - 1, abs=1e-3)
    # It says nothing about the gap and gets no verdict; beyond the budgets it is marked.
    assert rows.loc["gain", "verdict"] == "" and rows.loc["ratio", "faster"] == faster
    inside = 5e10 <= reached <= 5e11
    assert rows.loc["gain", "status"] == ("ok" if inside else "extrapolated")


def test_the_error_of_a_gain_is_that_of_drawn_gaps_and_rates(plant):
    frame = plant(domain_sd=0.01, run_sd=0.01)
    from relscale.laws.cells import suites_of
    from relscale.laws.inputs import prepare
    from relscale.laws.metric_fits import CorpusFits

    family, optimum = prepare(frame, SPEC, None)
    (runs,) = suites_of(family, optimum, SPEC)
    (fits,) = CorpusFits(family=family, runs=runs, spec=SPEC).metrics
    gap, values = fits.fit_gap("joint", "treat"), fits.fit("joint", "treat")
    gain = Gain.of(gap, values)
    rng = np.random.default_rng(0)
    gaps = rng.normal(gap.log_gamma, np.sqrt(gap.covariance[0, 0]), 100_000)
    rates = rng.normal(-values.slope, values.standard_error, 100_000)
    assert gain.standard_error[0] == pytest.approx(np.std(gaps / rates), rel=0.05)


def test_item_noise_of_a_scale_is_that_of_its_quantity():
    # Two runs; draws of items move log errors by covariances A and B.
    rng = np.random.default_rng(3)
    treatment, baseline = rng.normal(size=(2, 400, 2)) * 0.01
    logs = np.log([[3.0, 2.5], [2.0, 1.6]])
    ours, theirs = (
        Term(log_error=log, item_covariance=np.cov(moved, rowvar=False))
        for log, moved in zip(logs, (treatment, baseline), strict=True)
    )
    moved = np.exp(logs[0] + treatment), np.exp(logs[1] + baseline)
    for scaled, quantity in (
        (Scaled.difference(ours, theirs), moved[0] - moved[1]),
        (
            Scaled.reducible(ours, theirs, np.array([1.5, 1.0])),
            np.log(moved[0] - 1.5) - np.log(moved[1] - 1.0),
        ),
    ):
        covariance = sum(term.item_covariance for term in scaled.terms) * scaled.unit**2
        np.testing.assert_allclose(covariance, np.cov(quantity, rowvar=False), atol=3e-4)
        values = (scaled.terms[0].log_error - scaled.terms[1].log_error) * scaled.unit
        np.testing.assert_allclose(values, quantity.mean(axis=0), atol=5e-3)
