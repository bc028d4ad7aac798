"""Adjusted tests, detectable differences and verdicts of a comparison."""

import numpy as np
import pandas as pd

from relscale.compare.spec import CompareSettings
from relscale.contract.comparison_tables import NOT_SHOWN, WITHIN, comparison_status
from relscale.laws.verdict import detectable, step_down


def with_verdicts(rows: pd.DataFrame, settings: CompareSettings) -> pd.DataFrame:
    """Fill adjusted p values, detectable differences, `better` and `verdict`.

    The domains of one family in one metric are adjusted together, by Holm's method; with a margin
    the tests of difference and of equivalence together, by Shaffer's (`relscale.laws.verdict`).
    Rows without a test do not count.

    Args:
        rows: one row per family, metric and domain.
        settings: level and directions.
    """
    alpha = 1 - settings.level
    rows = rows.reset_index(drop=True)
    adjusted = {
        name: np.full(len(rows), np.nan)
        for name in ("p_difference_adjusted", "p_equivalence_adjusted", "detectable_difference")
    }
    for _, at in rows.groupby(["family", "metric"], sort=True).groups.items():
        place = at.to_numpy()
        found = step_down(
            rows.loc[at, ["p_difference", "p_equivalence"]].to_numpy(dtype=np.float64)
        )
        adjusted["p_difference_adjusted"][place] = found[:, 0]
        adjusted["p_equivalence_adjusted"][place] = found[:, 1]
        tests = int(rows.loc[at, "p_difference"].notna().sum())
        adjusted["detectable_difference"][place] = [
            detectable(error, dof, alpha, tests)
            for error, dof in rows.loc[at, ["standard_error", "dof"]].to_numpy(dtype=np.float64)
        ]
    rows = rows.assign(**adjusted)
    words = [_words(row, settings, alpha) for _, row in rows.iterrows()]
    return rows.assign(better=[one for one, _ in words], verdict=[one for _, one in words])


def _words(row: pd.Series, settings: CompareSettings, alpha: float) -> tuple[str, str]:
    """Return `better` (a, b or empty) and the verdict of a row."""
    if not comparison_status(row["status"]).is_tested:
        return "", ""
    names = ("p_difference_adjusted", "p_equivalence_adjusted", "difference")
    difference, equivalence, change = (float(row[name]) for name in names)
    small = equivalence < alpha
    if not difference < alpha:
        return "", WITHIN if small else NOT_SHOWN
    higher = settings.higher(str(row["metric"]))
    lower = "a" if change < 0 else "b"
    upper = "b" if lower == "a" else "a"
    word = f"{upper} higher" if higher else f"{lower} lower"
    better = "" if higher is None else upper if higher else lower
    return better, f"{word}, within the margin" if small else word
