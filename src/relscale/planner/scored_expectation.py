"""Does the result agree with a registered expectation: `relscale plan score` for an experiment.

The answers are computed anew, from the registered signs and the intervals of representation.csv, so
that a configuration that was changed afterwards cannot change them.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from relscale.config.experiment import Experiment
from relscale.contract.io import read_table, write_table
from relscale.contract.tables.representation import REPRESENTATION
from relscale.laws.share_rows import DIFFERENCE, agreement, expected_signs
from relscale.planner.registered_expectation import RegisteredExpectation

SCALES = {"ratio": "the ratio", "reducible": "the ratio of reducible losses"}
"""Words for the scales of expectations."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ExpectationScores:
    """The results that an expectation is about, and whether they agree."""

    table: pd.DataFrame
    """Rows of `REPRESENTATION`, with the registered signs and the answers to them."""
    registered: RegisteredExpectation
    """The expectation."""
    is_registered: bool | None
    """Whether the settings are those that were registered; None if none were given."""

    def write(self, path: Path) -> None:
        """Write the rows as CSV or Parquet."""
        write_table(self.table, path, REPRESENTATION)

    def summary(self) -> str:
        """Return the answers in words, with their intervals."""
        lines = [self.registered.summary().rstrip()]
        for _, row in self.table.iterrows():
            what = "level" if row["quantity"] == "level" else "dbeta"
            value = f"{row['value']:+.4f} [{row['ci_low']:+.4f}, {row['ci_high']:+.4f}]"
            if pd.isna(row["value"]):
                value = f"no estimate ({row['status']})"
            lines.append(
                f"{row['metric']}, {what} of {SCALES[row['scale']]}: {value}, margin "
                f"{row['margin']:.4f}; expected {row['expected']}: {row['agreement']}"
            )
        lines.append(_SETTINGS[self.is_registered])
        return "\n".join(lines) + "\n"


_SETTINGS = {
    True: "Settings: those that were registered.",
    False: "Settings: NOT those that were registered, so this is another experiment.",
    None: "Settings: not compared; --config compares them with the registered ones.",
}


def score_expectation(
    registered: RegisteredExpectation, table: Path, experiment: Experiment | None = None
) -> ExpectationScores:
    """Compare a registered expectation with the result.

    Args:
        registered: the expectation (`RegisteredExpectation.read`).
        table: representation.csv of the experiment.
        experiment: the configuration that was run; None compares no settings.

    Raises:
        ValueError: for a table that lacks columns or the rows that the expectation is about.
    """
    asked = registered.representation
    assert asked.expectation is not None
    signs = expected_signs(asked.expectation)
    rows = read_table(table, REPRESENTATION.names)
    rows = rows[(rows["family"] == asked.family) & (rows["kind"] == DIFFERENCE)]
    rows = rows[rows["subject"] == " / ".join(asked.treatments)]
    rows = rows[rows["corpus"] == " - ".join(asked.ends())]
    # The first estimator of a metric is the main one; expectations are about it.
    main = rows.groupby("metric", sort=False)["estimator"].transform("first")
    keys = zip(rows["scale"], rows["floors"], rows["quantity"], strict=True)
    expected = pd.Series([signs.get(key, "") for key in keys], index=rows.index, dtype=object)
    found = rows.assign(expected=expected)[(rows["estimator"] == main) & (expected != "")]
    if found.empty:
        raise ValueError(
            f"{table}: has no difference in differences of {' and '.join(asked.treatments)} between"
            f" {' and '.join(asked.ends())}, which the expectation is about"
        )
    there = set(zip(found["scale"], found["floors"], found["quantity"], strict=True))
    if missing := [key for key in signs if key not in there]:
        lost = ", ".join(f"{quantity} of {SCALES[scale]}" for scale, _, quantity in missing)
        raise ValueError(f"{table}: has no row of {lost}, which the expectation is about as well")
    answers = [
        agreement(str(row["expected"]), row["ci_low"], row["ci_high"], row["margin"])
        for _, row in found.iterrows()
    ]
    found = found.assign(written=asked.expectation.written.isoformat(), agreement=answers)
    return ExpectationScores(
        table=found.reset_index(drop=True),
        registered=registered,
        is_registered=None if experiment is None else registered.is_of(experiment),
    )
