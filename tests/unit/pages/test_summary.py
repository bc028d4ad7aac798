"""The summary of the laws on a terminal."""

import io
import math
import re

import pandas as pd
import pytest
from rich.console import Console

from relscale.laws.summary import print_summary, shown_estimator, verdict_rows


def printed(relative: pd.DataFrame, absolute: pd.DataFrame) -> str:
    """Return the summary on a console of 80 characters that is not a terminal."""
    text = io.StringIO()
    console = Console(file=text, width=80, highlight=False)
    print_summary(console, relative, absolute, shown_estimator(relative))
    return text.getvalue()


@pytest.fixture
def relative(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The relative laws of one corpus, one of them failed."""
    laws = (
        tables["relative"]
        .query("corpus == 'web' and family in ('knowledge', 'behaviour') and scale == 'ratio'")
        .copy()
    )
    failed = (laws["treatment"] == "other") & (laws["estimator"] == "joint")
    laws.loc[failed, ["dbeta", "ci_low", "ci_high"]] = math.nan
    laws.loc[failed, "verdict"] = None
    laws.loc[failed, "status"] = "too_few_budgets"
    return laws


def test_summary_prints_the_joint_laws(
    relative: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> None:
    said = printed(relative, tables["absolute"].query("corpus == 'web'"))
    assert max(len(line.rstrip()) for line in said.splitlines()) <= 80
    rows = relative.query("estimator == 'joint'")
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
        assert line.split()[3:] == " ".join(cells).split()
    assert re.search(r"other / STEM +too_few", said)
    flat = " ".join(said.split())
    assert "1 of 7 comparisons has no verdict (too few budgets)." in flat
    assert "\x1b" not in said


def test_summary_of_empty_tables(tables: dict[str, pd.DataFrame]) -> None:
    out = printed(tables["relative"].iloc[:0], tables["absolute"].iloc[:0])
    assert "No verdict: the table of relative laws has none." in out
    assert "No absolute law was fitted." in out


def test_absent_estimator_shows_all_with_their_names(tables: dict[str, pd.DataFrame]) -> None:
    rows = verdict_rows(tables["relative"], "surface")
    ratio = tables["relative"]["scale"] == "ratio"
    assert len(rows) == ratio.sum() and "estimator" in rows.columns
