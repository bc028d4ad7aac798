"""Wrong data from a file to the tables: a clear error or a status, never a silent number."""

import numpy as np
import pandas as pd
import pytest

from relscale.laws.run import fit_laws

SETTINGS = {"family": "topics", "baseline": "base", "draws": 100}
FEW = {"estimators": ("joint", "best_run")}


@pytest.fixture(name="frame")
def frame_fixture(plant):
    return plant(run_sd=0.01, domain_sd=0.01)


def laws_of(frame, path, **settings):
    """Write the table, read it by `fit_laws`."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return fit_laws(path, **SETTINGS, **settings)


def change(frame, column, value, budget="1e11", family="topics", domain="treat", place=2):
    """Put a value in one row."""
    frame = frame.copy()
    rows = frame.index[
        (frame["budget"] == budget) & (frame["family"] == family) & (frame["domain"] == domain)
    ]
    frame[column] = frame[column].astype(object) if isinstance(value, str) else frame[column]
    frame.loc[rows[place], column] = value
    return frame


def score(frame, budget, change_of):
    """Multiply one budget's validation losses, by size."""
    frame = frame.copy()
    rows = frame.index[(frame["family"] == "validation") & (frame["budget"] == budget)]
    frame.loc[rows, "value"] *= np.exp(np.asarray(change_of))
    return frame


def remarks(laws):
    return laws.laws.ratio.set_index("estimator")["remarks"].to_dict()


def test_csv_and_parquet_with_either_axis_give_the_same_laws(frame, tmp_path):
    """Slopes do not depend on the file or the axis; the reference compute is a third of the other
    axis'."""
    tables = {}
    for kind in ("csv", "parquet"):
        for axis in ("training_flops", "forward_flops"):
            other = {"training_flops": "forward_flops", "forward_flops": "training_flops"}[axis]
            laws = laws_of(
                frame.drop(columns=other),
                tmp_path / f"{axis}.{kind}",
                compute=axis,
                estimators=("joint", "akima"),
            )
            tables[kind, axis] = laws.laws.ratio
    first = tables["csv", "training_flops"]
    for (_, axis), table in tables.items():
        np.testing.assert_allclose(table["dbeta"], first["dbeta"], rtol=1e-9)
        np.testing.assert_allclose(table["ci_low"], first["ci_low"], rtol=1e-6)
        third = 3.0 if axis == "forward_flops" else 1.0
        np.testing.assert_allclose(
            table["reference_compute"] * third, first["reference_compute"], rtol=1e-9
        )


def test_a_budget_that_is_not_convex(frame, tmp_path):
    laws = laws_of(score(frame, "1e11", [0, 0.3, 0.6, 0.6, 0.3, 0]), tmp_path / "losses.csv")
    optima = laws.optima.set_index(["estimator", "budget"])["status"]
    assert optima["vertex", "1e11"] == "curvature_not_positive"
    for estimator in ("joint", "vertex"):
        assert "budget(s) 1e11 left out: curvature_not_positive" in remarks(laws)[estimator]
    assert set(laws.laws.ratio.set_index("estimator").loc[["joint", "vertex"], "num_budgets"]) == {
        3
    }


def test_an_optimum_on_the_edge(frame, tmp_path):
    laws = laws_of(score(frame, "1e11", np.linspace(1.5, 0, 6)), tmp_path / "losses.csv")
    optima = laws.optima.set_index(["estimator", "budget"])["status"]
    assert optima["vertex", "1e11"] == optima["akima", "1e11"] == "optimum_outside_sampled_range"
    assert optima["best_run", "1e11"] == "best_run_on_edge"
    found = remarks(laws)
    for estimator in ("joint", "vertex", "akima"):
        assert "budget(s) 1e11 left out: optimum_outside_sampled_range" in found[estimator]
    assert "best run on the edge in 1 budget(s)" in found["best_run"]


def test_three_points(plant, tmp_path):
    laws = laws_of(plant(num_sizes=3, run_sd=0.01, domain_sd=0.01), tmp_path / "losses.csv")
    optima = laws.optima.set_index("estimator").loc["vertex"]
    assert set(optima["status"]) == {"ok"}
    assert set(optima["remarks"]) == {"noise unknown: no budget has four sizes"}
    found = remarks(laws)
    for estimator in ("vertex", "best_run", "akima"):
        assert "interval from the budgets' scatter alone" in found[estimator]
        assert laws.laws.ratio.set_index("estimator").loc[estimator, "dof"] == 4 - 2


def test_two_points_a_budget(plant, tmp_path):
    laws = laws_of(plant(num_sizes=2, run_sd=0.01), tmp_path / "losses.csv", estimators=("vertex",))
    assert laws.laws.ratio["status"].tolist() == ["no_usable_optimum"]
    assert "too_few_runs" in remarks(laws)["vertex"]


