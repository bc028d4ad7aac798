"""Evaluations along a run, and budgets of tables that have none."""

import numpy as np
import pandas as pd
import pytest
from outside_tables import assert_same, read

from relscale.laws.inputs import MAX_COMPUTE_SPREAD, check_losses
from relscale.laws.spellings import SAME_COMPUTE
from relscale.losses_table.budgets import SAME, WITHIN

LOGGED = {
    "shape": "wide",
    "columns": {
        "run": "name",
        "step": "_step",
        "tokens": "_step",
        "num_params_total": "name",
    },
    "units": {"tokens": 524288, "num_params_total": "in_name"},
    "constants": {"corpus": "pile", "family": "texts", "metric": "loss"},
    "domains": {"C4": "c4", "Code": "code"},
    "derive": {"training_flops": "6 x num_params_total x tokens"},
}


@pytest.fixture(name="path")
def path_fixture(logged, tmp_path):
    path = tmp_path / "logged.csv"
    logged.to_csv(path, index=False)
    return path


def test_the_last_step_of_each_run_is_used_and_the_others_are_counted(path):
    found = read(path, steps="last", **LOGGED)
    assert len(found.frame) == 6
    assert set(found.frame["tokens"]) == {4000 * 524288}
    assert set(found.frame["run"]) == {"pile-70M", "pile-160M", "pile-410M"}
    notes = "\n".join(found.decisions)
    assert "9 of 27 rows of the file have no value of any domain" in notes
    assert "6 evaluations of 3 run(s) are not the last and are left out" in notes
    assert "18 empty cell(s) are left out whose value is in another row" in notes


def test_a_last_step_with_fewer_values_is_not_used_and_is_named(logged, path):
    late = {"name": "pile-70M", "_step": 5000, "c4": 2.0, "code": np.nan}
    pd.concat([logged, pd.DataFrame([late])]).to_csv(path, index=False)
    found = read(path, steps="last", **LOGGED)
    rows = found.frame[found.frame["run"] == "pile-70M"]
    assert set(rows["tokens"]) == {4000 * 524288} and len(rows) == 2
    assert any("first 'pile-70M', step 4000 of 5000" in one for one in found.decisions)


def test_a_last_step_without_any_value_is_named(logged, path):
    late = {"name": "pile-70M", "_step": 5000, "c4": np.nan, "code": np.nan}
    logged = logged[logged["_step"] % 1000 == 0]
    pd.concat([logged, pd.DataFrame([late])]).to_csv(path, index=False)
    found = read(path, steps="last", **LOGGED)
    rows = found.frame[found.frame["run"] == "pile-70M"]
    assert set(rows["tokens"]) == {4000 * 524288} and len(rows) == 2
    assert (
        "1 run(s) have later steps without any value: first 'pile-70M', whose last step with a "
        "value is 4000 of 5000"
    ) in found.decisions


def test_a_run_without_any_value_is_named(logged, path):
    late = {"name": "pile-1B", "_step": 1000, "c4": np.nan, "code": np.nan}
    pd.concat([logged, pd.DataFrame([late])]).to_csv(path, index=False)
    found = read(path, steps="last", **LOGGED)
    assert "1 run(s) have no value in any row: pile-1B" in found.decisions
    assert "pile-1B" not in set(found.frame["run"])


def test_all_steps_become_runs_that_share_a_trajectory(path):
    found = read(path, steps="all", **LOGGED)
    assert found.frame["run"].nunique() == 9
    row = found.frame.set_index(["run", "domain"]).loc[("pile-160M@2000", "C4")]
    assert row["tokens"] == 2000 * 524288
    assert row["training_flops"] == 6.0 * 160e6 * 2000 * 524288
    assert row["value"] == pytest.approx(
        1.7 + 400 / 160e6**0.34 + 410 / (2000 * 524288) ** 0.28, rel=1e-12
    )
    notes = "\n".join(found.decisions)
    assert "share a trajectory, so their errors are correlated" in notes


def test_several_steps_without_a_choice_are_an_error(path):
    with pytest.raises(ValueError, match=r"3 run\(s\) have several steps.*last, decayed or all"):
        read(path, **LOGGED)


def test_decayed_steps_are_used_and_runs_without_any_are_named(logged, path):
    decayed = logged["_step"].isin([2000, 4000]) & (logged["name"] == "pile-70M")
    decayed |= (logged["_step"] == 4000) & (logged["name"] == "pile-160M")
    logged.assign(annealed=decayed).to_csv(path, index=False)
    settings = {**LOGGED, "columns": {**LOGGED["columns"], "decayed": "annealed"}}
    found = read(path, steps="decayed", **settings)
    assert set(found.frame["run"]) == {"pile-70M@2000", "pile-70M@4000", "pile-160M"}
    notes = "\n".join(found.decisions)
    assert "1 run(s) have no decayed step: pile/pile-410M" in notes
    assert "2 evaluations along 1 run(s) count as runs" in notes


