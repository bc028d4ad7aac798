import numpy as np
import pandas as pd
import pytest

from relscale.contract.status import Status
from relscale.laws.fit import fit_family
from relscale.laws.run_points import RunPoints
from relscale.laws.spec import LawSpec
from relscale.laws.tables.loss_to_loss import held_out_errors

SPEC = LawSpec(family="topics", baseline="base", draws=100, estimators=("best_run",))
SIZES = np.geomspace(1e7, 1e9, 8)


def losses(params, tokens, *, base, treat):
    """One run per size and token count, and a budget of its own for each."""
    rows = []
    for index, (n, d) in enumerate(zip(params, tokens, strict=True)):
        common = {
            "corpus": "web",
            "run": f"r{index}",
            "budget": f"b{index}",
            "training_flops": 6 * n * d,
            "num_params_total": n,
            "tokens": d,
            "metric": "bits_per_byte",
            "family": "topics",
        }
        rows.append({**common, "domain": "base", "value": base(n, d)})
        rows.append({**common, "domain": "treat", "value": treat(n, d)})
    return pd.DataFrame(rows)


def row(frame, spec=SPEC):
    table = fit_family(frame, spec)["loss_to_loss"]
    assert len(table) == 1
    return table.iloc[0]


def surface(floor):
    return lambda n, d: floor + 400 / n**0.34 + 500 / d**0.3


def test_a_grid_of_sizes_and_tokens_has_floors_and_a_split():
    """The same reducible loss on another floor, and no IsoFLOP curve: a floor effect alone."""
    params, tokens = np.repeat(SIZES[::2], 5), np.tile(np.geomspace(1e9, 1e11, 5), 4)
    found = row(losses(params, tokens, base=surface(1.5), treat=surface(2.0)))
    assert found["status"] == Status.OK
    assert found["floor_treatment"] == pytest.approx(2.0, abs=1e-6)
    assert found["floor_baseline"] == pytest.approx(1.5, abs=1e-6)
    assert found["kappa"] == pytest.approx(1, abs=1e-6)
    assert found["dbeta_rate"] == pytest.approx(0, abs=1e-6) and found["dbeta_floor"] > 0.005
    assert found["dbeta"] == pytest.approx(found["dbeta_floor"], rel=0.05)
    assert found["held_out_error_percent"] < found["held_out_unchanged_percent"]


def test_an_isoflop_suite_has_intervals_around_its_estimates(plant_surface):
    found = row(plant_surface(run_sd=0.002, domain_sd=0.001))
    assert found["status"] == Status.OK and found["path"] == "optimal"
    for name in ("dbeta", "kappa", "floor_treatment", "rho", "dbeta_floor", "dbeta_rate"):
        assert found[f"{name}_ci_low"] < found[name] < found[f"{name}_ci_high"], name
    for name in ("kappa", "dbeta_floor", "dbeta_rate"):
        assert found[f"{name}_lowest"] < found[name] < found[f"{name}_highest"], name


def test_the_same_losses_give_the_same_row(plant_surface):
    frame = plant_surface(domain_sd=0.002)
    pd.testing.assert_series_equal(row(frame), row(frame))


@pytest.mark.parametrize(
    "ratio",
    [lambda n: 20 * n, lambda n: n**1.3],
    ids=["constant tokens per parameter", "a power of the size"],
)
def test_sizes_that_rise_with_tokens_have_a_working_law_and_a_band(ratio):
    found = row(losses(SIZES, ratio(SIZES), base=surface(1.5), treat=surface(2.0)))
    assert found["status"] == Status.FLOORS_NOT_IDENTIFIED and found["path"] == "observed"
    assert np.isfinite([found["c0"], found["c1"], found["dbeta"]]).all()
    assert np.isnan(found["kappa"]) and found["split_by"] == ""
    assert found["kappa_lowest"] < 1 < found["kappa_highest"]
    assert found["dbeta_floor_lowest"] < 0 < found["dbeta_floor_highest"]


def test_exact_power_laws_have_the_slope_of_the_ratio():
    compute_power = losses(
        SIZES,
        20 * SIZES,
        base=lambda n, d: 50 * (n * d) ** -0.07,
        treat=lambda n, d: 60 * (n * d) ** -0.06,
    )
    found = row(compute_power)
    assert found["dbeta"] == pytest.approx(0.01, abs=1e-9)
    assert found["c1"] == pytest.approx(-1 / 7, abs=1e-9)


@pytest.mark.parametrize(
    ("number", "base", "treat", "status"),
    [
        (1, surface(1.5), surface(2.0), Status.TOO_FEW_RUNS),
        (2, surface(1.5), surface(2.0), Status.TOO_FEW_RUNS),
        (3, surface(1.5), surface(2.0), Status.FLOORS_NOT_IDENTIFIED),
        (5, surface(1.5), surface(2.0), Status.FLOORS_NOT_IDENTIFIED),
        (8, lambda n, d: 2.0, surface(2.0), Status.NO_VARIATION),
        (8, lambda n, d: 2.0, lambda n, d: 3.0, Status.NO_VARIATION),
        (8, surface(1.5), surface(1.5), Status.IDENTICAL),
    ],
)
def test_tables_that_determine_little_have_a_status(number, base, treat, status):
    found = row(losses(SIZES[:number], 20 * SIZES[:number], base=base, treat=treat))
    assert found["status"] == status
    assert found["num_runs"] == number
    assert np.isnan(found["kappa"])


def test_one_domain_has_no_row():
    frame = losses(SIZES, 20 * SIZES, base=surface(1.5), treat=surface(2.0))
    assert fit_family(frame[frame["domain"] == "base"], SPEC)["loss_to_loss"].empty


def test_a_rising_metric_has_a_status(plant):
    frame = plant()
    accuracy = frame[frame["family"] == "topics"].assign(metric="accuracy")
    accuracy["value"] = 1 / accuracy["value"]
    spec = SPEC.model_copy(update={"metrics": ("accuracy",)})
    found = row(pd.concat([frame, accuracy]), spec)
    assert found["status"] == Status.RISING_METRIC and found["draws"] == 0


def test_held_out_errors_are_of_the_runs_with_the_most_compute():
    """log G = 0.2 log L_b but in the last budget, where it is higher by log 1.1."""
    loss = np.exp(np.linspace(1.2, 0.8, 6))
    gap = 0.2 * np.log(loss)
    gap[-1] += np.log(1.1)
    points = RunPoints(
        log_params=np.zeros(6),
        log_tokens=np.zeros(6),
        log_compute=np.arange(6.0),
        budget=np.arange(6),
        cell=np.arange(6),
        values=np.stack([np.log(loss) + gap, np.log(loss)]),
    )
    law, unchanged = held_out_errors(points)
    assert law == pytest.approx(100 * np.log(1.1), abs=1e-6)
    assert unchanged == pytest.approx(100 * (np.log(1.1) - 0.2 * 0.08), abs=1e-6)
