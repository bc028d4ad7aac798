"""The parts of the figures: numbers worked by hand, errors by their messages."""

import math
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from two_domains import two_domains

from relscale import figures
from relscale.config.analysis import Estimator
from relscale.contract.directions import lower_is_better
from relscale.contract.io import read_table
from relscale.contract.metric_labels import METRIC_LABELS
from relscale.figures.draw import figure4_knowledge
from relscale.figures.draw.figure2_pipeline import sigmoid
from relscale.figures.draw.figure3_prompts import explained_shares
from relscale.figures.draw.figure5_language import pearson_r
from relscale.figures.kit.axes import log_ticks, number
from relscale.figures.kit.choose import compute_of, included, one_estimator, ordered
from relscale.figures.kit.clipped import slope_limits
from relscale.figures.kit.curves import curve_pieces
from relscale.figures.kit.family_rows import undecided_changes
from relscale.figures.kit.isoflop import estimator_mark, parabola
from relscale.figures.kit.labels import spread
from relscale.figures.kit.laws import Span, law_gap, law_value, span_of
from relscale.figures.kit.metrics import change
from relscale.figures.kit.panels import verdict_word
from relscale.figures.kit.runner import stage_of
from relscale.figures.kit.style import (
    BASELINE_COLOUR,
    PALETTE,
    colours,
    ink,
    markers,
    name_lines,
    save,
    words,
)
from relscale.laws.inputs import prepare
from relscale.laws.spec import LawSpec
from relscale.runtime import call


def test_numbers_on_ticks() -> None:
    assert [number(v) for v in (5e10, 1e11, 9.996e10, 2.5, 0.25, 1234.0, 1e-5)] == [
        "5×10¹⁰",
        "10¹¹",
        "10¹¹",
        "2.5",
        "0.25",
        "1234",
        "10⁻⁵",
    ]


def test_log_ticks_are_the_sparsest_that_suffice() -> None:
    assert log_ticks(1e2, 1e6) == [1e2, 1e3, 1e4, 1e5, 1e6]
    assert log_ticks(5e10, 5e12, least=2) == [1e11, 1e12]
    assert log_ticks(2.0, 40.0) == [3.0, 10.0, 30.0]
    assert log_ticks(1.0, 6.0) == [1.0, 2.0, 5.0]
    assert log_ticks(2.3, 3.1) == pytest.approx([2.4, 2.6, 2.8, 3.0])


def test_labels_are_spread_as_little_as_possible() -> None:
    # Two labels of height .2 at the same place move by .1 each; the third stays.
    assert spread([0.5, 0.5, 0.9], [0.2, 0.2, 0.1], 0.0, 1.0) == pytest.approx([0.4, 0.6, 0.9])
    # At the lower edge both are pushed up until the first lies inside.
    assert spread([0.0, 0.0], [0.2, 0.2], 0.0, 1.0) == pytest.approx([0.1, 0.3])
    placed = sorted(spread([0.3] * 20, [0.1] * 20, 0.0, 1.0))
    assert np.diff(placed) == pytest.approx([0.1] * 19)


def test_colours_follow_the_order_and_appending_moves_none() -> None:
    first = colours(["STEM", "humanities", "other"], "STEM")
    assert first == {"STEM": BASELINE_COLOUR, "humanities": PALETTE[0], "other": PALETTE[1]}
    more = colours(["STEM", "humanities", "other", *(f"d{k}" for k in range(60))], "STEM")
    assert {name: more[name] for name in first} == first
    assert len(set(more.values())) == 63
    assert len(set(markers([f"c{k}" for k in range(10)]).values())) == 10


def test_text_colours_are_readable_on_white() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in PALETTE:
        assert 1.05 / (luminance(ink(colour)) + 0.05) >= 4.45


def test_words() -> None:
    assert words("social_sciences") == "social sciences"
    assert words("US", {"US": "United States"}) == "United States"
    assert words("abcdefghijklmnop", width=9) == "abcde…nop"


def test_names_are_whole_in_lines_and_lose_their_middle_only_if_very_long() -> None:
    assert name_lines("Biology and health") == "Biology and health"
    assert name_lines("Philosophy_and_religion") == "Philosophy and\nreligion"
    assert name_lines("a_b", {"a_b": "x " * 12}) == "x x x x x x x x x\nx x x"
    cut = name_lines("word " * 40)
    assert cut.count("\n") == 2 and "…" in cut and all(len(one) <= 18 for one in cut.split("\n"))


