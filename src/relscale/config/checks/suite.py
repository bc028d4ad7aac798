"""Checks of the suite: its corpora, budgets, shapes and replicates."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem, unless_in
from relscale.config.suite import Suite
from relscale.plan.suite import MOST_RUNS, plan_grids, runs_of_grids


def check_corpora(sections: Sections) -> list[Problem]:
    """Check that the suite is trained on corpora that exist."""
    corpora, suite = sections.corpora, sections.suite
    if corpora is None or suite is None:
        return []
    known = [*corpora.mixtures, *corpora.sharded]
    return [
        problem
        for index, name in enumerate(suite.corpora)
        for problem in unless_in(
            ("suite", "corpora", index), name, "corpora.mixtures and corpora.sharded", known
        )
    ]


def check_budgets(sections: Sections) -> list[Problem]:
    """Check that every budget is listed once, and has shapes if the recipe needs them."""
    suite = sections.suite
    if suite is None or not sections.trained:
        return []
    problems: list[Problem] = []
    seen: set[str] = set()
    for index, budget in enumerate(suite.budgets):
        key = ("suite", "budgets", index)
        if not sections.right(*key):
            continue
        if budget.label in seen:
            problems.append(((*key, "label"), f"the budget {budget.label} is listed twice"))
        seen.add(budget.label)
        if not sections.right("suite", "recipe"):
            continue
        if problem := suite.recipe.shapes_problem(budget.shapes):
            problems.append(((*key, "shapes"), problem))
    return problems


def check_recipe(sections: Sections) -> list[Problem]:
    """Check the settings of the recipe against each other."""
    suite = sections.suite
    if suite is None or not sections.trained or not sections.right("suite", "recipe"):
        return []
    found = suite.recipe.settings_problems()
    return [(("suite", "recipe", key), problem) for key, problem in found.items()]


def check_replicates(sections: Sections) -> list[Problem]:
    """Check that replicates name a budget and one of its shapes, each once."""
    suite = sections.suite
    if suite is None or not sections.trained:
        return []
    budgets = {budget.label: budget for budget in suite.budgets}
    problems: list[Problem] = []
    points: set[tuple[str, str]] = set()
    for index, replicate in enumerate(suite.replicates):
        key = ("suite", "replicates", index)
        of = budgets.get(replicate.budget)
        if of is None:
            problems += unless_in((*key, "budget"), replicate.budget, "suite.budgets", budgets)
        else:
            place = f"the shapes of budget {of.label}"
            problems += unless_in((*key, "shape"), replicate.shape, place, of.shapes or [])
        if (replicate.budget, replicate.shape) in points:
            problems.append(
                (key, "this budget and shape are listed twice: put their seeds into one entry")
            )
        points.add((replicate.budget, replicate.shape))
    return problems


def check_plan(sections: Sections) -> list[Problem]:
    """Check that every run can be planned, and that there are not too many."""
    suite, tokenizer = sections.suite, sections.tokenizer
    if suite is None or tokenizer is None or not sections.trained:
        return []
    needed = [("suite", "recipe"), ("tokenizer", "vocab_size")]
    if not all(sections.right(*key) for key in needed) or suite.recipe.settings_problems():
        return []
    places = [
        index
        for index, budget in enumerate(suite.budgets)
        if sections.right("suite", "budgets", index)
        and suite.recipe.shapes_problem(budget.shapes) is None
    ]
    budgets = [suite.budgets[index] for index in places]
    grids = plan_grids(suite.recipe, budgets, tokenizer.vocab_size)
    problems: list[Problem] = [
        (("suite", "budgets", index, *path), message)
        for index, grid in zip(places, grids, strict=True)
        for path, message in grid.problems.items()
    ]
    if sections.right("suite") and len(grids) == len(suite.budgets):
        problems += _too_many(suite, runs_of_grids(suite, grids))
    return problems


def _too_many(suite: Suite, count: int) -> list[Problem]:
    if count <= MOST_RUNS:
        return []
    message = (
        f"{count:,} runs are planned, and an experiment has at most {MOST_RUNS:,}: fewer corpora, "
        "budgets, shapes or seeds, or several experiments"
    )
    return [(("suite",), message)]
