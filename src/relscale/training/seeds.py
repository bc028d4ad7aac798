"""Seeds of a run: of its initial values, and of the order in which it reads its corpus.

Every seed, size and length of training has its own. If the runs of one seed shared initial values
or read the corpus in the same order, the noise of both would be common to them, and the scatter of
the runs about a law would not show it.
"""

import numpy as np

from relscale.plan.run_spec import RunSpec


def initial_seed(spec: RunSpec) -> int:
    """Return the seed of the initial values, from 0 to 2^64 - 1."""
    return _seeds(spec)[0]


def order_seed(spec: RunSpec) -> int:
    """Return the seed of the order in which the corpus is read, from 0 to 2^64 - 1."""
    return _seeds(spec)[1]


def _seeds(spec: RunSpec) -> tuple[int, int]:
    key = (spec.seed, spec.shape.width, spec.shape.layers, spec.batch_size, spec.steps)
    initial, order = np.random.SeedSequence(key).generate_state(2, np.uint64)
    return int(initial), int(order)
