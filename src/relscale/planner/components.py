"""Noise components of log G that a planned suite is expected to have.

They come from a losses table of an earlier suite (`components_of`) or are given
(`NoiseComponents.read`). The names are those of the table `noise`, but `run` is the noise of a size
beyond that of its seeds: a size with s seeds has the variance run^2 + seed^2 / s.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.scales import on_scale
from relscale.laws.cells import (
    Array,
    SuiteRuns,
    average_seeds,
    readings_of,
    seed_variance,
    suites_of,
)
from relscale.laws.fit import fit_baselines
from relscale.laws.inputs import prepare
from relscale.laws.noise import FamilyRatio, Moments, family_ratio
from relscale.laws.noise_model import NoiseModel
from relscale.laws.spec import LawSpec
from relscale.planner.given_table import GivenTable, Losses

LEVEL = 0.95
"""Of the intervals of the components."""
GIVEN = ("run", "seed", "budget", "order", "item")
"""Components that `--noise` names."""
USUAL_BYTES = 1e6
"""Bytes of items per domain at which a given `item` is meant, unless others are stated."""


@dataclass(frozen=True, kw_only=True)
class NoiseComponents:
    """Standard deviations of log G, and of dbeta for the items."""

    run: float
    """Of a size, in addition to its seeds (tau)."""
    seed: float = 0.0
    """Between seeds of a size; NaN where the table has one seed per size and `run` has both."""
    budget: float = 0.0
    """Of the effect of a budget, which moves all its sizes (sigma_b)."""
    order: float = 0.0
    """Of a data order that runs of one seed share; 0 where every run has its own."""
    item: float = 0.0
    """Standard deviation of dbeta from the evaluation items, at `item_bytes`."""
    item_bytes: float = USUAL_BYTES
    """Bytes of items per domain at which `item` is meant (b0)."""
    spread: float = 1.2
    """Decades of tokens that the sizes of a budget span."""
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Interval of each component that was estimated, by its name."""
    source: str = "given"
    """Where the components come from, in words."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: naming the first component that is negative or not finite.
        """
        for name in (*GIVEN, "item_bytes", "spread"):
            value = getattr(self, name)
            positive = name in ("item_bytes", "spread")
            if name == "seed" and np.isnan(value):
                continue
            if not (isfinite(value) and (value > 0 if positive else value >= 0)):
                raise ValueError(f"--noise: {name} is {value}: a number of 0 or more is needed")

    @classmethod
    def read(cls, text: str) -> "NoiseComponents":
        """Read components such as `run=.010,seed=.010,budget=.004`.

        Raises:
            ValueError: for a word that is not NAME=NUMBER, an unknown or repeated name, or without
                `run`.

        Examples:
            >>> NoiseComponents.read("run=.010,budget=.004").budget
            0.004
        """
        found: dict[str, float] = {}
        known = (*GIVEN, "item_bytes", "spread")
        for word in filter(None, (part.strip() for part in text.split(","))):
            name, sign, number = word.partition("=")
            if not sign or name not in known or name in found:
                raise ValueError(
                    f"--noise: {word!r} must be NAME=NUMBER, each name once; the names are "
                    f"{', '.join(known)}"
                )
            try:
                found[name] = float(number)
            except ValueError:
                raise ValueError(f"--noise: {word!r}: {number!r} is not a number") from None
        if "run" not in found:
            raise ValueError(f"--noise: {text!r} lacks run, the noise of a size (such as run=.010)")
        return cls(**found)  # type: ignore[arg-type]

    def at_upper_ends(self) -> "NoiseComponents":
        """Return the components at the upper ends of their intervals."""
        high = {name: ends[1] for name, ends in self.intervals.items()}
        return replace(
            self,
            run=high.get("run", self.run),
            seed=high.get("seed", self.seed),
            budget=high.get("budget", self.budget),
        )

    def variance_of_size(self, seeds: int) -> float:
        """Return the variance of log G of a size with a number of seeds.

        Raises:
            ValueError: for more than one seed where the noise between seeds is not known.
        """
        if not np.isnan(self.seed):
            return self.run**2 + self.seed**2 / seeds
        if seeds > 1:
            raise ValueError(
                f"--seeds {seeds}: the noise between seeds cannot be estimated from {self.source}, "
                "which has one seed per size: add runs with a second seed to the table, or state "
                "it with --noise"
            )
        return self.run**2

    def text(self) -> str:
        """Return the components in words, with their intervals."""
        words = []
        for each in fields(self):
            value = getattr(self, each.name)
            shown = each.name == "run" or each.name in self.intervals or value != 0
            if each.name not in GIVEN or not shown:
                continue
            if np.isnan(value):
                words.append(f"{each.name} not known (in run)")
                continue
            low, high = self.intervals.get(each.name, (np.nan, np.nan))
            interval = f" [{low:.2g}, {high:.2g}]" if isfinite(low) else ""
            of = f" of dbeta at {self.item_bytes:.3g} bytes" if each.name == "item" else ""
            words.append(f"{each.name} {value:.3g}{interval}{of}")
        return f"noise of log G ({self.source}): {', '.join(words)}"


