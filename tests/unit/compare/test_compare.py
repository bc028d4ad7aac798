"""`compare` from tables to findings: two models, two runs, two corpora, and wrong input."""

import json

import numpy as np
import pandas as pd
import pytest
from planted_items import items_of, losses_of

from relscale.compare.run import compare
from relscale.contract.comparison_tables import COMPARISON_TABLES, VERDICTS, ComparisonStatus
from relscale.contract.io import read_table


def by_domain(found):
    return found.domains.set_index("domain")


def test_two_models_differ_where_it_was_planted(two):
    found = compare(*two)
    rows = by_domain(found)
    assert rows.loc["a", "difference"] == pytest.approx(-0.1, abs=0.03)  # 0.05 sqrt(2 / 60), thrice
    assert rows.loc["a", ["verdict", "better"]].tolist() == ["a lower", "a"]
    assert rows.loc["b", ["verdict", "better"]].tolist() == ["not shown to differ", ""]
    assert rows.loc["a", "ci_low"] < -0.1 < rows.loc["a", "ci_high"]
    # The items are far more different from each other than the two models are.
    assert (rows["unpaired_standard_error"] > 2 * rows["standard_error"]).all()
    assert "a lower" in str(found) and "items only" in found.summary()
    assert rows["name_a"].tolist() == ["mine", "mine"]


def test_swapped_sides_change_the_signs_only(two):
    one, other = by_domain(compare(*two)), by_domain(compare(*reversed(two)))
    assert (one["difference"] == -other["difference"]).all()
    assert one["p_difference"].tolist() == pytest.approx(other["p_difference"].tolist())
    assert other.loc["a", ["verdict", "better"]].tolist() == ["b lower", "b"]


def test_contributions_of_all_items_sum_to_the_difference(two):
    found = compare(*two, worst=1000)
    sums = found.worst.groupby("domain")[["contribution", "share"]].sum()
    difference = by_domain(found)["difference"]
    assert sums["contribution"].tolist() == pytest.approx(difference.tolist())
    assert sums["share"].tolist() == pytest.approx([1, 1])
    assert len(compare(*two, worst=3).worst) == 6


def test_larger_accuracies_are_better():
    rng = np.random.default_rng(2)
    rows = []
    for run, share in (("mine", 0.9), ("theirs", 0.5)):
        right = (rng.random(200) < share).astype(float)
        rows.append(
            items_of(run, domains=("a",), count=200).assign(
                metric="accuracy", numerator=right, denominator=1.0
            )
        )
    row = compare(*rows).domains.iloc[0]
    assert row[["verdict", "better", "method"]].tolist() == ["a higher", "a", "answers"]
    assert pd.isna(row["ratio"])


def test_a_metric_of_unknown_direction_has_no_better_side(two):
    named = [frame.assign(metric="surprise") for frame in two]
    found = compare(*named)
    assert found.domains.loc[0, ["verdict", "better"]].tolist() == ["a lower", ""]
    assert "it is not known whether larger values of surprise are better" in found.summary()
    stated = compare(*named, higher_is_better=("surprise",)).domains
    assert stated.loc[0, ["verdict", "better"]].tolist() == ["b higher", "b"]


def test_a_margin_tells_small_from_not_shown(two):
    rows = by_domain(compare(*two, margin="0.15"))
    assert rows.loc["a", "verdict"] == "a lower, within the margin"
    assert rows.loc["b", "verdict"] == "differ by less than the margin"
    assert set(rows["verdict"]) <= set(VERDICTS)


def test_clusters_widen_the_interval_and_windows_of_a_document_are_one(two):
    shared = np.repeat(np.random.default_rng(3).normal(0, 0.1, 12), 5)
    tables = []
    for frame, sign in zip(two, (1, -1), strict=True):
        moved = frame[frame["domain"] == "a"].copy()
        moved["numerator"] += sign * shared * moved["denominator"]
        moved["cluster"] = np.repeat([f"book {number}" for number in range(12)], 5)
        tables.append(moved)
    clustered = compare(*tables).domains.iloc[0]
    alone = compare(*tables, cluster_by="item").domains.iloc[0]
    assert clustered["num_clusters"] == 12 and alone["num_clusters"] == 60
    assert clustered["standard_error"] > 1.5 * alone["standard_error"]
    names = [f"{number // 5:016x}:{number % 5}" for number in range(60)]
    windows = [frame.drop(columns="cluster").assign(item=names) for frame in tables]
    row = compare(*windows).domains.iloc[0]
    assert row["standard_error"] == pytest.approx(clustered["standard_error"])
    assert row["remarks"] == "drawn together: documents"


