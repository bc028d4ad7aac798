"""Tokens per second, MFU and peak memory of the training step."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch

from relscale.plan.accounting import (
    TRAINING_OVER_FORWARD,
    count_parameters,
    forward_flops_per_token,
)
from relscale.plan.recipes.marin2025 import MARIN_CHOICES
from relscale.training.execution import Execution, activation_bytes, choose_execution, state_bytes
from relscale.training.torch_trainer import TorchTrainer

from .bench import Bench
from .models import OPTIMISER, Case, batches, cases


def training(bench: Bench) -> dict[str, Any]:
    """Measure the training step of each model, compiled and not.

    Returns:
        `rows`, one per model and way; a model without a measurement has the reason in `skipped`.
    """
    rows: list[dict[str, Any]] = []
    for compiled in bench.compiled:
        for case in cases(bench.quick):
            label = {"model": case.model, "compiled": compiled}
            if not bench.has_time():
                rows.append(label | {"skipped": "no time left"})
                continue
            try:
                rows.append(label | _row(bench, case, compiled))
            except torch.OutOfMemoryError as error:
                rows.append(label | {"skipped": str(error).splitlines()[0]})
    return {"rows": rows}


def _row(bench: Bench, case: Case, compiled: bool) -> dict[str, Any]:
    """Measure one model: the first two steps compile and are not counted."""
    shape, batch = case.shape, case.batch
    execution = choose_execution(
        shape,
        count_parameters(shape).total,
        OPTIMISER.kind,
        batch,
        bench.device,
        memory_bytes=bench.memory,
        compiled=compiled,
    )
    if execution is None:
        return {"skipped": f"does not fit {bench.memory / 1e9:.0f} GB by the plan's estimate"}
    execution = replace(execution, attention=bench.kernel(shape))
    bench.forget()
    step = TorchTrainer(shape, MARIN_CHOICES, OPTIMISER, 0, execution)
    data = iter(batches(shape, batch, 4) * 100)

    def update() -> None:
        step.update(next(data), 1.0)

    warm_up = bench.seconds(update, 2)
    seconds = [bench.seconds(update) for _ in range(bench.repeats)]
    tokens_per_s = batch * shape.context_length / sorted(seconds)[len(seconds) // 2]
    flops = forward_flops_per_token(shape, attention="causal", count_softmax=False)
    return {
        "parameters": count_parameters(shape).total,
        "batch": batch,
        "execution": asdict(execution),
        "warm_up_seconds": warm_up,
        "step_seconds": seconds,
        "tokens_per_s": tokens_per_s,
        "mfu": TRAINING_OVER_FORWARD * flops * tokens_per_s / bench.peak,
        "peak_bytes": step.peak_memory_mib() * 2**20,
        "estimated_bytes": _estimated_bytes(bench, case, execution),
        "finite": bool(np.isfinite(step.losses()).all()),
    }


def _estimated_bytes(bench: Bench, case: Case, execution: Execution) -> float:
    """Return the plan's estimate of the peak memory."""
    return state_bytes(count_parameters(case.shape).total, OPTIMISER.kind) + activation_bytes(
        case.shape,
        bench.device,
        execution.micro_batch or case.batch,
        execution.activation_checkpointing,
        execution.logits_per_chunk,
        execution.compiled,
    )
