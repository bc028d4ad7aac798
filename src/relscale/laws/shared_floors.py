"""Irreducible losses of domains that are the same in several corpora.

A domain's text is the same for the runs of all corpora, and so is the loss that no model of it
falls below. Its estimate is the mean over the corpora whose surface identifies it, weighted by the
variance of refits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relscale.laws.cells import Array, average_seeds
from relscale.laws.fit_error import FitError
from relscale.laws.floor_gate import gate_surface
from relscale.laws.metric_fits import MetricFits
from relscale.laws.scales import FLOOR_DIGITS, significant


@dataclass(frozen=True, kw_only=True)
class SharedFloor:
    """The irreducible loss of one domain."""

    value: float
    """The estimate, in the unit of the metric."""
    drawn: Array
    """Over refits, (draw,)."""
    corpora: tuple[str, ...]
    """Corpora whose surfaces identify it."""


def shared_floor(corpora: Sequence[MetricFits], domain: str) -> SharedFloor | str:
    """Return the irreducible loss of a domain, or why no corpus identifies it."""
    values, draws, names, reasons = [], [], [], []
    lowest = min(float(np.exp(np.nanmin(fits.values(domain)))) for fits in corpora)
    for fits in corpora:
        runs = fits.runs
        mean, _ = average_seeds(fits.values(domain), runs.run_cell, runs.num_cells)
        cells = np.flatnonzero((fits.isoflop.weights > 0) & np.isfinite(mean))
        try:
            gate, surface = gate_surface(fits.reader, mean[cells], cells)
        except FitError as error:
            reasons.append(f"{domain} in {runs.corpus}: {error.status}")
            continue
        if not gate.identified:
            reasons.append(f"{domain} in {runs.corpus}: {gate.reason}")
            continue
        values.append(float(significant(surface.fit.irreducible[:1], FLOOR_DIGITS)[0]))
        draws.append(significant(surface.drawn.irreducible, FLOOR_DIGITS))
        names.append(runs.corpus)
    if not values:
        return ", ".join(reasons)
    number = min(len(each) for each in draws)
    drawn = np.stack([each[:number] for each in draws])  # (corpus, draw)
    spread = np.maximum(np.var(drawn, axis=1, ddof=1), 1e-12)
    weights = (1 / spread) / np.sum(1 / spread)
    pooled = weights @ drawn
    return SharedFloor(
        value=float(weights @ np.array(values)),
        drawn=np.where((pooled >= 0) & (pooled < lowest), pooled, np.nan),
        corpora=tuple(names),
    )
