"""`relscale plan design`: which suite shows a slope, and what it costs."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from relscale.cli.options import options_of, with_options
from relscale.config.analysis import Compute
from relscale.config.base import Model

if TYPE_CHECKING:
    from relscale.planner.components import NoiseComponents
    from relscale.planner.menu import DesignGoal
    from relscale.planner.suite_cost import SuiteCost


class ExpectedNoise(Model):
    """Where the noise of the planned suite comes from."""

    from_: Path | None = None
    """Losses table of an earlier suite, from which the noise is estimated."""
    mapping: Path | None = None
    """Mapping of a table that is laid out in another way."""
    noise: str | None = None
    """Standard deviations of log G instead, such as run=.010,seed=.010,budget=.004; also order,
    item (of dbeta), item_bytes and spread (decades of tokens)."""
    family: str | None = None
    """Family of the table; the only one if left out."""
    baseline: str | None = None
    """Domain that the others are compared with."""
    metric: str | None = None
    """Metric of the table; the default is bits_per_byte or the only one."""
    compute: Compute = "training_flops"
    """Compute axis, a column of the table."""
    optimum_by: str = "validation"
    """Family whose loss locates the optima, or family_mean."""
    items: Path | None = None
    """Items table, for the noise of the items."""
    items_bytes: float = 1e6
    """Bytes per domain of that table."""
    shared_order: bool = False
    """Runs of one seed read one data order, in the table and in the planned suite."""


class Goal(Model):
    """The result that the suite should show."""

    dbeta: float | None = None
    """Slope to detect."""
    margin: float | None = None
    """Change of log G over the budgets that is to be shown to be small."""
    treatments: int | None = None
    """Gaps of a corpus; those of the table, or 1."""
    corpora: int = 1
    """Corpora to train on."""
    level: float = 0.95
    """Confidence level; tests of all gaps are at 1 - level together."""
    power: float = 0.8
    """Wanted power."""


class MenuOptions(Model):
    """Designs to compare: all combinations."""

    ladder: tuple[str, ...] = ()
    """Budgets in FLOPs, such as 1e18,3e18,1e19; may be repeated."""
    sizes: str = "4,6,8"
    """Sizes per budget to compare; 8/6/4 gives one number for each budget."""
    seeds: str = "1,2"
    """Seeds per size to compare, in the same way."""
    item_bytes: str = "1e6"
    """Bytes of items per domain to compare."""
    offset: float = 0.0
    """Decades of tokens between the optimum and the middle of the sizes."""


class CostOptions(Model):
    """Prices and speed."""

    config: tuple[Path, ...] = ()
    """Configuration whose recipe, sizes and costs are taken: config.yaml, then overlays (repeat
    the option)."""
    peak_flops: float = 989e12
    """Peak FLOPs per second of a device, without a configuration."""
    utilisation: float = 0.4
    """Share of the peak that training reaches, without a configuration."""
    price: float | None = None
    """Money per device-hour."""


class Written(Model):
    """Where the result goes."""

    out: Path | None = None
    """File for all designs: .csv, .parquet or .json."""


@with_options(ExpectedNoise, Goal, MenuOptions, CostOptions, Written)
def design(**values: Any) -> None:
    """Compare designs of a suite: cost, power, and what limits them."""
    from relscale.planner.menu import DesignGoal, DesignMenu
    from relscale.planner.menu import design as compare
    from relscale.planner.words import counts, ladder, numbers

    wanted, menu = options_of(Goal, values), options_of(MenuOptions, values)
    if not menu.ladder:
        raise ValueError("--ladder: state the budgets, such as --ladder 1e18,3e18,1e19,3e19")
    ladders = tuple(ladder(text) for text in menu.ladder)
    noise, treatments = _noise(options_of(ExpectedNoise, values))
    goal = DesignGoal(**{**dict(wanted), "treatments": wanted.treatments or treatments})
    choices = DesignMenu(
        ladders=ladders,
        sizes=counts("--sizes", menu.sizes),
        seeds=counts("--seeds", menu.seeds),
        item_bytes=numbers("--item-bytes", menu.item_bytes),
        offset=menu.offset,
    )
    budgets = sorted({budget for each in ladders for budget in each})
    found = compare(noise, choices, goal, _cost(options_of(CostOptions, values), goal, budgets))
    typer.echo(found.summary(), nl=False)
    path = values["out"]
    if path is not None:
        found.write(path)


def _noise(options: ExpectedNoise) -> "tuple[NoiseComponents, int]":
    """Return the components and the number of treatments.

    Raises:
        ValueError: unless exactly one source is given, or for a table that cannot be used.
    """
    from relscale.contract.io import read_table
    from relscale.planner.components import NoiseComponents, components_of
    from relscale.planner.given_table import GivenTable

    given = options.from_ is not None or options.mapping is not None
    if given == (options.noise is not None):
        raise ValueError(
            "--from FILE or --noise run=.010,seed=.010,budget=.004: state one of the two"
        )
    if options.noise is not None:
        return NoiseComponents.read(options.noise), 1
    table = GivenTable.read(
        options.from_,
        options.mapping,
        family=options.family,
        metric=options.metric,
        baseline=options.baseline,
        compute=options.compute,
        optimum_by=options.optimum_by,
    )
    items = None if options.items is None else read_table(options.items)
    found = components_of(
        table.frame, table.spec, table.where, items, options.items_bytes, options.shared_order
    )
    return found, table.num_treatments


def _cost(options: CostOptions, goal: "DesignGoal", budgets: list[float]) -> "SuiteCost":
    """Return the cost model.

    Raises:
        ValueError: for a negative price, or a configuration that cannot be used.
    """
    from relscale.planner.suite_cost import SuiteCost, device_costs, planned_runs

    cost = SuiteCost(
        costs=device_costs(options.peak_flops, options.utilisation),
        price=options.price,
        corpora=goal.corpora,
        domains=goal.treatments + 1,
    )
    if not options.config:
        return cost
    from relscale.config.load import load_experiment

    experiment = load_experiment(*options.config)
    return replace(cost, costs=experiment.costs, planned=planned_runs(experiment, budgets))
