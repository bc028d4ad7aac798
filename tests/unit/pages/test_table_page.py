"""Tables as sortable pages."""

import base64
import gzip
import math
import re
from pathlib import Path

import pandas as pd

from relscale.pages.tables_html import cell_text, in_reading_order, table_page
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


def test_a_table_of_laws_begins_with_verdicts_and_has_a_block_per_estimator(
    tables: dict[str, pd.DataFrame],
) -> None:
    frame = tables["relative"].sample(frac=1, random_state=1)
    shown = in_reading_order(frame)
    assert list(shown.columns[:5]) == ["treatment", "verdict", "dbeta", "ci_low", "ci_high"]
    assert set(shown.columns) == set(frame.columns) and len(shown) == len(frame)
    blocks = list(dict.fromkeys(zip(shown["scale"], shown["estimator"], strict=True)))
    changes = (shown[["scale", "estimator"]] != shown[["scale", "estimator"]].shift()).any(axis=1)
    assert changes.sum() == len(blocks) == 6, "no estimator twice"
    assert blocks[0] == ("ratio", "joint")
    for block, rows in shown.groupby(["scale", "estimator"]):
        given = frame[(frame["scale"] == block[0]) & (frame["estimator"] == block[1])]
        assert rows.index.tolist() == given.index.tolist(), "rows of a block keep their order"
    other = pd.DataFrame({"b": [1], "verdict": ["x"]})
    assert in_reading_order(other) is other


def test_a_long_table_is_far_below_what_a_frame_may_hold(tables: dict[str, pd.DataFrame]) -> None:
    many = pd.concat([tables["relative"]] * 7, ignore_index=True)
    page = table_page(many, "relative")
    assert len(many) > 2500 and inflated(page).count("<tr>") == len(many)
    assert (
        len(page) < 500_000
    )  # Chromium shows no frame whose address, a third longer than the page, has over 2 MB