def test_items_on_one_side_are_counted_and_listed(two):
    mine, theirs = two
    theirs = theirs.drop(index=[0, 1]).copy()
    theirs.loc[5, "overlaps"] = True
    found = compare(mine, theirs)
    assert found.left_out["reason"].tolist() == ["only_in_a", "only_in_a", "overlaps_a_corpus"]
    assert found.left_out["item"].tolist() == mine["item"].iloc[[0, 1, 5]].tolist()
    assert by_domain(found)["num_left_out"].tolist() == [3, 0]
    assert by_domain(found)["num_items"].tolist() == [57, 60]
    assert "2 item(s) are left out, since only a has them" in found.summary()


def test_a_domain_on_one_side_has_a_row_without_a_number(two):
    found = compare(two[0][two[0]["domain"] == "a"], two[1])
    row = by_domain(found).loc["b"]
    assert row["status"] == ComparisonStatus.NO_COMMON_ITEMS and row["verdict"] == ""
    assert np.isnan(row["difference"]) and row["num_left_out"] == 60
    # Only the other domain is tested, so that its p value is not multiplied.
    first = by_domain(found).loc["a"]
    assert first["p_difference_adjusted"] == first["p_difference"]


def test_corpora_are_compared_over_matched_runs(experiment):
    items, losses = experiment
    lost = items[items["run"] != "web-1e12-d32-L1-B2-s0"]
    found = compare(
        lost, choose=("corpus:web", "corpus:curated"), losses=(losses, None), margin="20%"
    )
    row = by_domain(found).loc["a"]
    assert row["num_runs"] == 5 and row["noise"] == "items and runs"
    assert row["difference"] == pytest.approx(0.05, abs=0.02)
    assert row["name_a"] == "web"
    assert found.matched.only_b == ("curated-1e12-d32-L1-B2-s0",)
    assert "5 pair(s) of runs of the same budget, size and seed" in found.summary()
    one = compare(
        items,
        choose=("corpus:web", "corpus:curated"),
        losses=(losses, None),
        budget=("1e12",),
    )
    assert by_domain(one).loc["a", "num_runs"] == 3


def test_items_that_a_matched_run_lacks_are_listed(experiment):
    items, losses = experiment
    first = items[items["domain"] == "a"]["item"].unique()
    for run, item in (("web-1e11-d16-L1-B2-s0", first[0]), ("curated-1e12-d24-L1-B2-s0", first[1])):
        items = items[(items["run"] != run) | (items["item"] != item)]
    found = compare(items, choose=("corpus:web", "corpus:curated"), losses=(losses, None))
    assert found.left_out["item"].tolist() == list(first[:2])
    assert set(found.left_out["reason"]) == {"not_in_every_run"}
    assert by_domain(found)["num_items"].tolist() == [58, 60]


def test_the_value_is_that_of_the_losses_table_also_over_strata():
    items = pd.concat([items_of("mine", seed=1), items_of("theirs", seed=2)], ignore_index=True)
    items["stratum"] = [f"s{number % 3}" for number in range(len(items))]
    sums = items.groupby(["corpus", "run", "family", "domain", "metric", "stratum"])[
        ["numerator", "denominator"]
    ].sum()
    means = (sums["numerator"] / sums["denominator"]).groupby(level=[0, 1, 2, 3, 4]).mean()
    losses = means.rename("value").reset_index()
    found = compare(items, choose=("mine", "theirs"), losses=(losses, None))
    rows = by_domain(found)
    assert set(rows["average"]) == {"strata"}
    expected = losses[losses["run"] == "mine"]["value"].tolist()
    assert rows["value_a"].tolist() == pytest.approx(expected)
    pooled = by_domain(compare(items, choose=("mine", "theirs")))
    assert (
        set(pooled["average"]) == {"pooled"} and "pooled over strata" in pooled["remarks"].iloc[0]
    )
    with pytest.raises(ValueError, match="do not give the value of the losses table"):
        wrong = losses.assign(value=losses["value"] + 1)
        compare(items, choose=("mine", "theirs"), losses=(wrong, None))


