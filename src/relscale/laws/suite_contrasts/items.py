"""Noise of the items that score both suites of a contrast.

Items with the same name and stratum are one item: a draw of items scores the runs of both suites,
so that what is common to both cancels in the gap. Items that only one suite has are drawn, too, and
do not cancel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from relscale.laws.cells import Array, SuiteRuns
from relscale.laws.items import ItemNoise, ItemPieces, item_matrices, item_noise
from relscale.laws.spec import LawSpec
from relscale.laws.suite_contrasts.law import CellNoise
from relscale.laws.suite_contrasts.side import SuiteSide


@dataclass(frozen=True, kw_only=True)
class SharedItems:
    """Item noise of one domain over the runs of two suites, the treatment's first."""

    noise: ItemNoise
    """Its covariance is (run, run) over the runs of both."""
    sizes: tuple[int, ...]
    """Number of runs of each suite."""
    num_shared: int
    """Items that both suites have."""

    @property
    def overlapping(self) -> int:
        """Items left out because they overlap a corpus."""
        return self.noise.overlapping

    def values(self, place: int) -> Array:
        """Return the log values of one suite over the items kept, (run,)."""
        begin = sum(self.sizes[:place])
        return self.noise.log_error[begin : begin + self.sizes[place]]

    def scaled(self, factors: Sequence[Array]) -> "SharedItems":
        """Return the noise of values that move by a factor per log value, (run,) per suite."""
        factor = np.nan_to_num(np.concatenate(list(factors)))
        covariance = np.outer(factor, factor) * self.noise.covariance
        return replace(self, noise=replace(self.noise, covariance=covariance))

    def of_cells(
        self, sides: Sequence[SuiteSide], values: Sequence[Array], first: int
    ) -> CellNoise:
        """Average over the seeds of each cell.

        Args:
            sides: suites whose cells are wanted, in order.
            values: of each side, (run,): runs without a value do not count.
            first: place of the first side among the two suites.
        """
        averages = []
        for side, value in zip(sides, values, strict=True):
            runs, cells = side.runs, side.reading.cells
            member = (runs.run_cell[None, :] == cells[:, None]) & np.isfinite(value)
            averages.append(member / np.maximum(member.sum(axis=1, keepdims=True), 1))
        begin = sum(self.sizes[:first])
        end = begin + sum(average.shape[1] for average in averages)
        covariance = self.noise.covariance[begin:end, begin:end]
        whole = np.zeros((sum(len(each) for each in averages), covariance.shape[0]))
        row = column = 0
        for average in averages:
            height, width = average.shape
            whole[row : row + height, column : column + width] = average
            row, column = row + height, column + width
        return CellNoise(covariance=whole @ covariance @ whole.T, dof=self.noise.dof)


def shared_items(
    pieces: ItemPieces,
    suites: Sequence[SuiteRuns],
    values: Sequence[Array],
    domain: str,
    metric: str,
    spec: LawSpec,
) -> SharedItems | None:
    """Return the item noise of a domain over both suites.

    Args:
        pieces: items of the family.
        suites: runs of treatment and baseline.
        values: log values of the domain, (run,) each, NaN where missing.
        domain: the domain.
        metric: the metric.
        spec: number and seed of the draws.

    Returns:
        None unless both suites have items of the domain.

    Raises:
        ValueError: the items do not give the values of the losses table.
    """
    found = [pieces.get((runs.corpus, domain, metric)) for runs in suites]
    frames = [frame for frame in found if frame is not None]
    if len(frames) < len(suites):
        return None
    names: list[str] = []
    renamed = []
    for runs, frame in zip(suites, frames, strict=True):
        prefix = f"{runs.corpus}\x1f"
        names += [prefix + name for name in runs.runs]
        renamed.append(frame.assign(run=prefix + frame["run"].astype(str)))
    both = replace(suites[0], runs=tuple(names))
    where = (
        f"items of suites {' and '.join(repr(runs.corpus) for runs in suites)}, domain {domain!r}, "
        f"metric {metric!r}"
    )
    matrices = item_matrices(
        pd.concat(renamed, ignore_index=True), both, np.concatenate(list(values)), where
    )
    keys = [set(zip(frame["stratum"], frame["item"], strict=True)) for frame in frames]
    return SharedItems(
        noise=item_noise(matrices, spec.draws, spec.seed, domain),
        sizes=tuple(len(runs.runs) for runs in suites),
        num_shared=len(keys[0] & keys[1]),
    )
