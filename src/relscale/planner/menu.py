"""Designs to choose from, and which of them are worth their cost: `relscale plan design`.

`design` returns `Designs`: a table with the cost, the power and the half-width of every design of a
menu, the cheapest one that has the wanted power, and what twice its cost buys.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from relscale.contract.io import write_table
from relscale.contract.table import Table, flags, floats, integers, text
from relscale.files import write_json
from relscale.laws.cells import Array
from relscale.planner.components import NoiseComponents
from relscale.planner.design_text import summary_of, words_of
from relscale.planner.power import power_of_difference, power_of_equivalence
from relscale.planner.slope_variance import PlannedDesign, SlopeVariance, slope_variance
from relscale.planner.suite_cost import SuiteCost

MOST_DESIGNS = 5000
"""Designs of a menu."""
DESIGN = Table(
    name="design",
    description="Designs of a menu with their cost and power.",
    key=("ladder", "sizes", "seeds", "item_bytes"),
    columns={
        **text("ladder", "sizes", "seeds"),
        **floats("item_bytes"),
        **integers("runs"),
        **floats("training_flops", "training_hours", "evaluation_hours", "hours", "money"),
        **floats("standard_error", "dof", "half_width"),
        **floats("variance_runs", "variance_budgets", "variance_items", "variance_order"),
        **text("dominates"),
        **floats("power_difference", "power_equivalence", "power", "power_low"),
        **flags("pareto"),
    },
)


@dataclass(frozen=True, kw_only=True)
class DesignGoal:
    """The result that a design should show."""

    dbeta: float | None = None
    """Slope to detect; None asks for no difference."""
    margin: float | None = None
    """Largest change of log G over the budgets that is shown to be small; None asks for none."""
    treatments: int = 1
    """Gaps of a corpus."""
    corpora: int = 1
    """Corpora; the tests of all gaps of all corpora are adjusted together."""
    level: float = 0.95
    """Confidence level of the intervals; the tests are at 1 - level together."""
    power: float = 0.8
    """Wanted power."""

    def __post_init__(self) -> None:
        """Check the goal.

        Raises:
            ValueError: naming the first option that is wrong.
        """
        if self.dbeta is None and self.margin is None:
            raise ValueError("--dbeta or --margin: state the slope to detect or the margin to show")
        for name in ("dbeta", "margin"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise ValueError(f"--{name} {value}: a positive number is needed")
        for name in ("treatments", "corpora"):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} {getattr(self, name)}: 1 or more are needed")
        for name, low in (("level", 0.5), ("power", 0.0)):
            if not low < getattr(self, name) < 1:
                raise ValueError(f"--{name} {getattr(self, name)}: must be above {low:g}, below 1")

    @property
    def gaps(self) -> int:
        """Gaps that are adjusted together."""
        return self.treatments * self.corpora

    def powers(self, variance: SlopeVariance, span: float) -> tuple[float, float]:
        """Return the power of the difference and of equivalence; NaN where it is not asked for.

        Args:
            variance: of dbeta.
            span: natural log of the highest budget over the lowest.
        """
        error, dof, alpha = variance.standard_error, variance.dof, 1 - self.level
        return (
            float("nan")
            if self.dbeta is None
            else power_of_difference(self.dbeta, error, dof, self.gaps, alpha),
            float("nan")
            if self.margin is None
            else power_of_equivalence(0.0, self.margin, error * span, dof, self.gaps, alpha),
        )

    def text(self) -> str:
        """Return the goal in words."""
        parts = []
        if self.dbeta is not None:
            parts.append(f"to detect a slope dbeta of {self.dbeta:g}")
        if self.margin is not None:
            parts.append(
                f"to show that a constant gap changes by less than {self.margin:g} in log G"
            )
        return (
            f"{' and '.join(parts)}, {self.gaps} gap(s) adjusted together, tests at "
            f"{1 - self.level:.2g}"
        )


@dataclass(frozen=True, kw_only=True)
class DesignMenu:
    """Values of which every combination is a design."""

    ladders: tuple[tuple[float, ...], ...]
    """Budgets of a suite in FLOPs, one tuple per choice."""
    sizes: tuple[tuple[int, ...], ...] = ((6,),)
    """Sizes per budget; one number for all budgets, or one for each."""
    seeds: tuple[tuple[int, ...], ...] = ((1,),)
    """Seeds per size, in the same way."""
    item_bytes: tuple[float, ...] = (1e6,)
    """Bytes of evaluation items per domain."""
    offset: float = 0.0
    """Decades of tokens between a budget's optimum and the middle of its sizes."""

    def __iter__(self) -> Iterator[PlannedDesign]:
        """Return the designs.

        Raises:
            ValueError: for a design that cannot be, or a menu of more than `MOST_DESIGNS`.
        """
        number = len(self.ladders) * len(self.sizes) * len(self.seeds) * len(self.item_bytes)
        if not 0 < number <= MOST_DESIGNS:
            raise ValueError(
                f"the menu has {number} designs: state 1 to {MOST_DESIGNS} combinations of "
                "--ladder, --sizes, --seeds and --item-bytes"
            )
        for ladder, sizes, seeds, item_bytes in product(
            self.ladders, self.sizes, self.seeds, self.item_bytes
        ):
            yield PlannedDesign(
                budgets=ladder,
                sizes=sizes * len(ladder) if len(sizes) == 1 else sizes,
                seeds=seeds * len(ladder) if len(seeds) == 1 else seeds,
                item_bytes=item_bytes,
                offset=self.offset,
            )


