"""The initial values of a decoder's parameters: the same bytes everywhere.

Light imports: no torch.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from relscale.plan.architecture import Choices, Shape
from relscale.plan.architectures import architecture_of
from relscale.training.exact import standard_normal

Values = dict[str, npt.NDArray[np.float32]]
"""Parameters by name."""


def parameter_shapes(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield name and shape of each parameter of a decoder, in order."""
    return architecture_of(shape).parameter_shapes(shape)


def initial_values(
    shape: Shape, choices: Choices, seed: int
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Yield name and value of each parameter, drawn from a seed in the order of `parameter_shapes`.

    Vectors are the constants of the architecture; norms are 1. Matrices are normal with standard
    deviation `choices.init_std`, or without one with that of the architecture.
    """
    generator = np.random.default_rng(seed)
    architecture = architecture_of(shape)
    for name, size in architecture.parameter_shapes(shape):
        if len(size) == 1:
            parts = np.array(architecture.initial_vector(name), dtype=np.float32)
            yield name, np.repeat(parts, size[0] // len(parts))
            continue
        deviation = choices.init_std
        if deviation is None:
            deviation = architecture.initial_std(shape, name, size)
        values = standard_normal(generator, math.prod(size)).reshape(size)
        yield name, values * np.float32(deviation)