@pytest.fixture
def same_names(experiment):
    """The experiment with runs of the same names in both corpora, and values over strata."""
    items, losses = (
        frame.assign(run=frame["run"].str.partition("-")[2], corpus=frame["corpus"])
        for frame in experiment
    )
    items["stratum"] = [f"s{number % 3}" for number in range(len(items))]
    keys = ["corpus", "run", "family", "domain", "metric"]
    sums = items.groupby([*keys, "stratum"])[["numerator", "denominator"]].sum()
    means = (sums["numerator"] / sums["denominator"]).groupby(level=[*range(5)]).mean()
    values = means.rename("value").reset_index()
    return items, losses.drop(columns="value").merge(values, on=keys)


def test_runs_of_the_same_name_in_two_corpora_are_two_runs(experiment, same_names):
    items, losses = same_names
    corpora = ("corpus:web", "corpus:curated")
    found = compare(items, choose=corpora, losses=(losses, None))
    assert set(found.matched.pairs) == {(run, run) for run in items["run"]}
    plain, plain_losses = experiment
    plain = plain.assign(stratum=items["stratum"])
    renamed = losses.assign(run=losses["corpus"] + "-" + losses["run"])
    assert set(plain_losses["run"]) == set(renamed["run"])
    expected = compare(plain, choose=corpora, losses=(renamed, None))
    pd.testing.assert_frame_equal(found.domains, expected.domains)
    assert set(found.domains["average"]) == {"strata"}
    # The order of the rows of the losses table does not matter.
    turned = compare(items, choose=corpora, losses=(losses[::-1], None))
    pd.testing.assert_frame_equal(found.domains, turned.domains)


def test_a_run_of_one_corpus_takes_the_values_of_that_corpus(same_names):
    items, losses = same_names
    run = "1e12-d32-L1-B2-s0"
    choose = (f"web/{run}", f"curated/{run}")
    found = compare(items, choose=choose, losses=(losses, None))
    for letter, corpus in (("a", "web"), ("b", "curated")):
        rows = losses[(losses["corpus"] == corpus) & (losses["run"] == run)].sort_values("domain")
        assert found.domains[f"value_{letter}"].tolist() == pytest.approx(rows["value"].tolist())
    assert set(found.domains["average"]) == {"strata"}
    assert found.domains["name_a"].iloc[0] == f"web/{run}"
    sides = found.as_json()["sides"]
    assert [sides[letter]["runs_of"] for letter in "ab"] == ["web", "curated"]
    assert [sides[letter]["corpus"] for letter in "ab"] == [None, None]
    with pytest.raises(ValueError, match=f"2 corpora; choose --a curated/{run} or --a web/{run}"):
        compare(items, choose=(run, f"curated/{run}"), losses=(losses, None))
    with pytest.raises(ValueError, match="has no such run; it has curated/1e11-d16-L1-B2-s0, web/"):
        compare(items, choose=("web/none", run))
    other = losses[losses["corpus"] == "curated"]
    remarks = compare(items, choose=choose, losses=(other, None)).domains["remarks"]
    assert remarks.str.contains("no losses table shows how the value is averaged").all()


def test_a_run_of_one_corpus_that_is_described_in_two_ways_is_refused(same_names):
    items, losses = same_names
    odd = losses.assign(seed=losses["seed"].mask(losses["domain"] == "b", 1))
    with pytest.raises(ValueError, match="run '1e11-d16-L1-B2-s0' of corpus 'web' has more than"):
        compare(items, choose=("corpus:web", "corpus:curated"), losses=(odd, None))


