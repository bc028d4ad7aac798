"""Runs as points: what a law needs that has no IsoFLOP curves and no optimum.

Read `RunPoints` (what laws are fitted to) and `Places` (where they are read) first.
"""

from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array, Flags, Index, SuiteRuns


@dataclass(frozen=True, kw_only=True)
class RunPoints:
    """Runs of one corpus that have the values that a law is fitted to."""

    log_params: Array
    """Natural log of transformer and head parameters N, (run,); of all parameters where the table
    does not split them."""
    log_tokens: Array
    """Natural log of training tokens D, (run,)."""
    log_compute: Array
    """Natural log of compute F on the chosen axis, (run,)."""
    budget: Index
    """Budget of each run, (run,), 0 for the lowest; the indices are those of the suite."""
    cell: Index
    """Cell of each run, (run,): runs of one cell differ in their seed alone."""
    values: Array
    """Natural log of the values, (domain, run): one domain, or treatment and baseline."""

    @property
    def num_runs(self) -> int:
        """Number of runs."""
        return len(self.cell)

    @property
    def log_gap(self) -> Array:
        """Return log G = log L_treatment - log L_baseline, (run,)."""
        treatment, baseline = self.values
        return np.asarray(treatment - baseline)

    def where(self, kept: Flags) -> "RunPoints":
        """Return the runs for which `kept`, (run,), is true."""
        return RunPoints(
            log_params=self.log_params[kept],
            log_tokens=self.log_tokens[kept],
            log_compute=self.log_compute[kept],
            budget=self.budget[kept],
            cell=self.cell[kept],
            values=self.values[:, kept],
        )

    @property
    def places(self) -> "Places":
        """Return where the runs are; the baseline's loss is the observed one."""
        return Places(
            log_params=self.log_params,
            log_tokens=self.log_tokens,
            log_compute=self.log_compute,
            log_baseline=self.values[-1],
        )


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a law is read: models, observed or not."""

    log_params: Array
    """Natural log of N, (place,)."""
    log_tokens: Array
    """Natural log of D, (place,)."""
    log_compute: Array
    """Natural log of F, (place,)."""
    log_baseline: Array | None = None
    """Natural log of the baseline's loss, (place,) or (draw, place); None where it is not known.
    Only laws that depend on the baseline's loss read it."""


def run_points(runs: SuiteRuns, *values: Array) -> RunPoints:
    """Return the runs that have all values.

    Args:
        runs: runs of a corpus.
        values: one per domain, natural logs, (run,), NaN where missing.
    """
    stacked = np.stack(values)
    kept = np.isfinite(stacked).all(axis=0)
    cell = runs.run_cell[kept]
    return RunPoints(
        log_params=np.log(runs.params_model[cell]),
        log_tokens=runs.log10_tokens[cell] * np.log(10),
        log_compute=runs.log_compute[cell],
        budget=runs.cell_budget[cell],
        cell=cell,
        values=stacked[:, kept],
    )
