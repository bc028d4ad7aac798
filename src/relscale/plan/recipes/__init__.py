"""The recipes: a recipe is one class in one file, with its settings and its formulas together.

`Recipe` is the union from which `config.suite` reads `suite.recipe`. A new recipe is a new file
here and its name in this union.
"""

from typing import Annotated

from pydantic import Field

from relscale.plan.recipes.chinchilla import Chinchilla
from relscale.plan.recipes.cpu_small import CpuSmall
from relscale.plan.recipes.marin2025 import Marin2025

Recipe = Annotated[CpuSmall | Marin2025 | Chinchilla, Field(discriminator="name")]
"""The named rule that turns a budget and a size into a run."""