def test_equal_tables_give_equal_bytes_and_the_tables_are_read_back(two, tmp_path):
    odd = [frame.replace({"domain": {"a": "=x<&>|", "b": "名 _"}}) for frame in two]
    outs = [tmp_path / "one", tmp_path / "other"]
    for out in outs:
        compare(*odd, out=out, names=("@mine", "+theirs"))
    names = sorted(path.name for path in outs[0].iterdir())
    assert names == sorted(
        [*(f"{table.name}.csv" for table in COMPARISON_TABLES), "comparison.json", "summary.txt"]
        + [f"comparison.{ending}" for ending in ("svg", "pdf", "png")]
    )
    for name in names:
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes(), name
    back = read_table(outs[0] / "comparison.csv", COMPARISON_TABLES[0].names)
    assert back["name_a"].tolist() == ["@mine"] * 2 and "=x<&>|" in set(back["domain"])
    assert "'=x<&>|" in (outs[0] / "comparison.csv").read_text(encoding="utf-8")
    assert "=x&lt;&amp;&gt;|" in (outs[0] / "comparison.svg").read_text(encoding="utf-8")
    content = json.loads((outs[0] / "comparison.json").read_text(encoding="utf-8"))
    assert content["format"] == 1 and content["sides"]["a"]["name"] == "@mine"
    assert [row["domain"] for row in content["domains"]] == back["domain"].tolist()
    assert content["left_out"] == dict.fromkeys(
        ("only_in_a", "only_in_b", "not_in_every_run", "overlaps_a_corpus"), 0
    )
    drawn = (outs[0] / "comparison.svg").read_text(encoding="utf-8")
    for mark in ("interval", "slope", "detectable"):
        assert drawn.count(f'id="{mark}"') == 2, mark


def test_texts_are_written_only_where_they_are_given(two, tmp_path):
    assert set(compare(*two).worst["text"]) == {""}
    texts = pd.DataFrame({"item": two[0]["item"].drop_duplicates(), "text": "some\n text " * 90})
    texts.to_parquet(tmp_path / "texts.parquet")
    worst = compare(*two, texts=tmp_path / "texts.parquet").worst
    assert worst["text"].str.startswith("some text some").all()
    assert worst["text"].str.len().max() == 300


def changed(frame, column, value, row=0):
    frame = frame.copy()
    frame[column] = frame[column].astype(object)
    frame.loc[row, column] = value
    return frame


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, b: (a, a), "both sides are the same run(s) of the same table, models/mine"),
        (lambda a, b: (a, b.assign(item="x" + b["item"])), "have no item in common"),
        (
            lambda a, b: (a, b.assign(family="other")),
            "the sides share no family: a (items) has ",
        ),
        (lambda a, b: (a, b.assign(metric="accuracy", numerator=1.0)), "the sides share no metric"),
        (lambda a, b: (changed(a, "numerator", np.nan), b), "numerator is nan of item '10000"),
        (lambda a, b: (changed(a, "numerator", "45%"), b), "numerator is '45%': a number is neede"),
        (lambda a, b: (a, changed(b, "denominator", 0.0)), "denominator is 0.0 of item '10000"),
        (
            lambda a, b: (a, b.assign(denominator=b["denominator"] + 1)),
            "60 item(s) have different denominators, first item '1000000000000000' with",
        ),
        (
            lambda a, b: tuple(
                x.assign(metric="accuracy", numerator=45.0, denominator=1.0) for x in (a, b)
            ),
            "from 0 to the denominator is needed, not percent",
        ),
        (
            lambda a, b: (pd.concat([a, a]), b),
            "has item '1000000000000000' of stratum 'a' more ",
        ),
        (lambda a, b: (a.drop(columns="item"), b), "items: missing column(s) item"),
        (lambda a, b: (a.iloc[:0], b), "items: has no items"),
        (lambda a, b: (a, changed(b, "domain", None)), "domain is empty in 1 row(s)"),
        (
            lambda a, b: (a.assign(cluster="x"), b.assign(cluster="y")),
            "is of cluster 'x' in items and 'y' in items",
        ),
        (
            lambda a, b: (pd.concat([a, b]), b),
            "has 2 runs; choose one with --a RUN, or all runs of a corpus with --a corpus:NAME",
        ),
    ],
)
def test_wrong_tables_are_refused_with_the_cause(two, change, message):
    with pytest.raises(ValueError) as error:
        compare(*change(*two))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": "-1"}, "margin is '-1': a positive number in the unit of the metric"),
        ({"margin": "1 percent"}, "or a share of the value of b such as 1%, is needed"),
        ({"level": 95}, "level is 95"),
        ({"worst": -1}, "worst is -1"),
        ({"alpha": 0.05}, "alpha is 0.05: Extra inputs are not permitted"),
        ({"family": ("none",)}, "--family 'none': items (side a) has no such items; it has topics"),
        ({"metric": ("accuracy",)}, "--metric 'accuracy': items (side a) has no such items"),
        ({"choose": ("x", None)}, "--a 'x': items has no such run; it has models/mine"),
        ({"choose": ("corpus:x", None)}, "--a 'corpus:x': items has no such corpus; it has web"),
        ({"choose": ("corpus:web", None)}, "one side is a run and the other a corpus"),
        ({"budget": ("1e11",)}, "--budget chooses the runs of corpora"),
        ({"higher_is_better": ("bits_per_byte",)}, "smaller values are better; it cannot be chan"),
        (
            {"choose": ("corpus:web", "corpus:web")},
            "the runs of corpora are matched by ",
        ),
    ],
)
def test_wrong_settings_are_refused_with_the_cause(two, options, message):
    with pytest.raises(ValueError) as error:
        compare(*two, **options)
    assert message in str(error.value)


