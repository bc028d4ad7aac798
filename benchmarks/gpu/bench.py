"""The device that is measured, with the limits of a call: time, size and compiler."""

import gc
import importlib.util
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import torch

from relscale.plan.architecture import Shape
from relscale.training.attention import choose_attention
from relscale.training.execution import Execution


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A device, and what is measured on it."""

    device: Literal["cpu", "cuda"]
    quick: bool
    """Whether the models are tiny, to test the program."""
    peak: float
    """FLOP/s of the device in bfloat16, for the MFU."""
    ends: float
    """Time on the clock `time.monotonic` after which no model is begun, in seconds."""
    compile_failure: str | None
    """Why models are not compiled, or None."""

    @property
    def compiled(self) -> tuple[bool, ...]:
        """Whether models are compiled: both ways, compiled first, or only without."""
        return (False,) if self.compile_failure else (True, False)

    @property
    def repeats(self) -> int:
        """Timed steps per model."""
        return 3 if self.quick else 5

    @property
    def memory(self) -> int:
        """Memory of the card in bytes; 0 on the CPU."""
        if self.device == "cpu":
            return 0
        return int(torch.cuda.get_device_properties(0).total_memory)

    def has_time(self) -> bool:
        """Return whether another model may be begun."""
        return time.monotonic() <= self.ends

    def execution(self, **changes: Any) -> Execution:
        """Return an execution on the device."""
        return replace(Execution(device=self.device, compiled=self.compiled[0]), **changes)

    def kernel(self, shape: Shape) -> str:
        """Return the attention that a run of a shape takes here."""
        return _kernel(shape.head_dim, self.device)

    def seconds(self, action: Callable[[], None], count: int = 1) -> float:
        """Return the seconds of `count` actions, from an idle device to an idle device."""
        self._wait()
        begin = time.perf_counter()
        for _ in range(count):
            action()
        self._wait()
        return time.perf_counter() - begin

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def forget(self) -> None:
        """Free the memory of the last model."""
        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def machine(self) -> dict[str, Any]:
        """Return facts about the machine."""
        facts: dict[str, Any] = {
            "device": self.device,
            "quick": self.quick,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "compile_failure": self.compile_failure,
            "torchtitan": importlib.util.find_spec("torchtitan") is not None,
            "date": time.strftime("%Y-%m-%d"),
        }
        if self.device == "cuda":
            card = torch.cuda.get_device_properties(0)
            facts |= {
                "name": card.name,
                "memory_bytes": card.total_memory,
                "capability": f"{card.major}.{card.minor}",
                "flops_per_s_for_mfu": self.peak,
            }
        return facts


@cache
def _kernel(head_dim: int, device: str) -> str:
    """Choose once per size of heads: trying the kernels takes time and may warn."""
    return choose_attention(head_dim, device)
