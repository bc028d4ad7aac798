"""The budgets of two suites that have the same compute."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

TOLERANCE = 1.05
"""Two budgets match if their median compute differs by less than this factor. With dbeta of a loss
near -0.1, a factor of 1.05 moves log L by .005."""
NOTED = 1.01
"""Differences from this factor on are named in the remarks."""


@dataclass(frozen=True, kw_only=True)
class MatchedBudgets:
    """Budgets of two suites with the same compute, by rising compute."""

    treatment: tuple[str, ...]
    """Labels of the treatment's budgets."""
    baseline: tuple[str, ...]
    """Labels of the baseline's, in the same order."""
    notes: tuple[str, ...]
    """Remarks on budgets that have no partner, and on unequal compute."""

    def rows(self, frame: pd.DataFrame, treatment: str, baseline: str) -> pd.DataFrame:
        """Return the rows of the two suites in matched budgets.

        Args:
            frame: a losses table with columns `corpus` and `budget`.
            treatment: corpus of the treatment.
            baseline: corpus of the baseline.
        """
        ours = (frame["corpus"] == treatment) & frame["budget"].isin(self.treatment)
        theirs = (frame["corpus"] == baseline) & frame["budget"].isin(self.baseline)
        return frame[ours | theirs]


def match_budgets(
    losses: pd.DataFrame, compute: str, treatment: str, baseline: str, where: str = "losses"
) -> MatchedBudgets:
    """Pair the budgets of two suites by compute.

    Args:
        losses: checked losses, with the column `used`.
        compute: column of the compute axis.
        treatment: corpus of the treatment.
        baseline: corpus of the baseline.
        where: words for the table in errors.

    Raises:
        ValueError: no budget of one suite has the compute of a budget of the other.
    """
    ours, theirs = (_budgets(losses, compute, name) for name in (treatment, baseline))
    pairs: list[tuple[str, str, float]] = []
    for label, flops in ours.items():
        near = (np.log(theirs.drop([pair[1] for pair in pairs])) - np.log(flops)).abs()
        if len(near) and near.min() < np.log(TOLERANCE):
            pairs.append((str(label), str(near.idxmin()), float(near.min())))
    if not pairs:
        raise ValueError(
            f"{where}: suites {treatment!r} and {baseline!r} have no budget of the same {compute}: "
            f"{treatment} has {_listed(ours)}; {baseline} has {_listed(theirs)}; budgets match "
            f"within a factor of {TOLERANCE:g}"
        )
    left = [(treatment, ours, {pair[0] for pair in pairs})]
    left.append((baseline, theirs, {pair[1] for pair in pairs}))
    notes = [
        f"budget(s) of {name} without a partner: {' '.join(alone)}"
        for name, budgets, matched in left
        if (alone := [str(label) for label in budgets.index if label not in matched])
    ]
    largest = max(pair[2] for pair in pairs)
    if largest > np.log(NOTED):
        notes.append(f"matched budgets differ by up to {100 * np.expm1(largest):.1f} % in compute")
    return MatchedBudgets(
        treatment=tuple(pair[0] for pair in pairs),
        baseline=tuple(pair[1] for pair in pairs),
        notes=tuple(note.replace(";", " ") for note in notes),
    )


def _budgets(losses: pd.DataFrame, compute: str, corpus: str) -> pd.Series:
    """Return the median compute of the budgets of a corpus, rising."""
    rows = losses[(losses["corpus"] == corpus) & losses["used"]]
    return rows.groupby("budget")[compute].median().astype(np.float64).sort_values()


def _listed(budgets: pd.Series) -> str:
    """Return the compute of budgets in words."""
    return ", ".join(f"{flops:.3g}" for flops in budgets) or "none that can be used"
