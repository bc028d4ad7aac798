"""Law tables are equal in the digits that they state, whatever the processor's libraries add
first."""

import csv
import os
import subprocess
import sys
from functools import cache
from math import floor, isfinite, log10
from pathlib import Path

import pandas as pd
import pytest
from processors import environments

from relscale.contract.io import P_DIGITS, is_p_value, write_table
from relscale.contract.law_tables import LAW_TABLES
from relscale.contract.table import Table

FAMILY = "topics"
DIGITS = Table(name="t", description="", key=("a",), columns={"a": "text"}).digits
ESTIMATORS = ("auto", "joint", "vertex", "best_run", "akima", "surface")
UNITS = 5
"""Units of the last digit by which numbers may differ: searches end about that near their minimum,
and numbers that agree to many more digits can be rounded to either side."""
SMALLEST = 1e-12
"""Difference of two numbers that are rounding about 0."""
FEWER_DIGITS = {
    # Some of the left-out budgets do not identify the law: the minimum is flat, and the rounding of
    # the objective moves it.
    "saturating_left_out_error_percent": 5,
    # Powers of the reference: an exponent's last digit counts tenfold.
    "coefficient_params": 6,
    "coefficient_tokens": 6,
}
"""Columns that agree in fewer digits."""
NAMES = list(environments())


def real_sized(plant) -> pd.DataFrame:
    """Losses of two corpora, five budgets, six sizes, and six domains."""
    domains = {f"d{i}": (2.0 + 0.1 * i, 0.10 + 0.005 * (7 * i % 5 - 2), 0.02 * i) for i in range(6)}
    frames = [
        plant(
            seed=number,
            corpus=corpus,
            domains=domains,
            run_sd=0.01,
            domain_sd=0.006,
            budget_sd=0.004,
            budgets=("5e10", "1e11", "2e11", "5e11", "1e12"),
            replicates={"5e10": 2, "5e11": 2},
        )
        for number, corpus in enumerate(("curated", "web"))
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def tables_of(plant, tmp_path_factory):
    """A function that fits the same losses in the named environment, once, in its own process."""
    folder = tmp_path_factory.mktemp("processors")
    losses = folder / "losses.csv"
    real_sized(plant).to_csv(losses, index=False)

    @cache
    def fit(name: str) -> Path:
        out = folder / name.replace(" ", "_")
        call = [sys.executable, "-m", "relscale", "laws", "--losses", str(losses)]
        call += ["--family", FAMILY, "--baseline", "d0", "--draws", "200"]
        call += [word for name in ESTIMATORS for word in ("--estimator", name)]
        call += ["--metric", "bits_per_byte", "--out", str(out)]
        given = {**os.environ, **environments()[name]}
        subprocess.run(call, check=True, env=given, capture_output=True)
        return out

    return fit


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def same(one: str, other: str, digits: int = DIGITS, scale: float = 0.0) -> bool:
    """Return whether two cells are equal, or are numbers that agree to the last digit.

    The digits are those of the larger number, or of `scale` if that is larger still.
    """
    if one == other:
        return True
    try:
        first, second = float(one), float(other)
    except ValueError:
        return False
    largest = max(abs(first), abs(second), scale)
    if not isfinite(largest):
        return False
    if abs(first - second) < SMALLEST:
        return True
    return abs(first - second) < (UNITS + 0.5) * 10.0 ** (floor(log10(largest)) - digits + 1)


def digits_of(table: str, column: str) -> int:
    """Return the number of digits that must agree: at most those that the table states."""
    stated = next((each.digits for each in LAW_TABLES if each.name == table), DIGITS)
    return P_DIGITS if is_p_value(column) else min(stated, FEWER_DIGITS.get(column, DIGITS))


def scale_of(column: str, row: dict[str, str]) -> float:
    """Return the larger end of the interval that a cell ends, else 0.

    An end near 0 is the difference of an estimate and a half-width, and has their digits.
    """
    name, _, side = column.rpartition("_")
    if side not in ("low", "high") or not name.endswith("ci"):
        return 0.0
    ends = [float(row[f"{name}_{end}"] or "nan") for end in ("low", "high")]
    return max((abs(end) for end in ends if isfinite(end)), default=0.0)


@pytest.mark.parametrize("name", NAMES[1:])
def test_tables_and_summary_are_those_of_this_processor(name, tables_of):
    ours, theirs = tables_of(NAMES[0]), tables_of(name)
    assert (ours / "summary.txt").read_text() == (theirs / "summary.txt").read_text()
    different = []
    for path in sorted(ours.glob("*.csv")):
        header, *rows = rows_of(path)
        others = rows_of(theirs / path.name)
        assert len(others) == len(rows) + 1, path.name
        for row, other in zip(rows, others[1:], strict=True):
            different += [
                f"{path.name}: {column} {one} and {two} of {' '.join(row[:7])}"
                for column, one, two in zip(header, row, other, strict=True)
                if not same(
                    one,
                    two,
                    digits_of(path.stem, column),
                    scale_of(column, dict(zip(header, row, strict=True))),
                )
            ]
    assert not different, "\n".join([f"{len(different)} cells", *different[:40]])


def test_a_difference_in_a_stated_digit_counts(tmp_path):
    table = Table(name="t", description="", key=("a",), columns={"a": "text", "x": "float"})
    numbers = (1 / 3, 1 / 3 + 2e-7, 1 / 3 + 2e-10)
    write_table(pd.DataFrame({"a": list("bcd"), "x": numbers}), tmp_path / "t.csv", table)
    first, second, third = [row[1] for row in rows_of(tmp_path / "t.csv")[1:]]
    assert (first, third) == ("0.33333333", "0.33333333")
    assert not same(first, second)
    assert same(first, "0.33333338") and not same("narrows", "widens") and not same("", "0.1")
    near_zero = "-8.1408758e-06", "-8.1408618e-06"
    assert not same(*near_zero) and same(*near_zero, scale=0.01)
