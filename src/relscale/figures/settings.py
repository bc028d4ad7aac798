"""Models that the settings of several figures share. The defaults draw any tables."""

from contextlib import AbstractContextManager
from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import Model
from relscale.contract.directions import stated_directions

Compute = Literal["training_flops", "forward_flops"]
"""The column on the axis of the laws."""


def _is_empty(value: object) -> bool:
    return not value


class StatedDirections(Model):
    """Directions of metrics whose names say nothing, as a losses table from outside states them."""

    higher_is_better: Annotated[tuple[str, ...], Field(exclude_if=_is_empty)] = ()
    """Metrics whose larger values are better."""
    lower_is_better: Annotated[tuple[str, ...], Field(exclude_if=_is_empty)] = ()
    """Metrics whose smaller values are better."""

    def stated(self) -> AbstractContextManager[None]:
        """Return a context in which the directions are known."""
        return stated_directions(self.higher_is_better, self.lower_is_better)


class Shown(StatedDirections):
    """Settings that all figures have."""

    corpora: tuple[str, ...] = ()
    """Order of the corpora, which decides their markers; others follow, sorted."""
    labels: dict[str, str] = Field(default={})
    """Words to draw instead of keys."""


class FamilyView(Model):
    """A family, and how a figure shows it."""

    family: str = ""
    """Key of the family."""
    metric: str = ""
    """Its metric; empty for bits per byte, or else the first metric in the tables."""
    baseline: str = ""
    """The domain that others are compared with; empty for that of the tables."""
    domains: tuple[str, ...] = ()
    """Order of the domains, which decides their colours; others follow, sorted."""
    title: str = ""
    """Heading; empty for the label of the family."""


class FamilySettings(Shown):
    """Settings of a figure that shows the laws of one family."""

    family: str = ""
    """Key of the family."""
    metric: str = "bits_per_byte"
    """Its metric."""
    baseline: str = ""
    """The domain that others are compared with; empty for that of the tables."""
    domains: tuple[str, ...] = ()
    """Order of the domains, which decides their colours; others follow, sorted."""
    estimator: str = "joint"
    """Estimator of the laws."""
    compute: Compute = "training_flops"
    """Axis of the laws."""
    extrapolate_decades: float = 1.0
    """Decades of compute beyond the data over which laws are drawn."""
    paper_line: bool = False
    """Whether to draw the paper's straight line in addition to the law."""


class ComparedSettings(Shown):
    """Settings of a figure that compares families."""

    families: tuple[FamilyView, ...] = ()
    """Families to show; empty for all in the tables."""
    estimator: str = "joint"
    """Estimator of the relative laws whose verdicts count."""
