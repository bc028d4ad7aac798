"""The front page in a browser: widths, keyboard, print, dark mode, no request and no error."""

import re

import pandas as pd
import pytest

from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.pages.findings import FindingsTables
from relscale.pages.front import FrontFigure, PageLink, front_page
from relscale.pages.spec import FindingsFamily, FindingsSpec

SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='500pt' height='200pt'></svg>"


@pytest.fixture(name="front")
def front_fixture(maker, tmp_path):
    """The page of synthetic tables, and the laws that it shows."""
    made = maker()
    (tmp_path / "figure.svg").write_text(SVG)
    family = FindingsFamily(
        family="topics",
        metric="bits_per_byte",
        baseline="People",
        domains=["People", "Geography", "History", "Arts"],
    )
    spec = FindingsSpec(families=[family], corpora=["curated", "web"], estimator="joint")
    suite = pd.DataFrame(
        [{"corpus": "web", "budget": "5e10", "training_flops": 5e10}], columns=list(SUITE_COLUMNS)
    )
    page = front_page(
        FindingsTables(relative=made["relative"], suite=suite, forecast=made["forecast"]),
        spec,
        title="default",
        links=[PageLink(href="explorer.html", text="Explorer")],
        figure=FrontFigure.read(tmp_path / "figure.svg", "Relative laws."),
    )
    path = tmp_path / "index.html"
    path.write_text(page)
    laws = made["relative"].query(
        "family == 'topics' and estimator == 'joint' and scale == 'ratio'"
    )
    return path, laws


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_nothing_is_wider_than_the_window(front, opened, width):
    with opened(front[0]) as page:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_verdicts_and_slopes_are_those_of_the_table(front, opened):
    path, laws = front
    with opened(path) as page:
        cells = page.locator("td.verdict")
        found = [
            (cell.get_attribute("data-verdict"), cell.locator(".slope").inner_text())
            for cell in cells.all()
        ]
    expected = [
        (row["verdict"], f"{row['dbeta']:+.3f}".replace("-", "−")) for _, row in laws.iterrows()
    ]
    assert sorted(found) == sorted(expected)


def test_the_keyboard_reaches_the_verdicts_and_the_links(front, opened):
    with opened(front[0]) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.wait_for_url("**#verdicts")  # the link is followed after the key was handled
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('role')") == "region"


def test_a_word_stands_for_each_sign(front, opened):
    """A reader that speaks gets the verdict's word, not its sign."""
    with opened(front[0]) as page:
        cell = page.locator("td.verdict").first
        assert cell.get_attribute("data-verdict") in cell.locator(".word").text_content()
        assert cell.locator("b").get_attribute("aria-hidden") == "true"


def luminance(colour):
    """Return the relative luminance of rgb(...) (WCAG 2.1)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(front, opened, scheme):
    """At least 4.5 to 1 (WCAG 2.1, AA)."""
    with opened(front[0]) as page:
        page.emulate_media(color_scheme=scheme)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        for selector in (
            "h1",
            "p.scope",
            "td.verdict .slope",
            "td.verdict .interval",
            "nav a",
            "dd",
        ):
            ink = page.locator(selector).first.evaluate("each => getComputedStyle(each).color")
            light, dark = sorted([luminance(paper), luminance(ink)], reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (selector, ink, paper)


@pytest.mark.parametrize(("width", "media", "shown"), [
    (390, "screen", False), (820, "screen", True), (390, "print", True)
])  # fmt: skip
def test_intervals_are_shown_where_there_is_room(front, opened, width, media, shown):
    with opened(front[0]) as page:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(media=media)
        assert page.locator("td.verdict .interval").first.is_visible() == shown
        assert page.locator("span.narrow").is_visible() != shown
        assert page.locator("span.wide").is_visible() == shown


def test_in_print_the_links_are_gone_and_the_verdicts_are_there(front, opened):
    with opened(front[0]) as page:
        page.emulate_media(media="print")
        assert not page.locator("nav").is_visible()
        assert page.locator("td.verdict").first.is_visible()
