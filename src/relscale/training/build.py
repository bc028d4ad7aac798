"""From a run's spec to a model in training: which implementation takes its steps, and how. Light
imports: torch only where it is used."""

import os
from typing import Any, Literal

from relscale.plan.architecture import Choices, RopeScaling, Shape
from relscale.training.execution import GIB, Execution, choose_execution
from relscale.training.native_library import UnavailableError, supports
from relscale.training.native_trainer import NativeStep
from relscale.training.process_group import Team
from relscale.training.train_step import TrainingStep

ALONE = Team()


def join_team(spec: dict[str, Any], processes: int) -> Team:
    """Meet the other processes of a run, where there are any.

    Raises:
        ValueError: where the run's batch cannot be divided among so many.
    """
    if processes == 1:
        return ALONE
    if spec["batch_size"] % processes:
        sequences = f"its {spec['batch_size']} sequences a step"
        raise ValueError(
            f"--processes = {processes}: {spec['columns']['run']} cannot be shared so, since it does not divide {sequences}"
        )
    from relscale.training.torch_process_group import TorchTeam

    return TorchTeam(_device(spec) == "cuda")


def make_step(spec: dict[str, Any], threads: int, team: Team = ALONE) -> TrainingStep:
    """Make the model of a run's spec at its initial values, on the device that its recipe trains
    on.

    Args:
        spec: `plan.Run.spec()`; its `step` is `auto` (native where that can train the run, else
            torch), `native` or `torch`; its `device` is `cpu` or `gpu`, which is used where there
            is one.
        threads: threads that torch may use; the native step uses one.
        team: the processes that train the run together; several take torch's step.

    Raises:
        ValueError: where the spec asks for the native step and it cannot be used, or the run does
            not fit the GPU.
    """
    scaling = spec["choices"]["rope_scaling"]
    choices = Choices(
        **{**spec["choices"], "rope_scaling": RopeScaling(**scaling) if scaling else None}
    )
    shape, optimiser, seed = Shape(**spec["shape"]), spec["optimiser"], spec["seed"]
    if spec["step"] != "torch" and team.size == 1:
        support = supports(shape, choices, optimiser)
        try:
            if support:
                return NativeStep(shape, choices, optimiser, seed)
        except UnavailableError as error:
            raise ValueError(f"suite.recipe.step: {error}") from error
        if spec["step"] == "native":
            raise ValueError(
                f"suite.recipe.step = 'native': {support.reason}; the choices are auto, native, torch"
            )
        print(f"torch takes the steps: {support.reason}", flush=True)
    # Before CUDA starts: without it, cuBLAS does not give the same bytes twice.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch  # slow to import

    from relscale.training.torch_trainer import TorchStep

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    execution = _execution(spec, shape, team)
    print(f"{spec['columns']['run']}: {execution}", flush=True)
    return TorchStep(shape, choices, optimiser, seed, execution, team)


def _device(spec: dict[str, Any]) -> Literal["cpu", "cuda"]:
    import torch

    return "cuda" if spec["device"] == "gpu" and torch.cuda.is_available() else "cpu"


def _execution(spec: dict[str, Any], shape: Shape, team: Team) -> Execution:
    import torch

    device = _device(spec)
    if spec["device"] == "gpu" and device == "cpu":
        print(
            f"{spec['columns']['run']}: recipe {spec['columns']['recipe']} trains on a GPU; none is here, so on the CPU",
            flush=True,
        )
    memory = (
        torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
        if device == "cuda"
        else 0
    )
    execution = choose_execution(
        shape,
        spec["columns"]["num_params_total"],
        spec["optimiser"]["kind"],
        spec["batch_size"],
        device,
        processes=team.size,
        memory_bytes=memory,
    )
    if execution is None:
        raise ValueError(
            f"{spec['columns']['run']}: {spec['columns']['num_params_total']:,} parameters do not fit {team.size} GPU(s) of "
            f"{memory / GIB:.0f} GiB: allow more with training.gpus_per_run, and give training.gpu_memory_gb of one"
        )
    return execution
