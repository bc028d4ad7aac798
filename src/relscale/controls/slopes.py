"""Gaps of controls and runs over the same range of text: table `control_slopes`.

A gap moves with scale in runs and in controls. Their common axis is the text that a model has read:
for runs that of the compute-optimal size of each budget, D*(F) in bytes. Over the sizes of text in
that range, the log gap of a control is fitted by a line,

    log G = a + s (log b - log m)

with b the bytes of text and m the geometric mean of the runs' texts; a is the gap there, and s the
slope. The slope of the runs is dbeta = d log G / d log F. With the exponent e = d log D* / d log F
of their text it is dbeta / e per unit of log text. Intervals of controls are over items. Those of
the runs are the intervals of their relative law divided by e, which counts as known.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from relscale.contract.scales import on_scale
from relscale.contract.status import Status, status_columns, status_of
from relscale.contract.tables.control_slopes import CONTROL_SLOPES
from relscale.controls.gaps import METRIC, MODEL, Controlled
from relscale.controls.items import Array, GapNoise, gap_noise
from relscale.controls.spec import ControlledFamily

LEAST_TEXTS = 3
"""Sizes of text in the range of the runs; with fewer, all sizes are taken."""
RANGE_FACTOR = 10**0.5
"""Sizes up to this factor beyond the texts of the runs are in their range."""
ROUNDING = 1e-9
"""Log gaps up to this size are those of equal values, summed in another order."""
ESTIMATOR = "vertex"
"""Estimator of the optima."""
SLOPE, GAP = ("slope", "slope_ci_low", "slope_ci_high"), ("gap", "gap_ci_low", "gap_ci_high")
SLOPE_RUNS = ("slope_runs", "slope_runs_ci_low", "slope_runs_ci_high")
GAP_RUNS = ("gap_runs", "gap_runs_ci_low", "gap_runs_ci_high")


@dataclass(frozen=True, kw_only=True)
class RunTexts:
    """The text of the compute-optimal runs of a corpus."""

    num_bytes: Array
    """(budget) bytes, rising with the budget; empty without optima."""
    exponent: float
    """d log D* / d log F; NaN with fewer than two budgets."""

    @property
    def middle(self) -> float:
        """Geometric mean of the texts in bytes; NaN without any."""
        return float(np.exp(np.log(self.num_bytes).mean())) if len(self.num_bytes) else math.nan


def run_texts(optima: pd.DataFrame, corpora: pd.DataFrame) -> dict[str, RunTexts]:
    """Return the texts of the compute-optimal runs, by corpus.

    Args:
        optima: optima.csv.
        corpora: corpora.csv, for the bytes per token.
    """
    counts = corpora.groupby("corpus")[["bytes", "tokens"]].sum()
    bytes_per_token = (counts["bytes"] / counts["tokens"]).to_dict()
    found = {}
    for corpus, rows in optima[optima["estimator"] == ESTIMATOR].groupby("corpus"):
        if corpus not in bytes_per_token:  # an arm, which has no control
            continue
        usable = rows["status"].map(lambda word: status_of(word).is_usable_optimum)
        rows = rows[usable & rows["optimum_tokens"].notna()]
        flops = rows["budget"].astype(float).to_numpy()
        texts = rows["optimum_tokens"].to_numpy(dtype=float)[np.argsort(flops)]
        texts = texts * float(bytes_per_token[corpus])
        exponent = math.nan
        if len(texts) > 1:
            exponent = float(np.polyfit(np.log(np.sort(flops)), np.log(texts), 1)[0])
        found[str(corpus)] = RunTexts(num_bytes=texts, exponent=exponent)
    return found


def slope_table(
    controlled: Controlled, relative: pd.DataFrame, texts: dict[str, RunTexts]
) -> pd.DataFrame:
    """Return the table `control_slopes`.

    Args:
        controlled: losses and items of the controls.
        relative: relative.csv.
        texts: texts of the compute-optimal runs, by corpus.
    """
    laws = on_scale(relative)
    laws = laws[(laws["estimator"] == controlled.spec.estimator) & (laws["metric"] == METRIC)]
    of_runs: dict[tuple[str, str, str], Mapping[Any, Any]] = {
        (row["corpus"], row["family"], row["treatment"]): row for row in laws.to_dict("records")
    }
    none = RunTexts(num_bytes=np.empty(0), exponent=math.nan)
    rows = []
    for corpus, control in controlled.losses[MODEL].drop_duplicates().itertuples(index=False):
        for family in controlled.spec.families:
            for treatment in _treatments(controlled, family):
                law = of_runs.get((corpus, family.family, treatment), {})
                place = (str(corpus), str(control), treatment)
                rows.append(_row(controlled, family, place, law, texts.get(str(corpus), none)))
    return pd.DataFrame(rows, columns=list(CONTROL_SLOPES.names))


def _treatments(controlled: Controlled, family: ControlledFamily) -> Iterator[str]:
    if family.baseline is None:
        return
    rows = controlled.losses[controlled.losses["family"] == family.family]
    for domain in dict.fromkeys(rows["domain"].astype(str)):
        if domain != family.baseline:
            yield domain


def _row(
    controlled: Controlled,
    family: ControlledFamily,
    place: tuple[str, str, str],
    law: Mapping[Any, Any],
    texts: RunTexts,
) -> dict[str, Any]:
    corpus, control, treatment = place
    sizes, remarks = _sizes(controlled.texts(corpus, control), texts)
    row: dict[str, Any] = dict.fromkeys(CONTROL_SLOPES.names, math.nan)
    row |= {
        "corpus": corpus,
        "control": control,
        "family": family.family,
        "metric": METRIC,
        "treatment": treatment,
        "baseline": family.baseline,
        "num_texts": len(sizes),
        "first_bytes": sizes[0] if sizes else 0,
        "last_bytes": sizes[-1] if sizes else 0,
        "middle_bytes": texts.middle,
        "text_exponent": texts.exponent,
        "verdict": law.get("verdict") or "",
        **_of_runs(law, texts.exponent),
    }
    status = Status.TOO_FEW_RUNS if len(sizes) < 2 else Status.OK
    if status is Status.OK:
        models = [(controlled.best[corpus, control, size], size) for size in sizes]
        pair = [
            controlled.noise[corpus, control, family.family, str(name)]
            for name in (treatment, family.baseline)
        ]
        middle = texts.middle if math.isfinite(texts.middle) else _mean(sizes)
        gaps = gap_noise(pair[0], pair[1], models)
        row["middle_bytes"] = middle
        if np.abs(gaps.log_gap).max() < ROUNDING:
            status = Status.IDENTICAL
        else:
            row |= _of_control(gaps, sizes, middle, controlled.spec.level)
    row["movement"] = movement(row)
    return row | status_columns(status, remarks)


def _mean(sizes: Sequence[int]) -> float:
    return float(np.exp(np.log(sizes).mean()))


def _sizes(sizes: Sequence[int], texts: RunTexts) -> tuple[list[int], list[str]]:
    """Return the sizes of text in the range of the runs, or all of them with a remark."""
    if not len(texts.num_bytes):
        return list(sizes), ["no compute-optimal runs: all texts"]
    low, high = texts.num_bytes.min() / RANGE_FACTOR, texts.num_bytes.max() * RANGE_FACTOR
    inside = [size for size in sizes if low <= size <= high]
    if len(inside) >= LEAST_TEXTS:
        return inside, []
    return list(sizes), [f"{len(inside)} text(s) in the range of the runs: all texts"]


def _of_control(
    gaps: GapNoise, sizes: Sequence[int], middle: float, level: float
) -> dict[str, float]:
    """Return slope and gap of a control, each with its interval."""
    logs = np.log(np.asarray(sizes, dtype=float)) - math.log(middle)
    at_middle, slope = np.linalg.pinv(np.stack([np.ones_like(logs), logs], axis=1))
    return dict(zip(SLOPE, gaps.estimate(slope, level), strict=True)) | dict(
        zip(GAP, np.exp(gaps.estimate(at_middle, level)), strict=True)
    )


def _of_runs(law: Mapping[Any, Any], exponent: float) -> dict[str, float]:
    """Return slope per unit of log text, and gap, of the runs."""
    dbeta = float(law.get("dbeta", math.nan))
    ends = [float(law.get(name, math.nan)) for name in ("ci_low", "ci_high")]
    slopes = [end / exponent if exponent > 0 else math.nan for end in (dbeta, *ends)]
    gaps = [float(law.get(name, math.nan)) for name in ("gamma", "gamma_ci_low", "gamma_ci_high")]
    return {
        "dbeta": dbeta,
        **dict(zip(SLOPE_RUNS, slopes, strict=True)),
        **dict(zip(GAP_RUNS, gaps, strict=True)),
    }


def movement(row: dict[str, Any]) -> str:
    """Return how the slopes of a control and of the runs go together, by their intervals.

    `alike` or `opposite` if neither interval has 0, `only_runs` or `only_control` if one has not,
    `neither` if both have 0, and "" without one of the intervals. The intervals are not adjusted
    for the number of gaps.
    """
    ends = [[row[name] for name in names[1:]] for names in (SLOPE, SLOPE_RUNS)]
    if not np.isfinite(ends).all():
        return ""
    control, runs = (int(low > 0) - int(high < 0) for low, high in ends)
    if control and runs:
        return "alike" if control == runs else "opposite"
    return "only_runs" if runs else "only_control" if control else "neither"
