"""Variance of dbeta in a planned suite, by source.

For K budgets at x_k = log F_k with n_k sizes of s_k seeds each, and item bytes b:

    w_k     = (x_k - mean x) / Sxx
    V_runs  = sum_k w_k^2 [sigma_b^2 + (tau^2 + sigma_seed^2 / s_k) c_k / n_k]
    V_items = v_item b0 / b
    V_order = w' C_order w

c_k is the variance inflation of reading a budget at its optimum. It comes from the joint design
matrix of the estimator `joint` (`relscale.laws.estimators.joint_model`): with the row r that gives
dbeta from the sizes, c_k = n_k sum_i r_i^2 / w_k^2 over the sizes of budget k. It is 1 where every
budget has the same sizes, centred on its optimum. Read `slope_variance` first.
"""

from dataclasses import dataclass, replace

import numpy as np

from relscale.laws.cells import ROUNDING_VARIANCE, Array
from relscale.laws.estimators.joint_model import JointModel
from relscale.laws.fit_error import FitError
from relscale.laws.gap import combined_dof
from relscale.laws.noise import Moments, Pooled, combine, order_kernel
from relscale.laws.scatter_dof import Parts, scatter_dof
from relscale.planner.components import NoiseComponents

LN10 = float(np.log(10))
MIN_BUDGETS, MIN_SIZES = 3, 3
"""Fewer budgets show no budget effect; fewer sizes have no curve."""
SHARED = 0.5
"""Correlation of two gaps that have one baseline, where all domains are equally noisy."""


@dataclass(frozen=True, kw_only=True)
class PlannedDesign:
    """A suite of one corpus, as far as the variance of dbeta depends on it."""

    budgets: tuple[float, ...]
    """FLOPs of each budget, rising."""
    sizes: tuple[int, ...]
    """Sizes of each budget, evenly spread in log tokens."""
    seeds: tuple[int, ...]
    """Seeds of the sizes of each budget."""
    item_bytes: float
    """Bytes of evaluation items per domain."""
    offset: float = 0.0
    """Decades of tokens between a budget's optimum and the middle of its sizes."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: naming the first one that is wrong.
        """
        number = len(self.budgets)
        if number < MIN_BUDGETS:
            raise ValueError(
                f"--ladder {self.ladder}: {number} budget(s); a budget effect shows from "
                f"{MIN_BUDGETS} on"
            )
        if not all(np.isfinite(self.budgets)) or min(self.budgets) <= 0:
            raise ValueError(f"--ladder {self.ladder}: budgets are positive numbers of FLOPs")
        if any(np.diff(self.budgets) <= 0):
            raise ValueError(f"--ladder {self.ladder}: budgets must rise, each one once")
        for option, counts, least in (
            ("--sizes", self.sizes, MIN_SIZES),
            ("--seeds", self.seeds, 1),
        ):
            if len(counts) != number or min(counts) < least:
                raise ValueError(
                    f"{option} {'/'.join(map(str, counts))}: needs a number of {least} or more for "
                    f"each of the {number} budgets of --ladder {self.ladder}"
                )
        if not (np.isfinite(self.item_bytes) and self.item_bytes > 0):
            raise ValueError(f"--item-bytes {self.item_bytes}: a positive number is needed")

    @property
    def ladder(self) -> str:
        """The budgets, as the option names them."""
        return ",".join(f"{budget:g}".replace("e+", "e") for budget in self.budgets)

    @property
    def log_compute(self) -> Array:
        """Natural log of the budgets, (budget,)."""
        return np.log(np.array(self.budgets, dtype=np.float64))

    @property
    def span(self) -> float:
        """Natural log of the highest budget over the lowest."""
        return float(np.log(self.budgets[-1] / self.budgets[0]))

    @property
    def num_runs(self) -> int:
        """Runs of one corpus."""
        return sum(n * s for n, s in zip(self.sizes, self.seeds, strict=True))

    def distances(self, spread: float) -> list[Array]:
        """Return log10 tokens less the optimum's of the sizes of each budget, (size,) each."""
        return [np.linspace(-0.5, 0.5, number) * spread + self.offset for number in self.sizes]


@dataclass(frozen=True, kw_only=True)
class SlopeVariance:
    """Variance of dbeta of one gap, by source."""

    runs: float
    """From noise of the runs."""
    budgets: float
    """From budget effects: sigma_b^2 times the sum of w_k^2 for equal budgets."""
    items: float
    """From evaluation items."""
    order: float
    """From data orders that runs share."""
    dof: float
    """Degrees of freedom of the test of the slope."""
    inflation: Array
    """c_k, (budget,); NaN for a budget in the middle, which has no weight."""

    @property
    def total(self) -> float:
        """Variance of dbeta."""
        return self.runs + self.budgets + self.items + self.order

    @property
    def standard_error(self) -> float:
        """Standard error of dbeta."""
        return float(np.sqrt(self.total))

    @property
    def dominates(self) -> str:
        """Name of the largest part."""
        parts = ("runs", "budgets", "items", "order")
        return max(parts, key=lambda name: float(getattr(self, name)))


