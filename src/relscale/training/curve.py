"""The loss curve of a run as two tables: one decided by the run, one by the machine.

The first has the same bytes whenever the same run is trained again. The second, with speed and
memory, differs each time, and no job reads it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

CURVE_COLUMNS = ("run", "step", "tokens", "learning_rate", "loss_nats_per_token", "gradient_norm")
SPEED_COLUMNS = ("run", "step", "tokens_per_second", "memory_mib")


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One row of a loss curve."""

    step: int
    """Optimiser steps done."""
    tokens: int
    """Tokens seen."""
    learning_rate: float
    """Learning rate of the matrices at this step."""
    loss_nats_per_token: float
    """Mean training loss since the previous row."""
    gradient_norm: float
    """Mean global gradient norm before clipping since the previous row."""
    tokens_per_second: float = field(compare=False)
    """Tokens of all processes per second of wall time since the previous row, including
    checkpoints."""
    memory_mib: float = field(compare=False)
    """Peak memory so far: of the main process's GPU, if one is used, else of the process."""


def curve_csv(run: str, curve: Iterable[CurvePoint]) -> str:
    """Return curve.csv as text."""
    lines = [
        f"{run},{row.step},{row.tokens},{row.learning_rate:.6g},"
        f"{row.loss_nats_per_token:.6f},{row.gradient_norm:.6g}\n"
        for row in curve
    ]
    return ",".join(CURVE_COLUMNS) + "\n" + "".join(lines)


def speed_csv(run: str, curve: Iterable[CurvePoint]) -> str:
    """Return speed.csv as text."""
    lines = [
        f"{run},{row.step},{row.tokens_per_second:.1f},{row.memory_mib:.1f}\n" for row in curve
    ]
    return ",".join(SPEED_COLUMNS) + "\n" + "".join(lines)