def test_decayed_steps_need_their_column(path):
    with pytest.raises(ValueError, match="no column is mapped to decayed"):
        read(path, steps="decayed", **LOGGED)


def test_all_steps_need_tokens_so_far(logged, path):
    logged.assign(total=1e9).to_csv(path, index=False)
    settings = {**LOGGED, "columns": {**LOGGED["columns"], "tokens": "total"}}
    with pytest.raises(ValueError, match=r"tokens has 1 value\(s\) at 3 steps of run 'pile-160M'"):
        read(path, steps="all", **{**settings, "units": {"num_params_total": "in_name"}})


def test_names_with_tokens_may_be_steps_of_one_run(logged, path):
    settings = {**LOGGED, "columns": {**LOGGED["columns"], "run": ["name", "_step"]}}
    del settings["columns"]["step"]
    found = read(path, **settings)
    assert found.frame["run"].nunique() == 9
    assert any("share a trajectory" in one for one in found.decisions)


def test_isoflop_budgets_are_found_from_the_compute(table, tmp_path):
    path = tmp_path / "losses.csv"
    table.drop(columns="budget").to_csv(path, index=False)
    found = read(path)
    assert_same(found.frame, table)
    assert any("share 4 IsoFLOP budgets, 1e17, 1e18, 1e19, 1e20" in one for one in found.decisions)


def ladder(num_sizes=6, num_ratios=5, corpora=("web",)):
    rows = []
    for corpus in corpora:
        for size in range(num_sizes):
            for ratio in range(num_ratios):
                params, tokens = 70e6 * 2**size, 70e6 * 2**size * 5 * 2**ratio
                rows.append(
                    {
                        "corpus": corpus,
                        "run": f"{size}-{ratio}",
                        "num_params_total": params,
                        "tokens": tokens,
                        "training_flops": 6 * params * tokens,
                        "family": "texts",
                        "domain": "C4",
                        "metric": "loss",
                        "value": 1.7 + 400 / params**0.34 + 410 / tokens**0.28,
                    }
                )
    return pd.DataFrame(rows)


def test_a_ladder_has_a_budget_per_compute_and_the_laws_take_it(tmp_path):
    path = tmp_path / "losses.csv"
    ladder().to_csv(path, index=False)
    found = read(path, budgets="each_run")
    shared = found.frame.groupby("budget")["training_flops"].nunique()
    assert (shared == 1).all()
    assert check_losses(found.frame, "training_flops")["used"].all()


@pytest.mark.parametrize("scatter", [0.0, 0.002, 0.02])
def test_dense_compute_never_gives_budgets_that_the_laws_refuse(tmp_path, scatter):
    path = tmp_path / "losses.csv"
    random = np.random.default_rng(5)
    tokens = 1e9 * np.linspace(1, 3, 400) * np.exp(random.normal(0, scatter, 400))
    frame = pd.DataFrame(
        {
            "run": [f"r{index}" for index in range(400)],
            "num_params_total": 1e8,
            "tokens": tokens,
            "training_flops": 6e8 * tokens,
            "value": 3 - 0.1 * np.log(tokens / 1e9),
        }
    )
    frame.to_csv(path, index=False)
    constants = {"corpus": "web", "family": "texts", "domain": "C4", "metric": "loss"}
    found = read(path, constants=constants).frame
    assert check_losses(found, "training_flops")["used"].all()
    assert found["budget"].nunique() > 20


def test_isoflop_that_is_stated_and_absent_is_an_error(tmp_path):
    path = tmp_path / "losses.csv"
    ladder(num_ratios=1).to_csv(path, index=False)
    with pytest.raises(ValueError, match="the runs form no IsoFLOP curves"):
        read(path, budgets="isoflop")
    assert read(path).frame["budget"].nunique() == 6


def test_budgets_of_several_corpora_have_the_same_names(tmp_path, table):
    path = tmp_path / "losses.csv"
    other = table.assign(corpus="books", training_flops=table["training_flops"] * 1.01)
    pd.concat([table, other]).drop(columns="budget").to_csv(path, index=False)
    found = read(path).frame
    assert found.groupby("corpus")["budget"].nunique().tolist() == [4, 4]
    assert found["budget"].nunique() == 4


def test_the_limits_of_budgets_are_within_those_of_the_laws():
    assert SAME == SAME_COMPUTE
    assert WITHIN < MAX_COMPUTE_SPREAD
