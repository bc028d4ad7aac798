"""Findings as text: the relative laws with interval and verdict, as tables on a terminal."""

import io
import math
from collections.abc import Sequence

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from relscale.contract.scales import RATIO, on_scale
from relscale.contract.verdict_words import Verdict, verdict_of_word
from relscale.laws.slope_text import slope_number
from relscale.laws.summary_lines import (
    absolute_lines,
    agreement_line,
    backtest_lines,
    forecast_lines,
    lack_of_fit_line,
    omnibus_lines,
    replication_line,
    scale_line,
    verdict_lines,
)

RISING = ("rises", "falls")
"""Directions of verdicts about metrics where higher is better."""
REMARK = (
    "Slope dbeta of log G over log compute, G = L_treatment / L_baseline (the ratio scale): below "
    "0 the treatment improves faster. The verdict is about the gap |log G| over the observed "
    "compute; `slightly` means that its change is shown to be within the margin."
)
REMARK_RISING = (
    "For accuracies and other metrics whose larger values are better, it improves faster above 0, "
    "and rises or falls against the baseline."
)


def shown_estimator(relative: pd.DataFrame) -> str:
    """Return the estimator that is shown if none is named: `auto` where it has rows, else `joint`.

    Args:
        relative: relative.csv.
    """
    return "auto" if (relative["estimator"].astype(str) == "auto").any() else "joint"


def verdict_rows(
    relative: pd.DataFrame, estimator: str = "joint", scale: str = RATIO
) -> pd.DataFrame:
    """Return the relative laws of one estimator on one scale, with the columns to show.

    Args:
        relative: relative.csv.
        estimator: which one; without rows of it, all rows are kept and the estimator is a column.
        scale: which scale.

    Returns:
        Columns corpus, family, metric, treatment, baseline, scale, dbeta, ci_low, ci_high,
        verdict, faster, detectable_dbeta, replication, status.
    """
    relative = on_scale(relative, scale)
    columns = [
        "family",
        "metric",
        "treatment",
        "baseline",
        "scale",
        "dbeta",
        "ci_low",
        "ci_high",
        "verdict",
        "faster",
        "detectable_dbeta",
        "replication",
        "status",
    ]
    present = set(relative["estimator"].astype(str))
    rows = relative[relative["estimator"] == estimator] if estimator in present else relative
    kept: Sequence[str] = [
        "corpus",
        *([] if estimator in present or not len(relative) else ["estimator"]),
        *columns,
    ]
    return rows.loc[:, list(kept)].reset_index(drop=True)


def law_table(rows: pd.DataFrame, corpus: str, level: str) -> Table:
    """Return one corpus's rows of `verdict_rows` as a terminal table, 80 characters wide.

    `level` heads the interval (`95 % interval`).
    """
    table = Table(
        title=Text(f"Relative laws, trained on {corpus}"),
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("gap", overflow="fold", max_width=29)
    table.add_column("dbeta", justify="right", no_wrap=True)
    table.add_column(level, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold", min_width=9)
    table.add_column("faster", no_wrap=True)
    before = ""
    for _, row in rows.iterrows():
        group = f"{row['family']}, {row['metric']}" + (
            f", {row['estimator']}" if "estimator" in rows.columns else ""
        )
        if group != before:
            if before:
                table.add_row()
            table.add_row(Text(group, style="bold"))
        before = group
        verdict = _text(row["verdict"]) or _text(row["status"]) or "no verdict"
        table.add_row(
            Text(f"  {row['treatment']} / {row['baseline']}"),
            _signed(row["dbeta"]),
            _interval(row["ci_low"], row["ci_high"]),
            Text(verdict, style=known.style if (known := verdict_of_word(verdict)) else ""),
            _text(row["faster"]),
        )
    return table


def print_summary(
    console: Console,
    relative: pd.DataFrame,
    absolute: pd.DataFrame,
    estimator: str = "joint",
    *,
    families: pd.DataFrame | None = None,
    forecast: pd.DataFrame | None = None,
    tables: bool = True,
) -> None:
    """Print one table per corpus, then lines on families, verdicts, absolute laws and back-tests.

    Args:
        console: where to.
        relative: relative.csv.
        absolute: absolute.csv.
        estimator: the estimator of the laws to show.
        families: families.csv, for the tests of whole families.
        forecast: forecast.csv, for the back-tests by horizon.
        tables: whether the tables and the remark about them are printed.
    """
    rows = verdict_rows(relative, estimator)
    levels = pd.to_numeric(relative["ci_level"]).dropna()
    level = f"{100 * levels.iloc[0]:g} % interval" if len(levels) else "interval"
    for corpus in dict.fromkeys(rows["corpus"].astype(str)) if tables else ():
        console.print(law_table(rows[rows["corpus"].astype(str) == corpus], corpus, level))
    rising = rows["verdict"].isin([v.value for v in Verdict if v.direction in RISING]).any()
    for remark in (REMARK, *([REMARK_RISING] if rising else [])) if tables else ():
        console.print(remark)
    lines = [] if families is None else omnibus_lines(families, estimator)
    lines += verdict_lines(rows) or ["No verdict: the table of relative laws has none."]
    lines += [replication_line(rows), scale_line(relative, estimator)]
    lines += absolute_lines(absolute, estimator)
    lines += [lack_of_fit_line(relative, absolute, estimator)]
    lines += [] if forecast is None else forecast_lines(forecast)
    for line in filter(None, lines):
        _print(console, line)


def summary_text(
    relative: pd.DataFrame,
    absolute: pd.DataFrame,
    backtest: pd.DataFrame,
    estimator: str = "joint",
    *,
    families: pd.DataFrame | None = None,
    forecast: pd.DataFrame | None = None,
) -> str:
    """Return the output of `print_summary`, with lines on the estimators and the back-tests.

    Args:
        relative: relative.csv.
        absolute: absolute.csv.
        backtest: backtest.csv, shown where `forecast` predicts no gap.
        estimator: the estimator of the laws to show.
        families: families.csv.
        forecast: forecast.csv, the back-tests by horizon.
    """
    by_horizon = forecast is not None and bool(forecast_lines(forecast))
    with io.StringIO() as text:
        console = Console(file=text, width=100, highlight=False)
        print_summary(console, relative, absolute, estimator, families=families, forecast=forecast)
        lines = [agreement_line(relative, estimator)]
        lines += [] if by_horizon else backtest_lines(backtest, estimator)
        for line in filter(None, lines):
            _print(console, line)
        return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _print(console: Console, line: str) -> None:
    """Print a sentence as it is: a name in it may have brackets or colons."""
    console.print(line, markup=False, emoji=False)


def _text(value: object) -> str:
    return "" if _is_missing(value) else str(value)


def _signed(value: object) -> str:
    return "" if _is_missing(value) else slope_number(float(str(value)), 4)


def _interval(low: object, high: object) -> str:
    return "" if _is_missing(low) or _is_missing(high) else f"{_signed(low)} {_signed(high)}"


def _is_missing(value: object) -> bool:
    """Return whether a cell is None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))
