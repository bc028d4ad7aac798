"""Figures of released models: one corpus, several domains that place the optimum together."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from relscale import figures
from relscale.config.figure_name import figure_names
from relscale.figures.context import Context, FamilyFacts
from relscale.figures.kit.isoflop import mean_of_domains, optimum_errors
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.style import save, styled
from relscale.figures.kit.tables import complete

Tables = dict[str, pd.DataFrame]
LETTERS = FamilyFacts(
    name="letters", metrics=("bits_per_byte",), baseline="plain", domains=("plain", "odd")
)
CONTEXT = Context(
    results="results/released",
    families=(LETTERS,),
    evaluated=("letters",),
    corpora=("ours",),
    estimator="joint",
    compute="training_flops",
    optimum_by="letters",
    corpus="ours",
    labels={},
    teaser=("letters",),
    size_or_data="letters",
    covariates="online.csv",
    covariate_label="Online (%)",
    paper_corpora={},
    extrapolate_decades=1.0,
    paper_line=False,
)


@pytest.fixture(scope="module")
def tables(maker: Callable[..., Tables]) -> Tables:
    """Tables without a validation family: `letters` places the optimum."""
    made = maker(
        families={"letters": ("plain", "bits_per_byte", ("plain", "odd"))},
        corpora=("ours",),
        budgets=("1e15", "1e16", "1e17"),
    )
    losses = made["losses"][made["losses"]["family"] == "letters"].reset_index(drop=True)
    optima = made["optima"].query("estimator == 'vertex'").assign(optimum_by="letters")
    four = [optima.assign(estimator=name) for name in ("vertex", "best_run", "akima", "surface")]
    return {**made, "losses": losses, "optima": pd.concat(four, ignore_index=True)}


def drawn(name: str, tables: Tables, context: Context = CONTEXT) -> Figure:
    """Draw a figure by the settings that the experiment gives it."""
    figure = figures.find(name)
    with styled():
        made = import_module(figure.drawing).draw(
            complete(tables, figure.tables), figure.settings_of(context)
        )
        made.draw_without_rendering()
    return made


def heights(figure: Figure, gid: str) -> list[float]:
    """Return the heights of marks in the first panel."""
    lines = [line for line in figure.axes[0].get_lines() if line.get_gid() == gid]
    return sorted(float(y) for line in lines for y in line.get_ydata())


@pytest.mark.parametrize("name", ["isoflop_curves", "figure2_pipeline"])
def test_the_curves_are_the_mean_of_the_domains_that_place_the_optimum(
    name: str, tables: Tables
) -> None:
    figure = drawn(name, tables)
    logs = np.log(tables["losses"].pivot(index="run", columns="domain", values="value"))
    wanted = sorted(np.exp(logs.mean(axis=1)))
    np.testing.assert_allclose(heights(figure, "points"), wanted)
    assert len(heights(figure, "optimum")) == 4 * 3
    shown = " ".join(text.get_text() for text in figure.texts)
    assert "geometric mean over the 2 domains of letters" in shown


def test_the_power_law_is_that_of_the_baseline(tables: Tables) -> None:
    middle = drawn("figure2_pipeline", tables).axes[1]
    rows = tables["points"].query("domain == 'plain'")
    points = [line for line in middle.get_lines() if line.get_gid() == "points"]
    np.testing.assert_allclose(sorted(points[0].get_ydata()), sorted(rows["value"]))


def test_the_curves_are_in_the_metric_of_the_optima(tables: Tables) -> None:
    other = {
        **tables,
        "losses": tables["losses"].assign(metric="choice_loss_nats"),
        "optima": tables["optima"].assign(metric="choice_loss_nats"),
    }
    figure = drawn("isoflop_curves", other)
    assert len(heights(figure, "points")) == 18
    assert figure.axes[0].get_ylabel() == "Choice loss (nats)"


def test_a_run_without_one_of_the_domains_has_no_mean_and_an_excluded_one_stays_excluded() -> None:
    rows = pd.DataFrame(
        {
            "corpus": "ours",
            "run": ["a", "a", "b", "c", "c"],
            "domain": ["x", "y", "x", "x", "y"],
            "value": [2.0, 8.0, 3.0, 1.0, 1.0],
            "excluded_reason": ["", "", "", "", "diverged"],
        }
    )
    found = optimum_errors(rows).set_index("run")
    assert found["value"].to_dict() == pytest.approx({"a": 4.0, "b": np.nan, "c": 1.0}, nan_ok=True)
    assert list(found["excluded_reason"] != "") == [False, False, True]
    one = rows[rows["domain"] == "x"]
    assert optimum_errors(one) is one and not mean_of_domains(one, "letters")


def is_inside(figure: Figure) -> bool:
    """Return whether every key is inside the figure and above all panels' frames."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    highest = max(axes.get_window_extent(renderer).y1 for axes in figure.axes)
    boxes = [legend.get_window_extent(renderer) for legend in figure.legends]
    return all(
        box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= highest and box.y1 <= figure.bbox.y1
        for box in boxes
    )


@pytest.mark.parametrize("name", figure_names())
def test_no_key_is_cut_off_with_one_suite(name: str, tables: Tables) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = figures.find(name)
    estimators = ("joint", "vertex", "best_run", "akima", "surface")
    relative = [tables["relative"].assign(estimator=each) for each in estimators]
    relative_rows = pd.concat(relative).drop_duplicates(["treatment", "estimator"])
    with styled():
        made = import_module(figure.drawing).draw(
            complete({**tables, "relative": relative_rows}, figure.tables),
            figure.settings(corpora=("ours",)),
        )
        FigureCanvasAgg(made).draw()
        assert is_inside(made)


def test_a_key_of_many_rows_makes_the_figure_higher_and_moves_nothing_in_inches() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = Figure(figsize=(2.5, 2.0))
    axes = figure.add_axes((0.2, 0.2, 0.7, 0.5))
    foot = figure.text(0.1, 0.05, "foot")
    texts = [f"corpus number {place}" for place in range(12)]
    top_legend(figure, [Line2D([], []) for _ in texts], texts)
    FigureCanvasAgg(figure).draw()
    assert figure.get_figheight() > 3 and is_inside(figure)
    box = axes.get_position()
    assert box.y0 * figure.get_figheight() == pytest.approx(0.4)
    assert box.height * figure.get_figheight() == pytest.approx(1.0)
    assert foot.get_position()[1] * figure.get_figheight() == pytest.approx(0.1)


def test_families_with_the_same_label_keep_their_own_rows(maker: Callable[..., Tables]) -> None:
    families = {
        "one": ("a", "bits_per_byte", ("a", "b")),
        "two": ("a", "bits_per_byte", ("a", "b")),
    }
    made = maker(families=families, corpora=("ours",), budgets=("1e15", "1e16"))
    views = tuple(
        replace(LETTERS, name=name, baseline="a", domains=("a", "b")) for name in families
    )
    context = replace(
        CONTEXT, families=views, evaluated=("one", "two"), labels={"one": "same", "two": "same"}
    )
    figure = drawn("detectable", made, context)
    rows = {
        (place, float(line.get_ydata()[0]))
        for place, axes in enumerate(figure.axes)
        for line in axes.get_lines()
        if line.get_gid() == "slope"
    }
    assert len(rows) == 2


def test_a_temporary_file_of_a_killed_job_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".figure[1].svg.4711.tmp"
    other = tmp_path / ".another.svg.4711.tmp"
    for path in (left, other):
        path.write_text("half a figure")
    with styled():
        save(Figure(figsize=(1, 1)), tmp_path / "figure[1].svg")
    assert not left.exists() and other.exists()
