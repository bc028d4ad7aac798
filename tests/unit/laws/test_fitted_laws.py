"""The result of `fit_laws`: one line, a page of HTML, and figures."""

import pytest
from matplotlib.figure import Figure

from relscale.figures.draw import family_laws
from relscale.figures.family_laws import FIGURE
from relscale.figures.kit.runner import render
from relscale.figures.kit.style import save, styled
from relscale.figures.of_laws import FIGURES
from relscale.figures.settings import FamilySettings
from relscale.laws.run import fit_laws

SETTINGS = {"family": "topics", "baseline": "base", "optimum_by": "family_mean", "draws": 100}


@pytest.fixture(scope="module")
def frame(plant):
    domains = {"base": (2.0, 0.10, 0.0), "<b>&": (2.4, 0.13, 0.0), "like": (2.6, 0.10, 0.0)}
    return plant(domains=domains)


@pytest.fixture(scope="module")
def found(frame):
    return fit_laws(frame, **SETTINGS, estimators=("joint", "vertex"))


def test_a_result_is_shown_on_one_short_line(found):
    for shown in (repr(found), repr(found.laws)):
        assert "\n" not in shown and len(shown) < 400
    assert "family 'topics' against 'base' in bits_per_byte: " in repr(found)
    verdicts = found.laws.ratio.query("estimator == 'joint'")["verdict"]
    for verdict, count in verdicts.value_counts().items():
        assert f"{count} {verdict}" in repr(found)
    assert f"relative {len(found.laws.relative)}" in repr(found.laws)


def test_a_notebook_shows_the_laws_of_the_first_estimator_with_names_escaped(found):
    page = found._repr_html_()
    assert page.count("<tr>") == 2 and "&lt;b&gt;&amp;" in page and "<b>" not in page


def test_names_and_notes_are_escaped_outside_the_table_as_well(frame):
    renamed = frame.assign(family="<i>")
    found = fit_laws(renamed, **{**SETTINGS, "family": "<i>"}, estimators=("joint",))
    page = found._repr_html_()
    assert "&lt;i&gt;" in page and "<i>" not in page


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_from_the_result(found, name):
    drawn = found.plot(name)
    assert isinstance(drawn, Figure)
    lines = [line for axes in drawn.axes for line in axes.get_lines() if len(line.get_xdata())]
    assert lines or any(axes.patches or axes.collections for axes in drawn.axes)


def test_the_figure_is_the_one_of_the_workflow(found, tmp_path):
    settings = FamilySettings(family="topics", baseline="base", estimator="joint")
    render(FIGURE, family_laws.draw, found.laws.tables, settings, [tmp_path / "workflow.svg"])
    with styled():
        save(found.plot(), tmp_path / "plot.svg")
    assert (tmp_path / "plot.svg").read_bytes() == (tmp_path / "workflow.svg").read_bytes()


def test_labels_replace_the_names_of_domains(found):
    texts = {text.get_text() for text in found.plot(labels={"like": "Similar"}).findobj()
             if hasattr(text, "get_text")}  # fmt: skip
    assert any("Similar" in text for text in texts) and not any("like" in text for text in texts)


def test_unknown_figures_and_metrics_are_named(found):
    with pytest.raises(ValueError, match="figure 'pie': unknown; the choices are laws, estimators"):
        found.plot("pie")
    with pytest.raises(ValueError, match=r"metric 'accuracy': was not fitted; .* bits_per_byte"):
        found.plot(metric="accuracy")
