"""Settings: how laws are fitted, what is drawn, what the bill assumes."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import Model, Name, Share, Unique

Estimator = Literal["joint", "vertex", "best_run", "akima", "surface"]


class TwoStage(Model):
    """The axes of the two-stage law, of families with a known accuracy of guessing."""

    loss_metric: Literal["bits_per_byte", "choice_loss_nats"] = "bits_per_byte"
    """The error that compute lowers, and that accuracy is a sigmoid of."""
    accuracy_metric: Literal["accuracy", "accuracy_per_byte"] = "accuracy"
    """The accuracy."""
    outside_models: str | None = None
    """Path of a table of models that are no runs of the suites (columns name, compute, loss,
    accuracy; domain and suite where they matter), which are set beside what the laws predict for
    them."""


class Laws(Model):
    """How laws are fitted and judged."""

    compute: Literal["training_flops", "forward_flops"] = "training_flops"
    """The axis of the laws."""
    optimum_by: Name = "validation"
    """Family whose error (bits per byte, or its first metric) decides the compute-optimal point."""
    estimators: Annotated[Unique[Estimator], Field(min_length=1)] = [
        "joint",
        "vertex",
        "best_run",
        "akima",
        "surface",
    ]
    """Estimators of the relative laws; the first is the one that figures and the summary show."""
    margin: Annotated[float, Field(gt=0)] = 0.01
    """Slopes within +- this count as parallel."""
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Level of the intervals."""
    draws: Annotated[int, Field(ge=100)] = 1000
    """Bootstrap draws."""
    seed: int = 0
    """Seed of the draws."""
    two_stage: TwoStage = TwoStage()
    """Accuracy from loss, and from compute."""


FigureName = Literal[
    "figure1_teaser",
    "figure2_pipeline",
    "figure3_prompts",
    "figure4_knowledge",
    "figure5_language",
    "figure6_size_or_data",
    "figure7_behaviour",
    "topics",
    "isoflop_curves",
    "loss_curves",
    "isoflop_metrics",
    "residuals",
    "backtest",
    "estimators",
    "detectable",
    "paper_beside",
]


class Figures(Model):
    """Which figures are drawn, and the choices in them."""

    names: Unique[FigureName]
    """Figures to draw (modules of relscale.figures)."""
    corpus: Name
    """The corpus of figures that show only one."""
    teaser: Annotated[Unique[Name], Field(min_length=1)]
    """Families of the teaser and of the comparison of estimators; those that are not evaluated are
    left out."""
    size_or_data: Name
    """Family whose slopes are split into size and data."""
    covariates: str = "internet_users_outlets.csv"
    """Table in workflow/reference that the slopes of the language family are set against (columns
    domain, value)."""
    covariate_label: str = "Population online, 1999 (%)"
    """What the covariate is, on the axis."""
    paper_corpora: dict[Name, str] = {}
    """Which corpus of the paper stands beside ours where the two are compared."""
    labels: dict[str, str] = {}
    """Words to draw for keys: domains, corpora, families."""
    extrapolate_decades: Annotated[float, Field(ge=0)] = 1.0
    """Decades of compute beyond the data over which laws are drawn, lighter."""
    explorer_baselines: Annotated[int, Field(ge=1)] = 12
    """The explorer offers every domain of a family as baseline, each fitted anew, where the family
    has no more domains than this."""
    paper_line: bool = False
    """Draw the paper's straight line (least squares of the reduction on log compute) beside the
    law."""


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
    tokens_per_core_s: Annotated[float, Field(gt=0)] = 500_000.0
    """Tokens that one core makes of text in a second (benchmarks/tokenization.py)."""
