"""Laws of buckets, documents and positions: planted truths are found again."""

import numpy as np
import pandas as pd
import pytest

from relscale.laws.fit import fit_family
from relscale.laws.fit_error import FitError
from relscale.laws.parts import PartSums
from relscale.laws.position_law import PositionPoints, fit_positions
from relscale.laws.spec import LawSpec
from relscale.laws.tables.documents import changes_of

SPEC = LawSpec(family="topics", baseline="base", draws=200, estimators=("joint",))
BUCKETS = {"letters": (1.0, 0.02), "digits": (1.5, -0.06)}
"""Gap at 1e11 and dbeta of each bucket."""
SIZES = {"letters": 90, "digits": 10}
COUNT = 40
LN2 = np.log(2)


def planted(plant, *, noise=0.0, scatter=0.0, seed=0):
    """Losses, items and sums of a suite whose gaps are planted by bucket.

    Args:
        noise: standard deviation of the log loss of a run, document and bucket.
        scatter: standard deviation of the slope of a document.
    """
    losses = plant(replicates=dict.fromkeys(("5e10", "1e11", "2e11", "5e11"), 2))
    rng = np.random.default_rng(seed)
    level = rng.normal(0, 0.2, (2, COUNT))
    slope = rng.normal(0, scatter, (2, COUNT)) if scatter else np.zeros((2, COUNT))
    rows, items = [], []
    base = losses[losses["domain"] == "base"]
    for _, run in base.iterrows():
        x = np.log(float(run["training_flops"]) / 1e11)
        for place, domain in enumerate(("base", "treat")):
            total = np.zeros(COUNT)
            for bucket, (gap, dbeta) in BUCKETS.items():
                log = np.log(run["value"]) + level[place] + slope[place] * x
                log += place * (np.log(gap) + dbeta * x)
                log += rng.normal(0, noise, COUNT) if noise else 0.0
                nats = np.exp(log) * SIZES[bucket] * LN2
                total += nats
                rows.append(
                    pd.DataFrame(
                        {
                            "corpus": run["corpus"],
                            "run": run["run"],
                            "family": "topics",
                            "domain": domain,
                            "stratum": domain,
                            "item": [f"{domain}{number}" for number in range(COUNT)],
                            "partition": "bytes",
                            "bucket": bucket,
                            "num_bytes": SIZES[bucket],
                            "nats": nats,
                            "overlaps": False,
                        }
                    )
                )
            items.append(
                rows[-1]
                .drop(columns=["partition", "bucket", "num_bytes", "nats"])
                .assign(metric="bits_per_byte", numerator=total / LN2, denominator=100.0)
            )
    whole = pd.concat(items, ignore_index=True)
    sums = whole.groupby(["run", "domain"])["numerator"].sum() / (100.0 * COUNT)
    losses = losses.copy()
    at = losses["family"] == "topics"
    keys = list(zip(losses.loc[at, "run"], losses.loc[at, "domain"], strict=True))
    losses.loc[at, "value"] = sums.loc[keys].to_numpy()
    return losses, whole, pd.concat(rows, ignore_index=True)


def empty_positions():
    from relscale.contract.buckets import POSITIONS_COLUMNS

    return pd.DataFrame(columns=list(POSITIONS_COLUMNS))


def laws(plant, positions=None, **planting):
    losses, items, buckets = planted(plant, **planting)
    sums = PartSums.of(buckets, empty_positions() if positions is None else positions, "topics")
    return fit_family(losses, SPEC, items=items, parts=sums)


def test_planted_slopes_of_buckets_are_found(plant):
    table = laws(plant)["buckets"].set_index("bucket")
    assert list(table.index) == ["all", "letters", "digits"]
    for bucket, (gap, dbeta) in BUCKETS.items():
        row = table.loc[bucket]
        assert row["status"] == "ok"
        # Without noise the line is exact.
        assert row["dbeta"] == pytest.approx(dbeta, abs=1e-6)
        assert row["gap_first"] / gap == pytest.approx(row["gap_last"] / gap * 10**-dbeta, rel=1e-5)
        assert row["byte_share"] == pytest.approx(SIZES[bucket] / 100)
        assert row["num_items"] == row["baseline_num_items"] == COUNT
    assert table["loss_share"].drop("all").sum() == pytest.approx(1)
    assert table.loc["digits", "loss_share"] > 0.1
    low, high = sorted(dbeta for _, dbeta in BUCKETS.values())
    assert low < table.loc["all", "dbeta"] < high


