"""The probability that a re-run of the suite reaches the same verdict."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from relscale.laws.fit import fit_family
from relscale.laws.replication import (
    CODE,
    WORDS,
    Judged,
    add_replication,
    rerun_verdicts,
    step_downs,
    verdict_codes,
)
from relscale.laws.spec import LawSpec
from relscale.laws.tables.relative import side_tests
from relscale.laws.verdict import add_verdicts, step_down

READ = np.array([[1.0, -0.5], [1.0, 0.0], [1.0, 0.5]])
"""Levels of a line at the lowest budget, in the middle and at the highest from (middle, change)."""
UNIT = READ @ np.diag([0.1, 1.0]) @ READ.T
"""Covariance of the levels if the change has variance 1."""


def judged(middle, change, error=0.01, dof=12.0, items=0.0, floor=0.005):
    return Judged(
        levels=READ @ np.array([middle, change]),
        covariance=error**2 * UNIT,
        dof=dof,
        item_share=items,
        run_dof=dof,
        margin_share=0.1,
        margin_floor=floor,
    )


def table_of(fits, metric="bits_per_byte"):
    """Rows of relative.csv as the laws write them, with verdicts."""
    rows = []
    for place, fit in enumerate(fits):
        crosses, side = side_tests(
            SimpleNamespace(levels=fit.levels, levels_covariance=fit.covariance, dof=fit.dof)
        )
        first, middle, last = fit.levels
        ends = np.array([-1.0, 0.0, 1.0])
        error = np.sqrt(ends @ fit.covariance @ ends)
        rows.append(
            {
                "corpus": "web",
                "family": "topics",
                "metric": metric,
                "treatment": f"d{place}",
                "baseline": "base",
                "estimator": "joint",
                "scale": "ratio",
                "path": "optimal",
                "change": last - first,
                "change_standard_error": error,
                "standard_error": error,
                "dof": fit.dof,
                "margin": max(fit.margin_share * abs(middle), fit.margin_floor),
                "p_crosses": crosses,
                "p_side": side,
                "gap_first": np.exp(first),
                "gap_last": np.exp(last),
                "ci_level": 0.95,
                "status": "ok",
            }
        )
    return add_verdicts(pd.DataFrame(rows), lambda name: name != "bits_per_byte")


@pytest.mark.parametrize("metric", ["bits_per_byte", "accuracy"])
def test_verdicts_of_draws_are_those_of_the_laws(metric):
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        error = 10 ** rng.uniform(-3.5, -1.5)
        fits = [
            judged(
                middle=rng.normal(0, 0.15) * rng.integers(0, 2),
                change=rng.normal(0, 0.03) * rng.integers(0, 2),
                error=error,
                dof=rng.uniform(2, 30),
            )
            for _ in range(rng.integers(1, 7))
        ]
        said = table_of(fits, metric)["verdict"].tolist()
        levels = np.stack([fit.levels for fit in fits])[None]
        codes = verdict_codes(fits, levels, np.ones((1, len(fits))), metric == "accuracy", 0.05)
        assert [WORDS[code] for code in codes[0]] == said
        seen |= set(said)
    assert len(seen) >= 6


def test_adjusted_p_values_of_draws_are_those_of_the_laws():
    p_values = np.random.default_rng(1).uniform(0, 1, (50, 5, 2)) ** 4
    expected = np.stack([step_down(each) for each in p_values])
    np.testing.assert_allclose(step_downs(p_values), expected, rtol=1e-14)


def replication_of(fits, metric="bits_per_byte"):
    table = table_of(fits, metric)
    filled = add_replication(table, fits, lambda name: name != "bits_per_byte", 0)
    return dict(zip(filled["treatment"], filled["replication"], strict=True)), table


def test_a_huge_change_replicates_and_one_at_the_border_does_so_half_of_the_time():
    # With many degrees of freedom a change of 1.96 standard errors has p = .05 and is adjusted by
    # nothing. Half of the re-runs have a larger change. The margin is so large that none exceeds it
    # significantly, and so small that none is shown to be within it.
    error, dof = 0.01, 1e5
    found, table = replication_of([judged(middle=1.0, change=40 * error, error=error, dof=dof)])
    assert table["verdict"][0] == "widens"
    assert found["d0"] > 0.999
    border = judged(middle=0.2, change=1.97 * error, error=error, dof=dof)
    found, table = replication_of([border])
    assert table["verdict"][0] == "widens"
    assert found["d0"] == pytest.approx(0.5, abs=0.05)


def test_items_that_are_not_drawn_again_make_a_verdict_more_stable():
    alone, _ = replication_of([judged(middle=1.0, change=0.04, error=0.01)])
    half, _ = replication_of([judged(middle=1.0, change=0.04, error=0.01, items=0.5)])
    most, _ = replication_of([judged(middle=1.0, change=0.04, error=0.01, items=0.999)])
    assert alone["d0"] < half["d0"] < most["d0"]
    assert most["d0"] > 0.999


def test_a_verdict_among_more_gaps_that_are_adjusted_together_is_less_stable():
    strong = judged(middle=0.2, change=0.06, error=0.01)
    alone, _ = replication_of([strong])
    among, table = replication_of([strong, *[judged(middle=0.2, change=0.0)] * 5])
    assert table["verdict"][0] == "widens"
    assert among["d0"] < alone["d0"] - 0.02


def test_what_has_no_verdict_or_no_interval_has_no_replication():
    fits = [judged(middle=1.0, change=0.04), judged(middle=1.0, change=0.02, error=np.nan)]
    table = table_of(fits)
    table.loc[len(table)] = {**table.loc[0], "treatment": "lost", "scale": "gain", "verdict": ""}
    found = add_replication(table, [*fits, None], lambda name: False, 0)["replication"]
    assert np.isfinite(found).tolist() == [True, False, False]
    unknown = add_replication(table, [None, fits[1], None], lambda name: False, 0)
    assert unknown["replication"].isna().all()


def test_every_relative_law_with_a_verdict_and_an_interval_has_a_replication(plant):
    domains = {"base": (2.0, 0.10, 0.0), "far": (2.4, 0.30, 0.0), "near": (2.4, 0.101, 0.0)}
    spec = LawSpec(family="topics", baseline="base", draws=100, estimators=("joint",))
    laws = fit_family(plant(domains=domains, run_sd=0.01, domain_sd=0.01), spec).relative
    assert (np.isfinite(laws["replication"]) == (laws["verdict"] != "")).all()
    ratio = laws[laws["scale"] == "ratio"].set_index("treatment")["replication"]
    assert ratio["far"] > 0.95 > ratio["near"] > 0.05


def test_the_same_seed_gives_the_same_numbers():
    fits = [judged(middle=0.3, change=0.03), judged(middle=-0.1, change=0.02)]
    assert replication_of(fits)[0] == replication_of(fits)[0]


@pytest.mark.parametrize(("dof", "gaps"), [(4.0, 1), (10.0, 4)])
def test_the_predicted_share_is_that_of_simulated_re_runs(dof, gaps):
    # True changes are spread wider than the noise; each suite is run twice, with independent noise
    # and an estimated variance, and items in common.
    rng, suites, error, items = np.random.default_rng(2), 400, 0.01, 0.3
    predicted, same = [], []
    for _ in range(suites):
        truths = np.stack([rng.uniform(-0.5, 0.5, gaps), rng.uniform(-0.1, 0.1, gaps)], axis=1)
        own = rng.normal(0, 1, (2, gaps, 3)) * np.sqrt(1 - items)
        shared = rng.normal(0, 1, (gaps, 3)) * np.sqrt(items)
        root = np.linalg.cholesky(UNIT + 1e-12 * np.eye(3)) * error
        scales = rng.chisquare(dof, (2, gaps)) / dof
        runs = []
        for noise, scale in zip(own, scales, strict=True):
            levels = truths @ READ.T + (noise + shared) @ root.T
            fits = []
            for level, factor in zip(levels, scale, strict=True):
                of_runs = (1 - items) * factor
                total = of_runs + items
                fits.append(
                    Judged(
                        levels=level,
                        covariance=error**2 * total * UNIT,
                        dof=dof,
                        item_share=items / total,
                        run_dof=dof,
                        margin_share=0.1,
                        margin_floor=0.005,
                    )
                )
            runs.append(fits)
        verdicts = [
            verdict_codes(
                fits,
                np.stack([fit.levels for fit in fits])[None],
                np.ones((1, gaps)),
                False,
                0.05,
            )[0]
            for fits in runs
        ]
        codes = rerun_verdicts(runs[0], False, 0.05, seed=0, draws=200)
        predicted.append(np.mean(codes == verdicts[0], axis=0))
        same.append(verdicts[0] == verdicts[1])
    predicted, same = np.array(predicted).mean(axis=1), np.array(same).mean(axis=1)
    error = np.std(same - predicted) / np.sqrt(suites)
    assert abs(np.mean(same - predicted)) < 3 * error
    assert 0.5 < np.mean(same) < 0.95
    assert set(CODE) == set(WORDS)
