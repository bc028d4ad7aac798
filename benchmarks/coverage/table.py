"""The table `benchmarks/coverage.csv`: one row per scenario and estimator.

A row states shares and means; `tally_in` recovers the sums that they were made of, so that a later
run adds suites to the row. `Row.first` shows whether suites come out as they did when it was begun.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from relscale.files import write_text
from relscale.laws.estimators.registry import ESTIMATORS

from .scenarios import SCENARIOS
from .tally import Tally

KEYS = ["scenario", "estimator"]
SAME = 1e-6
"""Relative difference of numbers that are equal but for rounding, which processors do differently
(rows state eight digits)."""
SHARES = {
    "coverage_tangent": ("covered_tangent", "known"),
    "coverage_change": ("covered_change", "known"),
    "false_05": ("rejected", "known"),
    "false_005": ("rejected_strictly", "known"),
    "line": ("lines", "known"),
    "family_wise": ("in_error", "judged"),
    "detected": ("detected", "planted"),
    "detected_alone": ("detected_alone", "planted"),
}
"""Columns that are shares: the number counted, and of how many."""
COUNTS = ("suites", "gaps", "fitted", "known", "judged", "planted")
"""Columns that are numbers, as in `Tally`."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table."""

    scenario: str
    """Key of `SCENARIOS`."""
    estimator: str
    """Name of the estimator."""
    first: float
    """Fingerprint of the first suite; another number means other code or settings."""
    tally: Tally
    """Numbers of all suites."""

    def columns(self) -> dict[str, Any]:
        """Return the row's columns."""
        t = self.tally
        columns: dict[str, Any] = {"scenario": self.scenario, "estimator": self.estimator}
        columns |= {name: getattr(t, name) for name in COUNTS}
        columns |= {
            "coverage": _ratio(t.covered, t.known),
            "coverage_error": t.coverage_error,
            "bias": _ratio(t.error, t.fitted),
            "standard_deviation": t.standard_deviation,
            "half_width": _ratio(t.half_width, t.known),
            "dof": _ratio(t.known, t.inverse_dof),
        }
        columns |= {
            name: _ratio(getattr(t, count), getattr(t, whole))
            for name, (count, whole) in SHARES.items()
        }
        return columns | {"first": self.first}

    @classmethod
    def read(cls, columns: Mapping[str, Any]) -> "Row":
        """Return a row of the table."""
        return cls(
            scenario=columns["scenario"],
            estimator=columns["estimator"],
            first=float(columns["first"]),
            tally=tally_in(columns),
        )


def tally_in(columns: Mapping[str, Any]) -> Tally:
    """Return the sums that a row's shares and means were made of."""
    counts = {name: int(columns[name]) for name in COUNTS}
    fitted, known, judged = counts["fitted"], counts["known"], counts["judged"]

    def total(name: str, number: int) -> float:
        return float(columns[name]) * number if number else 0.0

    sums: dict[str, Any] = dict(counts)
    sums["covered"] = round(total("coverage", known))
    for name, (count, whole) in SHARES.items():
        sums[count] = round(total(name, counts[whole]))
    # Suites have equally many intervals, but for rare gaps without one.
    error, coverage = total("bias", fitted), total("coverage", judged)
    sums |= {
        "error": error,
        "squared_error": _squares(columns["standard_deviation"], error, fitted),
        "half_width": total("half_width", known),
        "inverse_dof": known / float(columns["dof"]) if known else 0.0,
        "coverage": coverage,
        "squared_coverage": _squares(
            float(columns["coverage_error"]) * np.sqrt(judged), coverage, judged
        ),
    }
    return Tally(**sums)


def _squares(deviation: float, total: float, number: int) -> float:
    """Return the sum of squares of numbers by their standard deviation and their sum."""
    if number == 0:
        return 0.0
    about_mean = float(deviation) ** 2 * (number - 1) if number > 1 else 0.0
    return about_mean + total**2 / number


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def read(path: Path) -> dict[tuple[str, str], Row]:
    """Return the rows of a table by scenario and estimator; none where there is no table.

    Rows of scenarios or estimators that no longer exist are left out. A table with other columns is
    one of earlier code: it has no rows to continue.
    """
    if not path.exists():
        return {}
    table = pd.read_csv(path)
    if not set(COUNTS) | {"first"} <= set(table.columns):
        return {}
    rows = [Row.read(columns) for columns in table.to_dict("records")]
    return {
        (row.scenario, row.estimator): row
        for row in rows
        if row.scenario in SCENARIOS and row.estimator in ESTIMATORS
    }


def write(rows: Mapping[tuple[str, str], Row], path: Path) -> None:
    """Write a table, completely or not at all."""
    order = [
        (scenario, estimator)
        for scenario in SCENARIOS
        for estimator in ESTIMATORS
        if (scenario, estimator) in rows
    ]
    table = pd.DataFrame([rows[key].columns() for key in order])
    write_text(path, table.to_csv(index=False, float_format="%.8g", lineterminator="\n"))
