"""Predictions of named models as a table on a terminal."""

import io
import math

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from relscale.contract.tables.predicted import TWO_STAGES

WIDTH = 100
REMARK = (
    "The interval has the fit's own uncertainty and the spread over laws that predict held-out "
    "compute as well. Beyond the data it is wider by the factor that back-tests needed at the same "
    "horizon (compute over the highest of the runs)."
)
BY_LOSS = ", by its loss"
"""Added to a task whose accuracy is predicted through its loss."""


def predicted_text(predicted: pd.DataFrame) -> str:
    """Return the rows of predicted.csv as text, ending with a line feed.

    Rows without a prediction are listed with their status.
    """
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    known = predicted[predicted["value"].notna()]
    for _, rows in known.groupby(["corpus", "metric", "compute", "params"], sort=False):
        first = rows.iloc[0]
        title = (
            f"Predicted {first['metric']}, trained on {first['corpus']}: "
            f"{float(first['params']):.4g} parameters, {float(first['tokens']):.4g} tokens, "
            f"{float(first['compute']):.4g} FLOPs"
        )
        console.print(_table(title, rows))
    for _, row in predicted[predicted["value"].isna()].iterrows():
        subject = _subject(row)
        console.print(Text(f"No prediction of {subject} ({row['corpus']}): {row['status']}"))
    if len(known):
        console.print(Text(REMARK))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def _table(title: str, rows: pd.DataFrame) -> Table:
    """Return the predictions for one model."""
    table = Table(
        title=Text(title),
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("value or gap", overflow="fold", max_width=36)
    for name in ("predicted", f"{100 * float(rows['ci_level'].iloc[0]):g} % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("law", no_wrap=True)
    table.add_column("horizon", justify="right", no_wrap=True)
    table.add_column("factor", justify="right", no_wrap=True)
    for _, row in rows.iterrows():
        horizon = float(row["horizon"])
        where = f"{horizon:.3g}x" if horizon > 1 else "beyond" if row["beyond"] else "inside"
        table.add_row(
            Text(_subject(row)),
            _number(float(row["value"])),
            _interval(float(row["ci_low"]), float(row["ci_high"])),
            str(row["law"]),
            where,
            f"{float(row['factor']):.2f}",
        )
    return table


def _subject(row: pd.Series) -> str:
    """Return the names of a domain, of both domains of a gap, or of a task."""
    names = " / ".join(part for part in (row["domain"], row["baseline"]) if part)
    return names + (BY_LOSS if row["quantity"] == TWO_STAGES else "")


def _number(value: float) -> str:
    """Return a number with four digits after the point, or four significant ones."""
    return f"{value:.4f}" if 0.01 <= abs(value) < 1e5 else f"{value:.4g}"


def _interval(low: float, high: float) -> str:
    """Return the ends of an interval; empty without one."""
    return "" if math.isnan(low) or math.isnan(high) else f"{_number(low)} {_number(high)}"
