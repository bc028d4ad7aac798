"""Cost of a planned design: training and evaluation apart, by the plan's own cost model.

With a configuration the runs are planned by its recipe (`relscale.plan`), and a run takes
`relscale.plan.cost.run_seconds`. Without one a run of F FLOPs takes F / (peak x utilisation), and
its parameters and tokens are those of F = 6 N D with `TOKENS_PER_PARAMETER` at the middle size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, sqrt

import numpy as np

from relscale.config.costs import Costs
from relscale.config.experiment import Experiment
from relscale.config.suite import Budget
from relscale.plan.cost import assumptions, run_seconds
from relscale.plan.planned_run import Run
from relscale.plan.suite import plan_suite
from relscale.planner.slope_variance import PlannedDesign

TOKENS_PER_PARAMETER = 20.0
"""Hoffmann et al. (2022), table 3, to one digit."""
BYTES_PER_TOKEN = 4.0
"""Of evaluation items, where nothing else is known."""
ASSUMED = Costs(device="gpu", peak_flops_per_s=989e12, utilisation=0.4)
"""An H100's dense bfloat16 peak, of which large matrices reach about 40 %."""


def six_nd(params: float, tokens: float) -> float:
    """Return the training FLOPs of a dense decoder, C = 6 N D (Kaplan et al., 2020, section 2.1).

    Examples:
        The largest model of Brown et al. (2020) has 175e9 parameters and read 300e9 tokens.

        >>> f"{six_nd(175e9, 300e9):.3g}"
        '3.15e+23'
    """
    return 6 * params * tokens


def chinchilla_model(flops: float, ratio: float = TOKENS_PER_PARAMETER) -> tuple[float, float]:
    """Return parameters and tokens at a ratio of tokens per parameter, with C = 6 N D.

    Examples:
        Hoffmann et al. (2022) trained 70e9 parameters on 1.4e12 tokens for 5.88e23 FLOPs, with
        about 20 tokens per parameter.

        >>> params, tokens = chinchilla_model(six_nd(70e9, 1.4e12))
        >>> f"{params:.3g} {tokens:.3g} {tokens / params:.3g}"
        '7e+10 1.4e+12 20'
    """
    params = sqrt(flops / 6 / ratio)
    return params, params * ratio


def device_costs(peak_flops: float, utilisation: float) -> Costs:
    """Return the speed of a device.

    Raises:
        ValueError: naming the option, for a peak below 1 or a utilisation that is not a share.
    """
    if not (isfinite(peak_flops) and peak_flops >= 1):
        raise ValueError(f"--peak-flops {peak_flops}: a number of FLOPs per second is needed")
    if not 1e-6 <= utilisation < 1:
        raise ValueError(f"--utilisation {utilisation}: a share above 0 and below 1 is needed")
    return Costs(device="gpu", peak_flops_per_s=peak_flops, utilisation=utilisation)


def check_price(price: float | None) -> None:
    """Check a price per device-hour.

    Raises:
        ValueError: for a price that is not a number of 0 or more.
    """
    if price is not None and not (isfinite(price) and price >= 0):
        raise ValueError(f"--price {price}: a price per device-hour of 0 or more is needed")


@dataclass(frozen=True, kw_only=True)
class DesignCost:
    """Cost of a design over all corpora."""

    training_flops: float
    """Of all runs."""
    training_hours: float
    """Device-hours of training."""
    evaluation_hours: float
    """Device-hours of scoring the items with every run."""
    money: float
    """At the price; NaN without one."""

    @property
    def hours(self) -> float:
        """Device-hours of training and evaluation."""
        return self.training_hours + self.evaluation_hours


