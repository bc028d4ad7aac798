"""The arms of a suite: the recipe and the sizes of a corpus that is trained with changed settings.

Read `plan_arm` first. The configuration checks and the plan use the same functions, so that what
cannot be planned is refused before any job. Light imports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from relscale.config.errors import KeyPath, problems_of
from relscale.config.suite import Arm, Budget, Suite
from relscale.plan.recipes import Recipe
from relscale.plan.recipes.base import MOST_BATCH, PlannedGrid, PlannedSize
from relscale.plan.run_spec import TrainingData

Problems = dict[KeyPath, str]
"""Message by the path of a key in the configuration."""
SHARED_SETTINGS = {
    "name": "an arm keeps the recipe of the suite: give other settings of it",
    "context_length": "an arm is evaluated on the requests of its corpus, which have the window of "
    "the suite",
}
"""Settings of the recipe that all arms share, with the reason."""
LEARNING_RATES = ("learning_rate", "embedding_learning_rate", "head_learning_rate")


@dataclass(frozen=True, kw_only=True)
class PlannedArm:
    """An arm with its recipe and sizes."""

    name: str
    """Name of the arm."""
    settings: Arm
    """Its settings."""
    recipe: Recipe
    """The recipe of the suite with the arm's changes."""
    budgets: Sequence[Budget]
    """Its budgets."""
    grids: Sequence[PlannedGrid]
    """The sizes of each budget, with the arm's batch sizes and learning rates."""
    problems: Mapping[KeyPath, str]
    """Message by the path of a key in the configuration."""

    @property
    def has_replicates(self) -> bool:
        """Whether the replicates of the suite apply: the budgets are those of the suite."""
        return self.settings.budgets is None

    @property
    def data(self) -> TrainingData | None:
        """The changes of the corpus's tokens."""
        arm = self.settings
        if arm.unique_tokens is None and arm.permuted_share is None:
            return None
        return TrainingData(unique_tokens=arm.unique_tokens, permuted_share=arm.permuted_share)

    @property
    def most_tokens(self) -> int:
        """Tokens of its longest run; 0 without runs."""
        window = self.recipe.context_length
        return max(
            (size.batch_size * size.steps * window for grid in self.grids for size in grid.sizes),
            default=0,
        )


def plan_arm(suite: Suite, name: str, vocab_size: int) -> PlannedArm:
    """Return an arm of a suite with its sizes, and the problems with them.

    Args:
        suite: the suite.
        name: of the arm.
        vocab_size: entries of the vocabulary.
    """
    arm = suite.arms[name]
    key: KeyPath = ("suite", "arms", name)
    recipe, problems = arm_recipe(suite.recipe, arm, key)
    budgets = suite.budgets if arm.budgets is None else arm.budgets
    if problems:
        grids = [PlannedGrid(sizes=[], problems={}) for _ in budgets]
    else:
        grids = plan_grids(recipe, budgets, vocab_size)
        found = budget_problems((*key, "budgets"), grids)
        if arm.budgets is None:  # the suite may meet its budgets where the arm's recipe does not
            found = {(*key, "recipe"): text for text in found.values()}
        problems |= found
        grids, wrong = _changed_grids(recipe, arm, grids, key)
        problems |= wrong
    return PlannedArm(
        name=name, settings=arm, recipe=recipe, budgets=budgets, grids=grids, problems=problems
    )


def arm_recipe(recipe: Recipe, arm: Arm, key: KeyPath) -> tuple[Recipe, Problems]:
    """Return the recipe of the suite with the changes of an arm, and the problems with them.

    Args:
        recipe: of the suite.
        arm: the arm.
        key: path of the arm in the configuration.
    """
    if not arm.recipe:
        return recipe, {}
    place = (*key, "recipe")
    shared = {(*place, name): SHARED_SETTINGS[name] for name in arm.recipe.keys() & SHARED_SETTINGS}
    if shared:
        return recipe, shared
    try:
        changed = type(recipe).model_validate(
            {**recipe.model_dump(exclude_unset=True), **arm.recipe}
        )
    except ValidationError as error:
        found = problems_of(error, "recipe", type(recipe))
        return recipe, {(*key, *path): text for path, text in found}
    wrong = changed.settings_problems()
    return changed, {(*place, name): text for name, text in wrong.items()}


def plan_grids(recipe: Recipe, budgets: Sequence[Budget], vocab_size: int) -> list[PlannedGrid]:
    """Return the sizes of each budget, and the problems with them."""
    return [recipe.grid(budget.label, budget.shapes, vocab_size) for budget in budgets]


def budget_problems(place: KeyPath, grids: Sequence[PlannedGrid]) -> Problems:
    """Return the problems of grids by the path of a key.

    Args:
        place: path of the list of budgets.
        grids: of the budgets.
    """
    return {
        (*place, index, *path): text
        for index, grid in enumerate(grids)
        for path, text in grid.problems.items()
    }


def _changed_grids(
    recipe: Recipe, arm: Arm, grids: Sequence[PlannedGrid], key: KeyPath
) -> tuple[list[PlannedGrid], Problems]:
    """Return grids with the batch sizes and learning rates of an arm, and the problems."""
    changed: list[PlannedGrid] = []
    problems: Problems = {}
    setting = "batch_factor" if arm.batch_size is None else "batch_size"
    for grid in grids:
        sizes: list[PlannedSize] = []
        for size in grid.sizes:
            try:
                sizes.append(changed_size(recipe, arm, size))
            except ValueError as error:
                problems.setdefault((*key, setting), f"{size.label}: {error}")
        changed.append(replace(grid, sizes=sizes))
    return changed, problems


def changed_size(recipe: Recipe, arm: Arm, size: PlannedSize) -> PlannedSize:
    """Return a planned size with the batch size and the learning rates of an arm.

    The number of tokens stays within the tolerance of the recipe.

    Raises:
        ValueError: if no batch of whole sequences has the factor, or the tokens would change.
    """
    batch_size = arm.batch_size or round(size.batch_size * arm.batch_factor)
    sequences = size.batch_size * size.steps
    if batch_size < 1 or (batch_size == size.batch_size and arm.batch_factor != 1):
        raise ValueError(
            f"a batch of {size.batch_size} sequences times {arm.batch_factor:g} is not another "
            "whole number of sequences"
        )
    if batch_size > MOST_BATCH:
        raise ValueError(f"a batch of {batch_size:,} sequences; the limit is {MOST_BATCH:,}")
    optimiser = size.optimiser
    steps = size.steps
    if batch_size != size.batch_size:
        steps = round(sequences / batch_size)
        if steps < 1 or abs(steps * batch_size / sequences - 1) > recipe.flop_tolerance:
            raise ValueError(
                f"{steps} steps of {batch_size} sequences are not the {sequences} sequences of the "
                f"budget within {recipe.flop_tolerance:.0%}: take a smaller batch"
            )
        optimiser = recipe.optimiser_of(batch_size, size.shape.width)
    if arm.learning_rate_factor != 1:
        rates = {
            name: getattr(optimiser, name) * arm.learning_rate_factor for name in LEARNING_RATES
        }
        optimiser = optimiser.model_copy(update=rates)
    return replace(size, batch_size=batch_size, steps=steps, optimiser=optimiser)