def noise_components(
    losses: Losses,
    *,
    mapping: Path | str | None = None,
    items: pd.DataFrame | None = None,
    item_bytes: float = USUAL_BYTES,
    shared_order: bool = False,
    **settings: Any,
) -> NoiseComponents:
    """Estimate the noise components of log G from a losses table of an earlier suite.

    Args:
        losses: the table or its file.
        mapping: YAML file for a table that is laid out in another way.
        items: items table; without one the items have no noise.
        item_bytes: bytes of its items per domain.
        shared_order: whether runs of one seed read one data order.
        **settings: `family`, `baseline`, `metric` and other fields of `LawSpec`.

    Raises:
        ValueError: for a table that cannot be used, or whose runs do not separate the components.
    """
    table = GivenTable.read(losses, mapping, **settings)
    return components_of(table.frame, table.spec, table.where, items, item_bytes, shared_order)


def components_of(
    losses: pd.DataFrame,
    spec: LawSpec,
    where: str = "losses",
    items: pd.DataFrame | None = None,
    item_bytes: float = USUAL_BYTES,
    shared_order: bool = False,
) -> NoiseComponents:
    """Estimate the components from a losses table, over all gaps and corpora of a family.

    The budget effect is pooled over the gaps, as in their intervals. Estimates are by moments; a
    negative variance is 0 here.

    Args:
        losses: the losses table.
        spec: family, baseline and metric, the first one of the spec.
        where: words for the table in errors.
        items: items table; without one `item` is 0.
        item_bytes: bytes of its items per domain.
        shared_order: whether runs of one seed read one data order, in the table and in the planned
            suite; else that noise is a part of `run`.

    Raises:
        ValueError: for a table that cannot be used, or whose runs do not separate the components.
    """
    if spec.baseline is None:
        raise ValueError("--baseline: components are of gaps, which need a baseline")
    family, optimum = prepare(losses, spec, None, where)
    suites, metric = suites_of(family, optimum, spec), spec.metrics[0]
    model = NoiseModel(
        suites=suites,
        read=lambda metric, runs: readings_of(family, runs, metric),
        level=spec.level,
    )
    groups = [_moments(model, runs, spec) for runs in suites]
    gaps = [each for each in chain(*groups) if each.run_dof > 0]
    ratio = family_ratio(groups)
    if not gaps or ratio is None:
        raise ValueError(
            f"{where}: the components of the noise cannot be estimated: it takes three budgets "
            "with an optimum and at least three more sizes than the joint fit has terms. Add runs "
            "of several sizes at each budget, or give the components with --noise"
        )
    seed, seed_dof = _seed_variance(model, suites, spec, metric)
    every = {runs.corpus: None for runs in suites}
    order = model.order_share(metric, spec.baseline, every) if shared_order else 0.0
    counts = np.concatenate([_counts(runs) for runs in suites])
    found = _split(gaps, ratio, (seed, seed_dof), counts)
    item = 0.0 if items is None else _item_sd(losses, spec, items, where)
    of_order = order * (found.run**2 + np.nan_to_num(found.seed) ** 2)
    return replace(
        found,
        run=sqrt(max(found.run**2 - of_order, 0.0)),
        order=sqrt(of_order),
        item=item,
        item_bytes=item_bytes,
        spread=_spread(suites),
        source=Path(where).name,
    )