@pytest.mark.parametrize(
    ("value", "word"),
    [(0.0, "not positive"), (-2.0, "not positive"), (np.nan, "not finite"), (np.inf, "not finite")],
)
def test_errors_that_have_no_logarithm(frame, tmp_path, value, word):
    laws = laws_of(
        change(frame, "value", value), tmp_path / "losses.csv", estimators=("joint", "vertex")
    )
    assert all(f"1 run(s) left out: {word}" in text for text in remarks(laws).values())
    assert set(laws.laws.ratio["num_runs"]) == {23}
    absolute = laws.laws.absolute.set_index(["domain", "estimator"])["remarks"]
    assert f"1 run(s) left out: {word}" in absolute["treat", "joint"]


def test_an_error_that_is_no_number(frame, tmp_path):
    words = change(frame.astype({"value": object}), "value", "n/a?")
    with pytest.raises(ValueError, match=r"losses.csv: line 28: value is 'n/a\?': a number is"):
        laws_of(words, tmp_path / "losses.csv", **FEW)


@pytest.mark.parametrize("word", ["", "NA", "NaN", "n/a", "null", "None"])
def test_an_error_that_is_missing(frame, tmp_path, word):
    words = change(frame.astype({"value": object}), "value", word)
    laws = laws_of(words, tmp_path / "losses.csv", **FEW)
    assert all("1 run(s) left out: not finite" in text for text in remarks(laws).values())


def test_a_missing_value_among_those_that_locate_the_optimum(frame, tmp_path):
    noisy = change(frame.assign(standard_error=0.01), "value", "n/a", "1e11", "validation", "own")
    laws = laws_of(noisy, tmp_path / "losses.csv", **FEW)
    assert laws.laws.ratio["dbeta"].notna().all()


def test_an_optimum_without_a_usable_value(frame):
    frame.loc[frame["family"] == "validation", "value"] *= -1
    with pytest.raises(ValueError, match="none of its rows can be used: not positive"):
        fit_laws(frame, **SETTINGS, **FEW)


def test_a_table_with_older_names_of_columns(frame):
    older = frame.rename(columns={"corpus": "suite", "value": "error"})
    one, other = (fit_laws(table, **SETTINGS, **FEW).laws.ratio for table in (frame, older))
    pd.testing.assert_frame_equal(one, other)


def test_a_domain_missing_for_some_runs(frame, tmp_path):
    some = frame[~((frame["domain"] == "treat") & frame["run"].str.contains("n5"))]
    assert all(
        "4 run(s) lack a value" in text
        for text in remarks(laws_of(some, tmp_path / "losses.csv", **FEW)).values()
    )


def test_a_baseline_missing_in_one_suite(frame, plant, tmp_path):
    other = plant(corpus="other", run_sd=0.01, domain_sd=0.01)
    laws = laws_of(
        pd.concat([frame, other[other["domain"] != "base"]]), tmp_path / "losses.csv", **FEW
    )
    rows = laws.laws.ratio.set_index(["corpus", "estimator"])
    assert (rows.loc["other", "status"] == "baseline_missing").all() and rows.loc[
        "other", "dbeta"
    ].isna().all()
    assert (rows.loc["other", "verdict"] == "").all()
    assert rows.loc["web", "dbeta"].notna().all()


def one_size(frame):
    """All runs get the parameters of their place among the sizes, and the compute that goes with
    them."""
    frame = frame.copy()
    frame["num_params_total"] = frame["run"].str.extract(r"-n(\d)-")[0].astype(int) * 1000 + 1000
    frame["tokens"] = (frame["budget"].astype(float) / 6 / frame["num_params_total"]).round()
    return frame


def third_of(frame, rows):
    frame = frame.copy()
    frame.loc[rows, "training_flops"] /= 3
    return frame


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (
            lambda f: pd.concat([f, f.iloc[3:5]]),
            r"2 repeated row\(s\), first \{'corpus': 'web'.*one row per run, family, domain",
        ),
        (
            lambda f: third_of(f, f["run"].str.contains("1e11-n4")),
            "budget '1e11' of corpus 'web' holds runs from 3.33e.10 to 1e.11",
        ),
        # A whole budget, and a whole suite, on the other axis: no budget is wide, but a size has
        # two prices.
        (
            lambda f: third_of(one_size(f), f["budget"] == "1e11").drop(columns="forward_flops"),
            "runs of 1000 parameters have from 2e.03 to 6e.03 training_flops per token",
        ),
        (
            lambda f: pd.concat(
                [one_size(f), third_of(one_size(f), f["corpus"] == "web").assign(corpus="b")]
            ).drop(columns="forward_flops"),
            "runs of 1000 parameters have from 2e.03 to 6e.03 training_flops per token",
        ),
        (
            lambda f: f.assign(forward_flops=f["training_flops"]),
            "training is 3 x forward .are the two axes mixed",
        ),
        (
            lambda f: f.drop(columns="training_flops"),
            "no column training_flops; it has forward_flops: name that axis",
        ),
    ],
)
def test_tables_that_are_refused(frame, tmp_path, wrong, match):
    with pytest.raises(ValueError, match=match):
        laws_of(wrong(frame), tmp_path / "losses.csv")
