"""Whether compute, parameters and tokens are in FLOPs, parameters and tokens. Light imports.

Training costs about 6 FLOPs per parameter and token, forward passes about 2 (Kaplan et al., 2020,
section 2.1). Embeddings that cost nothing, experts that are not used and attention over long
contexts move the ratio, so the bands are wide.
"""

import statistics
from collections.abc import Iterable

EXPECTED = {"training_flops": 6.0, "forward_flops": 2.0}
"""FLOPs per parameter and token."""
LOW, HIGH = 1 / 12, 50 / 3
"""A ratio between these multiples of the expected one is usual (0.5 to 100 in training)."""
REFUSED = 100.0
"""A ratio that is beyond the usual band by this factor too is a mistake in a unit."""
BETWEEN = 3.5
"""A ratio between those of the two axes (their geometric mean). All runs on the other side of it
are a hint that the axis is the other one."""


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
    middle = statistics.median(ratios)
    unusual = sum(not LOW * expected <= ratio <= HIGH * expected for ratio in ratios)
    if unusual:
        return [
            f"{axis} over (parameters x tokens) is {middle:.2g} (median) where about "
            f"{expected:g} is usual: unusual in {unusual} run(s), check the units"
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
