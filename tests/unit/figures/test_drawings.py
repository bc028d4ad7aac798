"""Every figure draws whole and broken tables, shows their numbers, and repeats its bytes."""

import math
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import stats

from relscale import figures
from relscale.config.figure_name import figure_names
from relscale.contract.io import read_table
from relscale.contract.tables.prompts import PROMPTS
from relscale.contract.verdict_words import Verdict
from relscale.figures.draw import backtest, residuals
from relscale.figures.draw.forecast import wilson
from relscale.figures.kit import runner
from relscale.figures.kit.choose import pick
from relscale.figures.kit.isoflop import budget_text
from relscale.figures.kit.style import styled
from relscale.figures.kit.tables import complete

Tables = dict[str, pd.DataFrame]
SMALL = {
    "validation": ("", "bits_per_byte", ("own",)),
    "knowledge": ("STEM", "bits_per_byte", ("STEM", "humanities", "other")),
    "topics": ("People", "bits_per_byte", ("People", "History")),
    "language": ("US", "bits_per_byte", ("US", "GB", "IE", "DE")),
    "behaviour": ("factual", "choice_probability_per_byte", ("factual", "bias")),
    "centuries": ("2000", "bits_per_byte", ("2000", "1395", "1901")),
}


def drawn(name: str, tables: Tables, spec: dict[str, Any] | None = None) -> Figure:
    """Draw a figure and let matplotlib compute the layout of every mark."""
    figure = figures.find(name)
    module = import_module(figure.drawing)
    with styled():
        drawing = module.draw(complete(tables, figure.tables), figure.settings(**(spec or {})))
        drawing.draw_without_rendering()
    return drawing


def write(name: str, tables: Tables, path: Path) -> None:
    """Draw a figure into a file."""
    figure = figures.find(name)
    runner.render(figure, import_module(figure.drawing).draw, tables, figure.settings(), [path])


def texts(figure: Figure) -> str:
    """Return all words of a figure, in one line."""
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts] + [axes.get_xlabel(), axes.get_ylabel()]
        found += [label.get_text() for label in axes.get_yticklabels()]
    return " | ".join(found).replace("\n", " ")


def marked(axes: Any, gid: str) -> list[Line2D]:
    """Return the lines of axes that carry a mark's name."""
    return [line for line in axes.get_lines() if line.get_gid() == gid]


def values(lines: list[Line2D], axis: str) -> list[float]:
    """Return the numbers that lines draw along x or y, sorted."""
    return sorted(
        float(v) for line in lines for v in (line.get_xdata() if axis == "x" else line.get_ydata())
    )


@pytest.fixture(scope="module")
def small(maker: Callable[..., Tables]) -> Tables:
    """Few domains on two corpora: enough for every panel."""
    return maker(families=SMALL, corpora=("curated", "web"))