def _moments(model: NoiseModel, runs: SuiteRuns, spec: LawSpec) -> list[Moments]:
    """Return the mean squares of the gaps of a corpus that can be fitted."""
    metric, baseline = spec.metrics[0], str(spec.baseline)
    found = (
        model.moments(metric, runs.corpus, name, baseline)
        for name in model.treatments(metric, baseline)
    )
    return [each for each in found if each is not None]


def _split(
    gaps: Sequence[Moments],
    ratio: FamilyRatio,
    seeds: tuple[float, int],
    counts: Array,
) -> NoiseComponents:
    """Split the variance of a size into that of seeds and the rest, with intervals."""
    size = float(np.mean([each.run_variance for each in gaps]))
    dof = float(np.mean([each.run_dof for each in gaps])) * max(ratio.independent_gaps, 1.0)
    low, high = size * dof / _chi2(dof)
    seed, seed_dof = seeds
    between = 0.0 if np.isnan(seed) else seed * float(np.mean(1 / counts))
    intervals = {"run": (sqrt(max(low - between, 0.0)), sqrt(max(high - between, 0.0)))}
    if not np.isnan(seed):
        ends = seed * seed_dof / _chi2(seed_dof)
        intervals["seed"] = (float(sqrt(ends[0])), float(sqrt(ends[1])))
    ends = (ratio.inflation * ratio.dof / _chi2(ratio.dof) - 1) / ratio.mean_trace
    budgets = np.sqrt(np.maximum(ends * size, 0.0))
    intervals["budget"] = (float(budgets[0]), float(budgets[1]))
    return NoiseComponents(
        run=sqrt(max(size - between, 0.0)),
        seed=sqrt(seed) if not np.isnan(seed) else float("nan"),
        budget=sqrt(max(ratio.ratio * size, 0.0)),
        intervals=intervals,
    )


def _chi2(dof: float) -> Array:
    """Return the upper and the lower quantile of chi-squared."""
    return np.asarray(stats.chi2.ppf([0.5 + LEVEL / 2, 0.5 - LEVEL / 2], dof))


def _seed_variance(
    model: NoiseModel, suites: Iterable[SuiteRuns], spec: LawSpec, metric: str
) -> tuple[float, int]:
    """Return the mean variance between seeds over all gaps, and degrees of freedom of one gap."""
    assert spec.baseline is not None
    total, weight, dof = 0.0, 0, 0
    for runs in suites:
        here = 0
        for name in model.treatments(metric, spec.baseline):
            values = model.log_gap(metric, runs.corpus, name, spec.baseline)
            variance, known = seed_variance(values, runs.run_cell, runs.num_cells)
            if known:
                total, weight, here = total + variance * known, weight + known, max(here, known)
        dof += here
    return (total / weight if weight else float("nan")), dof


def _counts(runs: SuiteRuns) -> Array:
    """Return the number of seeds of each size, (cell,)."""
    _, count = average_seeds(np.zeros(len(runs.runs)), runs.run_cell, runs.num_cells)
    return np.asarray(count)


def _spread(suites: Sequence[SuiteRuns]) -> float:
    """Return the median over budgets of the decades of tokens that the sizes span."""
    spans = [
        float(np.ptp(runs.log10_tokens[runs.cell_budget == budget]))
        for runs in suites
        for budget in range(len(runs.budgets))
    ]
    return max(float(np.median(spans)), 1e-3)


def _item_sd(losses: pd.DataFrame, spec: LawSpec, items: pd.DataFrame, where: str) -> float:
    """Return the standard deviation of dbeta from the items: with less without their noise."""
    assert spec.baseline is not None
    joint = spec.model_copy(update={"estimators": ("joint",)})
    found = []
    for table in (items, None):
        rows = on_scale(fit_baselines(losses, joint, [spec.baseline], items=table))
        found.append(rows.set_index(["corpus", "treatment"])["standard_error"] ** 2)
    excess = (found[0] - found[1]).dropna()
    if excess.empty:
        raise ValueError(f"{where}: no gap has item noise: give --noise with item=...")
    return sqrt(max(float(excess.median()), 0.0))
