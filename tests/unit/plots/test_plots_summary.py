"""The summary of the laws, and tables as pages."""

import base64
import gzip
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from relscale.laws.summary import verdict_rows
from relscale.pages.tables_html import cell_text, table_page
from relscale.stages import html_table, summary


def inflated(page: str) -> str:
    """Return the rows that a table's page holds compressed."""
    return gzip.decompress(base64.b64decode(re.search(r'id="rows">([^<]*)<', page)[1])).decode()  # type: ignore[index]


@pytest.fixture
def paths(tables: dict[str, pd.DataFrame], tmp_path: Path) -> dict[str, Path]:
    """The laws of one corpus as files, one law of them failed."""
    relative = (
        tables["relative"].query("suite == 'web' and family in ('knowledge', 'behaviour')").copy()
    )
    failed = (relative["treatment"] == "other") & (relative["estimator"] == "joint")
    relative.loc[failed, ["dbeta", "ci_low", "ci_high"]] = math.nan
    relative.loc[failed, "verdict"] = None
    relative.loc[failed, "status"] = "too_few_budgets; 1 budget"
    made = {name: tmp_path / f"{name}.csv" for name in ("relative", "absolute")}
    relative.to_csv(made["relative"], index=False)
    tables["absolute"].query("suite == 'web'").to_csv(made["absolute"], index=False)
    return made


def test_summary_prints_the_joint_laws_and_closes_with_the_report(
    paths: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--relative",
        str(paths["relative"]),
        "--absolute",
        str(paths["absolute"]),
        "--report",
        "results/a b/report.html",
    ]
    summary.main(arguments)
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "Report: results/a b/report.html"
    assert max(len(line.rstrip()) for line in said.splitlines()) <= 80
    rows = pd.read_csv(paths["relative"]).query("estimator == 'joint'")
    for _, row in rows[rows["dbeta"].notna()].iterrows():
        line = next(
            line
            for line in said.splitlines()
            if line.strip().startswith(f"{row['treatment']} / {row['baseline']}")
        )
        cells = [
            f"{row['dbeta']:+.4f}",
            f"{row['ci_low']:+.4f}",
            f"{row['ci_high']:+.4f}",
            row["verdict"],
            row["faster"],
        ]
        assert line.split()[3:] == cells
    assert re.search(r"other / STEM +too_few", said)
    assert "\x1b" not in said


def test_summary_of_empty_tables(
    tables: dict[str, pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("relative", "absolute"):
        tables[name].iloc[:0].to_csv(tmp_path / f"{name}.csv", index=False)
    summary.main(
        [
            "--relative",
            str(tmp_path / "relative.csv"),
            "--absolute",
            str(tmp_path / "absolute.csv"),
            "--report",
            "r",
        ]
    )
    out = capsys.readouterr().out
    assert "No verdict: the table of relative laws has none." in out
    assert "No absolute law was fitted." in out


def test_absent_estimator_shows_all_with_their_names(tables: dict[str, pd.DataFrame]) -> None:
    rows = verdict_rows(tables["relative"], "surface")
    assert len(rows) == len(tables["relative"]) and "estimator" in rows.columns


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
    html_table.main(
        ["--csv", str(tmp_path / "a.csv"), "--html", str(tmp_path / "a.html"), "--title", "T"]
    )
    assert "<h1>T</h1>" in (tmp_path / "a.html").read_text()


def test_a_long_table_is_far_below_what_a_frame_may_hold(tables: dict[str, pd.DataFrame]) -> None:
    many = pd.concat([tables["relative"]] * 13, ignore_index=True)
    page = table_page(many, "relative")
    assert len(many) > 2500 and inflated(page).count("<tr>") == len(many)
    assert (
        len(page) < 500_000
    )  # Chromium shows no frame whose address, a third longer than the page, has over 2 MB
