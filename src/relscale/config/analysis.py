"""Section `laws`: how laws are fitted and judged.

`FitSettings` and `TwoStageAxes` are the single source of these fields and of their defaults: the
configuration (`Laws`), the spec of a fit (`relscale.laws.spec`) and the options of `relscale laws`
derive from them.
"""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

from relscale.config.base import NUMBER, WHOLE, Flag, Model, Seed, is_none, without_repeats
from relscale.config.representation import Representation

Compute = Literal["training_flops", "forward_flops"]
Estimator = Literal["auto", "joint", "vertex", "best_run", "akima", "surface"]
Floor = Literal["free", "chance"]
Ceiling = Literal["free", "one"]
Classical = Literal[
    "kaplan_params",
    "kaplan_params_floor",
    "kaplan_tokens",
    "kaplan_tokens_floor",
    "kaplan_compute",
    "kaplan_compute_floor",
    "kaplan_surface",
    "hoffmann_surface",
    "overtraining",
    "farseer",
    "broken_compute",
    "error_exponential",
]
Step1 = Literal["auto", "compute", "surface", "saturating"]
Level = Annotated[float, Field(gt=0.5, lt=1), NUMBER]
"""A confidence level."""

LOSS_AXES = ("bits_per_byte", "choice_loss_nats")
"""Metrics that can be the loss of the two-stage law."""
ACCURACY_AXES = ("accuracy", "accuracy_per_byte")
"""Metrics that can be the accuracy of the two-stage law."""


class FitSettings(Model):
    """Settings of a fit that do not depend on the family fitted."""

    compute: Compute = "training_flops"
    """Compute axis of the laws, a column of the losses table."""
    optimum_by: Annotated[str, Field(min_length=1)] = "validation"
    """Family whose loss locates the compute-optimal point of each budget. In fits of a table from
    outside, `family_mean` takes the mean over the fitted family's domains."""
    estimators: Annotated[
        tuple[Estimator, ...], AfterValidator(without_repeats), Field(min_length=1)
    ] = ("auto", "joint", "vertex", "best_run", "akima", "surface")
    """Estimators of the relative laws; figures and the summary show the first."""
    margin_share: Annotated[float, Field(gt=0, lt=1), NUMBER] = 0.10
    """A change of a gap counts as small if it is at most this share of the gap in the middle of the
    observed compute (of |log G|, or of the difference)."""
    margin_floor: Annotated[float, Field(gt=0, lt=1), NUMBER] = 0.005
    """Smallest margin, for gaps near 0: a change of log G, or the same share of the baseline's
    value for the difference."""
    level: Level = 0.95
    """Confidence level of the intervals."""
    draws: Annotated[int, Field(ge=100, le=100_000), WHOLE] = 1000
    """Number of bootstrap draws, over runs and over items."""
    seed: Seed = 0
    """Seed of all draws."""
    surface_loss: Literal["huber", "lad", "least_squares"] = "huber"
    """Loss of log L by which the second method fits surfaces: Huber's, least absolute deviations,
    or least squares."""
    huber_delta: Annotated[float | None, Field(gt=0, lt=1), NUMBER] = None
    """Delta of Huber's loss for surfaces; the default is 1.345 robust standard deviations of the
    residuals. Published values are 1e-3 and 1e-4."""
    slice_tokens: Annotated[float | None, Field(gt=0, lt=1e18), NUMBER] = None
    """Token count at which gaps are compared at fixed data; the default is the geometric mean of
    the budgets' optima."""

    classical: Annotated[tuple[Classical, ...], AfterValidator(without_repeats)] = get_args(
        Classical
    )
    """Classical scaling laws that are fitted to every domain as well."""

    @field_validator(
        "margin_share",
        "margin_floor",
        "level",
        "draws",
        "seed",
        "huber_delta",
        "slice_tokens",
        mode="before",
    )
    @classmethod
    def _not_a_truth_value(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("Input should be a number, not a truth value")
        return value


class TwoStageAxes(Model):
    """Axes and form of the two-stage law: loss from compute, then accuracy from loss."""

    loss_metric: str = "bits_per_byte"
    """Metric that compute lowers; accuracy is a sigmoid of it."""
    accuracy_metric: str = "accuracy"
    """Metric that the sigmoid predicts."""
    floor: Floor = "free"
    """Accuracy of the sigmoid at high loss: fitted, with a prior about chance (standard deviation
    .05), or chance itself."""
    ceiling: Ceiling = "free"
    """Accuracy of the sigmoid at low loss: fitted, with a prior below 1 (standard deviation .2), or
    1."""
    step1: Step1 = "auto"
    """Law that predicts the loss: `compute` (a power law of compute), `saturating` (the same with
    an irreducible loss), `surface` (of parameters and tokens), or `auto`: the one with the lowest
    error at budgets that are left out, with the others that do about as well in the interval."""


class TwoStage(TwoStageAxes):
    """Settings of the two-stage law, which is fitted to families with a known chance accuracy."""

    outside_models: str | None = None
    """Path of a table of models that are not runs of the suite (columns `name`, `compute`, `loss`,
    `accuracy`, and where they matter `params`, `tokens`, `domain` and `corpus`); they are
    compared with the law's predictions."""

    @field_validator("loss_metric")
    @classmethod
    def _known_loss(cls, value: str) -> str:
        return _one_of(value, LOSS_AXES)

    @field_validator("accuracy_metric")
    @classmethod
    def _known_accuracy(cls, value: str) -> str:
        return _one_of(value, ACCURACY_AXES)


class SuiteContrast(Model):
    """Two corpora whose runs are compared on every domain at the same compute."""

    treatment: Annotated[str, Field(min_length=1)]
    """Corpus whose loss is the numerator of the gap."""
    baseline: Annotated[str, Field(min_length=1)]
    """Corpus whose loss is the denominator."""

    @model_validator(mode="after")
    def _differ(self) -> "SuiteContrast":
        if self.treatment == self.baseline:
            raise ValueError(f"treatment and baseline are both {self.baseline!r}: must differ")
        return self

    def __str__(self) -> str:
        """Return TREATMENT/BASELINE."""
        return f"{self.treatment}/{self.baseline}"


def without_repeated_contrasts(
    contrasts: tuple[SuiteContrast, ...],
) -> tuple[SuiteContrast, ...]:
    """Return contrasts between suites.

    Raises:
        ValueError: naming one that is there twice, in either direction.
    """
    seen: set[frozenset[str]] = set()
    for contrast in contrasts:
        pair = frozenset((contrast.treatment, contrast.baseline))
        if pair in seen:
            raise ValueError(f"{contrast} is there more than once, in this or the other direction")
        seen.add(pair)
    return contrasts


class Laws(FitSettings):
    """How laws are fitted and judged."""

    register_largest: Flag = True
    """Predict the losses and gaps of each corpus's largest budget from the budgets below it, before
    its runs are scored; the predictions and their scores are tables. For suites that are trained
    here, and corpora with at least three budgets."""
    two_stage: TwoStage = TwoStage()
    """Accuracy as a function of loss, and of compute."""
    representation: Annotated[Representation | None, Field(exclude_if=is_none)] = None
    """Corpora that differ in the shares of two domains' text: does a share change level or slope of
    their gap? None for no such question."""
    suite_contrasts: Annotated[
        tuple[SuiteContrast, ...], AfterValidator(without_repeated_contrasts)
    ] = ()
    """Pairs of corpora whose runs are compared on every domain of every family at the same compute:
    corpus against corpus, or one variant of training against another. Each suite is read at its own
    compute-optimal points."""


def _one_of(value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError(f"the choices are {', '.join(choices)}")
    return value
