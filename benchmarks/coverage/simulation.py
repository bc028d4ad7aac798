"""Suites of a scenario: drawn, and fitted by an estimator."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache, partial

import numpy as np

from relscale.laws.auto_model import NAME as AUTO
from relscale.laws.auto_model import AutoModel, auto_model
from relscale.laws.cells import Array, Readings, SuiteRuns
from relscale.laws.estimators.base import Peers, Quantity, Term
from relscale.laws.estimators.registry import ESTIMATORS
from relscale.laws.estimators.surface import LN10
from relscale.laws.fit_error import FitError
from relscale.laws.gap import GapFit
from relscale.laws.gap_laws.ratio_of_losses import FittedRatio
from relscale.laws.noise_model import NoiseModel
from relscale.laws.optima.isoflop import fit_isoflop
from relscale.laws.spec import LawSpec
from relscale.laws.surface_fit.reader import SurfaceReader

from .scenarios import (
    ITEM_NOISE_SD,
    ITEM_SD,
    ITEM_SLOPE_SD,
    ORDER_LENGTH,
    RATIO_SD,
    RUN_SD,
    SCENARIOS,
    Scenario,
    design_of,
)
from .truth import curves

SEED = 0
"""First part of the seed of a suite; the second is its number."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A gap of a simulated suite."""

    corpus: int
    """Number of its corpus."""
    treatment: int
    """Number of its treatment."""
    fit: GapFit | None
    """Its fit; None without an estimate."""


class Simulator:
    """Draws suites of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        """Compute all that does not depend on the draws."""
        self.scenario, self.design = scenario, design_of(scenario)
        design = self.design
        truth, self.planted = curves(design, scenario)
        self.of_run = truth[:, design.run_cell]  # (2 + treatment, run)
        domains, runs = scenario.treatments + 1, len(design.runs)
        self.budget = design.cell_budget[design.run_cell]
        half = np.full(domains, scenario.budget_sd / np.sqrt(2))
        if scenario.unequal:
            half[1::2] *= 2
        if scenario.baseline_budget_sd is not None:
            half[0] = scenario.baseline_budget_sd
        self.budget_sd = half[:, None]
        noise = np.full((domains, runs), RATIO_SD / np.sqrt(2))
        noise[0] *= scenario.baseline_sd
        size = np.log(design.params_model[design.run_cell])
        place = (size - size.min()) / np.ptp(size)
        self.run_sd = noise * np.exp((0.5 - place) * np.log(scenario.largest_noise))
        tokens = design.log10_tokens[design.run_cell] * LN10
        near = np.exp(-np.abs(tokens[:, None] - tokens) / ORDER_LENGTH)
        seed = np.array([int(name.rsplit("-s", 1)[1]) for name in design.runs])
        same = seed[:, None] == seed if scenario.order_is_shared else np.eye(runs)
        self.order = (
            scenario.order_sd / np.sqrt(2) * np.linalg.cholesky(near * same + 1e-9 * np.eye(runs))
        )
        self.item_dof = scenario.items // scenario.cluster - 1 if scenario.items else float("inf")
        self.centred = (design.log_compute - design.log_compute.mean())[design.run_cell]

    def draw(self, rng: np.random.Generator) -> tuple[SuiteRuns, Array, list[Array | None]]:
        """Draw the runs of one corpus.

        Returns:
            The runs with their score, the log values, (domain, run) with the baseline first, and
            the item covariance of every domain.
        """
        domains, runs = self.run_sd.shape
        shared = rng.normal(0, RUN_SD, runs)
        values = self.of_run[1:] + shared + self.run_sd * rng.normal(size=(domains, runs))
        effects = self.budget_sd * rng.normal(size=(domains, len(self.design.budgets)))
        values = values + effects[:, self.budget]
        if self.scenario.order_sd:
            values = values + rng.normal(size=(domains, runs)) @ self.order.T
        covariances: list[Array | None] = [None] * domains
        if self.scenario.items:
            for domain in range(domains):
                shift, covariances[domain] = self._items(rng)
                values[domain] += shift
        return replace(self.design, score=self.of_run[0] + shared), values, covariances

    def _items(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw items: the shift of a domain's log values, and its covariance over draws of items.

        The covariance is that of infinitely many draws of clusters, to first order.
        """
        number = self.scenario.items // self.scenario.cluster

        def normal(sd: float) -> Array:
            own = rng.normal(0, sd, (number, self.scenario.cluster))
            if self.scenario.cluster == 1:
                return own
            return (own + rng.normal(0, sd, (number, 1))) / np.sqrt(2)

        level = np.exp(normal(ITEM_SD) - ITEM_SD**2 / 2)
        errors = level * (1 + self.centred[:, None, None] * normal(ITEM_SLOPE_SD))
        errors = errors + rng.normal(0, ITEM_NOISE_SD, errors.shape)
        mean = errors.mean(axis=(1, 2))
        influence = (errors / mean[:, None, None] - 1).sum(axis=2) / self.scenario.items
        return np.log(mean), influence @ influence.T * number / (number - 1)


