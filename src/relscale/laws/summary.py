"""Findings as text: the relative laws with interval and verdict, as tables on a terminal."""

import io
import math
from collections.abc import Sequence

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from relscale.contract.scales import on_scale
from relscale.contract.status import Status
from relscale.laws.slope_text import slope_number

STYLES = {
    "narrows": "green",
    "narrows slightly": "green",
    "rises": "green",
    "rises slightly": "green",
    "widens": "red",
    "widens slightly": "red",
    "falls": "red",
    "falls slightly": "red",
    "crosses": "magenta",
    "parallel": "cyan",
    "undecided": "yellow",
}
"""Colour of each verdict."""
REMARK = (
    "Slope dbeta of G = E_treatment / E_baseline against compute: below 0 the treatment "
    "improves faster. "
    "The verdict is about the gap |log G| over the observed compute."
)
REMARK_RISING = (
    "For accuracies and other metrics whose larger values are better, it improves faster above 0, "
    "and rises or falls against the baseline."
)


def verdict_rows(relative: pd.DataFrame, estimator: str = "joint") -> pd.DataFrame:
    """Return the relative laws of one estimator with the columns that a reader needs.

    Args:
        relative: relative.csv.
        estimator: Which one; if the table has it not, all rows are kept and the estimator is a
            column.

    Returns:
        Columns corpus, family, metric, treatment, baseline, dbeta, ci_low, ci_high, verdict,
        faster, detectable_dbeta, status.
    """
    columns = [
        "family",
        "metric",
        "treatment",
        "baseline",
        "dbeta",
        "ci_low",
        "ci_high",
        "verdict",
        "faster",
        "detectable_dbeta",
        "status",
    ]
    relative = on_scale(relative)
    present = set(relative["estimator"].astype(str))
    rows = relative[relative["estimator"] == estimator] if estimator in present else relative
    kept: Sequence[str] = [
        "corpus",
        *([] if estimator in present or not len(relative) else ["estimator"]),
        *columns,
    ]
    return rows.loc[:, list(kept)].rename(columns={"corpus": "corpus"}).reset_index(drop=True)


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
            Text(verdict, style=STYLES.get(verdict, "")),
            _text(row["faster"]),
        )
    return table


def absolute_line(absolute: pd.DataFrame) -> str:
    """Return a sentence on the absolute laws: smallest and median R2, failures and reservations."""
    fitted = absolute[_finite(absolute["exponent"]).notna()]
    if not len(fitted):
        return "No absolute law was fitted."
    r2 = _finite(fitted["r2"]).dropna()
    doubtful = int((fitted["status"].astype(str) != Status.OK).sum())
    parts = [f"R2 at least {r2.min():.3f}, median {r2.median():.3f}"] if len(r2) else ["no R2"]
    parts += [f"{doubtful} with a reservation in their status"] if doubtful else []
    lost = len(absolute) - len(fitted)
    parts += [f"{lost} more domain(s) without a law"] if lost else []
    return f"{len(fitted)} absolute law{'s' * (len(fitted) != 1)}: {'; '.join(parts)}."


def lack_of_fit_line(
    relative: pd.DataFrame, absolute: pd.DataFrame, estimator: str, level: float = 0.05
) -> str:
    """Return a sentence on the laws that a straight line in log compute does not fit.

    Their budgets scatter by more than their runs explain.
    """
    said = []
    for kind, table in (("relative", on_scale(relative)), ("absolute", absolute)):
        p = _finite(table.loc[table["estimator"] == estimator, "lack_of_fit_p"]).dropna()
        if len(p):
            said.append(
                f"{int((p < level).sum())} of {len(p)} {kind} laws ({level * len(p):.1f} "
                "expected by chance)"
            )
    return (
        f"A straight line in log compute misses the budgets (lack of fit, p below {level:g}) "
        f"in {' and '.join(said)}."
        if said
        else ""
    )


