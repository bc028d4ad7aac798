import numpy as np
import pandas as pd
import pytest

from relscale.laws.fit import fit_family
from relscale.laws.inputs import check_losses
from relscale.laws.spec import LawSpec

SETTINGS = LawSpec(
    family="topics", baseline="base", draws=200, estimators=("joint", "vertex", "best_run", "akima")
)


def changed(frame, column, value, where="treat"):
    frame = frame.copy()
    frame.loc[frame.index[frame["domain"] == where][3], column] = value
    return frame


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ({}, "key family is missing"),
        (
            {"family": "topics", "baselin": "x"},
            r"unknown key baselin; known are accuracy_metric, baseline, ceiling, chance",
        ),
        (
            {"family": "topics", "metrics": []},
            r"metrics is \[\]: Tuple should have at least 1 item",
        ),
        (
            {"family": "topics", "compute": "flops"},
            "compute is 'flops': Input should be 'training_flops' or 'forward_flops'",
        ),
        (
            {"family": "topics", "estimators": ["spline"]},
            "estimators.0 is 'spline': Input should be 'auto', 'joint', 'vertex', 'best_run'",
        ),
        (
            {"family": "topics", "margin_share": 0},
            "margin_share is 0: Input should be greater than 0",
        ),
        ({"family": "topics", "level": 95}, "level is 95: Input should be less than 1"),
        (
            {"family": "topics", "chance": 1.0, "draws": 3},
            "draws is 3: Input should be greater than or equal to 100; chance is 1.0",
        ),
    ],
)
def test_bad_specs(spec, match):
    with pytest.raises(ValueError, match=match):
        LawSpec.read(spec)


def test_spec_lists_become_tuples():
    settings = LawSpec.read(
        {"family": "topics", "metrics": ["accuracy"], "estimators": ["joint"], "baseline": None}
    )
    assert (settings.metrics, settings.estimators, settings.baseline) == (
        ("accuracy",),
        ("joint",),
        None,
    )


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda f: f.drop(columns="tokens"), r"losses: missing column\(s\) tokens"),
        (
            lambda f: f.drop(columns="training_flops"),
            "no column training_flops; it has forward_flops: name that axis",
        ),
        (
            lambda f: f.drop(columns=["training_flops", "forward_flops"]),
            "no column training_flops; nor the other axis",
        ),
        (
            lambda f: pd.concat([f, f.iloc[:2]]),
            r"2 repeated row\(s\), first \{'corpus': 'web', 'run': 'web-5e10-n0-s0'",
        ),
        (lambda f: changed(f, "tokens", -5), r"tokens is -5 for \{'corpus': 'web'"),
        (lambda f: changed(f, "training_flops", np.nan), "training_flops is nan"),
        (
            lambda f: changed(f, "tokens", 77),
            "run 'web-5e10-n3-s0' of corpus 'web' has more than one tokens",
        ),
        (
            lambda f: f[f["family"] != "topics"],
            "no rows of family 'topics'; families are validation",
        ),
        (
            lambda f: f[f["domain"] != "base"],
            "baseline is 'base', no domain of family 'topics'; domains are treat",
        ),
        (
            lambda f: f.assign(metric="accuracy"),
            "family 'topics' has no metric bits_per_byte; it has accuracy",
        ),
    ],
)
def test_bad_tables(plant, change, match):
    with pytest.raises(ValueError, match=match):
        fit_family(change(plant()), SETTINGS)


def test_mixed_compute_axes(plant):
    frame = plant()
    frame.loc[frame["run"].str.contains("1e11-n4"), "training_flops"] /= 3
    with pytest.raises(
        ValueError,
        match=r"budget '1e11' of corpus 'web' holds runs from 3.33e\+10 to 1e\+11 training_flops",
    ):
        fit_family(frame, SETTINGS)


def test_optimum_losses_need_the_validation_family(plant):
    frame = plant()
    topics = frame[frame["family"] == "topics"]
    with pytest.raises(
        ValueError,
        match=r"optimum losses: no rows of family 'validation' \(optimum_by\); families are topics",
    ):
        fit_family(topics, SETTINGS, optimum_losses=topics)


def test_reasons(plant):
    frame = plant().head(5).copy()
    frame["value"] = [1.0, np.nan, 0.0, np.inf, -1.0]
    frame["excluded_reason"] = [None, "diverged", "", "  ", None]
    checked = check_losses(frame, "training_flops")
    assert list(checked["reason"]) == ["", "diverged", "not positive", "not finite", "not positive"]
    assert list(checked["used"]) == [True, False, False, False, False]


def test_only_the_required_columns(plant):
    frame = plant(run_sd=0.01, domain_sd=0.01)
    needed = [
        "corpus",
        "run",
        "budget",
        "num_params_total",
        "tokens",
        "family",
        "domain",
        "metric",
        "value",
        "training_flops",
    ]
    row = fit_family(
        frame[needed].assign(budget=frame["budget"].astype(float)), SETTINGS
    ).ratio.iloc[0]
    assert row["dbeta"] == pytest.approx(fit_family(frame, SETTINGS).ratio.iloc[0]["dbeta"])


def test_excluded_runs_are_left_out_and_counted(plant):
    frame = plant(run_sd=0.01, domain_sd=0.01)
    diverged = frame["run"] == "web-1e11-n1-s0"
    bad = frame.copy()
    bad["excluded_reason"] = bad["excluded_reason"].astype(object)
    bad.loc[diverged, ["value", "excluded_reason"]] = [np.nan, "diverged"]
    relative, without = (
        fit_family(bad, SETTINGS).ratio,
        fit_family(frame[~diverged], SETTINGS).ratio,
    )
    np.testing.assert_allclose(relative["dbeta"], without["dbeta"])
    assert set(relative["num_runs"]) == {23}
    assert relative["remarks"].str.contains(r"1 run\(s\) left out: diverged").all()


def test_non_finite_error_is_left_out_and_counted(plant):
    frame = changed(plant(run_sd=0.01, domain_sd=0.01), "value", np.nan)
    row = fit_family(frame, SETTINGS).ratio.iloc[0]
    assert row["num_runs"] == 23
    assert "1 run(s) left out: not finite" in row["remarks"]


def test_domain_missing_for_some_runs(plant):
    frame = plant(run_sd=0.01, domain_sd=0.01)
    frame = frame[~((frame["domain"] == "treat") & frame["run"].str.contains("n5"))]
    row = fit_family(frame, SETTINGS).ratio.iloc[0]
    assert row["num_runs"] == 20
    assert "4 run(s) lack a value" in row["remarks"]


def test_baseline_missing_in_one_suite(plant):
    one, two = (
        plant(run_sd=0.01, domain_sd=0.01),
        plant(corpus="other", run_sd=0.01, domain_sd=0.01),
    )
    laws = fit_family(pd.concat([one, two[two["domain"] != "base"]]), SETTINGS)
    status = laws.ratio.set_index(["corpus", "estimator"])["status"]
    assert status["other", "joint"] == "baseline_missing"
    assert status["web", "joint"] == "ok"
    assert laws.ratio.loc[laws.ratio["corpus"] == "other", "verdict"].eq("").all()
    assert laws.absolute.set_index(["corpus", "domain", "estimator"])["status"][
        "other", "base", "joint"
    ].startswith("domain_missing")