@cache
def simulator_of(name: str) -> Simulator:
    """Return the simulator of a scenario."""
    return Simulator(SCENARIOS[name])


def fit_suite(simulator: Simulator, suite: int, estimator: str, draws: int) -> list[Gap]:
    """Draw a suite and fit its gaps.

    Args:
        simulator: of the scenario.
        suite: number of the suite; the same number gives the same suite.
        estimator: name of the estimator.
        draws: number of draws, for estimators that draw.
    """
    rng = np.random.default_rng([SEED, suite])
    drawn = [simulator.draw(rng) for _ in range(simulator.scenario.corpora)]
    names = ("base", *(f"treat{k}" for k in range(simulator.scenario.treatments)))
    readings = {
        f"corpus{k}": Readings(
            domains=names,
            log_error=values,
            at_chance=np.zeros(values.shape, dtype=bool),
            left_out=frozenset(),
            notes=(),
        )
        for k, (_, values, _) in enumerate(drawn)
    }
    suites = [replace(runs, corpus=f"corpus{k}") for k, (runs, _, _) in enumerate(drawn)]
    model = NoiseModel(suites=suites, read=partial(_values_of, readings))
    settings = LawSpec(family="topics", draws=draws)
    found = []
    for corpus, (runs, (_, values, covariances)) in enumerate(zip(suites, drawn, strict=True)):
        terms = [
            Term(log_error=value, item_covariance=covariance, item_dof=simulator.item_dof)
            for value, covariance in zip(values, covariances, strict=True)
        ]
        for treatment, gap in enumerate(_gaps(runs, terms, names, model, settings)):
            found.append(Gap(corpus=corpus, treatment=treatment, fit=_fit(gap, estimator)))
    return found


def _gaps(
    runs: SuiteRuns,
    terms: Sequence[Term],
    names: Sequence[str],
    model: NoiseModel,
    settings: LawSpec,
) -> list[Quantity]:
    """Return the gaps of a corpus, each a peer of the others."""
    fits = fit_isoflop(runs)
    reader = SurfaceReader(runs, fits, settings)
    gaps: list[Quantity] = []
    peers = Peers(quantities=partial(list, gaps))
    gaps += [
        Quantity(
            runs=runs,
            fits=fits,
            terms=(term, terms[0]),
            spec=settings,
            reader=reader,
            family=model.of_gap("", runs.corpus, name, names[0]),
            peers=peers,
        )
        for name, term in zip(names[1:], terms[1:], strict=True)
    ]
    return gaps


def _values_of(readings: dict[str, Readings], metric: str, runs: SuiteRuns) -> Readings:
    """Return the drawn values of a corpus; there is one metric."""
    del metric
    return readings[runs.corpus]


def _fit(gap: Quantity, estimator: str) -> GapFit | None:
    try:
        if estimator != AUTO:
            return ESTIMATORS[estimator].fit(gap)
        return _without_remarks(auto_model(gap)).fit()
    except FitError:
        return None


class Unjudged(FittedRatio):
    """A ratio of two losses whose parameters are not judged.

    A remark says whether the runs identify them. That takes profile intervals, a third of the time
    of a suite, and changes no number.
    """

    remarks: tuple[str, ...] = ()  # type: ignore[assignment]


def _without_remarks(model: AutoModel) -> AutoModel:
    """Return the model without the remarks on parameters that are not identified."""
    taken = model.choice.taken
    if not isinstance(taken.fitted, FittedRatio):
        return model
    known = {each.name: getattr(taken.fitted, each.name) for each in fields(taken.fitted)}
    choice = replace(model.choice, taken=replace(taken, fitted=Unjudged(**known)))
    return replace(model, choice=choice)
