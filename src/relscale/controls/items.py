"""Item noise of the losses of controls: one draw of items for all models of a corpus.

The resampling is that of the laws (`relscale.laws.items`): items within strata, independent for two
domains, summarised by the covariance of the log losses over models.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from relscale.controls.spec import ControlsSpec
from relscale.laws.items import ItemMatrices, ItemNoise, item_noise

SERIES = ("order", "text_bytes")
"""Columns that name a model among those of a control and corpus."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class DomainNoise:
    """Log losses of a domain for all models of a control, and their item noise."""

    series: pd.MultiIndex
    """(model) order and bytes of text."""
    noise: ItemNoise
    """Item noise, whose runs are the models."""

    def places(self, series: Sequence[tuple[int, int]]) -> npt.NDArray[np.intp]:
        """Return the places of models, -1 for those without items."""
        return np.asarray(self.series.get_indexer(pd.MultiIndex.from_tuples(series)))


def domain_noise(
    rows: pd.DataFrame, domain: str, over_strata: bool, spec: ControlsSpec
) -> DomainNoise:
    """Summarise the item noise of a domain.

    Args:
        rows: items of one corpus, control, family and domain; all models have the same.
        domain: name of the domain, which seeds the draws.
        over_strata: whether losses are means over strata.
        spec: draws and seed.
    """
    kept = rows[~rows["overlaps"].to_numpy(dtype=bool)]
    kept = kept.sort_values(["stratum", "item", *SERIES], kind="stable")
    series = pd.MultiIndex.from_frame(
        kept[list(SERIES)].drop_duplicates().sort_values(list(SERIES))
    )
    num_items = len(kept) // len(series)
    first = kept.iloc[:: len(series)]
    matrices = ItemMatrices(
        numerator=_matrix(kept["numerator"], num_items),
        denominator=_matrix(kept["denominator"], num_items),
        stratum=pd.factorize(first["stratum"].astype(str))[0].astype(np.int64),
        cluster=np.arange(num_items),
        rule="strata" if over_strata else "pooled",
        overlapping=len(rows) // len(series) - num_items,
    )
    return DomainNoise(series=series, noise=item_noise(matrices, spec.draws, spec.seed, domain))


def _matrix(column: pd.Series, num_items: int) -> Array:
    """Return (model, item) values from rows that are sorted by item, then model."""
    return column.to_numpy(dtype=np.float64).reshape(num_items, -1).T


@dataclass(frozen=True, kw_only=True)
class GapNoise:
    """The log gaps between two domains for some models, and their item covariance."""

    log_gap: Array
    """(model) log of L(treatment) / L(baseline)."""
    covariance: Array
    """(model, model) over draws of items."""
    dof: int
    """Degrees of freedom of the covariance."""

    def estimate(self, coefficients: Array, level: float) -> tuple[float, float, float]:
        """Return a linear combination of the log gaps with Student's interval over items.

        Args:
            coefficients: (model).
            level: of the interval.
        """
        value = float(coefficients @ self.log_gap)
        variance = float(coefficients @ self.covariance @ coefficients)
        half = float(stats.t.ppf((1 + level) / 2, max(self.dof, 1))) * max(variance, 0.0) ** 0.5
        return value, value - half, value + half


def gap_noise(
    treatment: DomainNoise, baseline: DomainNoise, series: Sequence[tuple[int, int]]
) -> GapNoise:
    """Return the gaps of models that both domains have.

    Items of two domains are independent, so that their covariances add up.
    """
    one, other = treatment.places(series), baseline.places(series)
    return GapNoise(
        log_gap=treatment.noise.log_error[one] - baseline.noise.log_error[other],
        covariance=treatment.noise.covariance[np.ix_(one, one)]
        + baseline.noise.covariance[np.ix_(other, other)],
        dof=min(treatment.noise.dof, baseline.noise.dof),
    )
