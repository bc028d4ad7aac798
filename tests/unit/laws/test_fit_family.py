import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from relscale.contract.io import read_table
from relscale.contract.tables.optima import OPTIMA
from relscale.contract.tables.relative import RELATIVE
from relscale.laws.fit import TABLES, fit_baselines, fit_family
from relscale.laws.spec import LawSpec

SETTINGS = LawSpec(
    family="topics", baseline="base", draws=200, estimators=("joint", "vertex", "best_run")
)
EVERYTHING = LawSpec(family="topics", baseline="base", draws=200)
BUDGETS = ("1e11", "2e11", "4e11")
THREE = {"base": (2.0, 0.10, 0.0), "closer": (2.4, 0.13, 0.05), "farther": (2.4, 0.07, 0.0)}


def stage(name, spec, **paths):
    options = []
    for key, value in paths.items():
        values = value if isinstance(value, list) else [value]
        options += [f"--{key.replace('_', '-')}", *map(str, values)]
    command = [
        sys.executable,
        "-m",
        f"relscale.stages.{name}",
        "--spec",
        json.dumps(spec),
        *options,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_tables_have_their_columns(plant):
    laws = fit_family(plant(domains=THREE, run_sd=0.01, domain_sd=0.005), EVERYTHING)
    for name, table in TABLES.items():
        assert tuple(getattr(laws, name).columns) == table.names
    assert len(laws.points) == 3 * 6 * 4
    assert len(laws.absolute) == 3 * 6
    assert len(laws.absolute_fits) == 3 * 6 * 4
    assert len(laws.surface) == 3 * 2
    assert len(laws.ratio) == 2 * 6
    assert len(laws.decomposition) == 2
    verdicts = laws.ratio.set_index(["treatment", "estimator"])["verdict"]
    assert verdicts["closer", "joint"] == "narrows"
    assert verdicts["farther", "joint"] == "widens"
    # Power laws were planted.
    assert set(laws.absolute["law"]) == {"power"}
    assert laws.absolute["offset"].isna().all()


def test_points_agree_with_the_plant(plant):
    points = fit_family(plant(domains=THREE), SETTINGS).points.set_index(
        ["domain", "estimator", "budget"]
    )
    for budget in ("5e10", "5e11"):
        for estimator in ("joint", "vertex"):
            row = points.loc[("closer", estimator, budget)]
            assert row["value"] == pytest.approx(2.4 * (float(budget) / 1e11) ** -0.13)
            assert row["gap"] == pytest.approx(1.2 * (float(budget) / 1e11) ** -0.03)
            assert row["training_flops"] == pytest.approx(float(budget))
            assert row["forward_flops"] == pytest.approx(float(budget) / 3)
    assert points.loc[("base", "joint", "5e10"), "gap"] == 1.0


def test_point_errors_are_honest(plant):
    """The standard error of G at a budget against its scatter over 60 planted suites (a standard
    deviation from 60 is good to 9 %)."""
    gaps, errors = [], []
    settings = LawSpec(
        family="topics", baseline="base", draws=100, estimators=("joint",), classical=()
    )
    for seed in range(60):
        points = fit_family(
            plant(seed=seed, run_sd=0.01, domain_sd=0.01, budgets=("1e11", "2e11", "4e11")),
            settings,
        ).points
        row = points[
            (points["domain"] == "treat")
            & (points["estimator"] == "joint")
            & (points["budget"] == "2e11")
        ].iloc[0]
        gaps.append(row["gap"])
        errors.append(row["gap_standard_error"])
    # Three times the 9 %.
    assert np.mean(errors) == pytest.approx(np.std(gaps, ddof=1), rel=0.3)


def test_family_without_baseline(plant):
    laws = fit_family(plant(run_sd=0.01), LawSpec(family="validation", draws=200))
    assert laws.absolute["exponent"].iloc[0] == pytest.approx(0.1, abs=0.02)
    assert laws.ratio.empty
    assert laws.decomposition.empty
    assert laws.points["gap"].isna().all()


def test_a_new_domain_moves_no_other_but_its_noise(plant):
    """The noise of the budgets is pooled over the family; the rest of a row is the gap's own."""
    frame = plant(domains=THREE, run_sd=0.01, domain_sd=0.005)
    few = fit_family(frame[frame["domain"] != "farther"], SETTINGS).ratio
    many = fit_family(frame, SETTINGS).ratio
    many = many[many["treatment"] == "closer"].reset_index(drop=True)
    own = ["treatment", "gamma", "dbeta", "gap_first", "r2", "lack_of_fit_p", "num_runs", "status"]
    pd.testing.assert_frame_equal(few[own], many[own])
    joint = (few["estimator"] == "joint") & (few["scale"] == "ratio")
    assert (few.loc[joint, "dof"] < many.loc[joint, "dof"]).all()


@pytest.mark.parametrize("num_sizes", [1, 2, 3])
@pytest.mark.parametrize("budgets", [("1e11",), ("1e11", "2e11")])
def test_little_data_gives_statuses(plant, num_sizes, budgets):
    laws = fit_family(
        plant(num_sizes=num_sizes, budgets=budgets, run_sd=0.01, domain_sd=0.01), EVERYTHING
    )
    names = ["auto", "joint", "vertex", "best_run", "akima", "surface"]
    assert list(laws.ratio["estimator"]) == names
    assert laws.ratio["verdict"].isin(["", "undecided"]).all()
    if len(budgets) == 1:
        assert laws.ratio["status"].isin(["too_few_budgets", "no_usable_optimum"]).all()
        assert laws.absolute["coefficient"].isna().all()
    else:
        best = laws.ratio.iloc[3]
        assert np.isfinite(best["dbeta"])
        assert best["ci_method"] == "none"


def test_other_baselines_are_fitted_as_if_each_were_alone(plant):
    """Optima, draws of items and surfaces are shared; every row is that of the family's own fit
    against that baseline."""
    frame = pd.concat(
        [
            plant(domains=THREE, run_sd=0.01, domain_sd=0.005, corpus=suite, budgets=BUDGETS)
            for suite in ("one", "two")
        ]
    )
    topics = frame[frame["family"] == "topics"]
    item = {
        "family": "topics",
        "metric": "bits_per_byte",
        "stratum": "s",
        "denominator": 1.0,
        "overlaps": False,
    }
    shares = (("a", 0.5), ("b", 1.5), ("c", 1.0))
    items = pd.concat(
        [
            topics[["corpus", "run", "domain"]].assign(
                **item, item=k, numerator=topics["value"] * f
            )
            for k, f in shares
        ]
    )
    settings = LawSpec(family="topics", draws=200)
    found = fit_baselines(frame, settings, ["closer", "farther"], items=items)
    each = [
        fit_family(frame, settings.model_copy(update={"baseline": name}), items=items).relative
        for name in ("closer", "farther")
    ]
    pd.testing.assert_frame_equal(found, pd.concat(each, ignore_index=True), check_exact=True)
    assert set(found.loc[found["scale"] != "gain", "ci_method"]) == {"runs+items"}
    assert tuple(fit_baselines(frame, settings, []).columns) == RELATIVE.names
    with pytest.raises(
        ValueError,
        match="baseline is 'nobody', no domain of family 'topics'; domains are base, closer, "
        "farther",
    ):
        fit_baselines(frame, settings, ["closer", "nobody"])


def test_lonely_baseline(plant):
    laws = fit_family(plant(domains={"base": (2.0, 0.1, 0.0)}, run_sd=0.01), SETTINGS)
    assert laws.ratio.empty
    assert len(laws.absolute) == 3


def test_at_chance_rows_have_no_verdict(plant):
    frame = plant(run_sd=0.001, domain_sd=0.001)
    frame["at_chance"] = frame["domain"] == "treat"
    row = fit_family(frame, SETTINGS).ratio.iloc[0]
    assert row["status"] == "at_chance"
    assert row["verdict"] == ""
    assert np.isfinite(row["dbeta"])
    frame["at_chance"] = (frame["domain"] == "treat") & frame["run"].str.contains("5e10")
    row = fit_family(frame, SETTINGS).ratio.iloc[0]
    assert (row["status"], row["remarks"]) == ("ok", "6 run(s) at chance")
    assert row["verdict"] == "narrows"


def test_stages_write_the_same_bytes_twice(plant, tmp_path):
    frame = plant(run_sd=0.01, domain_sd=0.01, replicates={"1e11": 3})
    topics, validation = tmp_path / "topics.parquet", tmp_path / "validation.parquet"
    frame[frame["family"] == "topics"].to_parquet(topics)
    frame[frame["family"] == "validation"].to_parquet(validation)
    spec = {
        "family": "topics",
        "baseline": "base",
        "metrics": ["bits_per_byte"],
        "draws": 200,
        "seed": 1,
    }
    written = []
    for turn in ("a", "b"):
        out = [tmp_path / turn / f"{name}.csv" for name in TABLES]
        done = stage("laws", spec, losses=topics, optimum_losses=validation, out=out)
        assert done.returncode == 0, done.stderr
        done = stage(
            "optima",
            {"compute": "training_flops"},
            losses=validation,
            out=tmp_path / turn / "optima.csv",
        )
        assert done.returncode == 0, done.stderr
        written.append(
            {path.name: path.read_bytes() for path in sorted((tmp_path / turn).iterdir())}
        )
    assert written[0] == written[1]
    assert sorted(written[0]) == sorted([f"{name}.csv" for name in TABLES] + ["optima.csv"])
    for name, table in TABLES.items():
        assert tuple(read_table(tmp_path / "a" / f"{name}.csv").columns) == table.names
    assert tuple(read_table(tmp_path / "a" / "optima.csv").columns) == OPTIMA.names
    assert read_table(tmp_path / "a" / "relative.csv").loc[0, "num_runs"] == 26


def test_stage_says_what_is_wrong(plant, tmp_path):
    path = tmp_path / "losses.csv"
    plant().to_csv(path, index=False)
    out = [tmp_path / f"{name}.csv" for name in TABLES]
    done = stage("laws", {"family": "topics", "baseline": "bass"}, losses=path, out=out)
    assert done.returncode != 0
    assert (
        "baseline is 'bass', no domain of family 'topics'; domains are base, treat" in done.stderr
    )
    assert not any(path.exists() for path in out)
