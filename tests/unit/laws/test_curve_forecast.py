"""Training curves: planted laws, forecasts, decisions."""

import numpy as np
import pandas as pd
import pytest

from relscale.contract.io import read_table, write_table
from relscale.contract.tables.curve_forecasts import CURVE_FORECASTS
from relscale.laws.classical.annealing import MEMORY_SHARE, areas
from relscale.laws.curve_forecast import forecast, forecast_curves
from relscale.plan.optimiser import AdamSettings
from relscale.training.schedule import schedule

STEPS = 2000
WSD = AdamSettings(
    learning_rate=0.01,
    embedding_learning_rate=0.01,
    head_learning_rate=0.01,
    beta1=0.9,
    beta2=0.99,
    weight_decay=0.0,
    clip_norm=1.0,
    warmup_share=0.1,
    decay_share=0.5,
)


def planted(level=2.0, scale=6.0, exponent=0.4, gain=3.0, noise=0.0, seed=0):
    """Return steps, rates and losses of the rows of a curve that obeys the law."""
    every = np.array([0.01 * schedule(step, STEPS, WSD) for step in range(STEPS)])
    marks = np.arange(20, STEPS + 1, 20)
    rates = every[marks - 1]
    total, annealed = areas(marks.astype(float), rates)
    losses = level + scale * total**-exponent - gain * annealed
    losses = losses * np.exp(noise * np.random.default_rng(seed).normal(size=len(losses)))
    return marks.astype(float), rates, losses


def test_the_areas_are_those_of_the_equation():
    every = np.array([schedule(step, STEPS, WSD) for step in range(STEPS)])
    marks = np.arange(20, STEPS + 1, 20)
    total, annealed = areas(marks.astype(float), every[marks - 1])
    # The sums of the source, written out; between rows the rate is linear, which the schedule is
    # but for its two corners.
    memory = 1 - 1 / (MEMORY_SHARE * STEPS)
    peak = int(np.argmax(every))
    falls = np.concatenate([np.zeros(peak + 1), -np.diff(every[peak:])])
    double = [sum(falls[k] * memory ** (i - k) for k in range(i + 1)) for i in range(0, STEPS, 1)]
    assert total[-1] == pytest.approx(every.sum(), rel=2e-3)
    assert annealed[-1] * STEPS == pytest.approx(np.sum(double), rel=2e-3)
    assert annealed[marks <= STEPS / 2 - 20] == pytest.approx(0)


def used_of(steps, rates):
    return (steps <= 0.6 * steps[-1]) & (np.arange(len(steps)) >= np.argmax(rates))


def test_the_end_of_a_planted_curve_is_predicted():
    steps, rates, losses = planted()
    found = forecast(steps, rates, losses, used_of(steps, rates), 0.95)
    assert np.exp(found.log_loss) == pytest.approx(losses[-1], rel=1e-5)
    assert found.reasons == ()


def test_intervals_contain_the_end():
    inside = 0
    for seed in range(40):
        steps, rates, losses = planted(noise=0.004, seed=seed)
        found = forecast(steps, rates, losses, used_of(steps, rates), 0.95)
        inside += abs(found.log_loss - np.log(losses[-1])) <= found.half_width
    # A share of 95 % has a standard deviation of 3.4 % in 40 draws.
    assert inside >= 34


def table_of(curves):
    """Return the table of named curves, all of one corpus and budget."""
    rows, runs = [], []
    for name, (steps, rates, losses) in curves.items():
        runs.append({"run": name, "corpus": "web", "budget": "1e10", "steps": int(steps[-1])})
        rows += [
            {"run": name, "step": int(step), "learning_rate": rate, "loss_nats_per_token": loss}
            for step, rate, loss in zip(steps, rates, losses, strict=True)
        ]
    return forecast_curves(pd.DataFrame(rows), pd.DataFrame(runs), 0.95)


def test_a_run_is_stopped_or_continued_only_by_its_interval(tmp_path):
    table = table_of(
        {
            "best": planted(level=1.0, noise=0.002),
            "worst": planted(level=3.0, noise=0.002, seed=1),
        }
    ).set_index("run")
    assert table["decision"].to_dict() == {"best": "continue", "worst": "stop"}
    assert table["best_other"]["best"] == table["observed"]["worst"]
    assert (table["last_value_error_percent"] > 0).all()
    write_table(
        table.reset_index()[list(CURVE_FORECASTS.names)], tmp_path / "a.csv", CURVE_FORECASTS
    )
    assert len(read_table(tmp_path / "a.csv", CURVE_FORECASTS.names)) == 2


def test_a_curve_that_ends_early_has_a_row_without_a_forecast():
    steps, rates, losses = planted()
    runs = pd.DataFrame([{"run": "a", "corpus": "web", "budget": "1e10", "steps": STEPS}])
    curve = pd.DataFrame(
        {
            "run": "a",
            "step": steps[:50].astype(int),
            "learning_rate": rates[:50],
            "loss_nats_per_token": losses[:50],
        }
    )
    (row,) = forecast_curves(curve, runs, 0.95).to_dict("records")
    assert (row["status"], row["decision"]) == ("too_few_runs", "")
    assert "ends before the last step" in row["remarks"]
    with pytest.raises(ValueError, match=r"runs that are not in suite\.csv: a"):
        forecast_curves(curve, runs.assign(run="b"), 0.95)
