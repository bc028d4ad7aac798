import numpy as np
import pandas as pd
import pytest

from relscale.laws.crossed_items import drawn_shifts, without_scatter
from relscale.laws.fit import fit_family
from relscale.laws.items import ItemMatrices
from relscale.laws.spec import LawSpec


def matrices_of(values, cluster=None):
    count = values.shape[1]
    return ItemMatrices(
        numerator=values,
        denominator=np.ones_like(values),
        stratum=np.zeros(count, dtype=np.int64),
        cluster=np.arange(count) if cluster is None else cluster,
        rule="pooled",
        overlapping=0,
    )


def test_drawn_items_move_all_runs_and_both_metrics_together():
    """Every run has the same items right, and the loss of an item is 1 where it is wrong: a draw
    moves all accuracies by the same, and the losses by as much the other way."""
    right = np.repeat((np.arange(400) < 240)[None].astype(float), 5, axis=0)
    loss, accuracy = drawn_shifts(
        matrices_of(1 - right), matrices_of(right), 500, np.random.default_rng(0)
    )
    np.testing.assert_allclose(loss, -accuracy, atol=1e-12)
    np.testing.assert_allclose(accuracy, accuracy[:, :1] @ np.ones((1, 5)), atol=1e-12)
    # Binomial standard error of .6 over 400 items; 500 draws know it to 3 %.
    assert accuracy[:, 0].std() == pytest.approx(np.sqrt(0.24 / 400), rel=0.1)


def test_clusters_of_items_are_drawn_as_a_whole():
    """Items of one cluster are all right or all wrong: 40 clusters of ten count as 40 items."""
    cluster = np.repeat(np.arange(40), 10)
    right = (cluster < 24)[None].astype(float)
    _, accuracy = drawn_shifts(
        matrices_of(1 - right, cluster),
        matrices_of(right, cluster),
        500,
        np.random.default_rng(0),
    )
    assert accuracy.std() == pytest.approx(np.sqrt(0.24 / 40), rel=0.1)


def test_metrics_with_other_items_have_draws_of_their_own():
    rng = np.random.default_rng(1)
    loss, accuracy = drawn_shifts(
        matrices_of(rng.random((3, 50))), matrices_of(rng.random((3, 60))), 400, rng
    )
    assert abs(np.corrcoef(loss[:, 0], accuracy[:, 0])[0, 1]) < 0.2


def test_the_scatter_of_runs_is_left_to_their_residuals():
    """A shift that all runs share stays; independent shifts keep 3 of 30 parts of their variance:
    the curve through them has three coefficients."""
    level = np.linspace(1, 2, 30)
    rng = np.random.default_rng(2)
    shared = rng.normal(size=(300, 1)) @ np.ones((1, 30))
    np.testing.assert_allclose(without_scatter(shared, level), shared, atol=1e-12)
    kept = without_scatter(rng.normal(size=(4000, 30)), level)
    assert kept.var() == pytest.approx(0.1, rel=0.05)


def test_items_widen_the_interval_of_the_midpoint(plant):
    """200 items per question set, the same for all runs; an item has its own difficulty, so that
    the floor of the accuracies moves with the items drawn."""
    frame = plant(run_sd=0.004)
    topics = frame[(frame["family"] == "topics") & (frame["domain"] == "base")].reset_index(
        drop=True
    )
    number = 200
    rng = np.random.default_rng(3)
    difficulty = rng.normal(0, 0.3, number)
    share = 0.25 + 0.75 / (1 + np.exp(3 * (topics["value"].to_numpy()[:, None] - 2 + difficulty)))
    rows, items = [], []
    for index, run in topics.iterrows():
        losses = run["value"] + difficulty
        for metric, values in (("bits_per_byte", losses), ("accuracy", share[index])):
            rows.append({**run, "metric": metric, "value": values.mean(), "num_items": number})
            items.append(
                pd.DataFrame(
                    {
                        "corpus": run["corpus"],
                        "run": run["run"],
                        "family": "topics",
                        "domain": "base",
                        "metric": metric,
                        "stratum": "all",
                        "item": [f"i{place:03d}" for place in range(number)],
                        "numerator": values,
                        "denominator": 1.0,
                    }
                )
            )
    losses = pd.concat([frame[frame["family"] != "topics"], pd.DataFrame(rows)])
    spec = LawSpec(family="topics", chance=0.25, draws=200)
    plain = fit_family(losses, spec).two_stage.iloc[0]
    crossed = fit_family(losses, spec, items=pd.concat(items)).two_stage.iloc[0]
    assert (plain["ci_method"], crossed["ci_method"]) == ("runs", "runs+items")
    assert crossed["midpoint"] == plain["midpoint"]
    width = [row["midpoint_ci_high"] - row["midpoint_ci_low"] for row in (plain, crossed)]
    assert width[1] > 2 * width[0]