def test_the_limits_of_slopes_hold_all_but_what_is_hardly_determined() -> None:
    slope = np.array([-0.02, 0.01, 0.03, 0.0, 2.0])
    rows = pd.DataFrame(
        {
            "dbeta": slope,
            "ci_low": slope - np.array([0.01, 0.01, 0.01, 0.04, 5.0]),
            "ci_high": slope + np.array([0.01, 0.01, 0.01, 0.01, 5.0]),
        }
    )
    low, high = slope_limits(rows)
    assert -0.07 < low < -0.03, "the fourth interval is whole: within two medians of the slopes"
    assert 0.04 < high < 0.09, "the last one decides nothing"
    assert slope_limits(rows, also=[0.5])[1] > 0.5, "a slope without an interval is always shown"
    without = rows.assign(ci_low=np.nan, ci_high=np.nan)
    assert slope_limits(without)[1] > 2.0, "without intervals nothing is cut"


def test_reduction_and_change_have_opposite_signs() -> None:
    np.testing.assert_allclose(change(np.array([1.1, 0.9]), "bits_per_byte"), [-10, 10])
    np.testing.assert_allclose(
        change(np.array([1.1, 0.9]), "choice_probability_per_byte"), [10, -10]
    )


def test_relative_law_and_its_band() -> None:
    row = pd.Series(
        {"gamma": 1.2, "dbeta": -0.05, "reference_compute": 1e11, "ci_low": -0.07, "ci_high": -0.03}
    )
    row["gamma_ci_low"], row["gamma_ci_high"] = 1.2 / 1.03, 1.2 * 1.03
    middle, low, high = law_gap(row, np.array([1e10, 1e11, 1e12]))
    np.testing.assert_allclose(middle, [1.2 * 10**0.05, 1.2, 1.2 * 10**-0.05])
    # At the reference only gamma is uncertain; a decade away h^2 = log(1.03)^2 + (.02 ln 10)^2.
    half = math.hypot(math.log(1.03), 0.02 * math.log(10))
    np.testing.assert_allclose(high / middle, [math.exp(half), 1.03, math.exp(half)])
    np.testing.assert_allclose(middle / low, high / middle)


def test_absolute_law_and_parabola_and_sigmoid() -> None:
    law = pd.Series({"coefficient": 20.0, "exponent": 0.5, "offset": math.nan})
    np.testing.assert_allclose(law_value(law, np.array([100.0, 10000.0])), [2.0, 0.2])
    np.testing.assert_allclose(
        law_value(pd.Series({**law, "offset": 1.0}), np.array([100.0])), [3.0]
    )
    optimum = pd.Series({"optimum_tokens": 1e6, "value": 2.0, "curvature": math.log(1.5)})
    np.testing.assert_allclose(parabola(optimum, np.array([1e5, 1e6, 1e8])), [3.0, 2.0, 2 * 1.5**4])
    curve = pd.Series({"floor": 0.3, "ceiling": 0.9, "steepness": 5.0, "midpoint": 0.8})
    np.testing.assert_allclose(sigmoid(curve, np.array([0.8, 50.0])), [0.6, 0.3])


def test_one_budget_is_not_extrapolated() -> None:
    frame = pd.DataFrame({"training_flops": [1e11, 1e11]})
    assert span_of(frame, "training_flops", 1.0) == Span(first=1e11, last=1e11, end=1e11)
    assert span_of(
        pd.DataFrame({"training_flops": [1e10, 1e11]}), "training_flops", 1.0
    ).end == pytest.approx(1e12)


def test_verdict_words() -> None:
    row = {"verdict": "narrows", "status": "ok", "dbeta": -0.1}
    assert verdict_word(pd.Series(row)) == "narrows"
    assert verdict_word(pd.Series({**row, "status": "lack_of_fit"})) == "narrows*"
    assert verdict_word(pd.Series({**row, "verdict": None, "dbeta": math.nan})) == "no law"
    assert verdict_word(pd.Series({**row, "verdict": None})) == "no verdict"


