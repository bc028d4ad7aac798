"""Accuracies of named models, predicted through the loss of the task."""

import numpy as np
import pandas as pd
import pytest

from relscale.contract.tables.predicted import PREDICTED
from relscale.laws.predict import Request
from relscale.laws.run import fit_laws

SETTINGS = {"family": "tasks", "draws": 100, "estimators": ("auto",), "optimum_by": "family_mean"}
TASKS = {"easy": 0.40, "hard": 0.55}
SIZES, RATIOS = 1e8 * 2.0 ** np.arange(5), (5.0, 10.0, 20.0, 40.0, 80.0)


def loss_of(task, params, tokens):
    return TASKS[task] + 180 / params**0.34 + 260 / tokens**0.30


def accuracy_of(loss):
    return 0.30 + 0.55 / (1 + np.exp(6 * (loss - 1.35)))


def ladder(noise=0.002):
    """Five sizes x five token counts: losses on surfaces, accuracies on a sigmoid of them."""
    rng, rows = np.random.default_rng(1), []
    for params in SIZES:
        for ratio in RATIOS:
            tokens = ratio * params
            for task in TASKS:
                loss = loss_of(task, params, tokens) * np.exp(rng.normal(0, noise))
                accuracy = accuracy_of(loss) + rng.normal(0, noise)
                for metric, value in (("bits_per_byte", loss), ("accuracy", accuracy)):
                    rows.append(
                        {
                            "corpus": "web",
                            "run": f"{params:g}-{ratio:g}",
                            "budget": f"{6 * params * tokens:.4g}",
                            "training_flops": 6 * params * tokens,
                            "num_params_total": params,
                            "tokens": tokens,
                            "family": "tasks",
                            "domain": task,
                            "metric": metric,
                            "value": value,
                        }
                    )
    return pd.DataFrame(rows)


@pytest.fixture(name="found", scope="module")
def found_fixture():
    return fit_laws(
        ladder(), chance=0.25, request=Request(params=3.2e9, tokens=1.6e11, beyond=True), **SETTINGS
    )


def test_a_named_model_has_an_accuracy_per_task_with_an_interval(found):
    rows = found.predicted[found.predicted["quantity"] == "two_stages"].set_index("domain")
    assert list(rows.index) == list(TASKS) and set(rows["metric"]) == {"accuracy"}
    for task, row in rows.iterrows():
        truth = accuracy_of(loss_of(task, 3.2e9, 1.6e11))
        assert row["ci_low"] < truth < row["ci_high"], task
        assert row["value"] == pytest.approx(truth, abs=0.02), task
        assert row["ci_high"] - row["ci_low"] < 0.15
        assert row["law"].endswith(", sigmoid") and row["path"] == "model" and row["beyond"]
        assert row["horizon"] == pytest.approx(3.2e9 * 1.6e11 / (80 * SIZES[-1] ** 2))
        assert row["factor"] >= 1


def test_the_accuracy_is_that_of_the_predicted_loss(found):
    """Both stages are those of predictions.csv, read at the same place."""
    again = found.predict(Request(at=(1e20, 2e20), path="fixed_ratio:20", beyond=True))
    rows = again[again["quantity"] == "two_stages"]
    assert len(rows) == 4 and set(rows["path"]) == {"fixed_ratio:20"}
    assert not again.duplicated(list(PREDICTED.key)).any()
    rising = rows.groupby("domain", sort=False)["value"].apply(list)
    assert all(low < high for low, high in rising)


def test_accuracies_are_printed_next_to_losses(found):
    text = found.summary()
    assert "Predicted accuracy, trained on web: 3.2e+09 parameters" in text
    assert "easy, by its loss" in text


def test_a_family_without_a_chance_level_has_no_accuracies_by_the_loss():
    found = fit_laws(ladder(), **SETTINGS).predict(Request(params=3e8, tokens=6e9))
    assert set(found["quantity"]) == {"value"}


def test_a_task_without_a_law_has_a_status_and_no_number():
    frame = ladder()
    lost = (frame["domain"] == "hard") & (frame["metric"] == "accuracy")
    few = frame[~lost | frame["run"].isin(["1e+08-5", "1e+08-10"])]
    found = fit_laws(few, chance=0.25, **SETTINGS).predict(Request(params=3e8, tokens=6e9))
    row = found[(found["quantity"] == "two_stages") & (found["domain"] == "hard")].iloc[0]
    assert row["status"] == "too_few_runs" and np.isnan(row["value"])