def ratio(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the relative laws on the scale that figures show."""
    return rows[rows["scale"] == "ratio"]


def broken(tables: Tables) -> Tables:
    """Return tables with failed laws, undecided verdicts, lost optima, an excluded run and an empty
    error."""
    relative = tables["relative"].copy()
    third = np.arange(len(relative)) % 3
    relative.loc[
        third == 0, ["gamma", "dbeta", "ci_low", "ci_high", "gamma_ci_low", "gamma_ci_high"]
    ] = math.nan
    relative.loc[third == 0, "status"] = "too_few_budgets"
    relative.loc[third == 0, "verdict"] = None
    relative.loc[third == 1, "verdict"] = "undecided"
    relative.loc[third == 2, "status"] = "lack_of_fit"
    optima = tables["optima"].copy()
    optima.loc[::3, ["optimum_tokens", "value", "curvature"]] = math.nan
    optima.loc[::3, "status"] = "curvature_not_positive"
    losses = tables["losses"].copy()
    losses.loc[::7, "excluded_reason"] = "diverged"
    losses.loc[::31, "value"] = math.nan
    absolute = tables["absolute"].assign(
        status="too_few_budgets", coefficient=math.nan, exponent=math.nan
    )
    decomposition = tables["decomposition"].copy()
    backtest_rows = tables["backtest"].copy()
    backtest_rows.loc[::2, ["ci_low", "ci_high"]] = math.nan
    decomposition.loc[
        ::2,
        [
            "slope_params",
            "slope_params_ci_low",
            "slope_params_ci_high",
            "slice_params_points_per_decade",
        ],
    ] = math.nan
    laws = tables["loss_to_loss"].copy()
    split = [name for name in laws.columns if name.startswith(("dbeta", "c"))]
    laws.loc[::2, [name for name in split if name not in ("corpus",)]] = math.nan
    laws.loc[::2, "status"] = "ok"
    forecast = tables["forecast"].assign(ci_low=math.nan)
    forecast.loc[::2, ["error_percent", "error_last_four_percent"]] = math.nan
    no_baseline = (losses["corpus"] == "web") & (losses["domain"] == "STEM")
    losses.loc[no_baseline, "excluded_reason"] = "diverged"
    return {
        **tables,
        "loss_to_loss": laws,
        "forecast": forecast,
        "relative": relative,
        "optima": optima,
        "losses": losses,
        "absolute": absolute,
        "decomposition": decomposition,
        "backtest": backtest_rows,
    }


@pytest.mark.parametrize("name", figure_names())
def test_draws_the_same_bytes_with_text_as_text(name: str, small: Tables, tmp_path: Path) -> None:
    paths = [tmp_path / f"{take}.svg" for take in ("first", "second")]
    for path in paths:
        write(name, small, path)
    svg = paths[0].read_text()
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert len(re.findall(r"<text\b", svg)) > 10
    assert "DejaVuSans-" not in svg, "letters were drawn as outlines"
    assert "<dc:date>" not in svg


def test_pdf_and_png_are_the_same_bytes_too(small: Tables, tmp_path: Path) -> None:
    for kind in ("pdf", "png"):
        paths = [tmp_path / f"{take}.{kind}" for take in ("first", "second")]
        for path in paths:
            write("figure4_knowledge", small, path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
    assert b"/FontFile2" in (tmp_path / "first.pdf").read_bytes(), (
        "fonts must be embedded as TrueType"
    )


FAMILY_FIGURES = (
    "family_laws",
    "figure4_knowledge",
    "figure5_language",
    "figure7_behaviour",
    "topics",
    "centuries",
)
NO_LAWS = dict.fromkeys(("estimators", "detectable", "residuals"), "no relative laws in the tables")
SAID: dict[str, dict[str, str]] = {
    "nothing": dict.fromkeys(figure_names(), r"\b(no|neither)\b"),
    "headers": dict.fromkeys(figure_names(), r"\b(no|neither)\b"),
    "broken": {
        **dict.fromkeys((*FAMILY_FIGURES, "figure1_teaser"), "no law"),
        **dict.fromkeys(("estimators", "detectable"), "no law"),
        "figure2_pipeline": "too few budgets",
        "figure3_prompts": "without R²",
        "figure6_size_or_data": "no slope on size",
        "floors_and_rates": "no split",
        "forecast": "no interval",
        "loss_to_loss": "no run with a loss of the baseline",
        "isoflop_curves": "curvature not positive",
        "isoflop_metrics": "without a positive error",
    },
    "one budget": {
        **dict.fromkeys((*FAMILY_FIGURES, "figure1_teaser"), "one budget: a law needs two"),
        **NO_LAWS,
        "backtest": "no back-test in the tables",
        "figure2_pipeline": "no law was fitted",
        "figure3_prompts": "without R²: one compute",
        "figure6_size_or_data": "no decomposition",
        "floors_and_rates": "no laws of loss to loss",
        "paper_comparison": "neither published slopes nor relative laws",
    },
    "one domain": {
        **dict.fromkeys((*FAMILY_FIGURES, "figure1_teaser"), "one domain: there is no gap to show"),
        **NO_LAWS,
        "figure6_size_or_data": "no decomposition",
        "floors_and_rates": "no laws of loss to loss",
        "forecast": "no back-test of a gap",
        "loss_to_loss": "no losses of two domains",
    },
    "undecided": dict.fromkeys((*FAMILY_FIGURES, "figure1_teaser"), "undecided"),
    "signs": {
        "figure3_prompts": "without R².*reach 0",
        **dict.fromkeys(("isoflop_curves", "isoflop_metrics"), "without a positive error"),
    },
    "fifty domains": {
        **dict.fromkeys(
            (
                *FAMILY_FIGURES,
                "estimators",
                "detectable",
                "figure6_size_or_data",
                "floors_and_rates",
                "paper_comparison",
            ),
            "domain 48",
        ),
        "figure1_teaser": "49 domains: see the family's figure",
    },
    "long names": {},
}
LONG = "a_name_that_nobody_would_choose_" * 4


def degenerate(case: str, small: Tables, maker: Callable[..., Tables]) -> Tables:
    """Return the tables of a case that every figure must draw."""
    if case == "nothing":
        return {}
    if case == "headers":
        return {key: frame.iloc[:0] for key, frame in small.items()}
    if case == "broken":
        return broken(small)
    if case == "one budget":
        tables = maker(families=SMALL, corpora=("web",), budgets=("1e11",))
        return tables | {
            key: tables[key].iloc[:0]
            for key in ("relative", "absolute", "decomposition", "loss_to_loss")
        }
    if case == "one domain":
        return maker(
            families={
                key: (base, metric, names[:1]) for key, (base, metric, names) in SMALL.items()
            },
            corpora=("web",),
        )
    if case == "undecided":
        return small | {
            "relative": small["relative"].assign(verdict="undecided", status="undecided")
        }
    if case == "signs":  # no gap at all, gaps on both sides of 1, and errors that no log axis shows
        third = np.arange(len(small["points"])) % 3
        points = small["points"].assign(gap=np.choose(third, [1.0, 1.3, 0.7]))
        relative = small["relative"].assign(
            gamma=np.resize([1.0, 1.3, 0.7], len(small["relative"])), dbeta=0.0
        )
        losses = small["losses"].assign(
            value=np.where(np.arange(len(small["losses"])) % 9, small["losses"]["value"], 0.0)
        )
        losses.loc[::18, "value"] = -0.1
        return small | {"points": points, "relative": relative, "losses": losses}
    if case == "fifty domains":
        names = ("base", *(f"domain_{place:02d}" for place in range(49)))
        fifty = {
            key: ("base", metric, names)
            for key, (_, metric, _) in SMALL.items()
            if key not in ("validation", "topics")
        }
        tables = maker(
            families=fifty | {"validation": SMALL["validation"]},
            corpora=("web",),
            budgets=("1e11", "5e11"),
        )
        topics = {
            key: tables[key].query("family == 'knowledge'").assign(family="topics")
            for key in ("points", "absolute", "relative")
        }
        return tables | {
            key: pd.concat([tables[key], rows], ignore_index=True) for key, rows in topics.items()
        }
    return maker(
        families={
            key: (base, metric, (base, f"{LONG}1", f"{LONG}2"))
            for key, (base, metric, _) in SMALL.items()
        }
    )


@pytest.fixture(scope="module", params=sorted(SAID))
def case(
    request: pytest.FixtureRequest, small: Tables, maker: Callable[..., Tables]
) -> tuple[str, Tables]:
    """A degenerate case and its tables, made once for all figures."""
    return request.param, degenerate(request.param, small, maker)


@pytest.mark.parametrize("name", figure_names())
def test_draws_from_degenerate_tables_and_says_what_is_missing(
    name: str, case: tuple[str, Tables]
) -> None:
    kind, tables = case
    said = texts(drawn(name, tables))
    if name in SAID[kind]:
        assert re.search(SAID[kind][name], said), said
    if kind == "long names":
        assert LONG not in said


def test_a_text_says_what_is_missing(small: Tables, maker: Callable[..., Tables]) -> None:
    assert "no law" in texts(drawn("figure4_knowledge", broken(small)))
    assert "too few budgets" in texts(drawn("figure4_knowledge", broken(small)))
    lowest = {
        **small,
        "points": small["points"].assign(estimator="best_run"),
        "relative": small["relative"].iloc[:0],
    }
    lowest["absolute"] = small["absolute"].assign(exponent=math.nan)
    figure = drawn("figure4_knowledge", lowest)
    assert "Points of estimator best run: there are none of joint." in texts(figure)
    assert figure.axes[0].get_xlim()[1] < 1e12, "nothing is fitted, so nothing is extrapolated"
    single = maker(families=SMALL, corpora=("web",), budgets=("1e11",))
    single["relative"] = single["relative"].iloc[:0]
    assert "one budget: a law needs two" in texts(drawn("figure4_knowledge", single))
    assert "need windows of 2,048 tokens and these models read 128" in texts(
        drawn("figure3_prompts", small, {"window": 128})
    )
    without = {key: frame for key, frame in small.items() if key != "covariates"}
    assert "no slope of a domain that has a covariate" in texts(drawn("figure5_language", without))


def test_points_are_the_table_and_laws_pass_gamma_at_the_reference(tables: Tables) -> None:
    figure = drawn(
        "figure4_knowledge",
        tables,
        {"corpora": ["curated", "web", "web_synthetic"], "baseline": "STEM"},
    )
    rows = tables["points"].query("family == 'knowledge' and corpus == 'web'")
    treatments = rows[rows["domain"] != "STEM"]
    above, below = figure.axes[1], figure.axes[4]
    np.testing.assert_allclose(values(marked(above, "points"), "y"), sorted(rows["value"]))
    np.testing.assert_allclose(
        values(marked(below, "points"), "y"), sorted(100 * (1 - treatments["gap"]))
    )
    np.testing.assert_allclose(
        values(marked(below, "points"), "x"), sorted(treatments["training_flops"])
    )
    laws = ratio(tables["relative"]).query(
        "family == 'knowledge' and corpus == 'web' and estimator == 'joint'"
    )
    ends = sorted(100 * (1 - laws["gamma"] * (5e12 / laws["reference_compute"]) ** laws["dbeta"]))
    np.testing.assert_allclose(
        sorted(line.get_ydata()[-1] for line in marked(below, "extrapolation")), ends
    )
    assert [line.get_xdata()[-1] for line in marked(below, "law")] == pytest.approx(
        [5e11] * len(laws)
    )


def test_the_papers_line_is_least_squares_of_the_percentage(tables: Tables) -> None:
    figure = drawn("figure4_knowledge", tables, {"baseline": "STEM", "paper_line": True})
    lines = marked(figure.axes[3], "paper line")
    rows = tables["points"].query(
        "family == 'knowledge' and corpus == 'curated' and domain == 'humanities'"
    )
    slope = np.polyfit(np.log10(rows["training_flops"].astype(float)), 100 * (1 - rows["gap"]), 1)[
        0
    ]
    rises = [
        float(line.get_ydata()[1] - line.get_ydata()[0]) / 2 for line in lines
    ]  # 5e10 to 5e12 is two decades
    assert len(lines) == 3 and min(abs(rise - slope) for rise in rises) < 1e-9
    assert not marked(
        drawn("figure4_knowledge", tables, {"baseline": "STEM"}).axes[3], "paper line"
    )


def test_probabilities_are_drawn_as_change_upwards(tables: Tables) -> None:
    figure = drawn("figure7_behaviour", tables, {"baseline": "factual"})
    rows = tables["points"].query(
        "family == 'behaviour' and corpus == 'curated' and domain != 'factual'"
    )
    np.testing.assert_allclose(
        values(marked(figure.axes[3], "points"), "y"), sorted(100 * (rows["gap"] - 1))
    )
    assert "Value above the baseline's (%)" in texts(figure)
    assert "100 (G − 1)" in texts(figure)


def test_lines_of_a_large_family_are_named_with_signs_that_the_foot_explains(
    tables: Tables,
) -> None:
    figure = drawn("family_laws", tables, {"family": "topics", "baseline": "People"})
    laws = ratio(tables["relative"]).query("family == 'topics' and estimator == 'joint'")
    for corpus, axes in zip(("curated", "web", "web_synthetic"), figure.axes[3:6], strict=True):
        said = {text.get_text().replace("\n", " ") for text in axes.texts}
        for _, row in laws[laws["corpus"] == corpus].iterrows():
            assert f"{row['treatment'].replace('_', ' ')} {Verdict(row['verdict']).sign}" in said
    for word in laws["verdict"].unique():
        assert f"{Verdict(word).sign} {word}" in texts(figure)


def test_no_law_is_drawn_through_points_at_chance(tables: Tables) -> None:
    relative = tables["relative"].copy()
    one = (relative["family"] == "behaviour") & (relative["treatment"] == "bias")
    relative.loc[one, ["status", "verdict"]] = ("at_chance", None)
    spec = {"baseline": "factual"}
    some = drawn("figure7_behaviour", {**tables, "relative": relative}, spec)
    assert "bias at chance" in texts(some) and "At chance (3 of 12 gaps)" in texts(some)
    for axes, laws, points in ((some.axes[0], 4, 5), (some.axes[3], 3, 4)):
        assert len(marked(axes, "law")) == len(marked(axes, "extrapolation")) == laws
        assert len(marked(axes, "points")) == points
    every = relative["family"] == "behaviour"
    relative.loc[every, ["status", "verdict"]] = ("at_chance", None)
    none = drawn("figure7_behaviour", {**tables, "relative": relative}, spec)
    for axes in none.axes:
        assert not marked(axes, "law") and not marked(axes, "extrapolation")
        assert marked(axes, "points") and axes.get_xlim()[1] < 1e12, "not extrapolated"


def test_the_teaser_shows_the_verdicts(tables: Tables) -> None:
    families = [
        {"family": "knowledge", "baseline": "STEM"},
        {"family": "language", "baseline": "US"},
    ]
    words = texts(drawn("figure1_teaser", tables, {"corpus": "web", "families": families}))
    for _, row in (
        ratio(tables["relative"])
        .query("corpus == 'web' and estimator == 'joint' and family in ('knowledge', 'language')")
        .iterrows()
    ):
        assert f"{row['treatment'].replace('_', ' ')} {row['verdict']}" in words


def test_each_line_of_a_family_is_named_with_its_verdict(tables: Tables) -> None:
    words = texts(drawn("figure5_language", tables, {"baseline": "US"}))
    laws = ratio(tables["relative"]).query("family == 'language' and estimator == 'joint'")
    for _, row in laws.iterrows():
        assert words.count(f"{row['treatment']} {row['verdict']}") == 3, (
            "one per corpus, by words and not by colour alone"
        )


def test_budgets_are_named_at_the_end_of_their_own_curve(tables: Tables) -> None:
    axes = drawn("isoflop_curves", tables).axes[0]
    rows = tables["losses"].query("family == 'validation' and corpus == 'curated'")
    longest = rows.loc[rows.groupby("budget")["tokens"].idxmax()].sort_values("value")
    shown = {
        text.get_text().split("\n")[0]: text.get_position()[1]
        for text in axes.texts
        if text.get_text() != "curated"
    }
    assert sorted(shown, key=lambda name: shown[name]) == [
        budget_text(budget) for budget in longest["budget"]
    ]
    starts = sorted(float(line.get_ydata()[0]) for line in marked(axes, "leader"))
    low, high = np.log(axes.get_ylim())
    np.testing.assert_allclose(
        starts, (np.log(longest["value"].astype(float)) - low) / (high - low)
    )


def test_slopes_and_intervals_are_the_tables(tables: Tables) -> None:
    figure = drawn("estimators", tables, {"families": [{"family": "language", "baseline": "US"}]})
    rows = ratio(tables["relative"]).query("family == 'language' and corpus == 'curated'")
    np.testing.assert_allclose(values(marked(figure.axes[0], "slope"), "x"), sorted(rows["dbeta"]))
    np.testing.assert_allclose(
        values(marked(figure.axes[0], "interval"), "x"), sorted([*rows["ci_low"], *rows["ci_high"]])
    )
    figure = drawn("figure6_size_or_data", tables)
    rows = tables["decomposition"].query("family == 'language' and corpus == 'curated'")
    np.testing.assert_allclose(
        values(marked(figure.axes[0], "slope"), "x"),
        sorted([*rows["slope_params"], *rows["slope_tokens"]]),
    )
    slices = [*rows["slice_params_points_per_decade"], *rows["slice_tokens_points_per_decade"]]
    np.testing.assert_allclose(values(marked(figure.axes[3], "slope"), "x"), sorted(slices))


def test_size_and_data_that_move_a_gap_to_opposite_sides_are_marked(tables: Tables) -> None:
    assert "opposite" not in {
        text.get_text()
        for axes in drawn("figure6_size_or_data", tables).axes
        for text in axes.texts
    }
    rows = tables["decomposition"].copy()
    one = (rows["treatment"] == "RU") & (rows["corpus"] == "web")
    rows.loc[one, ["slope_tokens", "slope_tokens_ci_low", "slope_tokens_ci_high"]] = (
        -0.02,
        -0.03,
        -0.01,
    )
    assert (rows.loc[one, "slope_params_ci_low"] > 0).all()
    figure = drawn("figure6_size_or_data", {**tables, "decomposition": rows})
    marks = [[text.get_text() for text in axes.texts].count("opposite") for axes in figure.axes]
    assert marks == [0, 1, 0, 0, 0, 0]
    first, reversed_axis = figure.axes[0].get_xlim(), figure.axes[3].get_xlim()
    assert first[0] < first[1] and reversed_axis[0] > reversed_axis[1], "the same sides"
    assert figure.axes[3].get_xlabel() == "← treatment gains   loses →"


def test_topics_are_drawn_by_slope_and_by_level_with_their_verdicts(tables: Tables) -> None:
    figure = drawn("topics", tables, {"baseline": "People"})
    laws = ratio(tables["relative"]).query("family == 'topics' and estimator == 'joint'")
    rows = laws.query("corpus == 'curated'")
    above, below = figure.axes[0], figure.axes[3]
    np.testing.assert_allclose(values(marked(above, "slope"), "x"), sorted(rows["dbeta"]))
    levels = 100 * (1 - rows[["gap_first", "gap_last"]].to_numpy(dtype=float).ravel())
    np.testing.assert_allclose(values(marked(below, "gap"), "x"), sorted(levels))
    mean = laws.groupby("treatment")["dbeta"].mean().sort_values()
    at = {text.get_text(): text.get_position()[1] for text in above.texts}
    shown = [name.replace("_", " ") for name in mean.index]
    assert sorted(shown, key=lambda name: at[name]) == shown, "by rising slope"
    for verdict, count in rows["verdict"].value_counts().items():
        found = [text.get_text().split(" ", 1)[-1] for text in above.texts]
        assert found.count(verdict) == count


def test_slopes_of_translations_are_drawn_at_the_year_of_their_text(small: Tables) -> None:
    years = {"1395": 1395, "2000": 2000}
    figure = drawn("centuries", small, {"baseline": "2000", "years": years})
    laws = ratio(small["relative"]).query("family == 'centuries' and estimator == 'joint'")
    corpora = sorted(laws["corpus"].unique())
    for axes, corpus in zip(figure.axes[2 * len(corpora) :], corpora, strict=True):
        row = laws[(laws["corpus"] == corpus) & (laws["treatment"] == "1395")].iloc[0]
        (slope,), (interval,) = marked(axes, "slope"), marked(axes, "interval")
        assert values([slope], "x") == [1395] and values([slope], "y") == [row["dbeta"]]
        assert list(interval.get_ydata()) == [row["ci_low"], row["ci_high"]]
        (baseline,) = marked(axes, "baseline")
        assert values([baseline], "x") == [2000] and values([baseline], "y") == [0]
        assert "no year: 1901" in " ".join(text.get_text() for text in axes.texts)
    assert "no slope of a domain that has a year" in texts(drawn("centuries", small))


def test_a_law_that_is_hardly_determined_does_not_decide_the_axis(tables: Tables) -> None:
    relative = tables["relative"].copy()
    wide = (relative["treatment"] == "RU") & (relative["corpus"] == "curated")
    relative.loc[wide, ["dbeta", "ci_low", "ci_high"]] = (4.0, -1.0, 9.0)
    spec = {"families": [{"family": "language", "baseline": "US"}]}
    before, after = (
        drawn("estimators", {**tables, "relative": table}, spec)
        for table in (tables["relative"], relative)
    )
    assert not marked(before.axes[0], "cut") and "Arrows" not in texts(before)
    assert len(marked(after.axes[0], "cut")) == 3 * 3, "slope and both ends, by three estimators"
    assert max(map(abs, after.axes[0].get_xlim())) < 0.1
    assert "Arrows: the interval" in texts(after)


def test_a_family_with_small_slopes_has_its_own_range(tables: Tables) -> None:
    relative = tables["relative"].copy()
    language = relative["family"] == "language"
    relative.loc[language, ["dbeta", "ci_low", "ci_high"]] *= 0.01
    families = [
        {"family": "knowledge", "baseline": "STEM"},
        {"family": "language", "baseline": "US"},
    ]
    figure = drawn("estimators", {**tables, "relative": relative}, {"families": families})
    knowledge, _, _, small = figure.axes[:4]
    assert np.ptp(small.get_xlim()) < 0.05 * np.ptp(knowledge.get_xlim())


def test_language_slopes_are_drawn_at_their_covariate(tables: Tables) -> None:
    figure = drawn("figure5_language", tables)
    rows = ratio(tables["relative"]).query(
        "family == 'language' and corpus == 'curated' and estimator == 'joint'"
    )
    np.testing.assert_allclose(values(marked(figure.axes[6], "slope"), "y"), sorted(rows["dbeta"]))
    np.testing.assert_allclose(
        values(marked(figure.axes[6], "slope"), "x"), sorted(tables["covariates"]["value"])
    )
    online = rows["treatment"].map(tables["covariates"].set_index("domain")["value"])
    line = stats.linregress(np.log10(online.astype(float)), rows["dbeta"].astype(float))
    said = f"r = {line.rvalue:+.2f}, n = 6, p = {line.pvalue:.2g}".replace("-", "−")
    assert f"{said}: weak evidence, n < 10" in texts(figure)


def test_our_prompts_are_drawn_with_the_papers(small: Tables, reference: Path) -> None:
    names = ("traditional", "continuation", "modified")
    rows = [
        {
            "corpus": corpus,
            "family": f"mmlu_{name}",
            "prompt": name,
            "metric": "choice_loss_nats",
            "domain": domain,
            "r2": 0.2 + 0.1 * k,
            "ci_low": 0.1 + 0.1 * k,
            "ci_high": 0.3 + 0.1 * k,
            "accuracy": 0.3,
            "accuracy_minus_traditional": 2.0 * k if k else math.nan,
            "accuracy_minus_traditional_low": 2.0 * k - 1,
            "accuracy_minus_traditional_high": 2.0 * k + 1,
            "status": "ok",
        }
        for corpus in ("curated", "web")
        for k, name in enumerate(names)
        for domain in ("all", "STEM")
    ]
    own = pd.DataFrame(rows, columns=list(PROMPTS.names))
    figure = drawn(
        "figure3_prompts",
        {**small, "prompts": read_table(reference / "paper_prompts.csv"), "own_prompts": own},
    )
    shown, all_domains = figure.axes[1], own[own["domain"] == "all"]
    np.testing.assert_allclose(values(marked(shown, "slope"), "x"), sorted(all_domains["r2"]))
    np.testing.assert_allclose(
        values(marked(shown, "interval"), "x"),
        sorted([*all_domains["ci_low"], *all_domains["ci_high"]]),
    )
    np.testing.assert_allclose(
        values(marked(figure.axes[2], "slope"), "x"),
        sorted(all_domains["accuracy_minus_traditional"].dropna()),
    )
    assert "Not shown for our runs" not in texts(figure)


def test_a_covariate_of_zero_is_an_error(tables: Tables) -> None:
    covariates = pd.DataFrame({"domain": ["GB", "IE"], "value": [0.0, math.nan]})
    with pytest.raises(ValueError, match="covariates: value of GB must be a number above 0"):
        drawn("figure5_language", {**tables, "covariates": covariates})


def test_isoflop_shows_every_run_and_excluded_ones_apart(small: Tables) -> None:
    tables = broken(small)
    figure = drawn("isoflop_curves", tables)
    rows = tables["losses"].query("family == 'validation' and corpus == 'curated'")
    excluded = rows["excluded_reason"] == "diverged"
    assert excluded.any()
    np.testing.assert_allclose(
        values(marked(figure.axes[0], "points"), "x"), sorted(rows.loc[~excluded, "tokens"])
    )
    np.testing.assert_allclose(
        values(marked(figure.axes[0], "excluded"), "x"), sorted(rows.loc[excluded, "tokens"])
    )
    assert "curvature not positive" in texts(figure)


def test_isoflop_metrics_show_the_runs_and_the_error_at_the_common_optimum(tables: Tables) -> None:
    families = [
        {"family": "knowledge", "metrics": ["bits_per_byte"], "domain": "STEM"},
        {"family": "continuation", "domain": "same_topic"},
    ]
    figure = drawn("isoflop_metrics", tables, {"families": families})
    rows = tables["losses"].query(
        "family == 'knowledge' and domain == 'STEM' and corpus == 'curated'"
    )
    np.testing.assert_allclose(values(marked(figure.axes[0], "points"), "y"), sorted(rows["value"]))
    points = pick(
        tables["points"], family="knowledge", domain="STEM", corpus="curated", estimator="vertex"
    )
    np.testing.assert_allclose(
        values(marked(figure.axes[0], "optimum"), "y"), sorted(points["value"])
    )
    assert len(figure.axes) == 3 * 3, "one row for knowledge, two metrics of the continuation"
    assert "no point at the optimum" in texts(figure)


def test_metrics_at_chance_have_no_row_and_are_named_at_the_foot(tables: Tables) -> None:
    losses = tables["losses"].copy()
    behaviour = losses["family"] == "behaviour"
    before = drawn("isoflop_metrics", tables)
    losses.loc[behaviour, "at_chance"] = True
    after = drawn("isoflop_metrics", {**tables, "losses": losses})
    assert len(after.axes) == len(before.axes) - 3, "one row of three corpora"
    said = "Left out, at chance: behaviour in choice probability per byte."
    assert said in texts(after) and said not in texts(before)
    every = {**tables, "losses": losses.assign(at_chance=True)}
    assert len(drawn("isoflop_metrics", every).axes) == len(before.axes), "never an empty figure"


def test_the_colours_of_residuals_are_named(tables: Tables) -> None:
    families = [{"family": "topics", "baseline": "People"}]
    axes = drawn("residuals", tables, {"families": families}).axes[2]
    named = {text.get_text() for text in axes.texts}
    treatments = ratio(tables["relative"]).query("family == 'topics'")["treatment"]
    assert {name.replace("_", " ") for name in treatments} <= named


def test_residuals_are_observed_over_fitted(tables: Tables) -> None:
    rows = tables["points"].query("family == 'knowledge' and corpus == 'web' and domain == 'other'")
    laws = pick(
        ratio(tables["relative"]),
        family="knowledge",
        corpus="web",
        treatment="other",
        estimator="joint",
    )
    law = laws.iloc[0]
    wanted = 100 * (
        rows["gap"]
        / (law["gamma"] * (rows["training_flops"] / law["reference_compute"]) ** law["dbeta"])
        - 1
    )
    found = residuals.residuals(rows, tables["absolute"].iloc[:0], laws, "training_flops")
    np.testing.assert_allclose(found["percent"], wanted)
    assert set(found["quantity"]) == {"gap"}, "no absolute law, no residual of one"
    figure = drawn("residuals", tables, {"families": [{"family": "knowledge", "baseline": "STEM"}]})
    drawn_percent = values(marked(figure.axes[1], "gap"), "y")
    assert all(min(abs(value - other) for other in drawn_percent) < 1e-9 for value in wanted)


def test_backtest_counts_what_lies_in_its_interval(tables: Tables) -> None:
    figure = drawn("backtest", tables, {"families": [{"family": "language", "baseline": "US"}]})
    rows = tables["backtest"].query(
        "family == 'language' and corpus == 'curated' and quantity == 'gap'"
    )
    np.testing.assert_allclose(
        values(marked(figure.axes[3], "prediction"), "x"), sorted(rows["observed"])
    )
    np.testing.assert_allclose(
        values(marked(figure.axes[3], "prediction"), "y"), sorted(rows["predicted"])
    )
    inside = int(
        ((rows["observed"] >= rows["ci_low"]) & (rows["observed"] <= rows["ci_high"])).sum()
    )
    assert 0 < inside < len(rows)
    assert len(marked(figure.axes[3], "outside")) == len(rows) - inside
    assert backtest.covered(rows) == (inside, len(rows))
    assert f"{inside} of {len(rows)} in the interval" in texts(figure)
    without = {**tables, "backtest": tables["backtest"].assign(ci_low=math.nan, ci_high=math.nan)}
    assert "no interval" in texts(drawn("backtest", without))


def test_detectable_slopes_are_drawn_with_the_slopes_found(tables: Tables) -> None:
    rows = tables["relative"].assign(
        detectable_dbeta=0.004 + 0.001 * (tables["relative"]["estimator"] == "vertex")
    )
    figure = drawn(
        "detectable",
        {**tables, "relative": rows},
        {"families": [{"family": "language", "baseline": "US"}]},
    )
    mine = ratio(rows).query("family == 'language' and corpus == 'curated'")
    np.testing.assert_allclose(
        values(marked(figure.axes[0], "slope"), "x"),
        sorted(mine.query("estimator == 'joint'")["dbeta"].abs()),
    )
    bars = [value for value in values(marked(figure.axes[0], "detectable"), "x") if value > 0]
    np.testing.assert_allclose(bars, sorted(mine["detectable_dbeta"]))
    laws = mine.query("estimator == 'joint'")
    decades = laws["change"] / laws["dbeta"]
    np.testing.assert_allclose(
        values(marked(figure.axes[0], "margin"), "x"), sorted(laws["margin"] / decades)
    )


def test_a_new_estimator_is_drawn_from_the_tables(tables: Tables) -> None:
    more = ratio(tables["relative"]).query("estimator == 'vertex'").assign(estimator="surface")
    for name in ("estimators", "detectable"):
        assert "surface" in " ".join(
            text.get_text()
            for legend in drawn(
                name, {**tables, "relative": pd.concat([tables["relative"], more])}
            ).legends
            for text in legend.texts
        )


def test_controls_are_drawn_by_text_and_against_the_runs(maker: Callable[..., Tables]) -> None:
    families = {"topics": ("base", "bits_per_byte", ("base", "one", "other"))}
    tables = maker(families=families, corpora=("curated", "web"))
    left, level, slope = drawn("controls", tables, {"corpus": "web"}).axes
    best = tables["controls"].query("corpus == 'web' and best and domain != 'base'")
    np.testing.assert_allclose(
        values(marked(left, "control"), "y"), sorted(100 * (1 - best["gap"])), rtol=1e-12
    )
    assert set(values(marked(left, "control"), "x")) == {1e4, 1e5, 1e6}
    # The runs' texts: 1e6 bytes in the middle, growing with the root of compute.
    flops = np.sort(tables["points"]["training_flops"].unique())
    texts = 1e6 * np.exp(0.5 * (np.log(flops) - np.log(flops).mean()))
    np.testing.assert_allclose(
        np.unique(np.round(values(marked(left, "runs"), "x"), 3)), np.round(texts, 3)
    )
    rows = tables["control_slopes"]
    assert len(rows) == 4
    np.testing.assert_allclose(
        values(marked(level, "pair"), "y"), sorted(100 * (1 - rows["gap_runs"]))
    )
    np.testing.assert_allclose(values(marked(slope, "pair"), "x"), sorted(rows["slope"]))
    np.testing.assert_allclose(values(marked(slope, "pair"), "y"), sorted(rows["slope_runs"]))


def test_corpus_statistics_are_drawn_relative_to_the_means_of_families(
    maker: Callable[..., Tables],
) -> None:
    families = {"topics": ("base", "bits_per_byte", ("base", "one", "other"))}
    tables = maker(families=families, corpora=("curated", "web"))
    axes = drawn("corpus_statistics", tables).axes
    assert len(axes) == 8
    texts = tables["corpus_statistics"].set_index("domain")
    laws = tables["absolute"].query("metric == 'bits_per_byte' and estimator == 'vertex'")
    wide = laws.pivot(index="corpus", columns="domain", values="exponent")
    zipf = texts["zipf_exponent"].astype(float)
    np.testing.assert_allclose(
        values(marked(axes[0], "domain"), "x"),
        np.sort(np.tile(zipf - zipf.mean(), 2)),
        atol=1e-12,
    )
    centred = wide.sub(wide.mean(axis=1), axis=0)
    np.testing.assert_allclose(
        values(marked(axes[0], "domain"), "y"), np.sort(centred.to_numpy().ravel()), atol=1e-12
    )
    # The baseline has no slope.
    assert len(values(marked(axes[4], "domain"), "y")) == 4
    reading = " ".join(text.get_text() for text in axes[0].texts)
    assert "r = 0.25 [−0.12, 0.50], n = 11" in reading and "not shown to go with it" in reading
    for sizes, said in (([20_000] * 3, "equal size"), ([8306, 20_000, 15_050], "8,306 to 20,000")):
        statistics = tables["corpus_statistics"].assign(sample_bytes=sizes)
        figure = drawn("corpus_statistics", {**tables, "corpus_statistics": statistics})
        foot = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
        assert f"of samples of {said}" in foot


def without_controls(tables: Tables) -> dict[str, pd.DataFrame]:
    """Return the tables of an experiment without controls."""
    return {name: table for name, table in tables.items() if not name.startswith("control")}


def test_a_control_is_drawn_behind_the_runs_over_their_text(small: Tables) -> None:
    figure = drawn("family_laws", small, {"family": "knowledge"})
    runs = drawn("family_laws", without_controls(small), {"family": "knowledge"})
    key = [text.get_text() for text in figure.legends[0].texts]
    assert key == ["runs", "n-grams of the same text, 95 % interval over items"]
    panel = figure.axes[2]  # the relative laws of the first corpus
    rows = small["control_slopes"].query("corpus == 'curated' and family == 'knowledge'")
    flops = small["points"]["training_flops"].unique()
    middle = math.exp(np.log(flops).mean())
    marks, bars = marked(panel, "control"), marked(panel, "control interval")
    np.testing.assert_allclose(values(marks, "x"), [middle] * len(rows))
    np.testing.assert_allclose(values(marks, "y"), sorted(100 * (1 - rows["gap"])))
    ends = np.array([*rows["gap_ci_low"], *rows["gap_ci_high"]])
    np.testing.assert_allclose(values(bars, "y"), sorted(100 * (1 - ends)))
    sides = {float(mark.get_transform().transform((middle, 0))[0]) for mark in marks}
    assert len(sides) == len(rows) > 1  # next to each other
    # Planted: text grows with the root of compute, so that a slope in compute is half of the other.
    lines = marked(panel, "control line")
    for line, (_, row) in zip(lines, rows.iterrows(), strict=True):
        assert list(line.get_xdata()) == [flops.min(), flops.max()]
        gaps = row["gap"] * (line.get_xdata() / middle) ** (row["slope"] / 2)
        np.testing.assert_allclose(line.get_ydata(), 100 * (1 - gaps))
    behind = max(line.get_zorder() for line in [*lines, *marks, *bars])
    assert behind < min(line.get_zorder() for line in marked(panel, "law"))
    for before, after in zip(runs.axes, figure.axes, strict=True):
        assert not marked(before, "control") and not runs.legends
        for gid in ("law", "points"):
            assert values(marked(before, gid), "y") == values(marked(after, gid), "y")


def test_slope_and_level_of_a_control_are_those_of_its_table(small: Tables) -> None:
    figure = drawn("topics", small, {"baseline": "People"})
    rows = small["control_slopes"].query("corpus == 'curated' and family == 'topics'")
    slopes, levels = figure.axes[0], figure.axes[2]
    half = 0.5  # the planted exponent of text
    np.testing.assert_allclose(values(marked(slopes, "control"), "x"), sorted(half * rows["slope"]))
    np.testing.assert_allclose(
        values(marked(slopes, "control interval"), "x"),
        sorted(half * np.array([*rows["slope_ci_low"], *rows["slope_ci_high"]])),
    )
    np.testing.assert_allclose(
        values(marked(levels, "control"), "x"), sorted(100 * (1 - rows["gap"]))
    )
    plain = drawn("topics", without_controls(small), {"baseline": "People"})
    assert not any(marked(axes, "control") for axes in plain.axes)
    assert len(plain.legends[0].texts) == len(figure.legends[0].texts) - 1


def test_a_control_whose_compute_is_not_known_is_named_and_not_drawn(small: Tables) -> None:
    unknown = small["control_slopes"].assign(text_exponent=math.nan)
    figure = drawn("family_laws", {**small, "control_slopes": unknown}, {"family": "topics"})
    assert not any(marked(axes, "control") for axes in figure.axes)
    said = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
    assert "where the text of the runs is not known: curated, web." in said


def test_a_tuned_frontier_is_drawn_next_to_the_default(small: Tables) -> None:
    figure = drawn("tuned_frontier", small)
    first = small["tuned"].query("frontier == 'curated_tuned' and family == 'behaviour'")
    panel = figure.axes[0]
    for side, column in (("default", "dbeta"), ("tuned", "dbeta_tuned")):
        np.testing.assert_allclose(values(marked(panel, side), "x"), sorted(first[column]))
    ends = ["ci_low", "ci_high", "ci_low_tuned", "ci_high_tuned"]
    np.testing.assert_allclose(
        values(marked(panel, "interval"), "x"), sorted(first[ends].to_numpy().ravel())
    )
    said = [text.get_text() for text in panel.texts if text.get_gid() == "verdicts"]
    assert said == [
        before if before == "undecided" else f"{before} → undecided" for before in first["verdict"]
    ]
    gains, chosen = figure.axes[-2:]
    assert values(marked(gains, "gain"), "y") == pytest.approx([0.0] * 8 + [2.0] * 40)
    counts: dict[float, float] = {}
    for patch in chosen.patches:
        row = round(patch.get_y() + patch.get_height() / 2)
        counts[row] = counts.get(row, 0) + patch.get_width()
    assert counts == {0: 4, 1: 20, 2: 4, 3: 20}  # four budgets, of whose six sizes one is default


def test_loss_curves_are_not_smoothed(small: Tables) -> None:
    figure = drawn("loss_curves", small)
    wanted = small["curve"][small["curve"]["run"].str.startswith("curated-")]
    np.testing.assert_allclose(
        values(marked(figure.axes[0], "curve"), "y"), sorted(wanted["loss_nats_per_token"])
    )
    with pytest.raises(ValueError, match="run\\(s\\) stray are not in the table suite"):
        drawn("loss_curves", {**small, "curve": small["curve"].iloc[:1].assign(run="stray")})


def test_published_slopes_are_drawn_with_ours(tables: Tables, reference: Path) -> None:
    published = read_table(reference / "paper_slopes.csv")
    families = [
        {
            "family": "knowledge",
            "paper": "knowledge",
            "baseline": "STEM",
            "domains": ["STEM", "humanities", "social_sciences", "other"],
        }
    ]
    figure = drawn("paper_comparison", {**tables, "published": published}, {"families": families})
    theirs = published.query("family == 'knowledge' and corpus == 'CommonPile'")["dbeta"]
    ours = ratio(tables["relative"]).query(
        "family == 'knowledge' and corpus == 'curated' and estimator == 'joint'"
    )["dbeta"]
    np.testing.assert_allclose(
        values(marked(figure.axes[0], "slope"), "x"), sorted([*theirs, *ours])
    )
    assert "Not a replication: the paper spans 10¹⁸ to 10²⁰ forward FLOPs" in texts(figure)
    assert "ours 5×10¹⁰ to 5×10¹¹ training FLOPs" in texts(figure)


def test_a_curve_with_a_calibrated_interval_has_a_band_beyond_the_data(tables: Tables) -> None:
    relative = ratio(tables["relative"]).query("estimator == 'joint'").assign(estimator="auto")
    spec = {"baseline": "STEM", "estimator": "auto"}
    axes = drawn("figure4_knowledge", tables | {"relative": relative}, spec).axes[3]
    curves = tables["curves"].query("corpus == 'curated' and family == 'knowledge'")
    last = curves[~curves["beyond"].astype(bool)]["compute"].max()
    ends = curves[curves["compute"] == curves["compute"].max()]
    np.testing.assert_allclose(
        sorted(line.get_ydata()[-1] for line in marked(axes, "extrapolation")),
        sorted(100 * (1 - ends["value"].astype(float))),
    )
    bands = [path.get_extents() for path in band_paths(axes)]
    beyond = [band for band in bands if band.x1 > 1.01 * last]
    assert len(beyond) == len(ends)
    np.testing.assert_allclose(
        sorted(band.height for band in beyond),
        sorted(heights_beyond(curves[curves["compute"] >= last])),
    )
    assert "widened up to 1.5 times" in texts(
        drawn("figure4_knowledge", tables | {"relative": relative}, spec)
    )


def heights_beyond(curves: pd.DataFrame) -> list[float]:
    """Return the height of each treatment's band beyond the data, in percent."""
    return [
        100 * float(rows["ci_high"].max() - rows["ci_low"].min())
        for _, rows in curves.groupby("domain")
    ]


def band_paths(axes: Any) -> list[Any]:
    """Return the outlines of the bands of axes."""
    return [
        path
        for collection in axes.collections
        if collection.get_gid() == "band"
        for path in collection.get_paths()
    ]


def test_without_a_calibrated_interval_no_band_is_drawn_beyond_the_data(tables: Tables) -> None:
    figure = drawn("figure4_knowledge", tables, {"baseline": "STEM"})
    paths = band_paths(figure.axes[3])
    assert len(paths) == 3 and max(path.get_extents().x1 for path in paths) <= 5.01e11
    assert "Beyond the data no interval is known" in texts(figure)
    assert "Scale of the verdicts: ratio, G = L(treatment) / L(baseline)" in texts(figure)


def test_the_teaser_shows_the_margin_as_a_wedge_that_ends_at_the_margin(tables: Tables) -> None:
    families = [{"family": "knowledge", "baseline": "STEM"}]
    axes = drawn("figure1_teaser", tables, {"corpus": "web", "families": families}).axes[0]
    laws = ratio(tables["relative"]).query(
        "corpus == 'web' and family == 'knowledge' and estimator == 'joint'"
    )
    shapes = {
        gid: [
            np.log(1 - collection.get_paths()[0].vertices[:, 1] / 100)
            for collection in axes.collections
            if collection.get_gid() == gid
        ]
        for gid in ("margin", "change")
    }
    np.testing.assert_allclose(
        sorted(np.ptp(shape) for shape in shapes["margin"]), sorted(2 * laws["margin"])
    )
    change = laws["gamma"] * (5e10 / laws["reference_compute"]) ** laws["dbeta"]
    ends = np.log(change.astype(float)) + laws["change_ci_high"].astype(float)
    for end in ends:
        assert min(np.min(np.abs(shape - end)) for shape in shapes["change"]) < 1e-9


def test_each_run_is_drawn_at_its_two_losses_with_the_law_through_them(tables: Tables) -> None:
    families = [{"family": "knowledge", "baseline": "STEM"}]
    axes = drawn("loss_to_loss", tables, {"families": families}).axes[0]
    rows = tables["losses"].query("family == 'knowledge' and corpus == 'curated'")
    by_run = rows.pivot_table(index="run", columns="domain", values="value", aggfunc="mean")
    for axis, names in (("x", ["STEM"] * 3), ("y", ["humanities", "social_sciences", "other"])):
        want = sorted(float(value) for name in names for value in by_run[name])
        np.testing.assert_allclose(values(marked(axes, "points"), axis), want)
    laws = tables["loss_to_loss"].query("family == 'knowledge' and corpus == 'curated'")
    ratios = [line.get_ydata()[0] / line.get_xdata()[0] for line in marked(axes, "law")]
    np.testing.assert_allclose(sorted(ratios), sorted(np.exp(laws["c0"].astype(float))))
    (equal,) = marked(axes, "equal")
    np.testing.assert_allclose(equal.get_xdata(), equal.get_ydata())


def test_the_parts_of_a_slope_and_its_band_are_the_tables(tables: Tables) -> None:
    families = [{"family": "language", "baseline": "US"}]
    axes = drawn("floors_and_rates", tables, {"families": families}).axes[0]
    rows = tables["loss_to_loss"].query("family == 'language' and corpus == 'curated'")
    split = rows[rows["dbeta_floor"].notna()]
    parts = sorted([*split["dbeta_floor"], *split["dbeta_rate"]])
    np.testing.assert_allclose(values(marked(axes, "slope"), "x"), parts)
    sums = sorted(np.repeat(split["dbeta_floor"] + split["dbeta_rate"], 2))
    np.testing.assert_allclose(values(marked(axes, "sum"), "x"), sums)
    few = tables["loss_to_loss"].query("family == 'topics' and corpus == 'web'")
    lacking = few[few["dbeta_floor"].isna()]
    topics = {"families": [{"family": "topics", "baseline": "People"}], "corpora": ["web"]}
    axes = drawn("floors_and_rates", tables, topics).axes[0]
    bands = [patch.get_bbox() for patch in axes.patches if patch.get_gid() == "band"]
    assert len(lacking) > 0
    np.testing.assert_allclose(
        sorted(band.x0 for band in bands), sorted(lacking["dbeta_floor_lowest"])
    )


def test_back_tests_are_drawn_by_horizon_with_their_coverage(tables: Tables) -> None:
    figure = drawn("forecast", tables, {"families": [{"family": "language"}]})
    rows = tables["forecast"].query("family == 'language' and corpus == 'curated'")
    above, below = figure.axes[0], figure.axes[3]
    for column in ("error_percent", "error_constant_percent", "error_last_four_percent"):
        means = rows[column].abs().groupby(rows["horizon_class"]).mean()
        np.testing.assert_allclose(values(marked(above, f"mean {column}"), "y"), sorted(means))
    inside = rows["observed"].between(rows["ci_low"], rows["ci_high"])
    shares = inside.groupby(rows["horizon_class"]).mean()
    np.testing.assert_allclose(values(marked(below, "share"), "y"), sorted(shares))
    assert (
        f"{int(inside.groupby(rows['horizon_class']).sum()['next'])} of {len(rows) // 3}"
        in texts(figure)
    )


def test_the_interval_of_a_share_is_wilsons() -> None:
    # statsmodels.stats.proportion.proportion_confint(19, 20, method="wilson")
    assert wilson(19, 20) == pytest.approx((0.76387, 0.99112), abs=1e-5)


def test_exponents_shows_every_approach_and_cuts_long_intervals(
    maker: Callable[..., Tables],
) -> None:
    tables = maker(corpora=("curated",))
    figure = drawn("exponents", tables)
    axes = figure.axes[0]
    values = [
        float(line.get_xdata()[0]) for line in axes.get_lines() if line.get_gid() == "exponent"
    ]
    expected = [0.47, 0.45, 0.44, 0.44, 0.55, 0.55]
    assert values == pytest.approx(expected)
    assert "too few runs" in " ".join(text.get_text() for text in axes.texts)
    ends = [line.get_xdata() for line in axes.get_lines() if line.get_gid() == "interval"]
    low, high = axes.get_xlim()
    assert all(low <= min(end) and max(end) <= high for end in ends)
    assert {"<", ">"} <= {line.get_marker() for line in axes.get_lines()}
    key = figure.legends[0]
    named = [text.get_text() for text in key.get_texts()]
    marks = [handle.get_marker() for handle in key.legend_handles]
    assert dict(zip(named, marks, strict=True)) == {
        "approach 1": "D",
        "approach 2": "o",
        "approach 3": "s",
    }


def test_suite_contrasts_shows_slopes_verdicts_and_gaps_of_every_contrast(
    maker: Callable[..., Tables],
) -> None:
    tables = maker(families=SMALL)
    figure = drawn("suite_contrasts", tables)
    rows = pick(tables["suite_contrasts"], scale="ratio")
    slopes, gaps = figure.axes[0::2], figure.axes[1::2]
    # Two contrasts with the families whose text all corpora share.
    assert len(slopes) == len(gaps) == 2 * len(set(SMALL) - {"validation"})
    shown = [
        float(line.get_xdata()[0])
        for axes in slopes
        for line in axes.get_lines()
        if line.get_gid() == "slope"
    ]
    assert sorted(shown) == pytest.approx(sorted(rows["dbeta"]))
    heights = [
        float(y)
        for axes in gaps
        for line in axes.get_lines()
        if line.get_gid() == "points"
        for y in line.get_ydata()
    ]
    assert sorted(heights) == pytest.approx(sorted(tables["suite_contrast_points"]["gap"]))
    said = [text.get_text() for axes in slopes for text in axes.texts]
    assert sum("widens" in word for word in said) == (rows["verdict"] == "widens").sum()
    assert sum("undecided" in word for word in said) == (rows["verdict"] == "undecided").sum()
    assert "web against curated: Knowledge (bits per byte)" in said


def test_exponents_says_why_a_way_of_counting_has_none(maker: Callable[..., Tables]) -> None:
    tables = dict(maker(corpora=("curated",)))
    counts = tables["counts"].copy()
    lost = (counts["counted_params"] == "total") & (counts["counted_flops"] == "6ND")
    counts.loc[lost, "params_exponent"] = math.nan
    counts.loc[lost, "status"] = "too_few_budgets"
    tables["counts"] = counts
    axes = drawn("exponents", tables).axes[0]
    assert "too few budgets" in [text.get_text() for text in axes.texts]


def test_classical_errors_shows_a_point_per_domain(maker: Callable[..., Tables]) -> None:
    tables = maker(corpora=("curated",))
    axes = drawn("classical_errors", tables).axes[0]
    points = [line for line in axes.get_lines() if line.get_gid() == "error"]
    number = sum(len(line.get_xdata()) for line in points)
    rows = tables["classical"]
    assert number == len(rows)
    hollow = sum(len(line.get_xdata()) for line in points if line.get_markerfacecolor() == "white")
    assert hollow == (rows["status"] == "not_identified").sum()


def test_classical_errors_names_the_median_and_why_a_law_has_no_error(
    maker: Callable[..., Tables],
) -> None:
    tables = dict(maker(corpora=("curated",)))
    rows = tables["classical"].copy()
    lost = rows["law"] == "kaplan_surface"
    rows.loc[lost, "left_out_error_percent"] = math.nan
    rows.loc[lost, "status"] = "not_identified"
    rows.loc[rows.index[lost][0], "status"] = "too_few_runs"
    tables["classical"] = rows
    figure = drawn("classical_errors", tables)
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named == ["identified", "not identified", "median of the domains"]
    words = [text.get_text() for text in figure.axes[0].texts]
    assert f"not identified ({lost.sum() - 1} of {lost.sum()})" in words
    assert "too few runs" not in words


def test_representation_draws_shares_gaps_and_differences(small: Tables) -> None:
    table = small["representation"]
    figure = drawn("representation", small, {"labels": {"lean_a": "A-heavy"}})
    for quantity, row in (("level", 0), ("slope", 1)):
        for subject, column in (("a", 0), ("b", 0), ("a / b", 1)):
            axes = figure.axes[3 * row + column]
            found = pick(table, kind="corpus", subject=subject, quantity=quantity)
            wanted = [float(value) for value in found["value"]]
            wanted = [math.exp(value) if quantity == "level" else value for value in wanted]
            lines = marked(axes, f"representation {subject} {quantity}")
            assert values(lines, "y") == pytest.approx(sorted(wanted))
            heights = pick(table, kind="line", subject=subject, quantity=quantity)["value"]
            ends = [math.exp(y) if quantity == "level" else y for y in heights]
            line = marked(axes, f"line {subject} {quantity}")
            assert values(line, "y") == pytest.approx(sorted(ends))
            slope = pick(table, kind="dose", subject=subject, quantity=quantity).iloc[0]
            ends = f"[{slope['ci_low']:+.4f}, {slope['ci_high']:+.4f}]".replace("-", "\u2212")
            assert any(ends in each.get_text() for each in axes.texts)
        differences = figure.axes[3 * row + 2]
        names = [label.get_text() for label in differences.get_yticklabels()]
        assert names == [
            "ratio, joint",
            "ratio, fitted vertex",
            "reducible, surface",
            "reducible, E = 50 %",
        ]
        drawn_x = [x for line in differences.get_lines() for x in np.atleast_1d(line.get_xdata())]
        wanted = pick(table, kind="difference", quantity=quantity)["value"].dropna()
        for value in wanted:
            assert any(math.isclose(float(x), float(value)) for x in drawn_x)
    said = texts(figure)
    assert "floors not identified" in said
    assert "corpus A-heavy minus corpus lean b" in said
    assert "Expected on 2026-11-29 of the level: negative; the result agrees." in said


def test_the_surface_row_of_representation_does_not_set_the_range(small: Tables) -> None:
    table = small["representation"].copy()
    far = (table["floors"] == "surface") & (table["quantity"] == "slope")
    table.loc[far, ["value", "ci_low", "ci_high"]] = [-0.447, -0.786, -0.108]
    table.loc[far, "status"] = "ok"
    axes = drawn("representation", {**small, "representation": table}).axes[5]
    others = pick(table, kind="difference", quantity="slope")
    others = others[others["floors"] != "surface"]
    low, high = axes.get_xlim()
    assert low < others["ci_low"].min() and others["ci_high"].max() < high
    assert high - low < 3 * (others["ci_high"].max() - min(others["ci_low"].min(), 0))
    assert marked(axes, "cut"), "an arrow says that the row is beyond the panel"
    assert "\u22120.45 [\u22120.79, \u22120.11]" in [text.get_text() for text in axes.texts]


def test_buckets_shows_the_slope_of_each_bucket_and_fills_those_that_differ(
    maker: Callable[..., Tables],
) -> None:
    families = {"topics": SMALL["topics"]}
    tables = maker(families=families, corpora=("curated", "web"))
    figure = drawn("buckets", tables, {"family": "topics", "corpus": "web"})
    panels = [axes for axes in figure.axes if axes.get_visible()]
    titles = [axes.get_title().split("\n")[0] for axes in panels]
    assert titles == [
        *("whole text", "letters", "digits", "punctuation", "white space", "non-ASCII"),
        *("whole text", "common", "rare", "unseen", "other bytes"),
    ]
    for axes, title in zip(panels, titles, strict=True):
        found = marked(axes, "slope")
        if title == "non-ASCII":
            assert not found and "few" in {text.get_text() for text in axes.texts}
            continue
        assert values(found, "x") == pytest.approx([0.004])
        assert (found[0].get_markerfacecolor() == "white") == (title != "letters")
        (interval,) = marked(axes, "interval")
        if title != "digits":
            assert values([interval], "x") == pytest.approx([0.002, 0.006])
    assert len({tuple(axes.get_xlim()) for axes in panels}) == 1
    assert "corpus web" in texts(figure) and "is beyond the panel" in texts(figure)


def test_positions_draws_the_law_of_each_budget_that_is_identified(
    maker: Callable[..., Tables],
) -> None:
    tables = maker(families={"topics": SMALL["topics"]}, corpora=("curated",))
    axes = drawn("positions", tables, {"family": "topics"}).axes[0]
    budgets = sorted(set(tables["positions"]["budget"]), key=float)
    laws = marked(axes, "law")
    assert len(laws) == len(budgets) - 1
    for place, line in enumerate(laws, start=1):
        at, height = line.get_xdata(), line.get_ydata()
        assert at[0] == pytest.approx(2) and at[-1] == pytest.approx(64)
        np.testing.assert_allclose(height, 3 - 0.1 * place + 2 * np.asarray(at) ** -0.5)
    said = [text.get_text() for text in axes.texts if text.get_gid() == "exponent"]
    assert said == ["p = –", *["p = 0.50 [0.40, 0.60]"] * (len(budgets) - 1)]
