"""From a run's spec to a model in training: which implementation takes its steps."""

from typing import Any

from relscale.architecture import Choices, RopeScaling, Shape
from relscale.training.step import TrainingStep


def make_step(spec: dict[str, Any], threads: int) -> TrainingStep:
    """Make the model of a run's spec at its initial values, on the device that its recipe trains on.

    Args:
        spec: `plan.Run.spec()`.
        threads: threads that a step may use.
    """
    scaling = spec["choices"]["rope_scaling"]
    choices = Choices(**{**spec["choices"], "rope_scaling": RopeScaling(**scaling) if scaling else None})
    shape = Shape(**spec["shape"])
    import torch  # slow to import

    from relscale.training.torch_step import TorchStep

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    on_gpu = spec["columns"]["recipe"] != "cpu_small" and torch.cuda.is_available()
    return TorchStep(shape, choices, spec["optimiser"], spec["seed"], "cuda" if on_gpu else "cpu")
