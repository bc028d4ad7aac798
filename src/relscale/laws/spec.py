"""Specs of the stages that fit laws: models of their JSON. Light imports."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from relscale.config.analysis import (
    Compute,
    FitSettings,
    Level,
    SuiteContrast,
    TwoStageAxes,
)
from relscale.config.base import Model, is_none, without_repeats
from relscale.config.representation import Representation
from relscale.contract.directions import known_direction


def _is_empty(value: object) -> bool:
    return not value


REDUCE_ABOVE = 20_000
"""Default of `LawSpec.reduce_above`. The default experiment has 1,551 per metric at most."""


def _is_default_size(value: object) -> bool:
    return value == REDUCE_ABOVE


Metrics = Annotated[tuple[str, ...], AfterValidator(without_repeats)]
"""Names of metrics."""

FAMILY_MEAN = "family_mean"
"""Value of `optimum_by` that locates the optimum by the mean over the family's own domains."""


class LawSpec(FitSettings, TwoStageAxes):
    """Spec of the laws of one family."""

    family: str
    """Family whose domains are compared."""
    baseline: str | None = None
    """Domain in the denominator of G; None for a family with absolute laws only."""
    metrics: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(without_repeats)] = (
        "bits_per_byte",
    )
    """Metrics to fit, the primary one first."""
    higher_is_better: Annotated[Metrics, Field(exclude_if=_is_empty)] = ()
    """Metrics of a table from outside whose larger values are better. Only for metrics that are
    not known."""
    lower_is_better: Annotated[Metrics, Field(exclude_if=_is_empty)] = ()
    """Metrics of a table from outside whose smaller values are better."""
    reduce_above: Annotated[int, Field(ge=1, exclude_if=_is_default_size)] = REDUCE_ABOVE
    """Values of a metric, over all corpora, from which on the defaults of `draws` and `estimators`
    are reduced (`relscale.laws.inputs.reduced`)."""
    chance: Annotated[float | None, Field(ge=0, lt=1)] = None
    """Accuracy of guessing, the floor of the two-stage sigmoid; None without a choice task."""
    paired_items: Annotated[bool, Field(exclude_if=_is_empty)] = False
    """Whether all domains have the same items, by name, so that one draw of items serves all: the
    verses of several translations."""

    def rises(self, metric: str) -> bool:
        """Return whether a metric rises with compute: whether a larger value is better.

        Raises:
            ValueError: if that is neither known nor stated.
        """
        direction = self.direction(metric)
        if direction is None:
            raise ValueError(
                f"metric {metric!r} is not known: state whether a larger or a smaller value is "
                f"better (higher_is_better or lower_is_better; in the command "
                f"--higher-is-better {metric} or --lower-is-better {metric}; or a column "
                "higher_is_better)"
            )
        return direction

    def direction(self, metric: str) -> bool | None:
        """Return whether a larger value of a metric is better; None where nothing is known.

        Raises:
            ValueError: if the spec contradicts itself or the declaration of the metric.
        """
        higher, lower = metric in self.higher_is_better, metric in self.lower_is_better
        if higher and lower:
            raise ValueError(f"metric {metric!r} is both higher_is_better and lower_is_better")
        known = known_direction(metric)
        if not higher and not lower:
            return known
        if known is not None and known != higher:
            better = "larger" if known else "smaller"
            raise ValueError(
                f"metric {metric!r}: {better} values are better; it cannot be changed (give "
                "another metric another name)"
            )
        return higher

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "LawSpec":
        """Return the spec with the given fields.

        Raises:
            ValueError: naming every wrong key, its value and the rule it breaks.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            problems = "; ".join(_sentence(each, cls) for each in error.errors())
            raise ValueError(f"laws of family {values.get('family')!r}: {problems}") from None


class BaselinesSpec(LawSpec):
    """Spec of the relative laws of one family against several baselines."""

    baselines: Annotated[tuple[str, ...], AfterValidator(without_repeats)]
    """Domains that the others are compared with."""
    all_up_to: Annotated[int | None, Field(ge=1, exclude_if=is_none)] = None
    """For a losses table from outside, whose domains are not known before: every domain of the
    family is a baseline if it has at most this number of domains."""


class RepresentationSpec(LawSpec):
    """Spec of the table `representation`: the laws of one family, and the question."""

    representation: Representation
    """Corpora and shares of the two domains."""


class FamilyContrasts(Model):
    """Suites that are compared on the domains of one family."""

    laws: LawSpec
    """Spec of the family."""
    contrasts: tuple[SuiteContrast, ...]
    """Pairs of corpora whose runs are scored on the same texts."""


class SuiteContrastsSpec(Model):
    """Spec of the contrasts between suites."""

    families: tuple[FamilyContrasts, ...]
    """Families, in the order of their losses."""


class TunedSpec(Model):
    """Spec of the relative laws on tuned frontiers."""

    frontiers: Mapping[str, tuple[str, ...]]
    """Members of each frontier, the default first."""
    optimum_by: str
    """Family whose loss chooses a member at each size."""
    metric: str
    """Its metric."""
    laws: tuple[LawSpec, ...]
    """Spec of each family with a baseline; the first estimator is compared."""


class OptimaSpec(Model):
    """Spec of the compute-optimal points."""

    compute: Compute = "training_flops"
    """Compute axis, a column of the losses table."""
    optimum_by: str = "validation"
    """Family whose loss locates the optimum."""
    level: Level = 0.95
    """Confidence level at which an optimum counts as flat."""
    family: str | None = None
    """Family whose runs are listed; None for `optimum_by`."""
    metrics: tuple[str, ...] | None = None
    """Metrics that the family must have; None for all that it has."""
    higher_is_better: Annotated[Metrics, Field(exclude_if=_is_empty)] = ()
    """As in `LawSpec`."""
    lower_is_better: Annotated[Metrics, Field(exclude_if=_is_empty)] = ()
    """As in `LawSpec`."""


class CorrelationSpec(Model):
    """Spec of the correlation of slopes with a covariate."""

    covariate: str
    """Name of the covariate."""
    level: Level
    """Confidence level of the interval."""
    seed: Annotated[int, Field(ge=0)]
    """Seed of the permutations."""


class PromptsSpec(Model):
    """Spec of the comparison of prompts."""

    prompts: dict[str, str]
    """Prompt of each family: `traditional`, `continuation` or `modified`."""
    compute: Compute
    """Compute axis, a column of the losses table."""
    window: int
    """Tokens that the models read; 0 where they differ or it is not known."""
    level: Level
    """Confidence level of the intervals."""


def _sentence(problem: Mapping[str, Any], model: type[Model]) -> str:
    """Return a sentence about one mistake: key, value and rule."""
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {key}; known are {', '.join(sorted(model.model_fields))}"
    if problem["type"] == "missing":
        return f"key {key} is missing"
    return f"{key} is {problem['input']!r}: {problem['msg']}"
