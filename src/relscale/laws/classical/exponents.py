"""How the optimal size and data grow with compute: the three approaches of Hoffmann et al.

N* ~ C^a and D* ~ C^b (Hoffmann et al., 2022, arXiv:2203.15556, section 3). Approach 1 takes the
runs on the lower convex hull of log loss over log compute, approach 2 the minima of parabolas
through IsoFLOP curves, approach 3 the surface L = E + A / N^alpha + B / D^beta.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from relscale.contract.status import Status
from relscale.laws.cells import Array, Index
from relscale.laws.classical.fitted import FittedForm
from relscale.laws.classical.form import Axes
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE
from relscale.laws.fit_error import FitError
from relscale.laws.optima.parabola import parabola, vertex_of

LN10 = float(np.log(10))
MIN_BUDGETS, MIN_SIZES = 4, 3
"""Different budgets, and different N, on the hull that exponents are read from."""
MIN_RANGE = 10.0
"""Ratio of the largest and the smallest compute there."""
MIN_DRAWS_KEPT = 0.8
"""Share of bootstrap draws whose hull must have exponents, too."""


@dataclass(frozen=True, kw_only=True)
class Curves:
    """Sizes, tokens, compute and loss of the cells of a corpus."""

    log_params: Array
    """Natural log of N by some way of counting, (cell,)."""
    log_tokens: Array
    """Natural log of D, (cell,)."""
    log_compute: Array
    """Natural log of C, (cell,)."""
    log_loss: Array
    """Natural log of the loss that locates optima, (cell,)."""
    weights: Array
    """Relative inverse variances, (cell,)."""
    groups: tuple[Index, ...]
    """Cells of each budget, indices."""

    @property
    def axes(self) -> Axes:
        """Return the axes of the classical laws."""
        return Axes.of(self.log_params, self.log_tokens, self.log_compute)


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Exponents of the optimal size and data, with intervals."""

    a: tuple[float, float, float]
    """Exponent of N*, estimate and interval."""
    b: tuple[float, float, float]
    """Exponent of D*, estimate and interval."""
    tokens_per_param: tuple[float, float]
    """D* / N* at the lowest and at the highest compute."""
    num_points: int
    """Points that the lines go through, or those of the surface."""
    remarks: tuple[str, ...] = ()
    """Notes for a reader."""