def test_share_of_variance_is_the_r2_of_a_log_log_line() -> None:
    base = {"corpus": "web", "family": "f", "metric": "bits_per_byte", "excluded_reason": ""}
    flops = [1e10, 1e11, 1e12]
    rows = [{**base, "domain": "law", "training_flops": f, "value": 3 * f**-0.1} for f in flops]
    rows += [
        {**base, "domain": "flat", "training_flops": f, "value": e}
        for f, e in zip(flops, (1.0, 2.0, 1.0), strict=True)
    ]
    rows += [{**base, "domain": "zero", "training_flops": f, "value": 0.0} for f in flops]
    rows += [
        {
            **base,
            "domain": "law",
            "training_flops": 1e13,
            "value": 99.0,
            "excluded_reason": "diverged",
        }
    ]
    shares = explained_shares(pd.DataFrame(rows), "training_flops").set_index("domain")
    assert shares.loc["law", "r2"] == pytest.approx(1.0)
    assert shares.loc["law", "num_runs"] == 3
    assert shares.loc["flat", "r2"] == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(shares.loc["zero", "r2"])


def test_pearson() -> None:
    assert pearson_r(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])) == pytest.approx(1.0)
    assert math.isnan(pearson_r(np.array([1.0, 2.0]), np.array([2.0, 4.0])))


def test_choosing_rows() -> None:
    assert ordered(["b"], ["c", "a", "b"], [math.nan, "a"]) == ["b", "a", "c"]
    frame = pd.DataFrame({"estimator": ["vertex", "best_run"]})
    assert list(one_estimator(frame, "joint")["estimator"]) == ["vertex"]
    assert list(compute_of(pd.DataFrame({"forward_flops": [2.0]}), "training_flops")) == [6.0]


def test_metrics_are_known_by_label_and_direction() -> None:
    assert {name for name in METRIC_LABELS if lower_is_better(name)} == {
        "bits_per_byte",
        "choice_loss_nats",
    }


KNOWLEDGE = stage_of(figures.find("figure4_knowledge"), figure4_knowledge.draw)


def outputs(folder: Path) -> list[str]:
    """Return the options of the three files that a figure writes."""
    return [word for kind in ("svg", "pdf", "png") for word in (f"--{kind}", f"{folder}/f.{kind}")]


def test_an_unknown_or_wrong_setting_is_an_error_that_names_it(tmp_path: Path) -> None:
    spec = '{"familly": "x", "extrapolate_decades": "two"}'
    with pytest.raises(ValueError, match=r"--spec: extrapolate_decades: .*; familly: ") as error:
        call(KNOWLEDGE, ["--spec", spec, "--table", *outputs(tmp_path)])
    assert "Extra inputs are not permitted" in str(error.value)


def test_command_line_concatenates_tables_and_writes_three_files(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    words = []
    for name in ("points", "absolute", "relative"):
        for corpus in ("curated", "web"):
            path = tmp_path / f"{name}-{corpus}.csv"
            rows = tables[name]
            rows[(rows["corpus"] == corpus) & (rows["family"] == "knowledge")].to_csv(
                path, index=False
            )
            words.append(f"{name}={path}")
    spec = '{"baseline": "STEM", "corpora": ["curated", "web"]}'
    out = tmp_path / "out"
    call(KNOWLEDGE, ["--spec", spec, "--table", *words, *outputs(out)])
    assert sorted(path.name for path in out.iterdir()) == ["f.pdf", "f.png", "f.svg"]
    svg = (out / "f.svg").read_text()
    assert ">curated<" in svg and ">web<" in svg and ">humanities<" in svg
    assert (out / "f.png").read_bytes()[:4] == b"\x89PNG"
    assert (out / "f.pdf").read_bytes()[:5] == b"%PDF-"


def test_wrong_tables_are_errors_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"--table point=x\.csv: must be NAME=PATH; NAME is one of absolute, control_slopes, "
        "curves, points, relative",
    ):
        call(KNOWLEDGE, ["--table", "point=x.csv", *outputs(tmp_path)])
    (tmp_path / "points.csv").write_text("corpus,family\nweb,knowledge\n")
    with pytest.raises(ValueError, match=r"points.csv: missing column\(s\) metric"):
        call(KNOWLEDGE, ["--table", f"points={tmp_path}/points.csv", *outputs(tmp_path)])
    assert not list(tmp_path.glob("f.*"))
    with pytest.raises(ValueError, match=r"a figure must end in \.svg, \.pdf or \.png"):
        save(None, Path("figure.gif"))  # type: ignore[arg-type]


