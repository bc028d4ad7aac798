"""Budgets of a table that has none, from the compute of its runs."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

APART = 1.25
"""Neighbouring IsoFLOP budgets differ in compute by more than this factor."""
WITHIN = 1.5
"""The runs of an IsoFLOP budget differ in compute by less than this factor. The laws refuse
budgets that are wider than a factor of 2."""
FEWEST_SIZES = 3
"""Sizes of an IsoFLOP curve, at least."""
FEWEST_CURVES = 2
"""IsoFLOP curves of a suite, at least."""
SAME = 1.01
"""Runs whose compute differs by less than this factor cannot have different budgets: the laws
take these for one budget with two names."""


def with_budgets(frame: pd.DataFrame, stated: str, where: str) -> tuple[pd.DataFrame, list[str]]:
    """Return a table with labels of budgets, from the compute of its runs, and a note.

    Args:
        frame: one row per run, domain and metric, with compute and parameters.
        stated: `isoflop`, `each_run` or `auto`.
        where: words for the file.

    Raises:
        ValueError: if `isoflop` is stated and the runs form no such groups.
    """
    axis = "training_flops" if "training_flops" in frame else "forward_flops"
    runs = frame[["corpus", "run", "num_params_total", axis]].drop_duplicates(["corpus", "run"])
    flops = runs[axis].to_numpy(dtype=np.float64)
    groups = _isoflop_groups(flops)
    counts = runs.assign(group=groups).groupby(["corpus", "group"])["num_params_total"].nunique()
    curves = int((counts >= FEWEST_SIZES).sum())
    spread = max(
        (float(flops[groups == one].max() / flops[groups == one].min()) for one in set(groups)),
        default=1.0,
    )
    on_curves = counts.ge(FEWEST_SIZES).reindex(pd.MultiIndex.from_arrays([runs["corpus"], groups]))
    forms = curves >= FEWEST_CURVES and spread <= WITHIN and 2 * int(on_curves.sum()) > len(runs)
    if stated == "isoflop" and not forms:
        raise ValueError(
            f"{where}: budgets is isoflop, and the runs form no IsoFLOP curves: groups whose "
            f"{axis} differs by a factor above {APART} have {curves} curve(s) of {FEWEST_SIZES} or "
            f"more sizes and spread by up to a factor of {spread:.3g}; state budgets: each_run"
        )
    if forms and stated != "each_run":
        labels = _labels(flops, groups)
        names = sorted(set(labels), key=float)
        note = (
            f"the table has no budgets: {len(runs)} runs of nearly equal {axis} share "
            f"{len(names)} IsoFLOP budgets, {', '.join(names)} (their median)"
        )
    else:
        labels = np.empty(len(runs), dtype=object)
        for corpus in runs["corpus"].unique():
            rows = (runs["corpus"] == corpus).to_numpy()
            labels[rows] = _labels(flops[rows], _equal_groups(flops[rows]))
        shared = len(runs) - len({*zip(runs["corpus"], labels, strict=True)})
        note = (
            f"the table has no budgets, and its {len(runs)} runs are not grouped into IsoFLOP "
            f"curves: each has its {axis} as its budget"
            + (f", which {shared} share with another run of the same compute" if shared else "")
        )
    named = runs[["corpus", "run"]].assign(budget=labels)
    return frame.merge(named, on=["corpus", "run"], how="left", validate="m:1"), [note]


def _isoflop_groups(flops: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the group of each run: neighbours in compute within `APART` are in one."""
    order = np.argsort(flops, kind="stable")
    ordered = flops[order]
    steps = np.concatenate([[0], (ordered[1:] > APART * ordered[:-1]).astype(np.int64)])
    groups = np.empty(len(flops), dtype=np.int64)
    groups[order] = np.cumsum(steps[: len(flops)])
    return groups


def _equal_groups(flops: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the group of each run, so that medians of neighbouring groups differ by `SAME`.

    Neighbouring groups are joined in pairs, the closest first, until they do.
    """
    order = np.argsort(flops, kind="stable")
    ordered = flops[order]
    parts = [list(range(start, end)) for start, end in pairwise(_starts(ordered))]
    while True:
        middle = np.array([np.median(ordered[part]) for part in parts])
        ratios = middle[1:] / middle[:-1]
        if not (ratios < SAME).any():
            break
        joined: list[list[int]] = []
        index = 0
        while index < len(parts):
            close = index < len(ratios) and ratios[index] < SAME
            closer_next = index + 1 < len(ratios) and ratios[index + 1] < ratios[index]
            if close and not closer_next:
                joined.append(parts[index] + parts[index + 1])
                index += 2
            else:
                joined.append(parts[index])
                index += 1
        parts = joined
    groups = np.empty(len(flops), dtype=np.int64)
    for number, part in enumerate(parts):
        groups[order[part]] = number
    return groups


def _starts(ordered: npt.NDArray[np.float64]) -> list[int]:
    """Return where each distinct number starts, and the length."""
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return [0, *changes.tolist(), len(ordered)]


def _labels(
    flops: npt.NDArray[np.float64], groups: npt.NDArray[np.int64]
) -> npt.NDArray[np.object_]:
    """Return the label of each run: the median compute of its group, as 1.23e18."""
    labels = np.empty(len(flops), dtype=object)
    medians = pd.Series(flops).groupby(groups).median()
    digits = next(
        digits
        for digits in range(2, 18)
        if len({f"{one:.{digits}e}" for one in medians}) == len(medians)
    )
    for group, middle in medians.items():
        mantissa, _, exponent = f"{middle:.{digits}e}".partition("e")
        labels[groups == group] = f"{float(mantissa):.15g}e{int(exponent)}"
    return labels
