"""Contrasts between suites as tables on a terminal."""

import io
import math
from collections.abc import Callable

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from relscale.contract.scales import RATIO
from relscale.laws.slope_text import slope_number

WIDTH = 100
REMARK = (
    "G is the loss of the first suite over that of the second on one domain, each at its own "
    "compute-optimal points: below 1 the first suite is better. Below 0, the slope dbeta says that "
    "the first suite improves faster; for metrics whose larger values are better both are the "
    "other way round. The verdict is about |log G| over the compute that both suites have."
)


def suite_contrasts_text(laws: pd.DataFrame) -> str:
    """Return the rows of suite_contrasts.csv on the scale `ratio` as text with a line feed."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None)
    rows = laws[laws["scale"] == RATIO]
    for (treatment, baseline), of_pair in rows.groupby(["treatment", "baseline"], sort=False):
        console.print(_table(f"Suite {treatment} against suite {baseline}", of_pair))
    console.print(Text(REMARK))
    file = console.file
    assert isinstance(file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def _table(title: str, rows: pd.DataFrame) -> Table:
    """Return the domains of one contrast."""
    table = Table(
        title=Text(title),
        title_justify="left",
        header_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("domain", overflow="fold", max_width=29)
    level = f"{100 * float(rows['ci_level'].iloc[0]):g} % interval"
    for name in ("G", level, "dbeta", level):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    before = ""
    for _, row in rows.iterrows():
        group = f"{row['family']}, {row['metric']}"
        if group != before:
            table.add_row(Text(group, style="bold"))
        before = group
        table.add_row(
            Text(f"  {row['domain']}"),
            _number(row["gamma"]),
            _interval(row["gamma_ci_low"], row["gamma_ci_high"], _number),
            _slope(row["dbeta"]),
            _interval(row["ci_low"], row["ci_high"], _slope),
            str(row["verdict"]) or str(row["status"]),
        )
    return table


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"


def _slope(value: float) -> str:
    return "" if math.isnan(value) else slope_number(float(value), 4)


def _interval(low: float, high: float, number: Callable[[float], str]) -> str:
    return "" if math.isnan(low) or math.isnan(high) else f"{number(low)} {number(high)}"
