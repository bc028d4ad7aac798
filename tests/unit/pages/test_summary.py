"""The summary of the laws on a terminal."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest

from relscale.laws.summary import verdict_rows
from relscale.runtime import call
from relscale.stages import summary


@pytest.fixture
def paths(tables: dict[str, pd.DataFrame], tmp_path: Path) -> dict[str, Path]:
    """The laws of one corpus as files, one law of them failed."""
    relative = (
        tables["relative"]
        .query("corpus == 'web' and family in ('knowledge', 'behaviour') and scale == 'ratio'")
        .copy()
    )
    failed = (relative["treatment"] == "other") & (relative["estimator"] == "joint")
    relative.loc[failed, ["dbeta", "ci_low", "ci_high"]] = math.nan
    relative.loc[failed, "verdict"] = None
    relative.loc[failed, "status"] = "too_few_budgets"
    made = {name: tmp_path / f"{name}.csv" for name in ("relative", "absolute")}
    relative.to_csv(made["relative"], index=False)
    tables["absolute"].query("corpus == 'web'").to_csv(made["absolute"], index=False)
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
    call(summary.main, arguments)
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
        assert line.split()[3:] == " ".join(cells).split()
    assert re.search(r"other / STEM +too_few", said)
    flat = " ".join(said.split())
    assert "1 of 7 comparisons has no verdict (too few budgets)." in flat
    assert "\x1b" not in said


def test_summary_of_empty_tables(
    tables: dict[str, pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("relative", "absolute"):
        tables[name].iloc[:0].to_csv(tmp_path / f"{name}.csv", index=False)
    call(
        summary.main,
        [
            "--relative",
            str(tmp_path / "relative.csv"),
            "--absolute",
            str(tmp_path / "absolute.csv"),
            "--report",
            "r",
        ],
    )
    out = capsys.readouterr().out
    assert "No verdict: the table of relative laws has none." in out
    assert "No absolute law was fitted." in out


def test_absent_estimator_shows_all_with_their_names(tables: dict[str, pd.DataFrame]) -> None:
    rows = verdict_rows(tables["relative"], "surface")
    ratio = tables["relative"]["scale"] == "ratio"
    assert len(rows) == ratio.sum() and "estimator" in rows.columns
