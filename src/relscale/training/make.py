"""From a run's spec to a model in training: which implementation takes its steps. Light imports: torch only where it is used."""

from typing import Any

from relscale.architecture import Choices, RopeScaling, Shape
from relscale.training.native_library import UnavailableError, supports
from relscale.training.native_step import NativeStep
from relscale.training.step import TrainingStep


def make_step(spec: dict[str, Any], threads: int) -> TrainingStep:
    """Make the model of a run's spec at its initial values, on the device that its recipe trains on.

    Args:
        spec: `plan.Run.spec()`; its `step` is `auto` (native where that can train the run, else torch), `native` or `torch`.
        threads: threads that torch may use; the native step uses one.

    Raises:
        ValueError: where the spec asks for the native step and it cannot be used.
    """
    scaling = spec["choices"]["rope_scaling"]
    choices = Choices(**{**spec["choices"], "rope_scaling": RopeScaling(**scaling) if scaling else None})
    shape, optimiser, seed = Shape(**spec["shape"]), spec["optimiser"], spec["seed"]
    if spec["step"] != "torch":
        support = supports(shape, choices, optimiser)
        try:
            if support:
                return NativeStep(shape, choices, optimiser, seed)
        except UnavailableError as error:
            raise ValueError(f"suite.recipe.step: {error}") from error
        if spec["step"] == "native":
            raise ValueError(f"suite.recipe.step = 'native': {support.reason}; the choices are auto, native, torch")
        print(f"torch takes the steps: {support.reason}", flush=True)
    import torch  # slow to import

    from relscale.training.torch_step import TorchStep

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    on_gpu = spec["columns"]["recipe"] != "cpu_small" and torch.cuda.is_available()
    return TorchStep(shape, choices, optimiser, seed, "cuda" if on_gpu else "cpu")
