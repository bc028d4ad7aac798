"""Training FLOPs of a model with N parameters and D tokens, by three ways of counting.

Each is a `CostRule`: FLOPs per token and parameter as a function of N. `SixND` counts 6 N D,
`OwnCount` as the runs of a losses table were counted, and `RecipeCount` as a recipe counts the
shapes that it builds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from relscale.config.experiment import Experiment
from relscale.laws.cells import Array
from relscale.laws.paths import Cost
from relscale.plan.accounting import TRAINING_OVER_FORWARD, count_parameters
from relscale.plan.recipes.base import PlannedSize

WIDEST = 256
"""Widths of listed recipes are looked for up to this many heads."""


class CostRule(Protocol):
    """A way of counting training FLOPs."""

    @property
    def words(self) -> str:
        """How FLOPs are counted."""

    def log_rate(self, log_params: Array) -> Array:
        """Return the natural log of F / (N D) at natural logs of N."""


@dataclass(frozen=True, kw_only=True)
class SixND:
    """F = 6 N D (Kaplan et al., 2020, section 2.1)."""

    words: str = "6 N D"

    def log_rate(self, log_params: Array) -> Array:
        """Return log 6."""
        return np.full_like(log_params, np.log(6.0))


@dataclass(frozen=True, kw_only=True)
class OwnCount:
    """The count of a table's runs, as a power of N between its smallest and largest size."""

    cost: Cost
    """Its FLOPs per token and parameter."""

    @property
    def words(self) -> str:
        """How FLOPs are counted."""
        low, high = np.exp(self.cost.log_rate(np.array([self.cost.low, self.cost.high])))
        if abs(low - high) < 0.005 * high:
            return f"{high:.3g} N D, as in the table"
        return f"as in the table: {low:.3g} N D at its smallest and {high:.3g} at its largest size"

    def log_rate(self, log_params: Array) -> Array:
        """Return the rate; it is constant beyond the sizes of the table."""
        return self.cost.log_rate(log_params)


@dataclass(frozen=True, kw_only=True)
class RecipeCount:
    """The exact FLOPs of the shapes that a recipe builds at one budget."""

    name: str
    """Name of the recipe."""
    sizes: Sequence[PlannedSize]
    """Sizes that it builds."""
    all_params: bool
    """Whether N counts all parameters, or transformer and head alone."""
    log_sizes: Array
    """Natural log of their N, rising, (size,)."""
    log_rates: Array
    """Natural log of their F / (N D), (size,)."""

    @property
    def words(self) -> str:
        """How FLOPs are counted."""
        return f"exact FLOPs of recipe {self.name}"

    @classmethod
    def of(cls, experiment: Experiment, flops: float, all_params: bool) -> "RecipeCount":
        """Look for the shapes that a configuration's recipe builds at a budget.

        Args:
            experiment: the configuration.
            flops: training FLOPs.
            all_params: whether N counts all parameters.

        Raises:
            ValueError: if the recipe builds no shape at the budget.
        """
        recipe = experiment.suite.recipe
        counting = recipe.counting
        times = 1 if counting.label == "training_flops" else TRAINING_OVER_FORWARD
        derived = recipe.shapes_problem(None) is None
        grid = recipe.grid(
            f"{flops / times:.10g}",
            None if derived else _shapes(experiment),
            experiment.tokenizer.vocab_size,
        )
        if not grid.sizes:
            raise ValueError(
                f"--flops {flops:g}: recipe {recipe.name} builds no shape with this budget: take "
                "another one, or leave --config out"
            )
        rows = []
        for size in grid.sizes:
            parameters = count_parameters(size.shape)
            number = parameters.total - (0 if all_params else parameters.embedding)
            rate = TRAINING_OVER_FORWARD * counting.forward_flops_per_token(size.shape) / number
            rows.append((np.log(number), np.log(rate), size))
        rows.sort(key=lambda row: (row[0], row[2].label))
        return cls(
            name=recipe.name,
            sizes=tuple(size for _, _, size in rows),
            all_params=all_params,
            log_sizes=np.array([row[0] for row in rows]),
            log_rates=np.array([row[1] for row in rows]),
        )

    def log_rate(self, log_params: Array) -> Array:
        """Return the rate on a quadratic in log N through the shapes, constant beyond them."""
        degree = min(2, len(np.unique(self.log_sizes)) - 1)
        middle = float(self.log_sizes.mean())
        fit = np.polyfit(self.log_sizes - middle, self.log_rates, degree)
        within = np.clip(log_params, self.log_sizes[0], self.log_sizes[-1])
        return np.asarray(np.polyval(fit, within - middle))

    def nearest(self, log_params: float) -> int:
        """Return the place of the shape with the nearest N."""
        return int(np.argmin(np.abs(self.log_sizes - log_params)))


def _shapes(experiment: Experiment) -> list[str]:
    """Return shapes of a recipe that lists its sizes: proportions as in the configuration."""
    listed = [
        tuple(int(part) for part in label.split("x"))
        for budget in experiment.suite.budgets
        for label in budget.shapes or ()
    ]
    proportions = [width / layers for width, layers in listed]
    head = int(getattr(experiment.suite.recipe, "head_dim", 16))
    found = []
    for width in range(head, head * WIDEST + 1, head):
        fewest = max(1, int(np.ceil(width / max(proportions))))
        found += [
            f"{width}x{layers}"
            for layers in range(fewest, int(width / min(proportions)) + 1)
            if width <= 16 * head or width % (4 * head) == 0
        ]
    return found
