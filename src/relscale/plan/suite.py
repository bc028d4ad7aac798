"""From the configuration to the suite: the list of runs, and everything that defines each of them.

The formulas are in `plan.recipes`; this module loops over corpora, budgets, sizes and seeds. Pure
functions with light imports: the Snakefile plans with them before any job.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from relscale.config.suite import Budget, Suite
from relscale.contract.suite_table import SUITE_COLUMNS
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

    They are ordered by corpus, budget, size and seed as the configuration lists them.

    Raises:
        PlanError: naming every budget that no run can meet and every listed size that misses its
            budget.
    """
    grids = plan_grids(suite.recipe, suite.budgets, vocab_size)
    problems = {
        ("suite", "budgets", index, *path): text
        for index, grid in enumerate(grids)
        for path, text in grid.problems.items()
    }
    if problems:
        raise PlanError(problems)
    more: dict[tuple[str, str], list[int]] = {}
    for replicate in suite.replicates:
        more.setdefault((replicate.budget, replicate.shape), []).extend(replicate.seeds)
    return [
        _run(suite, corpus, budget.label, size, seed)
        for corpus in suite.corpora
        for budget, grid in zip(suite.budgets, grids, strict=True)
        for size in grid.sizes
        for seed in dict.fromkeys(
            [*(budget.seeds or suite.seeds), *more.get((budget.label, size.label), ())]
        )
    ]


def plan_grids(recipe: Recipe, budgets: Sequence[Budget], vocab_size: int) -> list[PlannedGrid]:
    """Return the sizes of each budget, and the problems with them."""
    return [recipe.grid(budget.label, budget.shapes, vocab_size) for budget in budgets]


def runs_of_grids(suite: Suite, grids: Sequence[PlannedGrid]) -> int:
    """Return the number of runs of a suite; a seed that a replicate repeats counts twice."""
    of_budgets = sum(
        len(grid.sizes) * len(budget.seeds or suite.seeds)
        for budget, grid in zip(suite.budgets, grids, strict=True)
    )
    of_replicates = sum(len(replicate.seeds) for replicate in suite.replicates)
    return len(suite.corpora) * (of_budgets + of_replicates)


def suite_csv(runs: Iterable[Run]) -> str:
    """Return suite.csv as text, one row per run."""
    text = io.StringIO()
    writer = csv.DictWriter(text, SUITE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(run.columns().model_dump() for run in runs)
    return text.getvalue()


def _run(suite: Suite, corpus: str, budget: str, size: PlannedSize, seed: int) -> Run:
    recipe = suite.recipe
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