def slope_variance(
    design: PlannedDesign,
    noise: NoiseComponents,
    treatments: int = 1,
    corpora: int = 1,
    level: float = 0.95,
) -> SlopeVariance:
    """Return the variance of dbeta of a gap in a planned suite.

    Args:
        design: budgets, sizes, seeds and item bytes of each corpus.
        noise: components of log G.
        treatments: gaps of a corpus; all have one baseline, and their budget effects are pooled.
        corpora: corpora with the same design.
        level: of the intervals, for the degrees of freedom.

    Raises:
        ValueError: for several seeds where the noise between seeds is not known, or too few sizes
            for the joint fit.
    """
    model, order, unit = _model(design, noise)
    row = _rows(model, noise.budget**2 / unit)
    response = row @ model.member  # (2, budget)
    moments = _expected(model, noise.budget**2 / unit)
    if moments.run_dof < 1:
        raise ValueError(
            f"--sizes {'/'.join(map(str, design.sizes))}: the joint fit of {len(model.design)} "
            "sizes leaves no degree of freedom for their noise: plan more sizes"
        )
    pooled = _pooled(moments, noise.budget**2 / unit, treatments, corpora)
    found = combine(moments, pooled, row @ model.shape @ row.T, response @ response.T)
    of_order = float(row[1] @ order @ row[1])
    of_budgets = noise.budget**2 * float(response[1] @ response[1])
    of_runs = float(row[1] @ (unit * model.shape - order) @ row[1])
    of_items = noise.item**2 * noise.item_bytes / design.item_bytes
    own = of_runs + of_budgets + of_order
    return SlopeVariance(
        runs=of_runs,
        budgets=of_budgets,
        items=of_items,
        order=of_order,
        dof=combined_dof(own, of_items, found.dof, level),
        inflation=_inflation(design, row[1], model.member),
    )


def _model(design: PlannedDesign, noise: NoiseComponents) -> tuple[JointModel, Array, float]:
    """Return the joint model, the covariance that shared orders add, and the unit of the model.

    The covariance is (cell, cell); the shape of the model is the noise of the sizes without budget
    effects, in the unit: the variance of a mean size.

    Raises:
        ValueError: as `slope_variance`.
    """
    budget = np.repeat(np.arange(len(design.budgets)), design.sizes)
    seeds = np.array(design.seeds, dtype=np.float64)[budget]
    distance = np.concatenate(design.distances(noise.spread))
    compute = design.log_compute[budget]
    own = np.array([noise.variance_of_size(number) for number in design.seeds])[budget]
    tokens = compute / 2 + distance * LN10  # the optimum moves with the root of compute
    common = np.minimum(seeds[:, None], seeds) / np.outer(seeds, seeds)
    order = noise.order**2 * common * order_kernel(tokens)
    shape = np.diag(own) + order
    unit = max(float(np.mean(np.diag(shape))), ROUNDING_VARIANCE)
    shape = shape + (unit * 1e-9) * np.eye(len(shape))
    reference = float(np.mean(design.log_compute))
    try:
        model = JointModel.of(compute, distance, budget, shape / unit, reference)
    except FitError as error:
        raise ValueError(f"--sizes {'/'.join(map(str, design.sizes))}: {error}") from None
    return model, order, unit


def _rows(model: JointModel, ratio: float) -> Array:
    """Return the rows of generalised least squares for (level, dbeta), (2, cell).

    `ratio` is the budget variance in units of the run variance.
    """
    shape = model.shape + ratio * model.member @ model.member.T
    scaled = np.linalg.solve(shape, model.design).T
    return np.asarray(np.linalg.solve(scaled @ model.design, scaled)[:2])


def _expected(model: JointModel, ratio: float) -> Moments:
    """Return the expected mean squares about the line, in units of the run variance."""
    design = model.moments(np.zeros(len(model.design)))
    return replace(
        design,
        run_variance=1.0,
        scatter=design.scatter_dof + ratio * design.trace,
    )


def _pooled(own: Moments, ratio: float, treatments: int, corpora: int) -> Pooled | None:
    """Return the expected budget variance by all gaps, whose noise is half the baseline's."""
    if treatments * corpora == 1:
        return None
    contrasts = float(own.scatter_dof)
    parts = Parts(
        spread=(treatments - 1) * (1 - SHARED) * contrasts,
        mean=(1 - SHARED + treatments * SHARED) * contrasts,
        spread_dof=(treatments - 1) * contrasts,
        mean_dof=contrasts,
    )
    mean_trace = own.trace / own.scatter_dof
    return Pooled(
        budget_variance=ratio,
        unit=(1 + ratio * mean_trace) / mean_trace,
        dof=scatter_dof([parts] * corpora),
    )


def _inflation(design: PlannedDesign, row: Array, member: Array) -> Array:
    """Return c_k, (budget,), from the row that gives dbeta."""
    away = design.log_compute - design.log_compute.mean()
    weight = away / (away @ away)
    known = np.abs(weight) > 1e-9 * np.max(np.abs(weight))
    square = np.array(design.sizes) * ((row**2) @ member)
    return np.where(known, square / np.where(known, weight, 1.0) ** 2, np.nan)
