"""Checks of the suite: its corpora, arms, budgets, shapes and replicates."""

from collections.abc import Sequence

from relscale.config.checks.sections import Sections
from relscale.config.errors import KeyPath, Problem, unless_in
from relscale.config.suite import Budget, Suite
from relscale.plan.arms import plan_arm, plan_grids
from relscale.plan.suite import MOST_RUNS, runs_of_grids


def check_corpora(sections: Sections) -> list[Problem]:
    """Check that the suite is trained on corpora that exist."""
    corpora, suite = sections.corpora, sections.suite
    if corpora is None or suite is None:
        return []
    known = [*corpora.mixtures, *corpora.sharded]
    named: dict[KeyPath, str] = {
        ("suite", "corpora", index): name for index, name in enumerate(suite.corpora)
    }
    named |= {("suite", "arms", name, "corpus"): arm.corpus for name, arm in suite.arms.items()}
    return [
        problem
        for path, name in named.items()
        for problem in unless_in(path, name, "corpora.mixtures and corpora.sharded", known)
    ]


def check_arms(sections: Sections) -> list[Problem]:
    """Check the names of arms, their budgets, and the tokens that they repeat."""
    corpora, suite, tokenizer = sections.corpora, sections.suite, sections.tokenizer
    if suite is None or not sections.trained:
        return []
    problems: list[Problem] = []
    for name, arm in suite.arms.items():
        key = ("suite", "arms", name)
        if corpora is not None and name in {*corpora.mixtures, *corpora.sharded}:
            problems.append((key, "a corpus has the same name: take another one"))
        if corpora is not None and arm.unique_tokens and arm.corpus in corpora.sharded:
            problems.append(
                ((*key, "unique_tokens"), f"{arm.corpus} is sharded; take one of corpora.mixtures")
            )
        if arm.budgets is not None:
            problems += _budget_problems(sections, (*key, "budgets"), arm.budgets)
        if tokenizer is not None and _can_be_planned(sections, key):
            problems += _epochs(suite, name, tokenizer.vocab_size)
    return problems


def _can_be_planned(sections: Sections, arm: tuple[str, ...]) -> bool:
    needed = [("suite", "recipe"), ("suite", "budgets"), ("tokenizer", "vocab_size"), arm]
    return all(sections.right(*key) for key in needed)


def _epochs(suite: Suite, name: str, vocab_size: int) -> list[Problem]:
    """Compare the epochs of an arm's longest run over its tokens with the allowed ones."""
    arm = suite.arms[name]
    planned = plan_arm(suite, name, vocab_size)
    if arm.unique_tokens is None or planned.problems:
        return []
    key, window = ("suite", "arms", name), planned.recipe.context_length
    if arm.unique_tokens <= window:
        return [((*key, "unique_tokens"), f"must be above the window of {window} tokens")]
    allowed = arm.max_epochs or suite.max_epochs
    epochs = planned.most_tokens / arm.unique_tokens
    if epochs <= allowed:
        return []
    message = (
        f"the longest run needs {planned.most_tokens:,} tokens, {epochs:.2f} epochs of "
        f"{arm.unique_tokens:,} tokens, and {allowed:g} are allowed: raise it"
    )
    return [((*key, "max_epochs"), message)]


def check_budgets(sections: Sections) -> list[Problem]:
    """Check that every budget is listed once, and has shapes if the recipe needs them."""
    suite = sections.suite
    if suite is None or not sections.trained:
        return []
    return _budget_problems(sections, ("suite", "budgets"), suite.budgets)


def _budget_problems(
    sections: Sections, place: KeyPath, budgets: Sequence[Budget]
) -> list[Problem]:
    suite = sections.suite
    problems: list[Problem] = []
    seen: set[str] = set()
    for index, budget in enumerate(budgets):
        key: KeyPath = (*place, index)
        if suite is None or not sections.right(*key):
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
    arms = [
        plan_arm(suite, name, tokenizer.vocab_size)
        for name, arm in suite.arms.items()
        if sections.right("suite", "arms", name)
        and (arm.budgets is not None or not problems)
        and all(
            suite.recipe.shapes_problem(budget.shapes) is None for budget in arm.budgets or budgets
        )
    ]
    problems += [problem for arm in arms for problem in arm.problems.items()]
    if sections.right("suite") and len(grids) == len(suite.budgets) and not problems:
        problems += _too_many(runs_of_grids(suite, grids, arms))
    return problems


def _too_many(count: int) -> list[Problem]:
    if count <= MOST_RUNS:
        return []
    message = (
        f"{count:,} runs are planned, and an experiment has at most {MOST_RUNS:,}: fewer corpora, "
        "arms, budgets, shapes or seeds, or several experiments"
    )
    return [(("suite",), message)]
