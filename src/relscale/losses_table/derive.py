"""Columns that follow from others by a stated formula."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from relscale.config.losses import Derived
from relscale.losses_table.file_units import COUNTS

Numbers = npt.NDArray[np.float64]
_FORMULAS: dict[str, tuple[tuple[str, ...], Callable[..., Numbers]]] = {
    "tokens_per_param x num_params_total": (
        ("tokens_per_param", "num_params_total"),
        lambda ratio, params: ratio * params,
    ),
    "training_flops / (6 x num_params_total)": (
        ("training_flops", "num_params_total"),
        lambda flops, params: flops / (6.0 * params),
    ),
    "training_flops / (6 x tokens)": (
        ("training_flops", "tokens"),
        lambda flops, tokens: flops / (6.0 * tokens),
    ),
    "6 x num_params_total x tokens": (
        ("num_params_total", "tokens"),
        lambda params, tokens: 6.0 * params * tokens,
    ),
    "2 x num_params_total x tokens": (
        ("num_params_total", "tokens"),
        lambda params, tokens: 2.0 * params * tokens,
    ),
    "3 x forward_flops": (("forward_flops",), lambda flops: 3.0 * flops),
    "training_flops / 3": (("training_flops",), lambda flops: flops / 3.0),
}
_CLASSICAL = ("6 x num_params_total x tokens", "2 x num_params_total x tokens")


def derived(frame: pd.DataFrame, formulas: Derived, where: str) -> tuple[pd.DataFrame, list[str]]:
    """Return a table with its derived columns, and a note on each.

    Raises:
        ValueError: if a formula needs a column that is neither in the table nor derived.
    """
    notes = []
    stated = {
        name: formula
        for name in Derived.model_fields
        if (formula := getattr(formulas, name)) is not None
    }
    while stated:
        ready = next(
            (name for name, formula in stated.items() if set(_FORMULAS[formula][0]) <= set(frame)),
            None,
        )
        if ready is None:
            name, formula = next(iter(stated.items()))
            lacking = [column for column in _FORMULAS[formula][0] if column not in frame]
            raise ValueError(
                f"{where}: derive.{name} is {formula!r}, and there is no {' and '.join(lacking)}: "
                "name its column under columns, or give it under constants"
            )
        formula = stated.pop(ready)
        needs, compute = _FORMULAS[formula]
        values = compute(*(frame[name].to_numpy(dtype=np.float64) for name in needs))
        frame = frame.assign(**{ready: np.round(values) if ready in COUNTS else values})
        approximate = (
            ", which counts no attention and all embeddings" if formula in _CLASSICAL else ""
        )
        notes.append(f"{ready} is derived: {formula}{approximate}")
    return frame, notes
