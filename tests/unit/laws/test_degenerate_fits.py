"""Fits of degenerate losses: a status in a word or one clear error, and no warning of numpy."""

import logging
import math
import warnings

import numpy as np
import pytest

from relscale.contract.status import status_of
from relscale.laws.cells import relative_weights
from relscale.laws.run import fit_laws
from relscale.laws.spec import BaselinesSpec, LawSpec
from relscale.laws.summary import law_table, verdict_rows
from relscale.laws.summary_lines import absolute_lines, backtest_lines

SETTINGS = {"family": "topics", "baseline": "base", "draws": 100}


@pytest.fixture(name="frame")
def frame_fixture(plant):
    frame = plant(run_sd=0.01, domain_sd=0.01, num_sizes=4, budgets=("5e10", "1e11", "2e11"))
    return frame.assign(standard_error=0.01 * frame["value"], num_items=400)


def fitted(frame, **settings):
    """Fit with warnings as errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return fit_laws(frame, **{**SETTINGS, **settings})


def runs_of(frame, *ends):
    return frame[frame["run"].str.contains("|".join(f"-{end}-" for end in ends))]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda frame: frame[frame["budget"] == "1e11"], "too_few_budgets"),
        (lambda frame: frame[frame["run"] == frame["run"].iloc[0]], "too_few_budgets"),
        (lambda frame: runs_of(frame, "n1"), "no_usable_optimum"),
        (lambda frame: runs_of(frame, "n1", "n2"), "no_usable_optimum"),
        (lambda frame: frame.assign(value=2.0), "identical"),
        (
            lambda frame: frame.assign(
                value=frame["value"].where(frame["family"] == "validation", 2.0)
            ),
            "identical",
        ),
        (lambda frame: frame.assign(tokens=1e7), "no_usable_optimum"),
        (
            lambda frame: frame.assign(
                excluded_reason=np.where(frame["domain"] == "treat", "diverged", None)
            ),
            "domain_missing",
        ),
    ],
)
def test_a_degenerate_table_gives_a_status_and_no_number(frame, change, status):
    laws = fitted(change(frame)).laws
    joint = laws.ratio.query("estimator == 'joint'").iloc[0]
    assert joint["status"] == status
    assert math.isnan(joint["dbeta"]) and not joint["verdict"]
    for table in laws.tables.values():
        for word in table.get("status", ()):
            status_of(word)


def test_identical_losses_with_known_errors_fit_no_surface_and_raise_nothing(frame):
    """Weights from items alone would leave sizes without weight: a singular parabola."""
    laws = fitted(frame.assign(value=2.0)).laws
    assert not laws.absolute["status"].isna().any()
    assert (laws.absolute["exponent"].dropna().abs() < 1e-9).all()


def test_an_exact_curve_weighs_all_sizes_alike():
    excess = np.array([0.0, 1e-8, 2e-8, 1e-6])
    ones = np.ones(4)
    np.testing.assert_array_equal(relative_weights(ones, 1e-32, math.nan, 0, excess), ones)
    assert np.ptp(relative_weights(ones, 1e-6, math.nan, 0, excess)) > 0.1


@pytest.mark.parametrize(
    ("column", "value", "match"),
    [
        ("value", 1e300, r"value is 1e\+300 for bits_per_byte of 'treat' in run 'web-1e11-n2-s0'"),
        ("value", 1e-300, r"must be from 1e-30 to 1e\+30"),
        ("standard_error", 1e300, r"standard_error is 1e\+300"),
        ("num_items", 1e300, r"num_items is 1e\+300"),
        ("num_items", -1, "num_items is -1"),
    ],
)
def test_a_number_of_an_impossible_size_is_named(frame, column, value, match):
    odd = frame.astype({"num_items": float})
    row = odd.index[(odd["domain"] == "treat") & (odd["run"] == "web-1e11-n2-s0")][0]
    odd.loc[row, column] = value
    with pytest.raises(ValueError, match=match):
        fitted(odd)


def test_an_unknown_standard_error_is_not_the_best_measurement(frame):
    """Runs without one weigh as the median of the others, not as the most exact run."""
    validation = frame["family"] == "validation"
    known = frame.assign(standard_error=np.where(validation, 0.2, 0.02) * frame["value"])
    best = frame["run"].str.contains("-n3-") & validation
    known.loc[best, "standard_error"] /= 1000
    lost = known.assign(
        standard_error=known["standard_error"].where(~known["run"].str.contains("-n0-"))
    )
    full = fitted(known).optima.query("estimator == 'vertex'")["optimum_tokens"]
    part = fitted(lost).optima.query("estimator == 'vertex'")["optimum_tokens"]
    np.testing.assert_allclose(full, part, rtol=1e-6)


def test_a_family_that_places_the_optimum_must_be_there(frame, caplog):
    with pytest.raises(ValueError, match="optimum_by is 'validaton': no family of the losses"):
        fitted(frame, optimum_by="validaton")
    only = frame[frame["family"] == "topics"]
    with caplog.at_level(logging.WARNING, logger="relscale"):
        found = fitted(only)
    assert "no rows of family 'validation'" in caplog.text
    assert set(found.optima["optimum_by"]) == {"family_mean"}
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="relscale"):
        fitted(only, optimum_by="family_mean")
    assert not caplog.text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("margin_share", math.inf),
        ("margin_share", math.nan),
        ("margin_share", -0.01),
        ("margin_share", True),
        ("margin_share", 1.0),
        ("level", 1.0),
        ("level", math.nan),
        ("level", True),
        ("draws", 99),
        ("draws", 10**9),
        ("draws", True),
        ("seed", -1),
        ("seed", 2**70),
        ("seed", False),
        ("slice_tokens", math.inf),
        ("slice_tokens", 0),
        ("chance", math.nan),
        ("metrics", ("accuracy", "accuracy")),
        ("optimum_by", ""),
    ],
)
def test_a_setting_out_of_range_is_one_line_with_its_key(key, value):
    with pytest.raises(ValueError, match=rf"^laws of family 'topics': {key} is [^\n]*$"):
        LawSpec.read({"family": "topics", key: value})


def test_a_baseline_twice_is_refused():
    with pytest.raises(ValueError, match=r"baselines is .*repeated: base"):
        BaselinesSpec.read({"family": "topics", "baselines": ("base", "base")})


def test_the_summary_names_corpora_as_they_are_and_counts_only_laws(frame):
    found = fitted(frame, estimators=("joint",))
    rows = verdict_rows(found.laws.ratio.assign(corpus="[red]web[/red]"))
    title = law_table(rows, "[red]web[/red]", "95 %").title
    assert str(title) == "Relative laws, trained on [red]web[/red]"
    none = found.laws.ratio.assign(verdict="", dbeta=-0.0, ci_low=-math.inf, ci_high=1e300)
    cells = list(law_table(verdict_rows(none), "web", "95 %").columns[1].cells)
    assert cells[-1] == "+0.0000"
    lost = found.laws.absolute.assign(
        exponent=[math.nan, 0.1], ci_low=[math.nan, 0.08], ci_high=[math.inf, 0.12]
    )
    (said,) = absolute_lines(lost, "joint")
    assert "0.1 [0.08, 0.12]" in said and said.endswith("; 1 more without a law.")
    backtest = found.laws.backtest.assign(error_percent=math.nan)
    assert backtest_lines(backtest, "joint")[0].startswith("No back-test: no gap")
    assert "On the ratio scale, of 1 gap in bits per byte: " in " ".join(found.summary().split())


def test_a_table_without_a_verdict_is_not_counted_as_one(frame):
    assert "no verdict" in fitted(runs_of(frame, "2e11-n1")).summary()


def test_values_of_all_kinds_of_nothing_are_one_line(frame):
    for value in (math.inf, math.nan, 0.0, -1.0):
        with pytest.raises(ValueError, match=r"(none of its rows can be used|no usable row)"):
            fitted(frame.assign(value=value))
