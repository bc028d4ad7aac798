"""A plain FSDP2 loop on the models whose training was measured, timed next to ours."""

import os
from typing import Any

import numpy as np
import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.nn import functional

from relscale.plan.recipes.marin2025 import MARIN_CHOICES
from relscale.training.compilation import compile_blocks
from relscale.training.model import build_decoder, initialise

from .bench import Bench
from .models import Case, batches, cases


def reference(bench: Bench, measured: list[dict[str, Any]]) -> dict[str, Any]:
    """Time the loop on the models of rows of `training`, compiled if any was.

    Returns:
        `rows`, one per model that was measured in that way.
    """
    for name, value in (("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "0")):
        os.environ.setdefault(name, value)
    store = distributed.HashStore()
    backend = "nccl" if bench.device == "cuda" else "gloo"
    distributed.init_process_group(backend, store=store, rank=0, world_size=1)
    try:
        rows = [
            {"model": ours["model"], "compiled": ours["compiled"]} | _row(bench, ours)
            for ours in measured
            if ours["compiled"] == bench.compiled[0] and "skipped" not in ours
        ]
    finally:
        distributed.destroy_process_group()
    return {"rows": rows}


def _row(bench: Bench, ours: dict[str, Any]) -> dict[str, Any]:
    """Time the loop on one model, with the micro batch of ours, halved until it fits."""
    if not bench.has_time():
        return {"skipped": "no time left"}
    case = next(one for one in cases(bench.quick) if one.model == ours["model"])
    micro = ours["execution"]["micro_batch"] or case.batch
    while micro:
        bench.forget()
        try:
            seconds, loss = _time(bench, case, micro, ours["compiled"])
        except torch.OutOfMemoryError:
            micro //= 2
            continue
        rate = case.batch * case.shape.context_length / sorted(seconds)[len(seconds) // 2]
        return {
            "micro_batch": micro,
            "step_seconds": seconds,
            "tokens_per_s": rate,
            "ours_over_this": ours["tokens_per_s"] / rate,
            "finite": bool(np.isfinite(loss)),
        }
    return {"skipped": "one sequence does not fit with whole logits"}


def _time(bench: Bench, case: Case, micro: int, compiled: bool) -> tuple[list[float], float]:
    """Return the seconds of the timed steps, after two that compile, and the last loss."""
    loop = FsdpLoop(case, micro, bench.device, compiled=compiled)
    data = iter(batches(case.shape, case.batch, 4) * 100)

    def update() -> None:
        loop.step(next(data))

    bench.seconds(update, 2)
    return [bench.seconds(update) for _ in range(bench.repeats)], loop.loss


class FsdpLoop:
    """A plain loop with FSDP2 on the same decoder, the point of reference."""

    def __init__(self, case: Case, micro: int, device: str, *, compiled: bool) -> None:
        """Build the model, its shards and its optimiser."""
        self.decoder = build_decoder(case.shape, MARIN_CHOICES)
        initialise(self.decoder, 0)
        self.decoder.to(device)
        if compiled:
            compile_blocks(self.decoder.blocks())
        mesh = init_device_mesh(device, (1,))
        policy = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16 if device == "cuda" else None, reduce_dtype=torch.float32
        )
        for block in self.decoder.blocks():
            fully_shard(block, mesh=mesh, mp_policy=policy)
        fully_shard(self.decoder, mesh=mesh, mp_policy=policy)
        self.adam = torch.optim.AdamW(self.decoder.parameters(), lr=1e-4, fused=True)
        self.micro, self.device, self.loss = micro, device, 0.0

    def step(self, batch: np.ndarray) -> None:
        """Take one optimiser step on a batch, (sequences, context length + 1)."""
        tokens = torch.from_numpy(batch).to(self.device)
        total = torch.zeros((), device=self.device)
        for part in tokens.split(self.micro):
            logits = self.decoder(part[:, :-1])
            loss = functional.cross_entropy(logits.flatten(0, 1).float(), part[:, 1:].flatten())
            loss = loss * (len(part) / len(tokens))
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(self.decoder.parameters(), 1.0)
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        self.loss = float(total)
