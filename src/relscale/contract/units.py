"""Whether compute, parameters, tokens and losses are in their units. Light imports.

Training costs about 6 FLOPs per parameter and token, forward passes about 2 (Kaplan et al., 2020,
section 2.1). Embeddings that cost nothing, experts that are not used and attention over long
contexts move the ratio, so the bands are wide.
"""

import itertools
import math
import statistics
from collections.abc import Iterable

from relscale.contract.directions import plain_name

EXPECTED = {"training_flops": 6.0, "forward_flops": 2.0}
"""FLOPs per parameter and token."""
LOW, HIGH = 1 / 12, 50 / 3
"""A ratio between these multiples of the expected one is usual (0.5 to 100 in training)."""
REFUSED = 100.0
"""A ratio that is beyond the usual band by this factor too is a mistake in a unit."""
MIXED = 2.0
"""A gap of this factor between two groups of runs is a hint that they are on different axes, which
differ by 3. Embeddings move the ratio bit by bit."""
FEWEST_PARAMS, FEWEST_TOKENS = 1e3, 1e4
"""Medians below which parameters or tokens are hardly those of a language model."""
LEAST_BUDGET = 1e6
"""A budget whose name is a smaller number is not named after its FLOPs."""
FAR_FROM_NAME = 30.0
"""A budget's compute is named if it differs from its name by more than this factor."""
BETWEEN = 3.5
"""A ratio between those of the two axes (their geometric mean). All runs on the other side of it
are a hint that the axis is the other one."""

LARGEST_LOSS = 15.0
"""Nats per token, above that of a uniform guess over any vocabulary in use."""
PER_TOKEN = frozenset(
    [
        "bits_per_byte",
        "bpb",
        "ce_loss",
        "cross_entropy",
        "cross_entropy_loss",
        "crossentropyloss",
        "log_loss",
        "loss",
        "test_loss",
        "train_loss",
        "val_loss",
        "validation_loss",
    ]
)
"""Losses per token or byte, as `relscale.contract.directions.plain_name` returns their names."""


def unit_error(where: str, axis: str, compute: float, params: float, tokens: float) -> str | None:
    """Return a sentence about a run whose numbers cannot be in these units, or None.

    Args:
        where: file and run.
        axis: `training_flops` or `forward_flops`.
        compute: FLOPs on this axis.
        params: parameters in all.
        tokens: training tokens.
    """
    ratio = compute / params / tokens / EXPECTED[axis]
    if LOW / REFUSED <= ratio <= HIGH * REFUSED:
        return None
    return (
        f"{where}: {axis} {compute:.6g} over (num_params_total {params:.6g} x tokens {tokens:.6g}) "
        f"is {compute / params / tokens:.2g}, and about {EXPECTED[axis]:g} is right: "
        "one of the three is in another unit, such as millions"
    )


def unit_notes(axis: str, ratios: Iterable[float]) -> list[str]:
    """Return notes on runs with an unusual ratio of compute to parameters times tokens.

    Args:
        axis: `training_flops` or `forward_flops`.
        ratios: compute over (parameters x tokens) of each run.
    """
    ratios = list(ratios)
    if not ratios:
        return []
    expected = EXPECTED[axis]
    ordered = sorted(ratios)
    middle = statistics.median(ratios)
    unusual = sum(not LOW * expected <= ratio <= HIGH * expected for ratio in ratios)
    if unusual:
        return [
            f"{axis} over (parameters x tokens) is {middle:.2g} (median) where about "
            f"{expected:g} is usual: unusual in {unusual} run(s), check the units"
        ]
    steps = [high / low for low, high in itertools.pairwise(ordered)]
    if max(steps, default=1.0) > MIXED:
        after = steps.index(max(steps))
        return [
            f"{axis} over (parameters x tokens) is up to {ordered[after]:.2g} in {after + 1} "
            f"run(s) and from {ordered[after + 1]:.2g} in the others: are forward and training "
            "FLOPs mixed?"
        ]
    if axis == "training_flops" and max(ratios) < BETWEEN:
        other = "forward_flops"
    elif axis == "forward_flops" and min(ratios) > BETWEEN:
        other = "training_flops"
    else:
        return []
    return [
        f"{axis} over (parameters x tokens) is {middle:.2g} (median) as for {other}: "
        f"about {expected:g} is usual, is it the other axis?"
    ]


def size_notes(params: Iterable[float], tokens: Iterable[float]) -> list[str]:
    """Return a note on each of parameters and tokens that is too small for language models."""
    notes = []
    for name, values, fewest in (
        ("num_params_total", list(params), FEWEST_PARAMS),
        ("tokens", list(tokens), FEWEST_TOKENS),
    ):
        if values and (middle := statistics.median(values)) < fewest:
            notes.append(
                f"{name} is {middle:.3g} (median): is it in another unit such as millions?"
            )
    return notes


def budget_notes(axis: str, budgets: Iterable[tuple[str, float]]) -> list[str]:
    """Return a note on the first budget whose name is a number far from its runs' compute.

    Args:
        axis: `training_flops` or `forward_flops`.
        budgets: name, and median compute of its runs.
    """
    for name, compute in budgets:
        try:
            number = float(name)
        except ValueError:
            continue
        if LEAST_BUDGET < number < math.inf and not (
            1 / FAR_FROM_NAME <= compute / number <= FAR_FROM_NAME
        ):
            return [f"budget {name} holds runs of {compute:.3g} {axis} (median)"]
    return []


def looks_like_perplexity(values: Iterable[float]) -> bool:
    """Return whether losses are so large that they are rather perplexities, e to the loss.

    Args:
        values: the values of a loss per token; those that are not finite do not count.
    """
    known = [value for value in values if math.isfinite(value)]
    return bool(known) and statistics.median(known) > LARGEST_LOSS and min(known) >= 1


def loss_notes(metric: str, values: Iterable[float]) -> list[str]:
    """Return a note on a loss per token or byte whose values look like perplexities.

    Args:
        metric: name of the metric; other metrics have no note.
        values: its values.
    """
    values = list(values)
    if plain_name(metric) not in PER_TOKEN or not looks_like_perplexity(values):
        return []
    middle = statistics.median(value for value in values if math.isfinite(value))
    return [
        f"{metric} is {middle:.4g} (median), above the loss of a uniform guess (about 11 nats): is "
        "it perplexity?"
    ]
