"""How stable a verdict is: the probability that a re-run of the suite reaches the same one.

A re-run has new seeds and another data order, but the same budgets, sizes and evaluation items. The
noise of runs and budgets is drawn anew, that of the items is not. Given levels h of a law whose
variance s^2 from runs and budgets has n degrees of freedom, a re-run is drawn as

    sigma^2 = s^2 n / chi^2_n,   h' ~ Normal(h, 2 sigma^2),   s'^2 = sigma^2 chi^2_n / n.

This is the predictive distribution with flat priors of h and of log sigma (Gelman et al., Bayesian
Data Analysis, 2013, section 3.2); the factor 2 is the noise of both suites. The probability is
right on average over gaps whose true changes are spread wider than the noise. All gaps whose tests
are adjusted together are drawn together and judged as `relscale.laws.verdict` judges the suite.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from relscale.contract.verdicts import (
    GAP_VERDICTS,
    PARALLEL,
    RISING_VERDICTS,
    SLIGHTLY,
    UNDECIDED,
)
from relscale.laws.cells import Array
from relscale.laws.gap import GapFit
from relscale.laws.verdict import ADJUSTED_WITHIN

JUDGED = "judged"
"""Key of the `Judged` in a row of a relative law, which the table does not have."""
DRAWS = 2000
"""Re-runs drawn; the standard error of a probability is at most .011."""
FEWEST_DRAWS, MOST_DRAWN = 300, 6_000_000
"""Re-runs that a table of any size gets, and most re-runs times rows of a table: with more than
3,000 rows there are fewer re-runs. With 300 the standard error is at most .029."""
SINGULAR = 1e-12
"""Share of a variance below which it is rounding: the levels of a straight line have rank 2."""
WORDS = tuple(dict.fromkeys((*GAP_VERDICTS, *RISING_VERDICTS)))
"""Verdicts by code."""
CODE = {word: code for code, word in enumerate(WORDS)}

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Everything that the verdict of one gap depends on."""

    levels: Array
    """Level of the law at the lowest budget, in the middle of the range and at the highest, (3,)"""
    covariance: Array
    """Covariance of the levels, (3, 3)."""
    dof: float
    """Degrees of freedom of the tests."""
    item_share: float
    """Share of the covariance that is from evaluation items."""
    run_dof: float
    """Degrees of freedom of the rest."""
    margin_share: float
    """Share of the level in the middle of the range that is the margin."""
    margin_floor: float
    """Smallest margin."""

    @classmethod
    def of(cls, fit: GapFit, margin_share: float, margin_floor: float) -> "Judged":
        """Return the levels of a fit and how they are judged."""
        return cls(
            levels=fit.levels,
            covariance=fit.levels_covariance,
            dof=fit.dof,
            item_share=fit.item_share,
            run_dof=fit.run_dof if fit.run_dof > 0 else fit.dof,
            margin_share=margin_share,
            margin_floor=margin_floor,
        )

    @property
    def is_known(self) -> bool:
        """Whether the law has an interval, so that it can be tested."""
        return bool(np.isfinite(self.covariance).all()) and self.dof > 0

    def draw(self, generator: np.random.Generator, draws: int) -> tuple[Array, Array]:
        """Draw re-runs.

        Returns:
            Levels (draw, 3), and the factor on the covariance, (draw,).
        """
        normal = generator.standard_normal((draws, 3))
        here, there = generator.chisquare(self.run_dof, (2, draws)) / self.run_dof
        of_runs = 1 - self.item_share
        step = np.sqrt(2 * of_runs / here)[:, None] * (normal @ _root(self.covariance).T)
        return self.levels + step, self.item_share + of_runs * there / here


def judged_of(rows: Sequence[Mapping[str, object]]) -> list[Judged | None]:
    """Return the fit of each row of the relative laws, None where there is none."""
    found = [row.get(JUDGED) for row in rows]
    return [each if isinstance(each, Judged) else None for each in found]


