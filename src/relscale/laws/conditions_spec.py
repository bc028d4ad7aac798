"""Specs of the laws of training conditions and of training curves. Light imports."""

from relscale.config.analysis import Compute, Level
from relscale.config.arm_facts import ArmFacts
from relscale.config.base import Model, Name


class ConditionsSpec(Model):
    """Spec of the laws of training conditions."""

    family: Name
    """Family whose losses they are fitted to."""
    metrics: tuple[str, ...]
    """Its metrics that fall with compute."""
    compute: Compute
    """Compute axis, a column of the losses table."""
    level: Level
    """Confidence level of the intervals."""
    arms: dict[Name, ArmFacts]
    """Arms of the suite by name."""


class CurveForecastsSpec(Model):
    """Spec of the forecasts of training curves."""

    level: Level
    """Confidence level of the intervals."""