def print_summary(
    console: Console, relative: pd.DataFrame, absolute: pd.DataFrame, estimator: str = "joint"
) -> None:
    """Print one table per corpus, a line on the verdicts and one on the absolute laws.

    Args:
        console: where to.
        relative: relative.csv.
        absolute: absolute.csv.
        estimator: the estimator of the relative laws to show.
    """
    rows = verdict_rows(relative, estimator)
    levels = pd.to_numeric(relative["ci_level"]).dropna()
    level = f"{100 * levels.iloc[0]:g} % interval" if len(levels) else "interval"
    for corpus in dict.fromkeys(rows["corpus"].astype(str)):
        console.print(law_table(rows[rows["corpus"].astype(str) == corpus], corpus, level))
    console.print(REMARK)
    if rows["verdict"].astype(str).str.startswith(("rises", "falls")).any():
        console.print(REMARK_RISING)
    verdicts = rows["verdict"].dropna().astype(str)
    counts = verdicts[verdicts != ""].value_counts()
    said = ", ".join(f"{counts[word]} {word}" for word in sorted(counts.index))
    console.print(
        f"Verdicts: {said}." if said else "No verdict: the table of relative laws has none."
    )
    console.print(absolute_line(absolute))
    if line := lack_of_fit_line(relative, absolute, estimator):
        console.print(line)


def agreement_line(relative: pd.DataFrame, estimator: str) -> str:
    """Return a sentence on the other estimators: slopes inside the shown one's interval."""
    relative = on_scale(relative)
    keys = ["corpus", "family", "metric", "treatment"]
    shown = (
        relative[relative["estimator"] == estimator].set_index(keys)[["ci_low", "ci_high"]].dropna()
    )
    said = []
    for other in dict.fromkeys(relative["estimator"].astype(str)):
        slopes = relative[(relative["estimator"] == other) & relative["dbeta"].notna()].set_index(
            keys
        )["dbeta"]
        both = shown.join(slopes, how="inner")
        if other != estimator and len(both):
            inside = int(both["dbeta"].between(both["ci_low"], both["ci_high"]).sum())
            said.append(f"{other} {inside} of {len(both)}")
    return f"Slopes inside the interval of {estimator}: {', '.join(said)}." if said else ""


def backtest_line(backtest: pd.DataFrame, estimator: str) -> str:
    """Return a sentence on the back-test of G.

    It counts the predictions of held-out budgets and those inside their intervals, and states the
    mean error.
    """
    rows = backtest[(backtest["quantity"] == "gap") & (backtest["estimator"] == estimator)]
    rows = rows.assign(error_percent=_finite(rows["error_percent"])).dropna(subset="error_percent")
    if not len(rows):
        return "No back-test: it takes three budgets."
    bounded = rows[rows["ci_low"].notna()]
    inside = int(
        (
            (bounded["observed"] >= bounded["ci_low"]) & (bounded["observed"] <= bounded["ci_high"])
        ).sum()
    )
    budgets = rows["held_out_budget"].nunique()
    return (
        f"Back-test: G predicted at {budgets} held-out budget(s) {len(rows)} times, {inside} "
        f"of {len(bounded)} inside the interval, "
        f"mean error {rows['error_percent'].abs().mean():.2f} %."
    )


def summary_text(
    relative: pd.DataFrame, absolute: pd.DataFrame, backtest: pd.DataFrame, estimator: str = "joint"
) -> str:
    """Return the output of `print_summary`, with lines on the estimators and the back-test."""
    with io.StringIO() as text:
        console = Console(file=text, width=100, highlight=False)
        print_summary(console, relative, absolute, estimator)
        for line in (agreement_line(relative, estimator), backtest_line(backtest, estimator)):
            if line:
                console.print(line)
        return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _finite(column: pd.Series) -> pd.Series:
    """Return the numbers of a column; NaN for text, infinities and empty cells."""
    values = pd.to_numeric(column, errors="coerce")
    return values.where(values.abs() < math.inf)


def _text(value: object) -> str:
    return "" if _is_missing(value) else str(value)


def _signed(value: object) -> str:
    return "" if _is_missing(value) else slope_number(float(str(value)), 4)


def _interval(low: object, high: object) -> str:
    return "" if _is_missing(low) or _is_missing(high) else f"{_signed(low)} {_signed(high)}"


def _is_missing(value: object) -> bool:
    """Return whether a cell is None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))