def test_one_table_needs_both_sides(two, tmp_path):
    with pytest.raises(ValueError, match="one table needs both sides: --a RUN --b RUN"):
        compare(two[0])
    with pytest.raises(ValueError, match="has neither items"):
        compare(tmp_path, two[1])


def test_runs_that_match_several_runs_are_refused(experiment):
    items, losses = experiment
    choose = ("corpus:web", "corpus:curated")
    with pytest.raises(ValueError, match="of corpus 'web' have the same budget 1e11, num_params_"):
        compare(items, choose=choose, losses=(losses.assign(num_params_total=5), None))
    with pytest.raises(ValueError, match="--budget '1e13': the corpora share no run of it"):
        compare(items, choose=choose, losses=(losses, None), budget=("1e13",))
    unlike = losses.assign(seed=(losses["corpus"] == "web").astype(int))
    with pytest.raises(ValueError, match="have no runs of the same budget, size"):
        compare(items, choose=choose, losses=(unlike, None))
    lost = losses[losses["run"] != "web-1e11-d16-L1-B2-s0"]
    with pytest.raises(ValueError, match="lacks run 'web-1e11-d16-L1-B2-s0' of corpus 'web'"):
        compare(items, choose=choose, losses=(lost, None))


def test_a_file_and_its_copy_of_another_model_name_are_identical(two, tmp_path):
    two[0].to_csv(tmp_path / "items.csv", index=False)
    row = compare(tmp_path, two[0].assign(run="copy")).domains.iloc[0]
    assert row["status"] == "identical" and row["difference"] == 0 and row["verdict"] == ""


def test_losses_of_the_folder_match_runs_of_two_tables(experiment, tmp_path):
    items, _ = experiment
    for corpus, rows in items.groupby("corpus"):
        folder = tmp_path / corpus
        folder.mkdir()
        rows.to_parquet(folder / "items.parquet")
        made = [
            losses_of(one, run.split("-")[1], int(run.split("-")[2][1:]), 0)
            for run, one in rows.groupby("run")
        ]
        pd.concat(made).to_parquet(folder / "losses.parquet")
    found = compare(tmp_path / "web", tmp_path / "curated", choose=("corpus:web", "corpus:curated"))
    assert len(found.matched.pairs) == 6
    assert found.as_json()["sides"]["a"]["sha256"] == found.a.sha256
