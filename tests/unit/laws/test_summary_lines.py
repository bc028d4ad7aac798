"""Sentences of the summary: counted by hand, and without contradictions."""

import math

import numpy as np
import pandas as pd

from relscale.laws.summary import summary_text
from relscale.laws.summary_lines import (
    absolute_lines,
    backtest_lines,
    forecast_lines,
    omnibus_lines,
    registered_lines,
    replication_line,
    scale_line,
    verdict_lines,
)


def relative(verdicts: list[str], **columns: object) -> pd.DataFrame:
    """Return relative laws with these verdicts."""
    common = {
        "corpus": "web", "family": "knowledge", "metric": "bits_per_byte", "baseline": "STEM",
        "estimator": "joint", "scale": "ratio", "path": "optimal", "status": "ok", "dbeta": 0.01,
        "ci_low": 0.0, "ci_high": 0.02, "ci_level": 0.95, "faster": "undecided",
        "detectable_dbeta": 0.008, "lack_of_fit_p": 0.5, "replication": math.nan,
    }  # fmt: skip
    rows = [{"treatment": f"d{place}", "verdict": word} for place, word in enumerate(verdicts)]
    return pd.DataFrame(rows, columns=["treatment", "verdict"]).assign(**{**common, **columns})


def absolute(exponents: list[float], **columns: object) -> pd.DataFrame:
    """Return absolute laws with these exponents, each with an interval of 0.01 to both sides."""
    rows = [
        {"domain": f"d{place}", "exponent": value, "ci_low": value - 0.01, "ci_high": value + 0.01}
        for place, value in enumerate(exponents)
    ]
    common = {
        "corpus": "web", "family": "knowledge", "metric": "bits_per_byte", "estimator": "joint",
        "offset": math.nan, "status": "ok", "lack_of_fit_p": 0.5,
    }  # fmt: skip
    return pd.DataFrame(rows).assign(**{**common, **columns})


def predictions(errors: list[float], **columns: object) -> pd.DataFrame:
    """Return predictions of a gap of 1 with intervals of 2 % to both sides."""
    rows = [
        {"predicted": 1 + error / 100, "ci_low": 0.98 + error / 100, "ci_high": 1.02 + error / 100,
         "error_percent": error}
        for error in errors
    ]  # fmt: skip
    common = {
        "corpus": "web", "family": "knowledge", "metric": "bits_per_byte", "domain": "d",
        "estimator": "joint", "quantity": "gap", "observed": 1.0, "held_out_budget": "1e11",
        "horizon_class": "next", "error_constant_percent": 3.0, "status": "ok",
    }  # fmt: skip
    return pd.DataFrame(rows).assign(**{**common, **columns})


def test_a_direction_without_a_gap_is_not_shown_and_undecided_gaps_say_what_was_detectable() -> (
    None
):
    said = verdict_lines(relative(["widens", "widens slightly", "undecided", "undecided"]))
    assert said == [
        "On the ratio scale, of 4 gaps in bits per byte: 0 are shown to narrow, 2 to widen (1 of "
        "them slightly), 0 to cross and 0 to be parallel; 2 are undecided: a slope of 0.008 would "
        "have been detected with a chance of 80 %."
    ]


def test_a_gap_that_changes_is_undecided_where_the_harder_domain_is_not_known() -> None:
    rows = relative(["undecided"] * 3).assign(faster=["baseline", "undecided", "undecided"])
    assert verdict_lines(rows)[0].endswith(
        "3 are undecided: 1 of them is shown to change, but it is not shown which domain is "
        "harder; for the others a slope of 0.008 would have been detected with a chance of 80 %."
    )
    alone = relative(["undecided"]).assign(faster="treatment")
    assert verdict_lines(alone)[0].endswith(
        "1 is undecided: it is shown to change, but it is not shown which domain is harder."
    )