def test_published_tables_hold_the_papers_numbers(reference: Path) -> None:
    slopes = read_table(
        reference / "paper_slopes.csv",
        ("family", "baseline", "domain", "corpus", "dbeta", "points_per_decade", "source"),
    )
    assert len(slopes) == 3 * (3 + 4 + 4)
    assert slopes["source"].notna().all() and slopes["dbeta"].notna().all()
    ends = slopes[slopes["percent_first"].notna()]
    implied = (
        np.log10(1 - ends["percent_last"] / 100) - np.log10(1 - ends["percent_first"] / 100)
    ) / 2
    assert (
        float((implied - ends["dbeta"]).abs().max()) < 3e-4
    )  # both were rounded from the same plot
    risk = slopes[slopes["family"] == "risk"]
    assert (
        float((risk["dbeta"] - risk["points_per_decade"] / 100 / math.log(10)).abs().max()) < 6e-4
    )  # G within 2 % of 1, rounded to 1e-4
    outlets = read_table(
        reference / "internet_users_outlets.csv", ("domain", "value", "source")
    ).set_index("domain")
    assert outlets.loc["US", "value"] == 35.8 and outlets.loc["CN", "value"] == 0.708
    ice = read_table(reference / "internet_users_ice.csv", ("domain", "value", "source")).set_index(
        "domain"
    )
    assert ice.loc["Nigeria", "value"] == pytest.approx(0.00064 * 126e6)
    assert math.isnan(ice.loc["India", "value"])


def test_no_two_estimators_have_one_mark() -> None:
    marks = [estimator_mark(name)["marker"] for name in get_args(Estimator)]
    assert len(set(marks)) == len(marks)


def test_a_curve_is_drawn_below_the_data_as_above_them_and_joins_its_neighbours() -> None:
    compute = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
    beyond = [True, False, False, True, False, True, True]
    rows = pd.DataFrame(
        {"compute": compute, "value": compute, "ci_low": 0.0, "ci_high": 99.0, "beyond": beyond}
    )
    span = Span(first=1.0, last=16.0, end=32.0)
    seen, *further = curve_pieces(rows.sample(frac=1, random_state=0), span)
    assert seen.compute.tolist() == [2.0, 4.0, 16.0] and not seen.beyond
    assert all(piece.beyond for piece in further)
    assert [piece.compute.tolist() for piece in further] == [
        [1.0, 2.0],
        [4.0, 8.0, 16.0],
        [16.0, 32.0],
    ]
    # Without extrapolation nothing is drawn above the data.
    within = curve_pieces(rows, Span(first=1.0, last=16.0, end=16.0))[1:]
    assert [piece.compute.tolist() for piece in within] == [[1.0, 2.0], [4.0, 8.0, 16.0]]


@pytest.mark.parametrize(
    ("faster", "said"),
    [
        (["", "neither"], ""),
        (
            ["treatment", ""],
            "One undecided gap is shown to change, but not which domain is harder.",
        ),
        (
            ["treatment", "baseline"],
            "2 undecided gaps are shown to change, but not which domain is harder.",
        ),
    ],
)
def test_undecided_gaps_that_change_are_counted_under_the_figure(faster, said):
    others = pd.DataFrame({"verdict": ["widens", "parallel"], "faster": ["treatment", ""]})
    undecided = pd.DataFrame({"verdict": "undecided", "faster": faster})
    assert undecided_changes(pd.concat([others, undecided])) == said


def test_figures_exclude_the_rows_that_the_laws_leave_out() -> None:
    reasons = ["none", "-", " NA ", "", None, "diverged", "nan at step 3"]
    losses = two_domains().iloc[: len(reasons)].assign(excluded_reason=reasons)
    shown = included(losses).tolist()
    assert shown == [True] * 5 + [False] * 2
    family, _ = prepare(losses, LawSpec(family="f", optimum_by="family_mean"), None)
    assert family["used"].tolist() == shown
