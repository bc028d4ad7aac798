"""Runs near the compute-optimal frontier.

A law of a gap is read near the frontier, where each unit of compute buys the lowest loss. Runs far
from it (too small or too large for their compute) can follow another curve. `excess_loss` measures
how far a run is from the frontier, `near_runs` keeps the nearest share.
"""

import numpy as np

from relscale.laws.cells import Array, Flags
from relscale.laws.run_points import RunPoints

MIN_NEAR_RUNS = 8
"""Fewer runs than these are never left out: a curve with three coefficients needs scatter."""
MIN_CELLS_OF_CURVE = 3
"""Sizes from which the best of a budget is a frontier of its own."""
ROUNDING = 1e-12
"""Excess below which a run is on the frontier."""


def excess_loss(points: RunPoints, used: Flags) -> Array:
    """Return how far the baseline's log loss is above the frontier, (run,), at least 0.

    The frontier at a run's compute is the higher of two curves: the lower convex hull of log loss
    over log compute, over all sizes with their seeds averaged, and the lowest loss of the run's
    budget if at least three sizes were trained there. The first one compares runs of a grid of
    sizes and tokens, where every run has a compute of its own; the second one is exact on an
    IsoFLOP curve. Where no run has a higher loss than a cheaper one, none is off the frontier:
    that is a table with one run per budget.

    Args:
        points: runs; the baseline is the last domain.
        used: (run,) runs that make the frontier. The others have an excess, too, which is 0 where
            they are below it or beyond its compute.
    """
    labels, inverse = np.unique(points.cell, return_inverse=True)
    count = np.bincount(inverse, weights=used, minlength=len(labels))
    known = count > 0
    total = np.maximum(count, 1)
    loss = np.bincount(inverse, weights=used * points.values[-1], minlength=len(labels)) / total
    compute = np.bincount(inverse, weights=points.log_compute) / np.bincount(inverse)
    budget = np.zeros(len(labels), dtype=np.int64)
    budget[inverse] = points.budget
    if not _any_is_dominated(compute[known], loss[known]):
        return np.zeros(points.num_runs)
    frontier = _lower_hull(compute[known], loss[known], compute)
    for index in np.unique(budget[known]):
        here = known & (budget == index)
        if here.sum() >= MIN_CELLS_OF_CURVE:
            of_budget = budget == index
            frontier[of_budget] = np.maximum(frontier[of_budget], loss[here].min())
    loss[~known] = frontier[~known]
    return np.asarray(np.maximum(loss - frontier, 0.0)[inverse])


def near_runs(excess: Array, used: Flags, share: float) -> Flags:
    """Return the used runs nearest to the frontier, (run,).

    At least `share` of the used runs and `MIN_NEAR_RUNS` of them are kept; runs with the same
    excess are kept together.
    """
    ordered = np.sort(excess[used])
    if not len(ordered):
        return used
    number = min(len(ordered), max(int(np.ceil(share * len(ordered))), MIN_NEAR_RUNS))
    return np.asarray(used & (excess <= ordered[number - 1] + ROUNDING))


def _any_is_dominated(compute: Array, loss: Array) -> bool:
    """Return whether any run has a higher loss than a run with less compute."""
    ordered = loss[np.lexsort((loss, compute))]
    return bool(np.any(ordered > np.minimum.accumulate(ordered) + ROUNDING))


def _lower_hull(x: Array, y: Array, at: Array) -> Array:
    """Return the lower convex hull of points, read at `at`; constant beyond its ends."""
    order = np.lexsort((y, x))
    hull: list[tuple[float, float]] = []
    for point in zip(x[order], y[order], strict=True):
        if hull and point[0] == hull[-1][0]:
            continue
        while len(hull) > 1 and _turns_down(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    # Beyond its lowest point the hull rises; a frontier does not.
    lowest = int(np.argmin([value for _, value in hull]))
    ends = np.array(hull[: lowest + 1])
    return np.asarray(np.interp(at, ends[:, 0], ends[:, 1]))


def _turns_down(
    first: tuple[float, float], second: tuple[float, float], third: tuple[float, float]
) -> bool:
    """Return whether the second point is on or above the line from the first to the third."""
    rise = (second[0] - first[0]) * (third[1] - first[1])
    return rise <= (second[1] - first[1]) * (third[0] - first[0])
