"""Settings: how laws are fitted, what is drawn, what the bill assumes."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.settings.base import Model, Name, Share


class Laws(Model):
    """How laws are fitted and judged."""

    compute: Literal["training_flops", "forward_flops"] = "training_flops"
    """The axis of the laws."""
    optimum_by: Name = "validation"
    """Family whose first metric decides the compute-optimal point."""
    estimators: Annotated[list[Literal["joint", "vertex", "best_run"]], Field(min_length=1)] = ["joint", "vertex", "best_run"]
    """Estimators of the relative laws; the first is the one that figures and the summary show."""
    margin: Annotated[float, Field(gt=0)] = 0.01
    """Slopes within +- this count as parallel."""
    level: Share = 0.95
    """Level of the intervals."""
    draws: Annotated[int, Field(ge=100)] = 1000
    """Bootstrap draws."""
    seed: int = 0
    """Seed of the draws."""


class Figures(Model):
    """Which figures are drawn, and the choices in them."""

    names: list[str]
    """Figures to draw (modules of relscale.plots)."""
    corpus: Name
    """The corpus of figures that show only one."""
    paper_line: bool = False
    """Draw the paper's straight line (least squares of the reduction on log compute) beside the law."""


class Costs(Model):
    """Assumptions of the plan's bill; nothing else uses them."""

    device: Literal["cpu", "gpu"]
    """What the runs are trained on."""
    peak_flops_per_s: Annotated[float, Field(gt=0)]
    """Peak of one device (a core, or a GPU)."""
    utilisation: Share
    """Share of the peak that training reaches on large matrices."""
    step_overhead_s: Annotated[float, Field(ge=0)] = 0.0
    """Seconds that an optimiser step costs beside its arithmetic."""
    layer_overhead_s: Annotated[float, Field(ge=0)] = 0.0
    """The same, for each layer."""
    start_s: Annotated[float, Field(ge=0)] = 0.0
    """Seconds that a job costs before its first step."""
