"""Cost of a suite on given devices: wall-clock time and money.

`plan.cost` has the seconds of each run; this module spreads the runs over devices. Light imports.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relscale.config.costs import Costs
from relscale.plan.cost import run_seconds
from relscale.plan.planned_run import Run


@dataclass(frozen=True, kw_only=True)
class Bill:
    """The cost of a suite's training."""

    corpora: int
    """Number of corpora."""
    tokens: int
    """Tokens of all runs."""
    training_flops: float
    """Training FLOPs of all runs."""
    device: str
    """`cpu` or `gpu`."""
    device_seconds: tuple[float, ...]
    """Device-seconds of each run."""
    devices_of_run: tuple[int, ...]
    """Devices that each run uses at the same time."""

    @property
    def runs(self) -> int:
        """Number of runs."""
        return len(self.device_seconds)

    @property
    def total_seconds(self) -> float:
        """Device-seconds of all runs."""
        return sum(self.device_seconds)

    def wall_seconds(self, devices: int) -> float:
        """Return the seconds until the last run ends, if the longest runs start first.

        A run that uses more devices than there are is taken to need that much longer.

        Args:
            devices: number of devices, at least 1.
        """
        jobs = [
            (seconds / min(count, devices), min(count, devices))
            for seconds, count in zip(self.device_seconds, self.devices_of_run, strict=True)
        ]
        free = [0.0] * devices
        for seconds, count in sorted(jobs, reverse=True):
            taken = [heapq.heappop(free) for _ in range(count)]
            for _ in taken:
                heapq.heappush(free, max(taken) + seconds)
        return max(free)

    def price(self, per_hour: float) -> float:
        """Return the money that the device-hours cost at a price per device-hour."""
        return self.total_seconds / 3600 * per_hour


def cost_text(bill: Bill, devices: int, price: float | None = None) -> str:
    """Return the wall-clock time and, at a price, the money of a suite's training, as text.

    Args:
        bill: the cost.
        devices: number of GPUs or cores.
        price: money per device-hour.
    """
    unit = bill.device.upper()
    several = f"{unit}s" if devices > 1 else unit
    lines = [
        f"wall-clock: {duration(bill.wall_seconds(devices))} on {devices} {several} if the longest "
        "runs start first; training only"
    ]
    if price is not None:
        lines.append(
            f"money: {bill.price(price):,.2f} for {bill.total_seconds / 3600:,.1f} {unit}-hours at "
            f"{price:g} each"
        )
    return "\n".join(lines) + "\n"


def duration(seconds: float) -> str:
    """Return a duration in words with at most two units, such as `2 h 10 min`."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def bill_of(runs: Sequence[Run], costs: Costs, gpus: Mapping[str, int] | None = None) -> Bill:
    """Return the cost of the training of a suite.

    Args:
        runs: the planned runs.
        costs: speed of the device.
        gpus: GPUs that each run uses; runs that are not in it use one device.
    """
    return Bill(
        corpora=len({run.read_corpus for run in runs}),
        tokens=sum(run.tokens for run in runs),
        training_flops=float(sum(run.training_flops for run in runs)),
        device=costs.device,
        device_seconds=tuple(run_seconds(run, costs) for run in runs),
        devices_of_run=tuple(max(1, (gpus or {}).get(run.run, 1)) for run in runs),
    )
