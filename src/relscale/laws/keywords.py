"""The keyword arguments of `fit_laws`, for type checkers and editors.

`relscale.laws.spec.LawSpec` is the source of names, types and defaults; a test compares the two.
"""

from typing import Literal, Required, TypedDict

from relscale.config.analysis import Ceiling, Classical, Compute, Estimator, Floor, Step1


class LawKeywords(TypedDict, total=False):
    """Fields of `LawSpec`. Only `family` is required."""

    family: Required[str]
    """Family whose domains are compared."""
    baseline: str | None
    """Domain in the denominator of G."""
    metrics: tuple[str, ...]
    """Metrics to fit, the primary one first. Default: bits_per_byte, or the only metric."""
    higher_is_better: tuple[str, ...]
    """Metrics, not known, whose larger values are better."""
    lower_is_better: tuple[str, ...]
    """Metrics, not known, whose smaller values are better."""
    compute: Compute
    """Compute axis, a column of the losses table."""
    optimum_by: str
    """Family whose loss locates the optimum, or `family_mean`."""
    estimators: tuple[Estimator, ...]
    """Estimators of the relative laws; the summary shows the first."""
    classical: tuple[Classical, ...]
    """Classical scaling laws that are fitted to every domain as well."""
    margin_share: float
    """Change of a gap that counts as small, as a share of the gap."""
    margin_floor: float
    """Smallest margin."""
    level: float
    """Confidence level of the intervals."""
    draws: int
    """Number of bootstrap draws."""
    seed: int
    """Seed of all draws."""
    surface_loss: Literal["huber", "lad", "least_squares"]
    """Loss by which the second method fits surfaces."""
    huber_delta: float | None
    """Delta of Huber's loss."""
    slice_tokens: float | None
    """Token count at which gaps are compared at fixed data."""
    reduce_above: int
    """Values of a metric from which on default draws and estimators are reduced."""
    chance: float | None
    """Accuracy of guessing, for the two-stage law."""
    paired_items: bool
    """Whether all domains have the same items by name, so that one draw of items serves all."""
    loss_metric: str
    """Loss of the two-stage law."""
    accuracy_metric: str
    """Accuracy of the two-stage law."""
    floor: Floor
    """Accuracy of the sigmoid at high loss."""
    ceiling: Ceiling
    """Accuracy of the sigmoid at low loss."""
    step1: Step1
    """Law that predicts the loss of the two-stage law."""
