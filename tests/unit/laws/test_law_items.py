import numpy as np
import pandas as pd
import pytest
from scipy import stats

from relscale.laws.cells import readings_of, suites_of
from relscale.laws.fit import fit_family
from relscale.laws.gap import combined_dof
from relscale.laws.inputs import prepare
from relscale.laws.items import (
    ItemMatrices,
    item_matrices,
    item_noise,
    item_variance,
    noise_of_domains,
    split_items,
)
from relscale.laws.spec import LawSpec

SETTINGS = LawSpec(
    family="topics", baseline="base", draws=400, estimators=("joint", "vertex", "best_run")
)


def itemise(frame, num_items=40, seed=0, strata=4, spread=0.3):
    """Items whose sum over sum is the error of the losses table."""
    rng = np.random.default_rng(seed)
    rows = []
    factor = {
        name: rng.lognormal(0, spread, num_items) for name in sorted(frame["domain"].unique())
    }
    size = rng.integers(50, 200, num_items)
    for row in frame[frame["family"] == "topics"].to_dict("records"):
        scaled = factor[row["domain"]] * rng.lognormal(0, 0.02, num_items)
        scaled *= row["value"] * size.sum() / np.sum(scaled * size)
        for item in range(num_items):
            rows.append(
                {
                    **{key: row[key] for key in ("corpus", "run", "family", "domain", "metric")},
                    "stratum": f"h{item % strata}",
                    "item": f"i{item}",
                    "numerator": scaled[item] * size[item],
                    "denominator": size[item],
                    "overlaps": False,
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture(name="planted")
def planted_fixture(plant):
    frame = plant(budgets=("1e11", "2e11", "5e11"), num_sizes=5, run_sd=0.01, domain_sd=0.008)
    return frame, itemise(frame)


def matrices(frame, items, domain="treat"):
    losses, optimum = prepare(frame, SETTINGS, None)
    runs = suites_of(losses, optimum, SETTINGS)[0]
    readings = readings_of(losses, runs, "bits_per_byte")
    pieces = split_items(items, "topics", ("bits_per_byte",))
    log_error = readings.log_error[readings.domains.index(domain)]
    return item_matrices(
        pieces["web", domain, "bits_per_byte"], runs, log_error, "items"
    ), log_error


def test_items_give_the_errors(planted):
    made, log_error = matrices(*planted)
    assert made.rule == "pooled"
    np.testing.assert_allclose(np.log(made.errors()), log_error, rtol=1e-9)
    assert made.numerator.shape == (15, 40)


def test_mean_over_strata_is_recognised(planted):
    frame, items = planted
    keys = ["run", "domain"]
    by_stratum = items.groupby([*keys, "stratum"])[["numerator", "denominator"]].sum()
    errors = (by_stratum["numerator"] / by_stratum["denominator"]).groupby(keys).mean()
    topics = frame["family"] == "topics"
    frame.loc[topics, "value"] = [
        errors[run, domain]
        for run, domain in zip(frame.loc[topics, "run"], frame.loc[topics, "domain"], strict=True)
    ]
    made, log_error = matrices(frame, items)
    assert made.rule == "strata"
    np.testing.assert_allclose(np.log(made.errors()), log_error, rtol=1e-9)


def test_items_that_contradict_the_losses(planted):
    frame, items = planted
    items.loc[items["domain"] == "treat", "numerator"] *= 1.01
    with pytest.raises(
        ValueError,
        match="domain 'treat', metric 'bits_per_byte': items do not give the errors of the "
        "losses table",
    ):
        fit_family(frame, SETTINGS, items=items)


def test_repeated_item(planted):
    frame, items = planted
    with pytest.raises(ValueError, match=r"has item 'i0' of stratum 'h0' more than once"):
        fit_family(frame, SETTINGS, items=pd.concat([items, items.iloc[:1]]))


def test_missing_column(planted):
    frame, items = planted
    with pytest.raises(ValueError, match=r"items: missing column\(s\) stratum"):
        fit_family(frame, SETTINGS, items=items.drop(columns="stratum"))


def test_covariance_against_the_formula(planted):
    made, _ = matrices(*planted)
    covariance = item_noise(made, 4000, 0, "treat").covariance
    # Ratio estimator, stratified: over strata, sum products of deviations of (numerator - E
    # denominator) / (E sum denominator).
    error = made.errors()
    influence = (made.numerator - error[:, None] * made.denominator) / (
        error * made.denominator.sum(axis=1)
    )[:, None]
    expected = np.zeros_like(covariance)
    for stratum in range(4):
        part = influence[:, made.stratum == stratum]
        part = part - part.mean(axis=1, keepdims=True)
        expected += part @ part.T * 10 / 9  # ten items of a stratum, less their mean
    # 4,000 draws know a variance to sqrt(2 / 4000) = 2.2 %: four of those.
    assert covariance[0, 0] == pytest.approx(expected[0, 0], rel=0.1)
    assert covariance[0, 1] == pytest.approx(expected[0, 1], rel=0.1)


def clustered(frame, size):
    """Name clusters: items of one stratum, `size` each."""
    return frame.assign(cluster="c" + (frame["item"].str[1:].astype(int) // size).astype(str))


def test_a_cluster_is_drawn_as_a_whole(planted):
    """The covariance is that of the sums of the clusters' influences."""
    frame, items = planted
    items["stratum"] = "all"
    made, _ = matrices(frame, clustered(items, 5))
    assert len(np.unique(made.cluster)) == 8
    found = item_noise(made, 4000, 0, "treat")
    assert found.dof == 7
    error = made.errors()
    influence = (made.numerator - error[:, None] * made.denominator) / (
        error * made.denominator.sum(axis=1)
    )[:, None]
    sums = np.stack([influence[:, made.cluster == k].sum(axis=1) for k in range(8)], axis=1)
    # 4,000 draws know a variance to sqrt(2 / 4000) = 2.2 %: four of those.
    assert found.covariance[0, 0] == pytest.approx(float(sums[0] @ sums[0]) * 8 / 7, rel=0.1)


def test_clusters_of_single_items_change_nothing(planted):
    frame, items = planted
    alone, _ = matrices(frame, items)
    named, _ = matrices(frame, items.assign(cluster=items["item"]))
    one, other = (item_noise(made, 200, 0, "treat") for made in (alone, named))
    np.testing.assert_array_equal(one.covariance, other.covariance)


def test_intervals_cover_the_mean_of_clustered_items():
    """300 domains of 400 items, ten per cluster, which share half of the items' variance: the
    interval of a domain's log value covers the truth in 95 %; items drawn one by one would give
    about 60 %.

    300 domains know a coverage to 1.3 %.
    """
    rng = np.random.default_rng(0)
    hits, single = [], []
    for number in range(300):
        share = rng.normal(0, 0.3, (40, 10)) + rng.normal(0, 0.3, (40, 1))
        errors = np.exp(share.ravel() - 0.09)[None, :]
        for found, cluster in ((hits, np.repeat(np.arange(40), 10)), (single, np.arange(400))):
            noise = item_noise(
                ItemMatrices(
                    numerator=errors,
                    denominator=np.ones((1, 400)),
                    stratum=np.zeros(400, dtype=np.int64),
                    cluster=cluster,
                    rule="pooled",
                    overlapping=0,
                ),
                200,
                number,
                "domain",
            )
            half = stats.t.ppf(0.975, noise.dof) * np.sqrt(noise.covariance[0, 0])
            found.append(abs(noise.log_error[0]) <= half)
    assert 0.92 <= np.mean(hits) <= 0.98
    assert np.mean(single) < 0.75


def test_draws_are_the_same_for_all_runs_and_seeded_by_domain(planted):
    made, _ = matrices(*planted)
    one, again, other = (
        item_noise(made, 200, 0, "treat"),
        item_noise(made, 200, 0, "treat"),
        item_noise(made, 200, 0, "base"),
    )
    np.testing.assert_array_equal(one.covariance, again.covariance)
    assert not np.allclose(one.covariance, other.covariance)
    # Items dominate the scatter and all runs share them: correlations near one.
    deviation = np.sqrt(np.diag(one.covariance))
    assert (one.covariance / np.outer(deviation, deviation)).min() > 0.95


def test_noise_of_items_by_runs_is_not_counted_twice():
    # Independent item noise in each of 8 cells is already in the cells' scatter.
    design = np.stack([np.ones(8), np.linspace(-1, 1, 8)], axis=1)
    slope = np.linalg.pinv(design)[1:]
    assert item_variance(slope, np.eye(8), design)[0, 0] == pytest.approx(0, abs=1e-12)
    # A slope shared by all cells is not.
    shared = np.outer(design[:, 1], design[:, 1])
    assert item_variance(slope, shared, design)[0, 0] == pytest.approx(1)
    # A common shift moves no slope.
    assert item_variance(slope, np.ones((8, 8)), design)[0, 0] == pytest.approx(0, abs=1e-12)


def test_items_widen_gamma_and_name_the_method(planted):
    frame, items = planted
    bare = fit_family(frame, SETTINGS).ratio
    full = fit_family(frame, SETTINGS, items=items).ratio
    assert set(bare["ci_method"]) == {"runs"}
    assert set(full["ci_method"]) == {"runs+items"}
    np.testing.assert_allclose(bare["dbeta"], full["dbeta"])
    assert np.all(
        full["gamma_ci_high"] - full["gamma_ci_low"] > bare["gamma_ci_high"] - bare["gamma_ci_low"]
    )


def test_overlapping_items_are_left_out(planted):
    frame, items = planted
    flagged = items.copy()
    flagged["overlaps"] = (flagged["domain"] == "treat") & (flagged["item"] == "i7")
    laws = fit_family(frame, SETTINGS, items=flagged)
    kept = flagged[~flagged["overlaps"]]
    sums = kept.groupby(["run", "domain"])[["numerator", "denominator"]].sum()
    errors = frame.copy()
    topics = errors["family"] == "topics"
    ratio = sums["numerator"] / sums["denominator"]
    errors.loc[topics, "value"] = [
        ratio[key]
        for key in zip(errors.loc[topics, "run"], errors.loc[topics, "domain"], strict=True)
    ]
    np.testing.assert_allclose(laws.ratio["dbeta"], fit_family(errors, SETTINGS).ratio["dbeta"])
    assert laws.ratio["remarks"].str.contains("1 overlapping item").all()


def test_degrees_of_freedom_of_runs_and_items():
    # Half-width squared = 12.7062^2 x 1 + 1.95996^2 x 3, over a variance of 4: quantile 6.576 on a
    # t with 1 < dof < 2.
    dof = combined_dof(1.0, 3.0, 1, 0.95)
    assert stats.t.ppf(0.975, dof) == pytest.approx(
        np.sqrt((12.7062**2 + 3 * 1.95996**2) / 4), rel=1e-5
    )
    assert combined_dof(1.0, 0.0, 7, 0.95) == 7
    assert combined_dof(1e-9, 1.0, 20, 0.95) > 1000
    # Equal numbers stay what they are, whatever rounding does to the quantile.
    assert combined_dof(0.45, 0.55, 2.0, 0.95, 2.0) == pytest.approx(2.0)


def test_an_item_without_a_cluster_is_one_of_its_own(planted):
    frame, items = planted
    named = items.assign(cluster=np.where(items["item"].isin(["i0", "i4"]), "exam", None))
    found, _ = matrices(frame, named)
    assert found.cluster_counts.sum() == 40 - 1
    assert (np.bincount(found.cluster) == 1).sum() == 38


def test_a_single_cluster_has_no_noise_that_can_be_seen(planted):
    frame, items = planted
    with pytest.raises(ValueError, match="every stratum has one cluster of items"):
        matrices(frame, items.assign(cluster="exam"))


def paired(frame, spread=0.3):
    """Items that both domains have: what an item adds to the log value is the same in both."""
    items = itemise(frame, strata=1, spread=0.0)
    shared = np.random.default_rng(11).lognormal(0, spread, items["item"].nunique())
    factor = dict(zip(sorted(items["item"].unique()), shared, strict=True))
    items["numerator"] *= items["item"].map(factor)
    keys = ["run", "domain", "family"]
    sums = items.groupby(keys)[["numerator", "denominator"]].sum()
    value = (sums["numerator"] / sums["denominator"]).rename("new").reset_index()
    frame = frame.merge(value, on=keys, how="left")
    frame["value"] = frame["new"].fillna(frame["value"])
    return frame.drop(columns="new"), items


@pytest.mark.parametrize("estimator", ["joint", "vertex", "surface"])
def test_what_paired_items_share_cancels_in_the_gap(planted, estimator):
    frame, items = paired(planted[0])
    spec = SETTINGS.model_copy(update={"estimators": (estimator,)})
    alone = fit_family(frame, spec, items).ratio.iloc[0]
    both = fit_family(frame, spec.model_copy(update={"paired_items": True}), items).ratio.iloc[0]
    without = fit_family(frame, spec).ratio.iloc[0]
    assert both["dbeta"] == alone["dbeta"] == without["dbeta"]

    def variance(row):
        """Return the squared width of the level's interval."""
        return (np.log(row["gamma_ci_high"]) - np.log(row["gamma_ci_low"])) ** 2

    # Items widen the level; of that, only the items x runs of 40 items are left where they are
    # paired, as far as chance makes them larger than their scatter about the law.
    of_items = variance(alone) - variance(without)
    assert of_items > variance(without)
    assert abs(variance(both) - variance(without)) < 0.1 * of_items


def test_the_covariance_of_a_paired_gap_is_that_of_its_linearised_items(planted):
    """Against the formula of a ratio of means: the variance of (treatment - baseline) by item."""
    frame, items = paired(planted[0])
    losses, optimum = prepare(frame, SETTINGS, None)
    runs = suites_of(losses, optimum, SETTINGS)[0]
    readings = readings_of(losses, runs, "bits_per_byte")
    spec = SETTINGS.model_copy(update={"draws": 4000, "paired_items": True})
    pieces = split_items(items, "topics", ("bits_per_byte",))
    noise = noise_of_domains(pieces, runs, "bits_per_byte", readings, spec)
    cross = noise["treat"].cross(noise["base"])
    found = noise["treat"].covariance + noise["base"].covariance - cross - cross.T
    shifts = []
    for domain in ("treat", "base"):
        made, _ = matrices(frame, items, domain)
        rate = made.numerator.sum(axis=1) / made.denominator.sum(axis=1)
        left = made.numerator - rate[:, None] * made.denominator
        shifts.append(left / made.numerator.sum(axis=1, keepdims=True))
    difference = shifts[0] - shifts[1]  # (run, item)
    count = difference.shape[1]
    expected = difference @ difference.T * count / (count - 1)
    # 4,000 draws estimate a variance to 2 %.
    np.testing.assert_allclose(np.diag(found), np.diag(expected), rtol=0.15)
    assert np.diag(found).mean() < 0.1 * np.diag(noise["treat"].covariance).mean()


def test_paired_domains_must_have_the_same_items(planted):
    frame, items = planted
    spec = SETTINGS.model_copy(update={"paired_items": True})
    items = items[(items["domain"] != "treat") | (items["item"] != "i3")]
    with pytest.raises(ValueError, match=r"must be the same, .* item 'i3' differs"):
        fit_family(frame, spec, items)


def test_an_empty_column_of_clusters_changes_nothing(planted):
    frame, items = planted
    with_column = fit_family(frame, SETTINGS, items.assign(cluster="")).relative
    pd.testing.assert_frame_equal(with_column, fit_family(frame, SETTINGS, items).relative)
