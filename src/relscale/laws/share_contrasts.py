"""Level and slope of one quantity in several corpora, and contrasts of them between corpora.

In each corpus an estimator gives level and slope as linear rows over the sizes
(`relscale.laws.estimators.linear`). A contrast weighs the corpora. The noise of runs is independent
between corpora; that of the evaluation items is not, because all runs are scored on the same items:
the covariance of the items is taken over the runs of all corpora together, so that the part that
moves all of them alike cancels. Read `SharedLaws.contrast` first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag

from relscale.laws.cells import Array, SuiteRuns
from relscale.laws.estimators.base import Quantity
from relscale.laws.estimators.joint_model import joint_design
from relscale.laws.estimators.linear import LinearEstimator
from relscale.laws.estimators.reading import Reading
from relscale.laws.gap import combined_dof, share_of
from relscale.laws.items import item_variance

LEVEL, SLOPE = "level", "slope"
QUANTITIES = (LEVEL, SLOPE)
"""Quantities of a law, in the order of its rows: log value at the reference compute, dbeta."""


@dataclass(frozen=True, kw_only=True)
class CorpusLaw:
    """Level and slope of one quantity in one corpus, linear in the values of its sizes."""

    corpus: str
    """The corpus."""
    runs: SuiteRuns
    """Its runs."""
    reading: Reading
    """Budgets and sizes in use."""
    rows: Array
    """Coefficients of level and slope, (2, cell)."""
    covariance: Array
    """Covariance of level and slope from the noise of runs, (2, 2)."""
    dof: float
    """Its degrees of freedom."""
    remarks: tuple[str, ...] = ()
    """Notes for a reader."""

    @classmethod
    def of(
        cls, estimator: LinearEstimator, quantity: Quantity, log_reference: float
    ) -> "CorpusLaw":
        """Read a quantity of a corpus.

        Args:
            estimator: a linear estimator.
            quantity: the quantity.
            log_reference: natural log of the compute at which the level is read, the same in all
                corpora.

        Raises:
            FitError: there is no estimate.
        """
        reading, found = estimator.read(quantity, None)
        away = log_reference - float(np.mean(reading.log_compute))
        move = np.array([[1.0, away], [0.0, 1.0]])
        return cls(
            corpus=quantity.runs.corpus,
            runs=quantity.runs,
            reading=reading,
            rows=move @ found.rows[:2],
            covariance=move @ found.covariance @ move.T,
            dof=found.dof,
            remarks=(*reading.notes, *found.remarks),
        )

    @property
    def values(self) -> Array:
        """Level and slope, (2,)."""
        return np.asarray(self.rows @ self.reading.values)

    @property
    def design(self) -> Array:
        """Terms that the error of an item may follow over the sizes, (cell, term)."""
        reference = float(np.mean(self.reading.log_compute))
        cells = self.reading.cells
        return joint_design(self.runs.log_compute[cells], self.reading.distance, reference)

    def averaging(self, known: Array) -> Array:
        """Return the coefficients that average runs to sizes, (cell, run); `known` is (run,)."""
        cells = self.reading.cells
        member = (self.runs.run_cell[None, :] == cells[:, None]) & known
        return np.asarray(member / np.maximum(member.sum(axis=1, keepdims=True), 1))

    @property
    def num_runs(self) -> int:
        """Number of runs of the sizes in use."""
        return int(np.isin(self.runs.run_cell, self.reading.cells).sum())


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Level and slope of a weighted sum over corpora, with their noise."""

    values: Array
    """Level and slope, (2,)."""
    variance: Array
    """(2,)."""
    dof: Array
    """(2,)."""
    item_share: Array
    """Share of the variance that is from items, (2,)."""


@dataclass(frozen=True, kw_only=True)
class SharedLaws:
    """One quantity in several corpora whose runs are scored on the same items."""

    laws: Sequence[CorpusLaw]
    """One per corpus."""
    known: Sequence[Array]
    """Whether each run has a value, (run,) per corpus."""
    items: Array | None
    """Covariance of the quantity over draws of items, (runs of all corpora, same); None without."""
    items_dof: float
    """Its degrees of freedom."""
    level: float
    """Confidence level of the intervals."""
    floors: Array | None = None
    """Level and slope per draw of the irreducible losses, (draw, corpus, 2); None where these are
    not estimated."""

    def contrast(self, weights: Array) -> Contrast:
        """Return level and slope of a weighted sum over corpora.

        Args:
            weights: (corpus,).
        """
        used = [place for place, weight in enumerate(weights) if weight]
        parts = [self.laws[place] for place in used]
        of_runs = np.sum(
            [weights[place] ** 2 * np.diag(self.laws[place].covariance) for place in used], axis=0
        )
        dof = self._welch(weights, used)
        values = np.sum([weights[place] * self.laws[place].values for place in used], axis=0)
        added = np.zeros(2)
        if self.items is not None:
            rows = np.concatenate(
                [weights[place] * self.laws[place].rows for place in used], axis=1
            )
            covariance = self._of_cells(used)
            design = block_diag(*(part.design for part in parts))
            added = np.diag(item_variance(rows, covariance, design))
        if self.floors is not None:
            moved = np.einsum("dcq,c->dq", self.floors[:, used], weights[used])
            of_runs = of_runs + np.var(moved, axis=0, ddof=1)
        whole = of_runs + added
        for place in range(2):
            dof[place] = combined_dof(
                float(of_runs[place]),
                float(added[place]),
                float(dof[place]),
                self.level,
                self.items_dof,
            )
        share = np.array([share_of(*map(float, pair)) for pair in zip(added, whole, strict=True)])
        return Contrast(values=values, variance=whole, dof=dof, item_share=share)

    def _welch(self, weights: Array, used: list[int]) -> Array:
        """Return degrees of freedom of a sum of independent variances (Welch, 1947), (2,)."""
        parts = np.array(
            [weights[place] ** 2 * np.diag(self.laws[place].covariance) for place in used]
        )
        each = np.array([self.laws[place].dof for place in used])
        with np.errstate(invalid="ignore", divide="ignore"):
            found = parts.sum(axis=0) ** 2 / np.sum(parts**2 / each[:, None], axis=0)
        return np.asarray(np.where(np.isfinite(found), found, np.min(each)))

    def _of_cells(self, used: list[int]) -> Array:
        """Return the covariance over draws of items of sizes of corpora, (cells, cells)."""
        assert self.items is not None
        ends = np.cumsum([0, *(len(known) for known in self.known)])
        runs = np.concatenate([np.arange(ends[place], ends[place + 1]) for place in used])
        average = block_diag(*(self.laws[place].averaging(self.known[place]) for place in used))
        return np.asarray(average @ self.items[np.ix_(runs, runs)] @ average.T)