def test_intervals_of_buckets_cover_the_planted_slopes(plant):
    covered = []
    for seed in range(20):
        table = laws(plant, noise=0.03, scatter=0.02, seed=seed)["buckets"].set_index("bucket")
        for bucket, (_, dbeta) in BUCKETS.items():
            row = table.loc[bucket]
            assert row["ci_method"] == "runs+items" and row["standard_error"] > 0
            covered.append(row["ci_low"] <= dbeta <= row["ci_high"])
    # 40 intervals of 95 %, two of a draw nearly independent: fewer than 33 have a probability of
    # .001 at that level.
    assert sum(covered) >= 33


def test_adjusted_p_values_are_those_of_all_treatments_and_buckets(plant):
    table = laws(plant, noise=0.03)["buckets"]
    buckets = table[table["partition"] == "bytes"]
    assert (buckets["p_difference_adjusted"] >= buckets["p_difference"]).all()
    smallest = buckets.loc[buckets["p_difference"].idxmin()]
    assert smallest["p_difference_adjusted"] == pytest.approx(2 * smallest["p_difference"])


def test_a_bucket_in_few_documents_has_no_law(plant):
    losses, items, buckets = planted(plant)
    kept = [f"treat{number}" for number in range(9)]
    few = (buckets["bucket"] == "digits") & (buckets["domain"] == "treat")
    few &= ~buckets["item"].isin(kept)
    sums = PartSums.of(buckets[~few], empty_positions(), "topics")
    table = fit_family(losses, SPEC, items=items, parts=sums)["buckets"].set_index("bucket")
    assert table.loc["digits", "status"] == "too_few_items"
    assert np.isnan(table.loc["digits", "dbeta"]) and table.loc["letters", "status"] == "ok"


def test_families_without_sums_have_empty_tables(plant):
    losses, items, _ = planted(plant)
    found = fit_family(losses, SPEC, items=items)
    for name in ("buckets", "documents", "positions", "position_laws"):
        assert len(found[name]) == 0


def test_unknown_buckets_are_named(plant):
    _, _, buckets = planted(plant)
    with pytest.raises(ValueError, match="'vowels'"):
        PartSums.of(buckets.replace("digits", "vowels"), empty_positions(), "topics")


def test_changes_that_are_noise_are_shrunk_to_the_mean_of_the_domain():
    # 200 draws of 80 documents without any change of their own: a naive ranking finds large ones.
    rng = np.random.default_rng(0)
    largest, naive = [], []
    for _ in range(200):
        deviation = rng.normal(0, 0.1, (10, 80))
        found = changes_of(deviation, np.arange(5), np.arange(5, 10))
        naive.append(np.abs(found.change).max())
        largest.append(np.abs(found.shrunk - found.change.mean()).max())
    assert np.mean(naive) > 0.15
    assert np.mean(largest) < 0.03


def test_shrunken_changes_of_the_selected_documents_are_not_biased():
    # The documents with the five largest estimates: their true changes are as large as the shrunken
    # ones, and smaller than the naive ones.
    rng = np.random.default_rng(1)
    shrunk, naive, truth, inside = [], [], [], []
    for _ in range(300):
        true = rng.normal(0, 0.05, 80)
        deviation = rng.normal(0, 0.1, (10, 80))
        deviation[5:] += true
        found = changes_of(deviation, np.arange(5), np.arange(5, 10))
        chosen = np.argsort(found.shrunk)[-5:]
        shrunk.append(found.shrunk[chosen].mean())
        naive.append(found.change[chosen].mean())
        truth.append(true[chosen].mean())
        error = np.abs(found.shrunk[chosen] - true[chosen])
        inside.append(np.mean(error < 1.96 * found.standard_error[chosen]))
    # 300 means of five: their standard error is below .001.
    assert np.mean(shrunk) == pytest.approx(np.mean(truth), abs=0.005)
    assert np.mean(naive) > np.mean(truth) + 0.03
    # 1,500 intervals, of five a draw that share an estimated reliability.
    assert 0.92 < np.mean(inside) < 0.97


def test_documents_are_ranked_by_their_shrunken_change(plant):
    table = laws(plant, noise=0.01, scatter=0.05)["documents"]
    assert table["direction"].tolist() == ["up"] * 5 + ["down"] * 5
    up = table[table["direction"] == "up"]
    assert up["rank"].tolist() == [1, 2, 3, 4, 5]
    assert up["change_shrunk"].is_monotonic_decreasing
    assert 0.9 < table["reliability"].iloc[0] <= 1
    assert (
        (table["change_shrunk"] - table["domain_change"]).abs()
        <= (table["change"] - table["domain_change"]).abs() + 0.01
    ).all()
    ratio = np.log(table["gap_last"] / table["gap_first"])
    np.testing.assert_allclose(ratio, table["change"], rtol=1e-6, atol=1e-9)


