"""Checks of the suite: its corpora, budgets, shapes and replicates."""

from relscale.config.checks.sections import Sections
from relscale.config.errors import Problem, unless_in
from relscale.config.suite import Replicate, Suite
from relscale.plan.suite import PlanError, plan_suite


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


def check_suite(sections: Sections) -> list[Problem]:
    """Check budgets and replicates, and that every run can be planned."""
    suite, tokenizer = sections.suite, sections.tokenizer
    if suite is None or sections.released is not None:
        return []
    problems = [*_budgets(suite), *_recipe(suite), *_replicates(suite)]
    if problems or tokenizer is None:
        return problems
    try:
        plan_suite(suite, tokenizer.vocab_size)
    except PlanError as error:
        return list(error.problems.items())
    return []


def _budgets(suite: Suite) -> list[Problem]:
    problems: list[Problem] = []
    labels = [budget.label for budget in suite.budgets]
    for index, budget in enumerate(suite.budgets):
        key = ("suite", "budgets", index)
        if labels.index(budget.label) != index:
            problems.append(((*key, "label"), "the budget is listed twice"))
        if problem := suite.recipe.shapes_problem(budget.shapes):
            problems.append(((*key, "shapes"), problem))
    return problems


def _recipe(suite: Suite) -> list[Problem]:
    found = suite.recipe.settings_problems()
    return [(("suite", "recipe", key), problem) for key, problem in found.items()]


def _replicates(suite: Suite) -> list[Problem]:
    problems: list[Problem] = []
    points = [(replicate.budget, replicate.shape) for replicate in suite.replicates]
    for index, replicate in enumerate(suite.replicates):
        key = ("suite", "replicates", index)
        problems += _replicate(suite, replicate, index)
        if points.index((replicate.budget, replicate.shape)) != index:
            problems.append(
                (key, "this budget and shape are listed twice: put their seeds into one entry")
            )
    return problems


def _replicate(suite: Suite, replicate: Replicate, index: int) -> list[Problem]:
    key = ("suite", "replicates", index)
    labels = [budget.label for budget in suite.budgets]
    of = next((budget for budget in suite.budgets if budget.label == replicate.budget), None)
    if of is None:
        return unless_in((*key, "budget"), replicate.budget, "suite.budgets", labels)
    return unless_in(
        (*key, "shape"), replicate.shape, f"the shapes of budget {of.label}", of.shapes or []
    )
