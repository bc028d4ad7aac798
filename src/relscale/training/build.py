"""Build the trainer of a run: native or torch, alone or in a process group.

Light imports: torch only where it is used.
"""

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

from relscale.plan.run_spec import RunSpec
from relscale.training.execution import GIB, Execution, choose_execution
from relscale.training.native_build import Support, UnavailableError, covers, supports
from relscale.training.native_trainer import NativeTrainer
from relscale.training.process_group import SINGLE_PROCESS, ProcessGroup
from relscale.training.seeds import initial_seed
from relscale.training.trainer import Trainer

logger = logging.getLogger(__name__)
DRIVER = Path("/proc/driver/nvidia/version")
"""File of Linux with the version of the loaded NVIDIA driver."""


def join_process_group(spec: RunSpec, processes: int) -> ProcessGroup:
    """Join the group of the processes that train a run.

    Raises:
        ValueError: if the number of processes does not divide the batch.
    """
    if processes == 1:
        return SINGLE_PROCESS
    if spec.batch_size % processes:
        raise ValueError(
            f"--processes = {processes}: {spec.name} cannot be divided among the processes, "
            f"since it has {spec.batch_size} sequences per step"
        )
    from relscale.training.torch_process_group import TorchProcessGroup

    return TorchProcessGroup(_device(spec) == "cuda")


def build_trainer(spec: RunSpec, threads: int, group: ProcessGroup = SINGLE_PROCESS) -> Trainer:
    """Build the model of a run at its initial values, on the device that the recipe trains on.

    Args:
        spec: of the run; `implementation` chooses the trainer, `device` the device, where there is
            one.
        threads: threads that torch may use; the native trainer uses one.
        group: the processes that train the run together; several use the torch trainer.

    Raises:
        ValueError: if the spec requires the native trainer and it cannot be used, or if the run
            does not fit the GPU.
    """
    if _is_native(spec, group):
        try:
            trainer = NativeTrainer(spec.shape, spec.choices, spec.optimiser, initial_seed(spec))
        except UnavailableError as error:
            raise ValueError(f"suite.recipe.implementation: {error}") from error
        library = trainer.decoder.library
        logger.info("%s: native step, instructions %s", spec.name, library.level)
        if library.is_emulated:
            logger.warning(
                "%s: this processor has no fused multiply-add (AVX2), which is emulated, more "
                "than ten times more slowly; suite.recipe.implementation: torch may be faster",
                spec.name,
            )
        return trainer
    # Set before CUDA starts: cuBLAS gives the same bytes twice only with a fixed work space.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch  # slow to import

    from relscale.training.torch_trainer import TorchTrainer

    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    execution = replace(_execution(spec, group), threads=threads)
    logger.info("%s: %s", spec.name, execution)
    return TorchTrainer(
        spec.shape, spec.choices, spec.optimiser, initial_seed(spec), execution, group
    )


def _is_native(spec: RunSpec, group: ProcessGroup) -> bool:
    """Return whether the native trainer trains a run.

    Raises:
        ValueError: if the spec requires it and it cannot be used.
    """
    if spec.implementation == "torch":
        return False
    support = supports(spec.shape, spec.choices, spec.optimiser)
    if group.world_size > 1:
        support = Support(reason=f"the native step has no {group.world_size} processes")
    if support or spec.implementation == "auto":
        if not support:
            # A warning only where another machine would train the run with the other step.
            missing = covers(spec.shape, spec.choices, spec.optimiser)
            level = logging.WARNING if missing else logging.INFO
            logger.log(level, "%s: torch trains the run: %s", spec.name, support.reason)
        return bool(support)
    raise ValueError(
        f"suite.recipe.implementation: the native step has to train {spec.name}, as it was "
        f"configured or trained other runs of the experiment: {support.reason}; to train all runs "
        "with torch, set it to 'torch' (the choices are auto, native, torch)"
    )


def _device(spec: RunSpec) -> Literal["cpu", "cuda"]:
    import torch

    return "cuda" if spec.device == "gpu" and torch.cuda.is_available() else "cpu"


def no_gpu_reason() -> str:
    """Return why torch finds no GPU: its build, the driver, or the machine."""
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    if not DRIVER.exists():
        return "this machine has no NVIDIA driver"
    driver = DRIVER.read_text().splitlines()[0]
    return (
        f"torch {torch.__version__} is built for CUDA {torch.version.cuda}; the driver may be too "
        f"old for it, or no card is visible to this process: {driver}"
    )


def _execution(spec: RunSpec, group: ProcessGroup) -> Execution:
    import torch

    device, memory = _device(spec), 0
    if spec.device == "gpu" and device == "cpu":
        logger.warning(
            "%s: recipe %s trains on a GPU; torch finds none (%s), so the run uses the CPU",
            spec.name,
            spec.columns.recipe,
            no_gpu_reason(),
        )
    if device == "cuda":
        memory = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    parameters = spec.columns.num_params_total
    compiled = device == "cuda" and not _compile_failure(spec)
    execution = choose_execution(
        spec.shape,
        parameters,
        spec.optimiser.kind,
        spec.batch_size,
        device,
        processes=group.world_size,
        memory_bytes=memory,
        compiled=compiled,
    )
    if execution is None:
        raise ValueError(
            f"{spec.name}: {parameters:,} parameters do not fit {group.world_size} GPU(s) with "
            f"{memory / GIB:.0f} GiB: allow more GPUs with training.gpus_per_run, and give the "
            "memory of one as training.gpu_memory_gb"
        )
    if device == "cuda":
        from relscale.training.attention import choose_attention

        execution = replace(execution, attention=choose_attention(spec.shape.head_dim))
    return execution


def _compile_failure(spec: RunSpec) -> bool:
    """Return whether the compiler does not work for GPUs here, and say why."""
    from relscale.training.compilation import compile_failure

    if reason := compile_failure("cuda"):
        logger.warning(
            "%s: not compiled, which is slower and needs more memory: %s", spec.name, reason
        )
    return reason is not None
