"""From the configuration to the suite: the list of runs, and everything that defines each of them.

The formulas are in `plan.recipes`, and the changes of an arm in `plan.arms`; this module loops over
corpora, arms, budgets, sizes and seeds. Pure functions with light imports: the Snakefile plans with
them before any job.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from relscale.config.suite import Budget, Replicate, Suite
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.plan.arms import PlannedArm, budget_problems, plan_arm, plan_grids
from relscale.plan.planned_run import Run
from relscale.plan.recipes import Recipe
from relscale.plan.recipes.base import PlannedGrid, PlannedSize

MOST_RUNS = 20_000
"""Runs of one experiment, at most. The paper has 255; Snakemake needs minutes to plan this many."""


class PlanError(ValueError):
    """Raised for budgets that no run, or not every listed size, can meet."""

    def __init__(self, problems: Mapping[tuple[str | int, ...], str]) -> None:
        """Keep the problems.

        Args:
            problems: message by the path of a key in the configuration.
        """
        super().__init__(
            "; ".join(f"{'.'.join(map(str, path))}: {text}" for path, text in problems.items())
        )
        self.problems = dict(problems)


def plan_suite(suite: Suite, vocab_size: int) -> list[Run]:
    """Return the runs of a suite.

    They are ordered by corpus, budget, size and seed as the configuration lists them; those of the
    arms follow.

    Raises:
        PlanError: naming every budget that no run can meet, every listed size that misses its
            budget, and every setting that an arm cannot have.
    """
    grids = plan_grids(suite.recipe, suite.budgets, vocab_size)
    problems = budget_problems(("suite", "budgets"), grids)
    arms = {name: plan_arm(suite, name, vocab_size) for name in suite.arms}
    for arm in arms.values():
        problems |= arm.problems
    if problems:
        raise PlanError(problems)
    runs = [
        _run(suite.recipe, corpus, budget.label, size, seed)
        for corpus in suite.corpora
        for budget, grid in zip(suite.budgets, grids, strict=True)
        for size in grid.sizes
        for seed in _seeds(budget, size, suite.seeds, suite.replicates)
    ]
    return runs + [run for arm in arms.values() for run in _runs_of_arm(suite, arm)]


def runs_of_grids(suite: Suite, grids: Sequence[PlannedGrid], arms: Sequence[PlannedArm]) -> int:
    """Return the number of runs of a suite; a seed that a replicate repeats counts twice.

    Args:
        suite: the suite.
        grids: of its budgets.
        arms: its arms, planned.
    """
    replicates = sum(len(replicate.seeds) for replicate in suite.replicates)
    number = len(suite.corpora) * (_in_grids(suite.budgets, grids, suite.seeds) + replicates)
    for arm in arms:
        seeds = arm.settings.seeds or suite.seeds
        number += _in_grids(arm.budgets, arm.grids, seeds)
        number += replicates if arm.has_replicates else 0
    return number


def _in_grids(budgets: Sequence[Budget], grids: Sequence[PlannedGrid], seeds: Sequence[int]) -> int:
    return sum(
        len(grid.sizes) * len(budget.seeds or seeds)
        for budget, grid in zip(budgets, grids, strict=True)
    )


def suite_csv(runs: Iterable[Run]) -> str:
    """Return suite.csv as text, one row per run."""
    text = io.StringIO()
    writer = csv.DictWriter(text, SUITE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(run.columns().model_dump() for run in runs)
    return text.getvalue()


def _runs_of_arm(suite: Suite, arm: PlannedArm) -> list[Run]:
    seeds = arm.settings.seeds or suite.seeds
    replicates = suite.replicates if arm.has_replicates else []
    return [
        replace(
            _run(arm.recipe, arm.name, budget.label, size, seed),
            arm_of=arm.settings.corpus,
            data=arm.data,
        )
        for budget, grid in zip(arm.budgets, arm.grids, strict=True)
        for size in grid.sizes
        for seed in _seeds(budget, size, seeds, replicates)
    ]


def _seeds(
    budget: Budget, size: PlannedSize, seeds: Sequence[int], replicates: Sequence[Replicate]
) -> list[int]:
    """Return the seeds of one size at one budget, each once."""
    more = [
        seed
        for replicate in replicates
        if (replicate.budget, replicate.shape) == (budget.label, size.label)
        for seed in replicate.seeds
    ]
    return list(dict.fromkeys([*(budget.seeds or seeds), *more]))


def _run(recipe: Recipe, corpus: str, budget: str, size: PlannedSize, seed: int) -> Run:
    return Run(
        corpus=corpus,
        budget=budget,
        recipe=recipe.name,
        counting=recipe.counting,
        seed=seed,
        shape=size.shape,
        batch_size=size.batch_size,
        steps=size.steps,
        optimiser=size.optimiser,
        choices=recipe.choices,
        implementation=recipe.run_implementation(),
        device=recipe.run_device(),
    )
