"""Wall-clock time, money and downloads of a planned suite, for `relscale plan`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relscale.config.costs import Costs
    from relscale.config.experiment import Experiment
    from relscale.plan.planned_run import Run

USUAL_GPUS = 8
"""GPUs for the wall-clock time if no number is given."""


def further_costs(
    experiment: "Experiment",
    runs: "Sequence[Run]",
    costs: "Costs",
    devices: int | None,
    price: float | None,
) -> str:
    """Return the wall-clock time of a suite and, at a price, the money, as text.

    Args:
        experiment: the configuration.
        runs: the planned runs.
        costs: speed of the device.
        devices: GPUs or cores; None for `USUAL_GPUS`, or the cores of this machine.
        price: money per device-hour.
    """
    from relscale.plan.bill import bill_of, cost_text
    from relscale.resources.training import suite_resources

    resources = suite_resources(runs, experiment.training, costs)
    found = bill_of(runs, costs, {run: needed.gpu for run, needed in resources.items()})
    usual = USUAL_GPUS if found.device == "gpu" else os.cpu_count() or 1
    return cost_text(found, devices or usual, price)


def downloads_of(experiment: "Experiment", checkout: Path, ask_index: bool) -> str:
    """Return the sources that a checkout would fetch, as text."""
    from relscale.workflow.downloads import downloads_text
    from relscale.workflow.experiment import plan_experiment
    from relscale.workflow.layout import Layout

    layout = Layout(experiment=plan_experiment(experiment))
    return downloads_text(layout, checkout, ask_index)


def write_costs(path: Path, costs: "Costs", source: str) -> None:
    """Write measured costs as an overlay.

    Args:
        path: the overlay.
        costs: the measured costs.
        source: words for the measurement; they become a comment.

    Raises:
        ValueError: with the reason, if nothing could be measured.
    """
    import yaml

    from relscale.files import write_text
    from relscale.plan.cost import STATED

    if source.startswith(STATED):
        raise ValueError(f"--costs {path}: {source.removeprefix(STATED).removeprefix('; ')}")
    content = yaml.safe_dump({"costs": costs.model_dump()}, sort_keys=False)
    write_text(path, f"# {source}\n{content}")
