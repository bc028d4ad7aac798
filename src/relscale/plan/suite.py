"""From the configuration to the suite: the list of runs, and everything that defines each of them.

The formulas are in `plan.recipes`; this module loops over corpora, budgets, sizes and seeds. Pure
functions with light imports: the Snakefile plans with them before any job.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from relscale.config.suite import Suite
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.plan.planned_run import Run
from relscale.plan.recipes.base import PlannedSize


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
    runs: list[Run] = []
    problems: dict[tuple[str | int, ...], str] = {}
    for index, budget in enumerate(suite.budgets):
        grid = suite.recipe.grid(budget.label, budget.shapes, vocab_size)
        for path, text in grid.problems.items():
            problems["suite", "budgets", index, *path] = text
        for corpus in suite.corpora:
            for size in grid.sizes:
                seeds = _seeds(suite, budget.label, budget.seeds or suite.seeds, size)
                runs += [_run(suite, corpus, budget.label, size, seed) for seed in seeds]
    if problems:
        raise PlanError(problems)
    return sorted(runs, key=lambda run: suite.corpora.index(run.corpus))


def suite_csv(runs: Iterable[Run]) -> str:
    """Return suite.csv as text, one row per run."""
    text = io.StringIO()
    writer = csv.DictWriter(text, SUITE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(run.columns().model_dump() for run in runs)
    return text.getvalue()


def _seeds(suite: Suite, budget: str, seeds: Sequence[int], size: PlannedSize) -> list[int]:
    """Return the seeds of a size at a budget, those of its replicates last, each once."""
    more = [
        seed
        for replicate in suite.replicates
        if (replicate.budget, replicate.shape) == (budget, size.label)
        for seed in replicate.seeds
    ]
    return list(dict.fromkeys([*seeds, *more]))


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
