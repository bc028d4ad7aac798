"""Say what was found: the relative laws with interval and verdict, as a table on the terminal, as text and as HTML."""

import argparse
import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from relscale.command import run
from relscale.files import write_text
from relscale.plots.tables_html import table_page, verdict_rows
from relscale.records.laws import ABSOLUTE_COLUMNS, RELATIVE_COLUMNS
from relscale.tables import read_tables

STYLES = {
    "narrows": "green", "rises": "green", "widens": "red", "falls": "red", "crosses": "magenta", "parallel": "cyan", "undecided": "yellow",
}  # fmt: skip
REMARK = (
    "Slope dbeta of G = E_treatment / E_baseline against compute: below 0 the treatment improves faster. "
    "The verdict is about the gap |log G| over the observed compute."
)


def law_table(rows: pd.DataFrame, corpus: str, level: str) -> Table:
    """Return one corpus's rows of `verdict_rows` as a terminal table 80 letters wide; `level` heads the interval (`95 % interval`)."""
    table = Table(
        title=f"Relative laws, trained on {corpus}",
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
        group = f"{row['family']}, {row['metric']}" + (f", {row['estimator']}" if "estimator" in rows.columns else "")
        if group != before:
            if before:
                table.add_row()
            table.add_row(Text(group, style="bold"))
        before = group
        verdict = _text(row["verdict"]) or _text(row["status"]).split(";")[0] or "no verdict"
        table.add_row(
            Text(f"  {row['treatment']} / {row['baseline']}"),
            _signed(row["dbeta"]),
            _interval(row["ci_low"], row["ci_high"]),
            Text(verdict, style=STYLES.get(verdict, "")),
            _text(row["faster"]),
        )
    return table


def absolute_line(absolute: pd.DataFrame) -> str:
    """Return a sentence on how well the absolute laws fit: the smallest and the median R2, and laws with a reservation."""
    r2 = pd.to_numeric(absolute["r2"]).dropna()
    if not len(r2):
        return "No absolute law was fitted."
    status = absolute["status"].fillna("ok").astype(str).str.split(";").str[0]
    doubtful = int((~status.isin(["ok", ""])).sum())
    said = f"; {doubtful} with a reservation in their status" if doubtful else ""
    return f"{len(absolute)} absolute laws: R2 at least {r2.min():.3f}, median {r2.median():.3f}{said}."


def print_summary(console: Console, relative: pd.DataFrame, absolute: pd.DataFrame | None, estimator: str, report: str) -> pd.DataFrame:
    """Print a table a corpus, a line on the verdicts, one on the absolute laws, and where the report is.

    Returns:
        The rows of the table.
    """
    rows = verdict_rows(relative, estimator)
    levels = pd.to_numeric(relative["ci_level"]).dropna()
    level = f"{100 * levels.iloc[0]:g} % interval" if len(levels) else "interval"
    for corpus in dict.fromkeys(rows["corpus"].astype(str)):
        console.print(law_table(rows[rows["corpus"].astype(str) == corpus], corpus, level))
    console.print(REMARK)
    counts = rows["verdict"].dropna().astype(str).value_counts()
    said = ", ".join(f"{counts[word]} {word}" for word in sorted(counts.index))
    console.print(f"Verdicts: {said}." if said else "No verdict: the table of relative laws has none.")
    if absolute is not None:
        console.print(absolute_line(absolute))
    if report:
        console.print(f"Report: {report}", soft_wrap=True, highlight=False)
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the tables; print the summary; write it as --text and --html where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--relative", type=Path, nargs="+", required=True, help="relative.csv, one or more")
    parser.add_argument("--absolute", type=Path, nargs="+", help="absolute.csv, one or more")
    parser.add_argument("--estimator", default="joint")
    parser.add_argument("--report", default="", help="path of the report, printed last")
    parser.add_argument("--html", type=Path, help="the same table as a sortable page")
    parser.add_argument("--text", type=Path, help="the same summary as plain text, 80 letters wide")
    parser.add_argument("--quiet", action="store_true", help="write files only")
    parsed = parser.parse_args(arguments)
    relative = read_tables(parsed.relative, RELATIVE_COLUMNS)
    absolute = read_tables(parsed.absolute, ABSOLUTE_COLUMNS) if parsed.absolute else None
    plain = io.StringIO()
    rows = print_summary(_plain(plain), relative, absolute, parsed.estimator, parsed.report)
    if not parsed.quiet:
        print_summary(Console(highlight=False), relative, absolute, parsed.estimator, parsed.report)
    if parsed.text:
        write_text(parsed.text, "\n".join(line.rstrip() for line in plain.getvalue().splitlines()) + "\n")
    if parsed.html:
        write_text(parsed.html, table_page(rows, "Relative laws and verdicts", REMARK, {"detectable_dbeta": "detectable dbeta"}))


def _plain(stream: io.StringIO) -> Console:
    """Return a console whose text depends on nothing outside: no colour, fixed width, no look at the environment."""
    return Console(file=stream, width=80, color_system=None, force_terminal=False, highlight=False, _environ={})


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _signed(value: object) -> str:
    return "" if pd.isna(value) else f"{float(value):+.4f}"  # type: ignore[arg-type]


def _interval(low: object, high: object) -> str:
    return "" if pd.isna(low) or pd.isna(high) else f"{_signed(low)} {_signed(high)}"


if __name__ == "__main__":
    run(main)
