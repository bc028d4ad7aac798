"""Rank correlations within families: oracles, planted relations, and the words for them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from relscale.contract.corpus_statistics import CORPUS_STATISTICS, STATISTICS
from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.relative import RELATIVE
from relscale.corpus_statistics.exponents import (
    FamilyPairs,
    correlate,
    exponent_table,
    rank_correlation,
)
from relscale.corpus_statistics.spec import ExponentsSpec

SPEC = ExponentsSpec.model_validate(
    {
        "families": ["news", "topics"],
        "estimator": "auto",
        "level": 0.95,
        "draws": 400,
        "seed": 0,
    }
)


def families(strength, seed, sizes=(11, 7, 7, 6, 4), corpora=3):
    rng = np.random.default_rng(seed)
    found = []
    for size in sizes:
        x = rng.normal(size=size)
        shared = rng.normal(size=size)  # runs of all corpora are scored on the same texts
        y = strength * x + shared + 0.5 * rng.normal(size=(corpora, size))
        found.append(FamilyPairs(x=x + rng.normal(), y=y + rng.normal()))
    return found


def test_one_family_of_one_corpus_has_spearmans_correlation():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=9), rng.normal(size=9)
    x[3] = x[4]  # ties have their mean rank
    found = rank_correlation([FamilyPairs(x=x, y=y[None])])
    assert found == pytest.approx(stats.spearmanr(x, y).statistic)


def test_differences_between_families_do_not_count():
    low = FamilyPairs(x=np.array([1.0, 2.0, 3.0]), y=np.array([[3.0, 2.0, 1.0]]))
    high = FamilyPairs(x=low.x + 100, y=low.y + 100)
    assert rank_correlation([low, high]) == pytest.approx(-1.0)


def test_a_planted_relation_is_found_with_its_sign():
    strong = correlate(families(3.0, 1), SPEC)
    assert strong["ci_low"] > 0.5 and strong["p_permutation"] < 0.01
    assert strong["n"] == 35 and strong["num_families"] == 5 and strong["num_corpora"] == 3
    assert correlate(families(-3.0, 1), SPEC)["ci_high"] < -0.5


def test_without_a_relation_p_values_and_intervals_miss_in_one_case_of_twenty():
    spec = SPEC.model_copy(update={"draws": 100})
    rows = [correlate(families(0.0, seed), spec) for seed in range(100)]
    # 100 cases: the standard error of a share of 0.05 is 0.022.
    assert np.mean([row["p_permutation"] <= 0.05 for row in rows]) == pytest.approx(0.05, abs=0.06)
    missed = np.mean([row["ci_low"] > 0 or row["ci_high"] < 0 for row in rows])
    assert missed == pytest.approx(0.05, abs=0.07)


def table_of(relation):
    """Return statistics and laws of two families with eight domains each in two corpora."""
    rng = np.random.default_rng(2)
    texts, absolute, relative = [], [], []
    for family in ("news", "topics"):
        for index in range(8):
            value = float(rng.normal())
            domain = f"d{index}"
            texts.append(
                {
                    **dict.fromkeys(STATISTICS, float(rng.normal())),
                    "zipf_exponent": value,
                    **{"kind": "domain", "corpus": np.nan, "family": family, "domain": domain},
                }
            )
            for corpus in ("curated", "web"):
                key = {"corpus": corpus, "family": family, "metric": "bits_per_byte"}
                slope = relation * value + 0.1 * float(rng.normal())
                law = {**key, "estimator": "auto", "domain": domain, "exponent": slope}
                absolute.append(law)
                if index:
                    gap = {**key, "estimator": "auto", "treatment": domain, "dbeta": -slope}
                    relative.append({**gap, "scale": "ratio", "baseline": "d0"})
    return exponent_table(
        pd.DataFrame(texts).reindex(columns=CORPUS_STATISTICS.names),
        pd.DataFrame(absolute).reindex(columns=ABSOLUTE.names),
        pd.DataFrame(relative).reindex(columns=RELATIVE.names),
        SPEC,
    )


def test_the_table_says_goes_with_only_for_what_goes_with():
    table = table_of(2.0).set_index(["quantity", "covariate"])
    assert len(table) == 2 * len(STATISTICS)
    assert table.loc[("exponent", "zipf_exponent"), "verdict"] == "goes_with"
    assert table.loc[("dbeta", "zipf_exponent"), "verdict"] == "goes_against"
    assert table.loc[("exponent", "zipf_exponent"), "n"] == 16
    assert table.loc[("dbeta", "zipf_exponent"), "n"] == 14  # baselines have no dbeta
    others = table[table.index.get_level_values("covariate") != "zipf_exponent"]
    assert set(others["verdict"]) == {"not_shown"}
    assert (table["p_holm"] >= table["p_permutation"]).all()
    assert table_of(0.0)["verdict"].eq("not_shown").all()


def test_samples_of_different_sizes_within_a_family_are_a_remark():
    pairs = families(3.0, 1, sizes=(11, 7))
    sizes = [np.full(11, 20_000.0), np.linspace(8306, 15_050, 7)]
    found = [replace(one, sample_bytes=each) for one, each in zip(pairs, sizes, strict=True)]
    row = correlate(found, SPEC)
    assert row["remarks"] == (
        "domains of 1 of 2 families have samples of 8,306 to 15,050 bytes, on which statistics "
        "depend"
    )
    without = correlate(pairs, SPEC)
    assert without["remarks"] == "" and row["spearman_r"] == without["spearman_r"]
    equal = [replace(one, sample_bytes=np.full(len(one.x), 999.0)) for one in pairs]
    assert correlate(equal, SPEC)["remarks"] == ""


def test_families_without_three_domains_have_no_correlation():
    table = exponent_table(
        pd.DataFrame(columns=CORPUS_STATISTICS.names),
        pd.DataFrame(columns=ABSOLUTE.names),
        pd.DataFrame(columns=RELATIVE.names),
        SPEC,
    )
    assert table["status"].eq("too_few_domains").all() and table["verdict"].eq("").all()
    assert table["spearman_r"].isna().all()
