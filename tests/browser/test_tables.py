"""A table of the report in a browser: its rows are the table's, and a heading sorts them by a click
or by keyboard."""

import base64
import math

import pandas as pd
import pytest

from relscale.pages.tables_html import table_page

pytestmark = pytest.mark.browser


def column(page, place):
    """Return the numbers of a column as the page keeps them; empty cells as NaN."""
    cells = page.eval_on_selector_all(
        f"tbody td:nth-child({place})", "all => all.map((cell) => cell.dataset.value)"
    )
    return [float(cell) if cell else math.nan for cell in cells]


def test_a_table_sorts_by_click_and_by_keyboard_with_empty_cells_last(opened, tmp_path):
    frame = pd.DataFrame(
        {"domain": ["b & c", "<i>a</i>", "d", "e"], "dbeta": [0.02, -0.0123456789, math.nan, 10.0]}
    )
    (tmp_path / "table.html").write_text(table_page(frame, "laws"), encoding="utf-8")
    with opened(tmp_path / "table.html", width=390) as page:
        page.wait_for_selector("tbody tr")
        assert (
            page.eval_on_selector_all(
                "tbody td:first-child", "all => all.map((cell) => cell.textContent)"
            )
            == frame["domain"].tolist()
        )
        assert column(page, 2) == pytest.approx(frame["dbeta"].tolist(), nan_ok=True)
        page.click("th:nth-child(2) button")
        assert column(page, 2) == pytest.approx([-0.0123456789, 0.02, 10.0, math.nan], nan_ok=True)
        page.focus("th:nth-child(2) button")
        page.keyboard.press("Enter")
        assert column(page, 2) == pytest.approx([10.0, 0.02, -0.0123456789, math.nan], nan_ok=True)
        assert page.get_attribute("th:nth-child(2)", "aria-sort") == "descending"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
            "wider than a phone"
        )


def test_the_rows_of_laws_are_in_blocks_of_estimators(opened, tmp_path):
    frame = pd.DataFrame(
        {
            "estimator": ["akima", "auto", "akima", "auto"],
            "treatment": ["a", "a", "b", "b"],
            "dbeta": [1.0, 2.0, 3.0, 4.0],
        }
    )
    (tmp_path / "table.html").write_text(table_page(frame, "laws"), encoding="utf-8")
    with opened(tmp_path / "table.html") as page:
        page.wait_for_selector("tbody tr")
        assert page.locator("th").all_inner_texts() == ["treatment", "dbeta", "estimator"]
        assert column(page, 2) == [2.0, 4.0, 1.0, 3.0]


def test_a_filter_keeps_the_rows_with_all_its_words_and_the_head_stays(opened, tmp_path):
    frame = pd.DataFrame(
        {
            "treatment": [f"domain {k}" for k in range(300)],
            "verdict": ["widens" if k % 3 else "undecided" for k in range(300)],
            **{f"column {k}": 0.5 for k in range(20)},
        }
    )
    (tmp_path / "table.html").write_text(table_page(frame, "laws"), encoding="utf-8")
    with opened(tmp_path / "table.html", width=390) as page:
        page.wait_for_selector("tbody tr:nth-child(300)")
        assert page.inner_text("#count") == "300 of 300 rows"
        assert page.locator("#wide").is_visible(), "a phone shows no bar that scrolls"
        page.fill("#find input", "DOMAIN 29 undecided")
        shown = page.locator("tbody tr:visible td:first-child").all_inner_texts()
        wanted = frame[
            frame["treatment"].str.contains("domain") & (frame["verdict"] == "undecided")
        ]
        assert shown == [name for name in wanted["treatment"] if "29" in name]
        assert page.inner_text("#count") == f"{len(shown)} of 300 rows"
        page.fill("#find input", "")
        page.evaluate("document.querySelector('div.scroll').scrollTo(400, 4000)")
        head, region = (
            page.locator(name).bounding_box() for name in ("th:first-child", "div.scroll")
        )
        assert abs(head["y"] - region["y"]) < 3 and abs(head["x"] - region["x"]) < 3
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_table_is_filled_as_a_frame_of_a_report_too(opened, tmp_path):
    frame = pd.DataFrame(
        {"domain": [f"domain {k}" for k in range(3000)], "dbeta": [k / 7 for k in range(3000)]}
    )
    address = (
        f"data:text/html;base64,{base64.b64encode(table_page(frame, 'laws').encode()).decode()}"
    )
    (tmp_path / "report.html").write_text(
        f'<!DOCTYPE html><html lang="en"><title>r</title><iframe src="{address}"></iframe></html>'
    )
    with opened(tmp_path / "report.html") as page:
        shown = page.locator("iframe").element_handle().content_frame()
        shown.wait_for_selector("tbody tr:nth-child(3000)")
        assert shown.inner_text("tbody tr:last-child td:first-child") == "domain 2999"