@dataclass(frozen=True, kw_only=True)
class SuiteCost:
    """Cost model of planned designs."""

    costs: Costs = ASSUMED
    """Speed of the device."""
    price: float | None = None
    """Money per device-hour."""
    corpora: int = 1
    """Corpora that are trained on."""
    domains: int = 2
    """Domains that every run is scored on."""
    planned: Mapping[float, Sequence[Run]] = field(default_factory=dict)
    """Runs of one corpus and seed by budget, by rising size; empty without a recipe."""

    def __post_init__(self) -> None:
        """Check the price.

        Raises:
            ValueError: for a negative price or one that is not a number.
        """
        check_price(self.price)

    def of(self, design: PlannedDesign, spread: float) -> DesignCost:
        """Return the cost of a design.

        Args:
            design: the suite of one corpus.
            spread: decades of tokens that the sizes of a budget span.
        """
        flops, training, evaluation = 0.0, 0.0, 0.0
        speed = self.costs.peak_flops_per_s * self.costs.utilisation
        scored = design.item_bytes * self.domains / BYTES_PER_TOKEN
        parts = zip(
            design.budgets, design.sizes, design.seeds, design.distances(spread), strict=True
        )
        for budget, sizes, seeds, distance in parts:
            runs = self.planned.get(budget)
            if runs is not None:
                chosen = _evenly(runs, sizes)
                each = [float(run.training_flops) for run in chosen]
                seconds = [run_seconds(run, self.costs) for run in chosen]
                per_token = [run.counting.forward_flops_per_token(run.shape) for run in chosen]
                forward = float(np.mean(per_token))
            else:
                each, seconds = [budget], [self.costs.start_s + budget / speed]
                params, _ = chinchilla_model(budget)
                forward = 2 * float(np.mean(params * 10**-distance))
            number = sizes * seeds * self.corpora
            flops += number * float(np.mean(each))
            training += number * float(np.mean(seconds))
            evaluation += number * (self.costs.start_s + forward * scored / speed)
        hours = (training + evaluation) / 3600
        return DesignCost(
            training_flops=flops,
            training_hours=training / 3600,
            evaluation_hours=evaluation / 3600,
            money=float("nan") if self.price is None else hours * self.price,
        )

    def text(self) -> str:
        """Return the assumptions in words."""
        runs = (
            "sizes and FLOPs of the recipe"
            if self.planned
            else "C = 6 N D, 20 tokens per parameter at the middle size"
        )
        price = "" if self.price is None else f"; {self.price:g} per device-hour"
        return (
            f"cost: {assumptions(self.costs).partition(';')[0]}; {runs}; {self.domains} domains of "
            f"items at {BYTES_PER_TOKEN:g} bytes per token, scored once by every run{price}"
        )


def planned_runs(experiment: Experiment, budgets: Sequence[float]) -> dict[float, list[Run]]:
    """Return the runs that a configuration's recipe plans at each budget, by rising size.

    Args:
        experiment: the configuration.
        budgets: FLOPs, as the recipe labels budgets.

    Raises:
        ValueError: for a budget that the configuration lacks while its recipe needs listed sizes,
            or that the recipe cannot meet.
    """
    suite = experiment.suite
    known = {float(budget.label): budget for budget in suite.budgets}
    found = {}
    for flops in budgets:
        budget = known.get(flops)
        if budget is None:
            if suite.recipe.shapes_problem(None) is not None:
                raise ValueError(
                    f"--ladder: budget {flops:g} is not in the configuration, and recipe "
                    f"{suite.recipe.name} needs listed sizes: add it to suite.budgets"
                )
            budget = Budget(label=f"{flops:.12g}")
        one = suite.model_copy(
            update={
                "budgets": [budget.model_copy(update={"seeds": None})],
                "corpora": suite.corpora[:1],
                "seeds": suite.seeds[:1],
                "replicates": [],
                "arms": {},
            }
        )
        runs = plan_suite(one, experiment.tokenizer.vocab_size)
        found[flops] = sorted(runs, key=lambda run: run.tokens, reverse=True)
    return found


def _evenly(runs: Sequence[Run], number: int) -> list[Run]:
    """Return a number of runs, evenly spread over those of the recipe; all where it has fewer."""
    places = np.unique(np.linspace(0, len(runs) - 1, min(number, len(runs))).round().astype(int))
    return [runs[int(place)] for place in places]
