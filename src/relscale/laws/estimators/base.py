"""The protocol of an estimator, and the quantity that it fits.

An estimator locates the compute-optimal point of every budget, reads a quantity there (log E of a
domain, or log G of a treatment and a baseline), and fits a straight line in log F through the
points. Given the optima, all estimators but `surface` are linear in the quantity's values, so that
each is a matrix of coefficients: `Rows`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np

from relscale.contract.scales import RATIO
from relscale.laws.cells import Array, Index, SuiteRuns
from relscale.laws.estimators.reading import Reading
from relscale.laws.gap import GapFit
from relscale.laws.noise import Pooled
from relscale.laws.optima.isoflop import IsoflopFits
from relscale.laws.optima.optimum import Optimum
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.reader import SurfaceReader


@dataclass(frozen=True, kw_only=True)
class Term:
    """One domain of a gap, or the only one of an absolute law."""

    log_error: Array
    """(run,) natural log of the value, NaN where missing."""
    item_covariance: Array | None = None
    """(run, run) covariance of `log_error` over draws of items; None leaves items out."""
    item_dof: float = float("inf")
    """Degrees of freedom of the covariance: clusters of items less strata."""
    item_cross: Array | None = None
    """(run, run) covariance with the log value of the gap's other term over the same draws of
    items, at the first term of a gap; None where the items of the two are drawn independently."""


def without_items(terms: Sequence[Term]) -> tuple[Term, ...]:
    """Return the terms without the noise of their items."""
    return tuple(Term(log_error=term.log_error) for term in terms)


class FamilyNoise(Protocol):
    """Budget effects of the other gaps of a gap's family."""

    def pooled(self, below: int | None) -> Pooled | None:
        """Return the budget variance of the gap by the others; None where none can be pooled.

        `below` is an index of a budget of the gap's corpus: budgets with as much compute or more
        are not used.
        """

    def order_share(self, below: int | None) -> float:
        """Return the share of a run's variance that runs of one seed have in common.

        See `relscale.laws.noise.order_share`.
        """


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """log E of one domain, or log G of a treatment and a baseline, over the runs of one corpus."""

    runs: SuiteRuns
    """Runs of the corpus."""
    fits: IsoflopFits
    """Their IsoFLOP curves, which locate the optima."""
    terms: tuple[Term, ...]
    """Treatment and baseline, or one domain."""
    spec: LawSpec
    """Number and seed of the draws, and level."""
    reader: SurfaceReader
    """Surfaces of the corpus, kept between quantities."""
    family: "FamilyNoise | None" = None
    """Budget effects of the other gaps of the family; None for one domain, or a gap alone."""
    scale: str = RATIO
    """Scale of a gap."""
    rises: bool = False
    """Whether the metric rises with compute, so that laws of a loss do not fit it."""
    peers: "Peers | None" = None
    """The gaps, or losses, of the family; None for a quantity alone."""
    kept: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    """Results that several laws read, computed once."""
    of_runs: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    """The same for results without the noise of items: a quantity with items and the one without
    share them."""

    def pooled(self, reading: Reading) -> Pooled | None:
        """Return the budget variance by the other gaps of the family, from the same budgets.

        A back-test reads the lower budgets only, of all corpora.
        """
        return None if self.family is None else self.family.pooled(reading.below)

    def order_share(self, reading: Reading) -> float:
        """Return the share of a run's variance that runs of one seed have in common."""
        return 0.0 if self.family is None else self.family.order_share(reading.below)

    @property
    def values(self) -> Array:
        """Return log G, or log E, (run,), NaN where missing."""
        first, *rest = (term.log_error for term in self.terms)
        return first - rest[0] if rest else first

    @property
    def item_covariance(self) -> Array | None:
        """Return the covariance of the values over draws of items, (run, run).

        Covariances of treatment and baseline add, less twice the covariance of the two where their
        items are paired. None unless all terms have items.
        """
        known = [term.item_covariance for term in self.terms if term.item_covariance is not None]
        if len(known) < len(self.terms):
            return None
        crosses = [term.item_cross for term in self.terms if term.item_cross is not None]
        return np.asarray(np.sum(known, axis=0) - sum(cross + cross.T for cross in crosses))

    @property
    def item_dof(self) -> float:
        """Return the degrees of freedom of the item noise, those of the smaller domain."""
        return min(term.item_dof for term in self.terms)


@dataclass(frozen=True, kw_only=True)
class Peers:
    """All gaps to one baseline, or the losses of all domains: errors are pooled over them."""

    quantities: Callable[[], Sequence[Quantity]]
    """Return them."""
    kept: dict[str, object] = field(default_factory=dict, repr=False, compare=False)
    """Results that are the same for all of them, computed once."""


@dataclass(frozen=True, kw_only=True)
class BudgetPoints:
    """A quantity at the optima of budgets, without its noise."""

    budgets: Index
    """Indices into the suite's, (budget,)."""
    log_compute: Array
    """Natural log of their compute, (budget,)."""
    points: Array
    """log G or log E there, (budget,)."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Coefficients that give a law and its points from the values of the cells, and their noise."""

    rows: Array
    """(2 + budget, cell): log gamma and slope, then the points."""
    covariance: Array
    """Covariance of (log gamma, slope) without item noise, (2, 2); NaN without an interval."""
    point_variance: Array
    """Variance of the points without item noise, (budget,); NaN where unknown."""
    dof: float
    """Degrees of freedom of the covariance."""
    lack_of_fit_p: float
    """p value of the straight line in log F; NaN where it cannot be tested."""
    budget_sd: float = float("nan")
    """Standard deviation of the budget effects; NaN where it is not estimated."""
    remarks: tuple[str, ...] = ()
    """Notes for a reader."""


class Estimator(ABC):
    """A way to locate the optima and to fit a line through the values there.

    To add one, write a subclass in its own module and list an instance in
    `relscale.laws.estimators.registry` and its name in `relscale.config.analysis.Estimator`.
    """

    name: ClassVar[str]
    """Name in the configuration and in the tables."""
    pools_budgets: ClassVar[bool] = False
    """Whether a budget's point depends on the runs of other budgets."""
    needs_loss: ClassVar[bool] = False
    """Whether it can be fitted only to metrics that fall with compute."""

    @abstractmethod
    def optima(self, fits: IsoflopFits) -> tuple[Optimum, ...]:
        """Return the optimum of every budget, in order."""

    @abstractmethod
    def fit(self, quantity: Quantity, below: int | None = None) -> GapFit:
        """Fit the line of a quantity.

        Args:
            quantity: log E of a domain, or log G.
            below: use only budgets with a lower index (back-test).

        Raises:
            FitError: there is no estimate; its status says why.
        """

    def points(self, quantity: Quantity, below: int | None = None) -> BudgetPoints:
        """Return the points of `fit` without its intervals, which may cost far more.

        Raises:
            FitError: as `fit`.
        """
        found = self.fit(quantity, below)
        return BudgetPoints(
            budgets=found.budgets, log_compute=found.log_compute, points=found.points
        )
