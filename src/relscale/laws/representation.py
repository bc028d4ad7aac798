"""Corpora that differ in the shares of two domains' text: table `representation`.

With log G_c = log(L_A / L_B) of the runs of corpus c, the law of each corpus is
log G_c = level_c + dbeta_c (log F - log F_ref), with one F_ref for all. The difference in
differences is (level, dbeta) of the corpus that leans to A minus those of the one that leans to B:
what the two domains differ by in every corpus (difficulty, items, floors, baseline) is in both.
`dose` is the least-squares slope of level and dbeta in x_c = log(share of A / share of B) over all
corpora, `line` the height of that line at the share of a corpus, and `middle` the distance of a
corpus in between from the line through the outer two.

The same is computed of each domain's own log loss (scale `loss`, x_c = log of its share), and of
the gap of reducible losses, log(L_A - E_A) - log(L_B - E_B), with floors that are the same in every
corpus: those that the surfaces identify, and assumed ones, to show how much depends on them.
Read `fit_representation` first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from relscale.contract.scales import RATIO, REDUCIBLE
from relscale.contract.status import Status
from relscale.contract.tables.representation import REPRESENTATION
from relscale.laws.cells import Array
from relscale.laws.estimators.base import Quantity
from relscale.laws.estimators.linear import LinearEstimator
from relscale.laws.estimators.registry import ESTIMATORS, JOINT
from relscale.laws.fit import corpora_of
from relscale.laws.fit_error import FitError
from relscale.laws.inputs import prepare
from relscale.laws.metric_fits import CorpusFits, MetricFits, Row
from relscale.laws.scales import Scaled
from relscale.laws.share_contrasts import CorpusLaw, SharedLaws
from relscale.laws.share_rows import NO_FLOORS, SURFACE, RowName, Shares, rows_of, rows_without
from relscale.laws.shared_floors import SharedFloor, shared_floor
from relscale.laws.shared_items import shared_item_covariance
from relscale.laws.spec import RepresentationSpec

LOSS = "loss"
"""Scale of a domain's own log loss."""
ASSUMED = (0.25, 0.5, 0.75)
"""Floors as shares of the lowest loss of a domain over all corpora, for the rows that show how much
the slope of reducible losses depends on them."""
LINEAR = {name: each for name, each in ESTIMATORS.items() if isinstance(each, LinearEstimator)}
"""Estimators that are linear in the values of the sizes."""


def fit_representation(
    losses: pd.DataFrame,
    spec: RepresentationSpec,
    items: pd.DataFrame | None = None,
    optimum_losses: pd.DataFrame | None = None,
    where: str = "losses",
) -> pd.DataFrame:
    """Return the rows of the table `representation`.

    Args:
        losses: rows of the losses table, as for `relscale.laws.fit.fit_family`.
        spec: spec of the family's laws, with the question.
        items: rows of the items table; adds the noise of the shared items.
        optimum_losses: losses with the family `optimum_by`; None looks for it in `losses`.
        where: words for the losses table in errors.

    Raises:
        ValueError: as `fit_family`; naming a corpus or domain that the table lacks.
    """
    family, optimum = prepare(losses, spec, optimum_losses, where)
    found = {fits.runs.corpus: fits for fits in corpora_of(family, optimum, spec, items)}
    missing = [name for name in spec.representation.corpora if name not in found]
    if missing:
        raise ValueError(
            f"{where}: laws.representation.corpora names {missing[0]}; the corpora of family"
            f" {spec.family!r} are {', '.join(found)}"
        )
    rows: list[Row] = []
    for place in range(len(spec.metrics)):
        rows.extend(_Question.of(spec, found, place, where).rows())
    return pd.DataFrame(rows, columns=list(REPRESENTATION.names))


@dataclass(frozen=True, kw_only=True)
class _Floors:
    """Floors of the two domains."""

    values: Array
    """(2,)."""
    drawn: Array
    """(draw, 2); no draws for assumed floors."""
    remarks: tuple[str, ...]
    """The floors in words."""


