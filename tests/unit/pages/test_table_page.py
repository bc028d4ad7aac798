"""Tables as sortable pages."""

import base64
import gzip
import math
import re
from pathlib import Path

import pandas as pd

from relscale.pages.tables_html import cell_text, table_page
from relscale.runtime import call
from relscale.stages import html_table


def inflated(page: str) -> str:
    """Return the rows that a table's page holds compressed."""
    return gzip.decompress(base64.b64decode(re.search(r'id="rows">([^<]*)<', page)[1])).decode()  # type: ignore[index]


def test_page_is_self_contained_escaped_and_sortable(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "name": ["<b>&", None],
            "value": [0.123456789, math.nan],
            "count": [3, 4],
            "good": [True, False],
        }
    )
    page = table_page(frame, "A <title>", "say & mean")
    rows = inflated(page)
    assert "&lt;b&gt;&amp;" in rows and "<b>&" not in page + rows and "A &lt;title&gt;" in page
    assert 'data-value="0.123456789">0.12346<' in rows
    assert rows.count("<tr>") == len(frame)
    assert page.count("<th ") == 4 and page.count("<button>") == 4
    assert not re.search(r"(src|href)=|https?:", page)
    assert [cell_text(v) for v in (5.0, 1e-7, True, None)] == ["5", "1e-07", "yes", ""]
    frame.to_csv(tmp_path / "a.csv", index=False)
    call(
        html_table.main,
        ["--csv", str(tmp_path / "a.csv"), "--html", str(tmp_path / "a.html"), "--title", "T"],
    )
    assert "<h1>T</h1>" in (tmp_path / "a.html").read_text()


def test_a_long_table_is_far_below_what_a_frame_may_hold(tables: dict[str, pd.DataFrame]) -> None:
    many = pd.concat([tables["relative"]] * 7, ignore_index=True)
    page = table_page(many, "relative")
    assert len(many) > 2500 and inflated(page).count("<tr>") == len(many)
    assert (
        len(page) < 500_000
    )  # Chromium shows no frame whose address, a third longer than the page, has over 2 MB
