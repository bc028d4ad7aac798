"""What a fit of one family is told, and how it says that there is no usable result."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

ESTIMATORS = ("joint", "vertex", "best_run", "akima", "surface")
COMPUTE_AXES = ("training_flops", "forward_flops")
FAMILY_MEAN = "family_mean"


@dataclass(frozen=True, kw_only=True)
class LawSettings:
    """Settings of one family's laws."""

    family: str
    """Family whose domains are compared."""
    baseline: str | None = None
    """Domain in the denominator of G; None for a family with absolute laws only."""
    metrics: tuple[str, ...] = ("bits_per_byte",)
    """Metrics to fit, the primary one first."""
    chance: float | None = None
    """Accuracy of guessing, the floor of the two-stage sigmoid; None where there is no choice
    task."""
    loss_metric: str = "bits_per_byte"
    """The error that the two-stage sigmoid is a function of."""
    accuracy_metric: str = "accuracy"
    """The accuracy of the two-stage law."""
    optimum_by: str = "validation"
    """Family whose (mean log) error places the optimum: the suite's own validation loss;
    `family_mean`: the family's own domains."""
    compute: str = "training_flops"
    """The compute axis F, a column of the losses table."""
    margin: float = 0.01
    """Slopes dbeta within +- margin count as parallel."""
    level: float = 0.95
    """Coverage that the intervals aim at."""
    draws: int = 2000
    """Bootstrap draws, over runs and over items."""
    seed: int = 0
    """Seed of all draws."""
    estimators: tuple[str, ...] = ESTIMATORS
    """Estimators of the relative law, the one to read first in front."""
    slice_tokens: float | None = None
    """Token count of the paper's slice at fixed data; None takes the geometric mean of the budgets'
    optima."""

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            ValueError: naming the key, its value and what would be right.
        """
        problems = []
        if not self.metrics:
            problems.append("metrics is empty: name at least one")
        if self.compute not in COMPUTE_AXES:
            problems.append(f"compute is {self.compute!r}: one of {', '.join(COMPUTE_AXES)}")
        unknown = [name for name in self.estimators if name not in ESTIMATORS]
        if unknown or not self.estimators:
            problems.append(
                f"estimators are {list(self.estimators)!r}: any of {', '.join(ESTIMATORS)}"
            )
        if not self.margin > 0:
            problems.append(f"margin is {self.margin!r}: a number above 0")
        if not 0.5 < self.level < 1:
            problems.append(f"level is {self.level!r}: a number between 0.5 and 1")
        if self.draws < 100:
            problems.append(f"draws is {self.draws!r}: at least 100")
        if self.chance is not None and not 0 <= self.chance < 1:
            problems.append(f"chance is {self.chance!r}: at least 0 and under 1")
        if problems:
            raise ValueError(f"laws of family {self.family!r}: " + "; ".join(problems))

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> "LawSettings":
        """Make the settings from a stage's spec.

        Raises:
            ValueError: for a key that is not known or a missing family.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(spec) - known)
        if unknown:
            raise ValueError(
                f"--spec: unknown key(s) {', '.join(unknown)}; known are {', '.join(sorted(known))}"
            )
        if "family" not in spec:
            raise ValueError("--spec: key family is missing")
        values = dict(spec)
        for key in ("metrics", "estimators"):
            if key in values:
                values[key] = tuple(values[key])
        return cls(**values)