def points_of(loss_inf, amplitude, exponent, *, noise=0.0, seed=0, window=128):
    """Points of planted laws: exact means over the positions of each bucket."""
    edges = np.unique(np.rint(window ** (np.arange(8) / 7)).astype(int))
    rng = np.random.default_rng(seed)
    means, variances, losses = [], [], []
    for first, after in zip(edges[:-1], [*edges[1:-1], window + 1], strict=True):
        at = np.arange(first, after)
        means.append(np.log(at).mean())
        variances.append(np.log(at).var())
        losses.append(np.mean(loss_inf + amplitude * at ** -float(exponent)))
    loss = np.array(losses) + (rng.normal(0, noise, len(losses)) if noise else 0.0)
    loss[0] = 1.0  # the first token is of another kind
    return PositionPoints(
        mean_log=np.array(means),
        var_log=np.array(variances),
        loss=loss,
        standard_error=np.full(len(loss), max(noise, 1e-3)),
    )


@pytest.mark.parametrize("truth", [(3.0, 2.0, 0.5), (4.0, 3.2, 0.47), (2.5, 1.5, 1.0)])
def test_a_planted_law_of_positions_is_found(truth):
    law = fit_positions(points_of(*truth), 0.95)
    # Means over a bucket are approximated to second order: .2 % of the amplitude, and 1 % of p.
    assert law.loss_inf[0] == pytest.approx(truth[0], abs=0.01)
    assert law.amplitude[0] == pytest.approx(truth[1], rel=0.03)
    assert law.exponent[0] == pytest.approx(truth[2], rel=0.02)
    assert law.identification.identified
    assert np.isnan(law.fitted[0]) and np.isfinite(law.fitted[1:]).all()


def test_intervals_of_the_law_of_positions_cover_the_truth():
    truth = (3.0, 2.0, 0.7)
    covered = np.zeros(3)
    for seed in range(100):
        law = fit_positions(points_of(*truth, noise=0.01, seed=seed), 0.95)
        for number, (_, low, high) in enumerate((law.loss_inf, law.amplitude, law.exponent)):
            covered[number] += low <= truth[number] <= high
    # 100 intervals of 95 %: fewer than 88 have a probability of .004.
    assert (covered >= 88).all()


def test_a_straight_line_in_log_position_is_not_identified():
    points = points_of(3.0, 2.0, 0.5)
    rng = np.random.default_rng(0)
    line = PositionPoints(
        mean_log=points.mean_log,
        var_log=points.var_log,
        loss=4.0 - 0.05 * points.mean_log + rng.normal(0, 0.01, len(points.loss)),
        standard_error=np.full(len(points.loss), 0.01),
    )
    identification = fit_positions(line, 0.95).identification
    assert not identification.identified
    assert any("no finite interval" in reason for reason in identification.reasons)


def test_a_loss_that_does_not_fall_is_not_identified():
    points = points_of(3.0, 0.0, 0.5, noise=0.02)
    assert not fit_positions(points, 0.95).identification.identified


def test_few_positions_have_no_law():
    with pytest.raises(FitError, match="too_few_runs"):
        fit_positions(points_of(3.0, 2.0, 0.5).first(5), 0.95)


def test_tables_of_positions_have_the_mean_of_the_domains_and_the_best_size(plant):
    losses, items, buckets = planted(plant)
    rows = []
    for run in losses["run"].unique():
        for domain, level in (("base", 3.0), ("treat", 4.0)):
            points = points_of(level, 2.0, 0.5)
            for index, loss in enumerate(points.loss):
                rows.append(
                    {
                        "corpus": "web",
                        "run": run,
                        "family": "topics",
                        "domain": domain,
                        "first_position": 2**index,
                        "last_position": 2 ** (index + 1) - 1,
                        "num_tokens": 100,
                        "nats": 100 * loss,
                        "standard_error": 0.01,
                        "mean_log_position": points.mean_log[index],
                        "var_log_position": points.var_log[index],
                    }
                )
    sums = PartSums.of(buckets, pd.DataFrame(rows), "topics")
    found = fit_family(losses, SPEC, items=items, parts=sums)
    laws_of = found["position_laws"].set_index(["budget", "domain"])
    assert len(laws_of) == 4 * 3 and (laws_of["status"] == "ok").all()
    assert laws_of.loc[("1e11", "family_mean"), "loss_inf"] == pytest.approx(3.5, abs=0.01)
    assert set(laws_of["num_runs"]) <= {1, 2}  # the seeds of one size
    points = found["positions"]
    assert len(points) == 4 * 3 * 7
    whole = points[points["domain"] == "family_mean"]
    assert (whole["num_tokens"] == 200).all()
    after = whole[whole["first_position"] > 1]
    np.testing.assert_allclose(after["fitted"], after["loss"], atol=0.01)
    assert whole[whole["first_position"] == 1]["fitted"].isna().all()