def approach_1(curves: Curves, level: float, draws: int, seed: int) -> Growth:
    """Read exponents from the cells on the lower hull of log loss over log compute.

    The hull is that of McLeish et al. (2025, arXiv:2502.06857). Intervals are percentiles of a
    bootstrap of the cells, the sizes of all budgets; a draw counts if its hull, too, has enough
    budgets, sizes and compute.

    Args:
        curves: the cells.
        level: of the intervals.
        draws: number of draws.
        seed: of the draws.

    Raises:
        FitError: `too_few_runs` if the hull has fewer than four budgets or three sizes or spans
            less than a decade of compute, or if the hulls of a fifth of the draws do.
    """
    everything = np.arange(len(curves.log_loss))
    hull = _lower_hull(curves, everything)
    budgets, sizes, span = _extent(curves, hull)
    if not _enough(budgets, sizes, span):
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"the hull has {budgets} budget(s) and {sizes} size(s) over a factor of "
            f"{np.exp(span):.3g} of compute: {MIN_BUDGETS}, {MIN_SIZES} and a factor of "
            f"{MIN_RANGE:g} are needed",
        )
    size, data = (_line(curves.log_compute[hull], each[hull]) for each in _both(curves))
    rng = np.random.default_rng([seed, 11])
    drawn = []
    for chosen in rng.integers(0, len(everything), (draws, len(everything))):
        some = _lower_hull(curves, np.unique(chosen))
        if _enough(*_extent(curves, some)):
            drawn.append([_line(curves.log_compute[some], each[some])[1] for each in _both(curves)])
    if len(drawn) < MIN_DRAWS_KEPT * draws:
        raise FitError(
            Status.TOO_FEW_RUNS,
            f"the hull has enough budgets, sizes and compute in only {len(drawn)} of {draws} "
            "draws of sizes",
        )
    ends = np.quantile(np.array(drawn), [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return Growth(
        a=(size[1], float(ends[0, 0]), float(ends[1, 0])),
        b=(data[1], float(ends[0, 1]), float(ends[1, 1])),
        tokens_per_param=_ratios(curves, size, data),
        num_points=len(hull),
    )


def approach_2(curves: Curves, level: float) -> Growth:
    """Read exponents from the minima of parabolas in log N, and in log D.

    Log compute and the place of the minimum of every budget are fitted by a straight line, for N
    and for D apart (Hoffmann et al., 2022, section 3.2). Intervals are Student's t of the lines:
    they contain the scatter of the minima about the line.

    Args:
        curves: the cells, with the IsoFLOP curve of each budget.
        level: of the intervals.

    Returns:
        The exponents; `num_points` is the smaller number of minima.

    Raises:
        FitError: `too_few_budgets` with fewer than three minima inside their curves.
    """
    minima = [_minima(curves, values) for values in _both(curves)]
    lines = []
    for found in minima:
        if len(found) < 3:
            raise FitError(
                Status.TOO_FEW_BUDGETS,
                f"{len(found)} IsoFLOP curve(s) have a minimum inside, an exponent needs 3",
            )
        lines.append(_interval(found, level))
    (size, size_ends), (data, data_ends) = lines
    return Growth(
        a=(size[1], *size_ends),
        b=(data[1], *data_ends),
        tokens_per_param=_ratios(curves, size, data),
        num_points=min(len(found) for found in minima),
    )


def approach_3(curves: Curves, surface: FittedForm | FitError) -> Growth:
    """Read exponents from the surface E + A / N^alpha + B / D^beta, where C = 6 N D.

    a = beta / (alpha + beta) and b = 1 - a (Hoffmann et al., 2022, equation 4), with the robust
    interval of the fit.

    Args:
        curves: the cells that the surface was fitted to.
        surface: the fit of `surfaces.HOFFMANN_SURFACE`, or why there is none.

    Raises:
        FitError: there is no fit, the data do not identify it, or the search did not end.
    """
    if isinstance(surface, FitError):
        raise surface
    surface.require()
    share = surface.estimate("optimal_params_exponent")
    return Growth(
        a=(share.value, share.low, share.high),
        b=(1 - share.value, 1 - share.high, 1 - share.low),
        tokens_per_param=surface_ratios(curves, surface.parameters),
        num_points=surface.num_points,
        remarks=("where C = 6 N D",),
    )


def approach_2_bias(curves: Curves, parameters: Array) -> float:
    """Return the bias of approach 2 in the exponent of N* on a surface without noise.

    Args:
        curves: the runs.
        parameters: of the surface, as searched (`surfaces.HOFFMANN_SURFACE`), (5,).

    Returns:
        Its exponent on the fitted surface, less that of the surface itself along the curves where
        C = 6 N D; NaN where it has none.
    """
    smooth = HOFFMANN_SURFACE.log_loss(parameters[None], curves.axes)[0]
    exact = Curves(
        log_params=curves.log_params,
        log_tokens=curves.log_tokens,
        log_compute=curves.log_compute,
        log_loss=np.asarray(smooth, dtype=np.float64),
        weights=curves.weights,
        groups=curves.groups,
    )
    minima = _minima(exact, exact.log_params)
    if len(minima) < 2:
        return float("nan")
    alpha, beta = np.exp(parameters[3:])
    return float(_line(*np.array(minima).T)[1] - beta / (alpha + beta))


def surface_ratios(curves: Curves, parameters: Array) -> tuple[float, float]:
    """Return D* / N* of a surface at the lowest and the highest compute, where C = 6 N D.

    The optimum is where alpha A / N^alpha = beta B / D^beta, the condition for the least of
    A / N^alpha + B / D^beta along log N + log D = log (C / 6) (Hoffmann et al., 2022, equation 4).

    Args:
        curves: the cells; their compute has the two ends.
        parameters: of the surface, as searched (`surfaces.HOFFMANN_SURFACE`), (5,).

    Returns:
        Tokens per parameter at the lowest and at the highest compute.
    """
    axes = curves.axes
    _, size, data, alpha, beta = parameters
    alpha, beta = np.exp(alpha), np.exp(beta)
    found = []
    for log_compute in (curves.log_compute.min(), curves.log_compute.max()):
        total = log_compute - np.log(6) - axes.mean_params - axes.mean_tokens
        # alpha A e^(-alpha n) = beta B e^(-beta d) with n = total - d, all about the means.
        d = (np.log(beta) + data - np.log(alpha) - size + alpha * total) / (alpha + beta)
        found.append(float(np.exp(2 * d - total + axes.mean_tokens - axes.mean_params)))
    return found[0], found[1]


def _both(curves: Curves) -> tuple[Array, Array]:
    return curves.log_params, curves.log_tokens


def _extent(curves: Curves, cells: Index) -> tuple[int, int, float]:
    """Return the number of budgets and of sizes of cells, and their range of log compute."""
    budgets = sum(bool(np.isin(group, cells).any()) for group in curves.groups)
    sizes = len(np.unique(curves.log_params[cells].round(9)))
    return budgets, sizes, float(np.ptp(curves.log_compute[cells])) if len(cells) else 0.0


def _enough(budgets: int, sizes: int, span: float) -> bool:
    """Return whether exponents may be read from a hull."""
    wide = span >= np.log(MIN_RANGE) * (1 - 1e-9)
    return budgets >= MIN_BUDGETS and sizes >= MIN_SIZES and bool(wide)


def _lower_hull(curves: Curves, cells: Index) -> Index:
    """Return the cells on the falling part of the lower convex hull, by rising compute."""
    order = cells[np.lexsort((curves.log_loss[cells], curves.log_compute[cells]))]
    hull: list[int] = []
    for cell in order:
        x, y = float(curves.log_compute[cell]), float(curves.log_loss[cell])
        if hull and x - curves.log_compute[hull[-1]] < 1e-12:
            continue
        while len(hull) >= 2:
            x0, y0 = curves.log_compute[hull[-2]], curves.log_loss[hull[-2]]
            x1, y1 = curves.log_compute[hull[-1]], curves.log_loss[hull[-1]]
            if (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0:
                break
            hull.pop()
        hull.append(int(cell))
    lowest = int(np.argmin(curves.log_loss[hull])) if hull else -1
    return np.array(hull[: lowest + 1], dtype=np.int64)


def _minima(curves: Curves, values: Array) -> list[tuple[float, float]]:
    """Return log compute and the place of the minimum of every budget that has one."""
    found = []
    for cells in curves.groups:
        x, weights = values[cells] / LN10, curves.weights[cells]
        try:
            fit = parabola(x, weights)
            vertex = vertex_of(fit, fit.solve @ curves.log_loss[cells], x)
        except FitError:
            continue
        found.append((float(np.mean(curves.log_compute[cells])), vertex * LN10))
    return found


def _line(x: Array, y: Array) -> tuple[float, float]:
    """Return level at x = 0 and slope of a least-squares line."""
    slope, level = np.polyfit(x - x.mean(), y, 1)
    return float(level - slope * x.mean()), float(slope)


def _interval(
    points: Sequence[tuple[float, float]], level: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return a line through points and the interval of its slope."""
    x, y = np.array(points).T
    line = _line(x, y)
    residual = y - line[0] - line[1] * x
    dof = len(x) - 2
    error = np.sqrt(float(residual @ residual) / dof / float(np.sum((x - x.mean()) ** 2)))
    half = float(stats.t.ppf(0.5 + level / 2, dof) * error)
    return line, (line[1] - half, line[1] + half)


def _ratios(
    curves: Curves, size: tuple[float, float], data: tuple[float, float]
) -> tuple[float, float]:
    """Return D* / N* by two lines at the lowest and the highest compute."""
    ends = (float(curves.log_compute.min()), float(curves.log_compute.max()))
    low, high = (float(np.exp(data[0] - size[0] + (data[1] - size[1]) * end)) for end in ends)
    return low, high