@dataclass(frozen=True, kw_only=True, repr=False)
class Designs:
    """Every design of a menu, and the one to take."""

    table: pd.DataFrame
    """Rows of `DESIGN`, by rising cost."""
    goal: DesignGoal
    """The result that is wanted."""
    noise: NoiseComponents
    """Expected noise of log G."""
    cost: SuiteCost
    """How cost was counted."""
    best: int = field(default=0)
    """Row of the cheapest design that has the wanted power."""
    doubled: int | None = None
    """Row of the most powerful design for at most twice that cost; None where no other is better
    or half-widths do not shrink."""

    def __repr__(self) -> str:
        """Return one line."""
        cheapest = words_of(self.table.iloc[self.best])
        return f"<Designs: {len(self.table)} designs; the cheapest: {cheapest}>"

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Assumptions behind the numbers, one sentence each."""
        low = ("(low): power with every component at the upper end of its interval",)
        return (
            self.noise.text(),
            f"the goal is {self.goal.text()}; power is that of the first step of the adjustment",
            f"sizes span {self.noise.spread:.2g} decades of tokens about the optimum, which is "
            "located without error; dbeta is the slope of a straight line",
            self.cost.text(),
            *(low if self.noise.intervals else ()),
        )

    def summary(self) -> str:
        """Return the table to decide from, the decision in words, and the assumptions."""
        power = self.goal.power
        return summary_of(self.table, self.best, self.doubled, power, self.assumptions)

    def write(self, path: Path) -> None:
        """Write the designs as CSV, Parquet or JSON, by the ending."""
        if path.suffix.lower() != ".json":
            write_table(self.table, path, DESIGN)
            return
        rows = self.table.astype(object).where(self.table.notna(), None).to_dict("records")
        write_json(
            path,
            {"designs": rows, "cheapest": self.best, "for_twice_the_cost": self.doubled,
             "assumptions": list(self.assumptions)},
        )  # fmt: skip


def design(
    noise: NoiseComponents, menu: DesignMenu, goal: DesignGoal, cost: SuiteCost | None = None
) -> Designs:
    """Compare the designs of a menu: what they cost, and how likely they are to show a result.

    Args:
        noise: components of log G; see `relscale.planner.components`.
        menu: designs to compare.
        goal: slope to detect, margin to show, or both.
        cost: cost model; by default that of an H100 and C = 6 N D.

    Returns:
        The designs by rising cost.

    Raises:
        ValueError: for a menu that holds no possible design, or none with the wanted power; the
            message names the best one and the largest part of its variance.
    """
    if cost is None:
        cost = SuiteCost(corpora=goal.corpora, domains=goal.treatments + 1)
    rows = [_row(each, noise, goal, cost) for each in menu]
    table = pd.DataFrame(rows).sort_values(["hours", "half_width"], kind="stable")
    table = table.reset_index(drop=True)
    table["pareto"] = pareto(table["hours"].to_numpy(), -table["power"].to_numpy())
    table = table[list(DESIGN.names)]
    enough = np.flatnonzero(table["power"] >= goal.power)
    if not len(enough):
        raise ValueError(_too_weak(table, goal))
    best = int(enough[0])
    within = table[table["hours"] <= 2 * table["hours"].iloc[best]]
    doubled = int(within.sort_values(["power", "half_width"], ascending=[False, True]).index[0])
    better = table["half_width"].iloc[doubled] < table["half_width"].iloc[best]
    return Designs(
        table=table,
        goal=goal,
        noise=noise,
        cost=cost,
        best=best,
        doubled=doubled if better else None,
    )


def pareto(cost: Array, loss: Array) -> list[bool]:
    """Return whether no other row costs at most as much and is better, one per row.

    Args:
        cost: (row,).
        loss: (row,), lower is better.
    """
    found = []
    for one, other in zip(cost, loss, strict=True):
        cheaper = (cost <= one) & (loss <= other) & ((cost < one) | (loss < other))
        found.append(not bool(cheaper.any()))
    return found


def _row(
    planned: PlannedDesign, noise: NoiseComponents, goal: DesignGoal, cost: SuiteCost
) -> dict[str, object]:
    """Return the row of a design."""
    options = goal.treatments, goal.corpora, goal.level
    found = slope_variance(planned, noise, *options)
    worst = slope_variance(planned, noise.at_upper_ends(), *options)
    bill = cost.of(planned, noise.spread)
    powers = goal.powers(found, planned.span)
    quantile = float(stats.t.ppf(0.5 + goal.level / 2, found.dof))
    return {
        "ladder": planned.ladder,
        "sizes": _counts(planned.sizes),
        "seeds": _counts(planned.seeds),
        "item_bytes": planned.item_bytes,
        "runs": planned.num_runs * goal.corpora,
        "training_flops": bill.training_flops,
        "training_hours": bill.training_hours,
        "evaluation_hours": bill.evaluation_hours,
        "hours": bill.hours,
        "money": bill.money,
        "standard_error": found.standard_error,
        "dof": found.dof,
        "half_width": quantile * found.standard_error,
        "variance_runs": found.runs,
        "variance_budgets": found.budgets,
        "variance_items": found.items,
        "variance_order": found.order,
        "dominates": found.dominates,
        "power_difference": powers[0],
        "power_equivalence": powers[1],
        "power": float(np.nanmin(powers)),
        "power_low": float(np.nanmin(goal.powers(worst, planned.span))),
    }


def _counts(numbers: Sequence[int]) -> str:
    """Return numbers by budget as one word: one number where all are equal."""
    return str(numbers[0]) if len(set(numbers)) == 1 else "/".join(map(str, numbers))


def _too_weak(table: pd.DataFrame, goal: DesignGoal) -> str:
    """Return the message about a menu without a design of the wanted power."""
    at = int(np.argmax(table["power"]))
    found = table.iloc[at]
    more = {
        "runs": "--sizes or --seeds, or wider --ladder",
        "budgets": "budgets or a wider range of them (--ladder)",
        "items": "--item-bytes",
        "order": "seeds, or a data order per run",
    }[found["dominates"]]
    return (
        f"no design of the menu has a power of {goal.power:g} {goal.text()}: the best has "
        f"{found['power']:.2f} (budgets {found['ladder']}, {found['sizes']} sizes, "
        f"{found['seeds']} seed(s)), and most of its variance is from {found['dominates']}: add "
        f"more {more}; a lower --power prints the table"
    )
