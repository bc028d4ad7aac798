"""Names are drawn as they are: signs of markup, other scripts, words that look like numbers."""

import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from relscale import figures
from relscale.figures.kit import runner
from relscale.figures.kit.labels import top_legend
from relscale.figures.kit.style import missing_letters, text_width_in, words

Tables = dict[str, pd.DataFrame]
NAMES = (
    "NA",
    "None",
    "nan",
    "2019",
    'O\'Brien "x"',
    "<b>&amp;",
    "{a}{{b}}",
    "$x^2$",
    "c\\d $5 $",
    "us",
    "日本語",
    "עברית",
)


def written(name: str, tables: Tables, path: Path) -> str:
    """Draw a figure into an SVG file with warnings as errors; return the words in it."""
    figure = figures.find(name)
    draw = import_module(figure.drawing).draw
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runner.render(figure, draw, tables, figure.settings(), [path, path.with_suffix(".png")])
    return " ".join(ElementTree.parse(path).getroot().itertext())


@pytest.fixture(scope="module")
def named(maker: Callable[..., Tables]) -> Tables:
    """Tables of a family whose domains have such names, on a corpus with one."""
    families = {
        "validation": ("", "bits_per_byte", ("own",)),
        "knowledge": ("US", "bits_per_byte", ("US", *NAMES)),
    }
    return maker(families=families, corpora=("$w_e^b$",), budgets=("5e10", "1e11"))


@pytest.mark.parametrize("name", ["figure4_knowledge", "estimators"])
def test_every_name_is_in_the_figure_as_it_is(name: str, named: Tables, tmp_path: Path) -> None:
    text = written(name, named, tmp_path / "figure.svg")
    for domain in NAMES:
        assert domain in text, domain
    assert "$w e^b$" in text
    assert "3 letters have no glyph in the font" in text, "日本語, and nothing else"


def test_letters_without_a_glyph_are_found_and_are_as_wide_as_high() -> None:
    assert missing_letters("Côte d'Ivoire, 日本日") == "日本"
    assert not missing_letters("Nürnberg\nעברית العربية Ελλάδα Україна")
    assert text_width_in("日本", 7.2) == pytest.approx(0.2)


def test_control_characters_become_spaces_since_an_svg_cannot_hold_them() -> None:
    assert words("a\x07b\nc\ud800") == "a b c "


def test_a_name_that_begins_with_an_underscore_stays_in_a_key() -> None:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(7, 2))
    top_legend(figure, [Line2D([], []), Line2D([], [])], ["_web", "$a$ and $b$"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["_web", "$a$ and $b$"]