@dataclass(frozen=True, kw_only=True)
class _Question:
    """One metric in all corpora of the question."""

    spec: RepresentationSpec
    shares: Shares
    corpora: Sequence[tuple[CorpusFits, MetricFits]]
    """In the order of the configuration, with the second domain as the baseline."""
    log_reference: float
    """Natural log of the compute at which levels are read: the middle of the budgets'."""
    _items: dict[str, tuple[Array, float] | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls, spec: RepresentationSpec, found: dict[str, CorpusFits], place: int, where: str
    ) -> "_Question":
        """Take one metric of the corpora.

        Raises:
            ValueError: naming a domain that has no value in a corpus.
        """
        asked, metric = spec.representation, spec.metrics[place]
        corpora = [
            (found[name], found[name].metrics[place].against(asked.treatments[1]))
            for name in asked.corpora
        ]
        for domain in asked.treatments:
            for corpus, fits in corpora:
                if fits.readings.missing(domain):
                    raise ValueError(
                        f"{where}: domain {domain!r} of laws.representation.treatments has no value"
                        f" of {metric} in corpus {corpus.runs.corpus!r}"
                    )
        compute = np.concatenate([fits.runs.log_compute for _, fits in corpora])
        names = [name for name in spec.estimators if name in LINEAR]
        shares = Shares(
            asked=asked,
            label={"family": spec.family, "metric": metric},
            level=spec.level,
            margin_share=spec.margin_share,
            margin_floor=spec.margin_floor,
            range=float(np.ptp(compute)),
            main=JOINT.name if JOINT.name in names or not names else names[0],
        )
        return cls(
            spec=spec,
            shares=shares,
            corpora=corpora,
            log_reference=float((compute.min() + compute.max()) / 2),
        )

    @property
    def fits(self) -> list[MetricFits]:
        """The fits of each corpus."""
        return [fits for _, fits in self.corpora]

    @property
    def domains(self) -> tuple[str, str]:
        """The two domains."""
        return self.shares.asked.treatments

    def name(self, subject: str, scale: str, floors: str = NO_FLOORS) -> RowName:
        """Return the name of rows by the main estimator."""
        return RowName(subject=subject, scale=scale, floors=floors, estimator=self.shares.main)

    def rows(self) -> Iterator[Row]:
        """Return all rows of the metric."""
        first, second = self.domains
        gap = f"{first} / {second}"
        names = [self.shares.main, *(each for each in self.spec.estimators if each in LINEAR)]
        for estimator in dict.fromkeys(names):
            name = RowName(subject=gap, scale=RATIO, floors=NO_FLOORS, estimator=estimator)
            yield from self._laws(name, [fits.quantity_of(first, second) for fits in self.fits])
        for domain in self.domains:
            quantities = [fits.quantity_of(domain) for fits in self.fits]
            yield from self._laws(self.name(domain, LOSS), quantities)
        if self.spec.rises(self.fits[0].metric):
            return
        floors = [shared_floor(self.fits, domain) for domain in self.domains]
        identified = [each for each in floors if isinstance(each, SharedFloor)]
        name = self.name(gap, REDUCIBLE, SURFACE)
        if len(identified) == len(floors):
            yield from self._reducible(name, self._of_surfaces(identified))
        else:
            remarks = [each for each in floors if isinstance(each, str)]
            yield from rows_without(self.shares, name, Status.FLOORS_NOT_IDENTIFIED, remarks)
        for share in ASSUMED:
            yield from self._reducible(
                self.name(gap, REDUCIBLE, f"assumed {share:g}"), self._assumed(share)
            )

    def _assumed(self, share: float) -> _Floors:
        """Return floors that are a share of the lowest losses."""
        lowest = [
            min(float(np.exp(np.nanmin(fits.values(domain)))) for fits in self.fits)
            for domain in self.domains
        ]
        values = share * np.array(lowest)
        return _Floors(values=values, drawn=np.empty((0, 2)), remarks=(self._in_words(values),))

    def _of_surfaces(self, floors: Sequence[SharedFloor]) -> _Floors:
        """Return identified floors with their refits."""
        values = np.array([each.value for each in floors])
        number = min(len(each.drawn) for each in floors)
        drawn = np.stack([each.drawn[:number] for each in floors], axis=1)
        sources = [
            f"floor of {domain} from {' and '.join(each.corpora)}"
            for domain, each in zip(self.domains, floors, strict=True)
        ]
        return _Floors(
            values=values,
            drawn=drawn[np.isfinite(drawn).all(axis=1)],
            remarks=(self._in_words(values), *sources),
        )

    def _in_words(self, values: Array) -> str:
        first, second = self.domains
        return f"floors {values[0]:.4g} for {first} and {values[1]:.4g} for {second}"

    def _reducible(self, name: RowName, floors: _Floors) -> Iterator[Row]:
        """Return the rows of the gap of reducible losses."""
        first, second = self.domains
        quantities = []
        for fits in self.fits:
            fresh = fits.against(second)  # keeps the quantity of one pair of floors
            ours, theirs = fresh.terms(first, second)
            scaled = Scaled.reducible(ours, theirs, floors.values)
            quantities.append(fresh.scaled_quantity(scaled, first))
        yield from self._laws(name, quantities, floors)

    def _laws(
        self, name: RowName, quantities: Sequence[Quantity], floors: _Floors | None = None
    ) -> Iterator[Row]:
        """Return the rows of one quantity, given in each corpus."""
        estimator = LINEAR[name.estimator]
        try:
            laws = [CorpusLaw.of(estimator, each, self.log_reference) for each in quantities]
        except FitError as error:
            yield from rows_without(self.shares, name, error.status, error.remarks)
            return
        except np.linalg.LinAlgError as error:
            remarks = [f"no solution: {error}"]
            yield from rows_without(self.shares, name, Status.NO_VARIATION, remarks)
            return
        covariance, dof = self._item_noise(name.subject, floors)
        shared = SharedLaws(
            laws=laws,
            known=[np.isfinite(each.values) for each in quantities],
            items=covariance,
            items_dof=dof,
            level=self.spec.level,
            floors=self._moved(laws, floors),
        )
        yield from rows_of(self.shares, name, shared, floors.remarks if floors else ())

    def _item_noise(self, subject: str, floors: _Floors | None) -> tuple[Array | None, float]:
        """Return the covariance of a gap or domain over draws of items, and degrees of freedom."""
        covariance, dof = None, float("inf")
        for place, domain in enumerate(self.domains):
            if subject in self.domains and subject != domain:
                continue
            if domain not in self._items:
                self._items[domain] = shared_item_covariance(self.corpora, domain)
            found = self._items[domain]
            if found is None:
                return None, float("inf")
            each = found[0]
            if floors is not None:
                loss = np.exp(np.concatenate([fits.values(domain) for fits in self.fits]))
                rates = np.nan_to_num(loss / (loss - floors.values[place]))
                each = np.outer(rates, rates) * each
            covariance = each if covariance is None else covariance + each
            dof = min(dof, found[1])
        return covariance, dof

    def _moved(self, laws: Sequence[CorpusLaw], floors: _Floors | None) -> Array | None:
        """Return level and slope of each corpus for drawn floors, (draw, corpus, 2)."""
        if floors is None or not len(floors.drawn):
            return None
        found = np.empty((len(floors.drawn), len(laws), 2))
        for place, (law, fits) in enumerate(zip(laws, self.fits, strict=True)):
            values = np.stack([np.exp(fits.values(name)) for name in self.domains])
            known = np.isfinite(values).all(axis=0)
            left = np.where(known, values, np.inf)[None] - floors.drawn[:, :, None]
            with np.errstate(invalid="ignore", divide="ignore"):
                gap = np.where(known, np.log(left[:, 0]) - np.log(left[:, 1]), 0.0)
            found[:, place] = gap @ law.averaging(known).T @ law.rows.T
        return found[np.isfinite(found).all(axis=(1, 2))]