def test_an_empty_verdict_is_not_counted_and_its_reason_is_said() -> None:
    said = verdict_lines(
        relative(["narrows", "", "undecided"]).assign(status=["ok", "at_chance", "ok"])
    )
    assert said[0].startswith(
        "On the ratio scale, of 2 gaps in bits per byte: 1 is shown to narrow, 0 to widen"
    )
    assert said[1] == "1 of 3 comparisons has no verdict (at chance)."
    assert verdict_lines(relative([])) == []


def test_rising_metrics_rise_or_fall() -> None:
    said = verdict_lines(relative(["rises slightly", "parallel"], metric="accuracy"))
    assert said == [
        "On the ratio scale, of 2 comparisons in accuracy: 1 is shown to rise (1 of them "
        "slightly), 0 to fall and 1 to be parallel; 0 are undecided."
    ]
    assert "comparisons" in verdict_lines(relative(["undecided"] * 2, metric="accuracy"))[0]


def test_metrics_are_counted_apart() -> None:
    said = verdict_lines(
        pd.concat(
            [relative(["widens", "parallel"]), relative(["narrows"], metric="choice_loss_nats")],
            ignore_index=True,
        )
    )
    assert [line.split(":")[0] for line in said] == [
        "On the ratio scale, of 2 gaps in bits per byte",
        "On the ratio scale, of 1 gap in choice loss nats",
    ]


def test_the_difference_scale_is_said_with_its_agreement() -> None:
    ratio = relative(["widens", "narrows slightly", "undecided"])
    other = relative(["narrows", "narrows", "undecided"], scale="difference")
    assert scale_line(pd.concat([ratio, other]), "joint") == (
        "On the difference scale, in the unit of the metric: 2 narrows, 1 undecided. Of 2 "
        "comparisons decided on both scales, 1 has the same direction."
    )
    assert scale_line(ratio, "joint") == ""
    open_ratio = pd.concat([relative(["undecided"] * 3), other])
    assert scale_line(open_ratio, "joint").endswith("No comparison is decided on both scales.")


def test_exponents_have_intervals_and_no_r2() -> None:
    laws = absolute([0.09, math.nan, 0.05, 0.07]).assign(offset=[math.nan, math.nan, 0.4, math.nan])
    assert absolute_lines(laws, "joint") == [
        "3 absolute laws of bits per byte (joint), exponent with interval: 0.07 [0.06, 0.08] "
        "(knowledge d3, web) to 0.09 [0.08, 0.1] (knowledge d0, web); 1 with an irreducible part, "
        "exponent of the rest 0.05 [0.04, 0.06] (knowledge d2, web); 1 more without a law."
    ]
    assert absolute_lines(laws.iloc[1:2], "joint") == ["No absolute law was fitted."]


def test_back_tests_are_said_by_horizon_next_to_the_gap_that_stays() -> None:
    near, far = predictions([1.0, -1.0, 3.0]), predictions([10.0], horizon_class="30x")
    said = forecast_lines(pd.concat([far, near, predictions([9.0], quantity="value")]))
    assert said == [
        "Back-test, the next budget: 3 predictions of gaps, 2 of 3 inside their interval, mean "
        'error 1.67 %; "the gap stays as it is": 3.00 %.',
        "Back-test, thirty times the compute: 1 prediction of a gap, 0 of 1 inside their interval, "
        'mean error 10.00 %; "the gap stays as it is": 3.00 %.',
    ]


def test_predictions_that_the_runs_do_not_determine_are_counted_and_not_averaged() -> None:
    known, lost = predictions([1.0]), predictions([9e8, -99.0], status="not_determined")
    assert forecast_lines(pd.concat([known, lost])) == [
        "Back-test, the next budget: 1 prediction of a gap, 1 of 1 inside their interval, mean "
        'error 1.00 %; "the gap stays as it is": 3.00 %.',
        "Back-test: 2 more gaps could not be predicted: the runs below do not determine the law "
        "there, and the interval spans more than a factor of ten (not_determined in forecast.csv).",
    ]


