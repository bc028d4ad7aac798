"""The registry of architectures: a new one is a line in each of the two names below."""

from typing import Literal, get_args

from relscale.plan.architecture import Architecture, Shape
from relscale.plan.lstm import Lstm
from relscale.plan.qwen3 import Qwen3

ArchitectureName = Literal["qwen3", "lstm"]
"""The choices of `suite.recipe.architecture`; also the `model_type` in a `config.json`."""
ARCHITECTURES: dict[str, Architecture] = {one.name: one for one in (Qwen3(), Lstm())}
"""Architecture by name."""
assert set(ARCHITECTURES) == set(get_args(ArchitectureName))


def architecture_of(shape: Shape) -> Architecture:
    """Return the architecture that a size belongs to.

    Raises:
        ValueError: if there is no such architecture.
    """
    if shape.architecture not in ARCHITECTURES:
        choices = ", ".join(ARCHITECTURES)
        raise ValueError(f"architecture = {shape.architecture!r}; the choices are {choices}")
    return ARCHITECTURES[shape.architecture]
