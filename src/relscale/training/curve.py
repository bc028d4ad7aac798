"""The loss curve of a run, as plain data."""

from dataclasses import dataclass

CURVE_COLUMNS = ("run", "step", "tokens", "loss_nats_per_token")


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One row of a loss curve."""

    step: int
    """Steps done."""
    tokens: int
    """Tokens seen."""
    loss_nats_per_token: float
    """Mean training loss since the previous row."""