def scores(errors: list[float], **columns: object) -> pd.DataFrame:
    """Return rows of scores.csv whose interval is 2 % to both sides."""
    value = 2.0 * np.exp(np.array(errors) / 100)
    rows = {
        "observed": 2.0,
        "value": value,
        "ci_low": value * np.exp(-0.02),
        "ci_high": value * np.exp(0.02),
        "error_percent": errors,
        "power_law_error_percent": 3.0,
        "last_value_error_percent": [-5.0] * len(errors),
        "baseline": "",
    }
    return pd.DataFrame({**rows, **columns})


def test_registered_predictions_are_said_next_to_plain_forecasts() -> None:
    values, gaps = scores([1.0, -3.0]), scores([0.5], baseline="base")
    lost = scores([math.nan], value=math.nan, baseline="base")
    start = "Largest budget, predicted from the smaller ones before its runs were scored: "
    plain = "(a power law of compute: 3.00 %; the last value: 5.00 %)."
    assert registered_lines(pd.concat([values, gaps, lost])) == [
        f"{start}2 predictions of values, 1 of 2 inside their interval, mean error 2.00 % {plain}",
        f"{start}1 prediction of a gap, 1 of 1 inside their interval, mean error 0.50 % {plain}",
        "Largest budget: 1 more value or gap could not be predicted (status in scores.csv).",
    ]
    assert registered_lines(scores([math.nan], observed=math.nan)) == []


def test_no_summary_denies_a_back_test_that_the_table_has() -> None:
    rows = predictions([1.0], estimator="vertex")
    laws = relative(["widens"]), absolute([0.05])
    said = summary_text(*laws, rows, "joint")
    assert "No back-test" not in said and "Back-test of vertex: 1 prediction of a gap" in said
    by_horizon = summary_text(*laws, rows, "joint", forecast=predictions([2.0]))
    assert (
        "Back-test of vertex" not in by_horizon
        and "the next budget: 1 prediction of a gap" in by_horizon
    )
    assert backtest_lines(rows.iloc[:0], "joint")[0].startswith("No back-test: no gap")


def test_a_family_is_tested_as_a_whole() -> None:
    families = pd.DataFrame(
        {"corpus": ["web", "curated"], "family": "topics", "metric": "bits_per_byte",
         "estimator": "joint", "p_equal_slopes_adjusted": [0.004, 0.2]}
    )  # fmt: skip
    assert omnibus_lines(families, "joint") == [
        "topics (bits per byte): the slopes of the domains are shown to differ on 1 of 2 corpora "
        "(web; smallest adjusted p 0.004)."
    ]
    assert omnibus_lines(families, "vertex") == []


def test_the_expected_number_of_repeated_verdicts_leaves_out_laws_without_one() -> None:
    rows = relative(["widens", "undecided", "parallel", ""], replication=[0.9, 0.8, 0.5, math.nan])
    assert replication_line(rows) == (
        "The same suite trained again is expected to reach 2 of 3 verdicts again "
        "(probability of each: 0.50 to 0.90)."
    )
    assert replication_line(rows[rows["verdict"] == ""]) == ""
    assert replication_line(rows.iloc[:1]).endswith(
        "1 of 1 verdict again (probability of each: 0.90)."
    )


def test_names_are_printed_as_they_are() -> None:
    name = "[bold]a[/red] :smile: 100 %"
    laws, values = relative(["narrows"], treatment=name), absolute([-0.0], domain=name)
    families = pd.DataFrame(
        {
            "family": [name], "metric": ["bits_per_byte"], "estimator": ["joint"],
            "corpus": [name], "p_equal_slopes_adjusted": [0.01],
        }
    )  # fmt: skip
    text = " ".join(
        summary_text(
            laws,
            values,
            pd.DataFrame(columns=["quantity", "error_percent", "estimator"]),
            families=families,
        ).split()
    )
    assert text.count(name) >= 3
    assert "exponent with interval: 0 [-0.01, 0.01]" in text