def add_replication(
    table: pd.DataFrame,
    judged: Sequence[Judged | None],
    rises: Callable[[str], bool],
    seed: int,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Fill the column `replication` of relative laws with verdicts.

    The cell stays empty without a verdict or an interval, and where a fit of a gap that is adjusted
    with this one is not given.

    Args:
        table: relative laws with verdicts.
        judged: the fit of each row, None where there is none.
        rises: returns whether larger values of a metric are better.
        seed: of the draws.
        draws: their number; fewer in a table of more than `MOST_DRAWN` / draws rows.
    """
    found = np.full(len(table), np.nan)
    draws = max(min(draws, FEWEST_DRAWS), min(draws, MOST_DRAWN // max(len(table), 1)))
    verdicts = table["verdict"].to_numpy()
    for _, rows in table.reset_index(drop=True).groupby(ADJUSTED_WITHIN, sort=False, dropna=False):
        said = [place for place in rows.index if verdicts[place] in CODE]
        known = {place: fit for place in said if (fit := judged[place]) is not None}
        places = [place for place, fit in known.items() if fit.is_known]
        if not places or len(known) < len(said):
            continue
        alpha = 1 - float(rows["ci_level"].iloc[0])
        rising = rises(rows["metric"].iloc[0])
        codes = rerun_verdicts([known[place] for place in places], rising, alpha, seed, draws)
        same = codes == np.array([CODE[verdicts[place]] for place in places])
        found[places] = same.mean(axis=0)
    return table.assign(replication=found)


def rerun_verdicts(
    fits: Sequence[Judged], rising: bool, alpha: float, seed: int, draws: int = DRAWS
) -> Codes:
    """Return the verdicts of drawn re-runs of gaps that are adjusted together, (draw, gap)."""
    generator = np.random.default_rng([seed, 7])
    drawn = [fit.draw(generator, draws) for fit in fits]
    return verdict_codes(
        fits,
        np.stack([levels for levels, _ in drawn], axis=1),
        np.stack([factor for _, factor in drawn], axis=1),
        rising,
        alpha,
    )


def verdict_codes(
    fits: Sequence[Judged], levels: Array, factor: Array, rising: bool, alpha: float
) -> Codes:
    """Return the verdicts of gaps that are adjusted together, as `verdict.add_verdicts` gives them.

    Args:
        fits: covariances, degrees of freedom and margins of the gaps.
        levels: levels of each draw, (draw, gap, 3).
        factor: on the covariance of each draw, (draw, gap).
        rising: whether larger values of the metric are better.
        alpha: level of the tests.

    Returns:
        Codes of `WORDS`, (draw, gap).
    """
    dof = np.array([fit.dof for fit in fits])
    contrast = np.array([[-1.0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])  # change and levels
    variance = np.array(
        [np.einsum("ij,jk,ik->i", contrast, fit.covariance, contrast) for fit in fits]
    )
    error = np.sqrt(np.maximum(factor[:, :, None] * variance, 0.0))  # (draw, gap, 4)
    first, middle, last = np.moveaxis(levels, -1, 0)
    change = last - first
    share, floor = np.array([(fit.margin_share, fit.margin_floor) for fit in fits]).T
    margin = np.maximum(share * np.abs(middle), floor)
    no_change = _two_sided(change, error[..., 0], dof)
    not_small = _tail(margin - np.abs(change), error[..., 0], dof)
    ends = np.maximum(_two_sided(first, error[..., 1], dof), _two_sided(last, error[..., 3], dof))
    crosses = np.where(first * last < 0, ends, 1.0)
    side = _two_sided(middle, error[..., 2], dof)
    places = np.maximum(np.stack([crosses, side], axis=-1), no_change[..., None])
    sizes = step_downs(np.stack([no_change, not_small], axis=-1))
    places = step_downs(places)
    changed, small = sizes[..., 0] < alpha, sizes[..., 1] < alpha

    def direction(word: str) -> Codes:
        return np.where(small, CODE[f"{word}{SLIGHTLY}"], CODE[word])

    if rising:
        codes = np.where(change > 0, direction("rises"), direction("falls"))
    else:
        codes = np.where(np.abs(last) < np.abs(first), direction("narrows"), direction("widens"))
        codes = np.where(places[..., 1] < alpha, codes, CODE[UNDECIDED])
        crossed = (places[..., 0] < alpha) & (first * last < 0)
        codes = np.where(crossed, CODE["crosses"], codes)
    return np.where(changed, codes, np.where(small, CODE[PARALLEL], CODE[UNDECIDED]))


def step_downs(p_values: Array) -> Array:
    """Adjust p values as `verdict.step_down`, for many draws at once.

    Args:
        p_values: (draw, gap, hypothesis), without NaN.

    Returns:
        Adjusted p values, (draw, gap, hypothesis).
    """
    draws, gaps, hypotheses = p_values.shape
    flat = p_values.reshape(draws, -1)
    order = np.argsort(flat, axis=1, kind="stable")
    adjusted = np.empty_like(flat)
    left = np.full((draws, gaps), hypotheses)
    open_gaps, largest, row = np.full(draws, gaps), np.zeros(draws), np.arange(draws)
    for place in order.T:
        largest = np.maximum(largest, np.minimum(1.0, open_gaps * flat[row, place]))
        adjusted[row, place] = largest
        left[row, place // hypotheses] -= 1
        open_gaps = open_gaps - (left[row, place // hypotheses] == 0)
    return adjusted.reshape(p_values.shape)


def _two_sided(value: Array, error: Array, dof: Array) -> Array:
    """Return the two-sided p values of values = 0."""
    return np.where((value == 0) & (error == 0), 1.0, 2 * _tail(np.abs(value), error, dof))


def _tail(value: Array, error: Array, dof: Array) -> Array:
    """Return P(T > value / error) of Student's t."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(special.stdtr(dof, -value / error))


def _root(covariance: Array) -> Array:
    """Return a lower triangular root of a covariance that may be singular, (3, 3).

    It is Cholesky's, which unlike eigenvectors has one sign on every machine.
    """
    root = np.zeros_like(covariance)
    for row in range(len(covariance)):
        for column in range(row + 1):
            rest = covariance[row, column] - root[row, :column] @ root[column, :column]
            if row == column:
                root[row, row] = np.sqrt(rest) if rest > SINGULAR * covariance[row, row] else 0.0
            elif root[column, column] > 0:
                root[row, column] = rest / root[column, column]
    return root
