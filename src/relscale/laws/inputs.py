"""Checks of the losses table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from relscale.contract.check import check_columns
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.laws.spec import FAMILY_MEAN, LawSpec

MAX_COMPUTE_SPREAD = 2.0
"""Within one budget the runs' compute may differ by less than this factor. Mixing forward and
training FLOPs gives a factor of 3."""
MAX_AXES_RATIO = 1.5
"""Training FLOPs are 3 x forward FLOPs to within this factor."""


DEFAULT_OPTIMUM_BY = LawSpec.model_fields["optimum_by"].default
"""A table from outside may lack this family, as most do; any other one must be there."""


def check_losses(frame: pd.DataFrame, compute: str, where: str = "losses") -> pd.DataFrame:
    """Check a losses table and mark the rows that cannot be used.

    Returns:
        A copy with numbers as `value` (NaN where it is text), and two more columns: `used` (bool)
        and `reason` (why not, text, empty where used).

    Raises:
        ValueError: for a missing column, a repeated row, a run described in two ways, or a used row
            whose compute, tokens or parameters are not positive numbers, or where compute axes are
            mixed within a budget, a size or a run.
    """
    check_columns(where, frame.columns, LOSSES_REQUIRED)
    if compute not in frame.columns:
        other = [name for name in ("forward_flops", "training_flops") if name in frame.columns]
        have = (
            f"it has {other[0]}: name that axis, or add the column (training is 3 x forward)"
            if other
            else "nor the other axis"
        )
        raise ValueError(f"{where}: no column {compute}; {have}")
    frame = frame.copy()
    frame["budget"] = frame["budget"].astype(str)
    keys = ["corpus", "run", "family", "domain", "metric"]
    repeated = frame.duplicated(keys)
    if repeated.any():
        row = frame.loc[repeated, keys].iloc[0].to_dict()
        raise ValueError(
            f"{where}: {int(repeated.sum())} repeated row(s), first {row}: one row per run, "
            "family, domain and metric (seeds are runs)"
        )
    frame["value"] = pd.to_numeric(frame["value"], errors="coerce").astype(np.float64)
    frame["reason"] = _reasons(frame)
    frame["used"] = frame["reason"] == ""
    used = frame[frame["used"]]
    for column in (compute, "tokens", "num_params_total"):
        values = pd.to_numeric(used[column], errors="coerce").to_numpy(dtype=np.float64)
        bad = ~(np.isfinite(values) & (values > 0))
        if bad.any():
            row = used.loc[bad, ["corpus", "run"]].iloc[0].to_dict()
            raise ValueError(
                f"{where}: {column} is {used.loc[bad, column].iloc[0]} for {row}: a positive "
                "number is needed"
            )
    check_runs(used, compute, where)
    check_axes(used, compute, where)
    return frame


def _reasons(frame: pd.DataFrame) -> pd.Series:
    """Return why each row cannot be used; empty where it can."""
    error = frame["value"].to_numpy(dtype=np.float64)
    reason = np.full(len(frame), "", dtype=object)
    reason[np.isfinite(error) & (error <= 0)] = "not positive"
    reason[~np.isfinite(error)] = "not finite"
    if "excluded_reason" in frame.columns:
        column = frame["excluded_reason"].astype(object)
        given = column.where(column.notna(), "").astype(str).str.strip().to_numpy(dtype=object)
        stated = given != ""
        reason[stated] = given[stated]
    return pd.Series(reason, index=frame.index, dtype=object)


def check_runs(used: pd.DataFrame, compute: str, where: str) -> None:
    """Check that a run is described in one way and that a budget has comparable runs."""
    described = used.groupby(["corpus", "run"], sort=True)[
        ["budget", "tokens", "num_params_total", compute]
    ].nunique()
    odd = described[(described > 1).any(axis=1)]
    if len(odd):
        column = odd.columns[(odd.iloc[0] > 1).to_numpy()][0]
        raise ValueError(
            f"{where}: run {odd.index[0][1]!r} of corpus {odd.index[0][0]!r} has more than one "
            f"{column}: run names must be unique"
        )
    spread = used.groupby(["corpus", "budget"], sort=True)[compute].agg(["min", "max"])
    wide = spread[spread["max"] > MAX_COMPUTE_SPREAD * spread["min"]]
    if len(wide):
        corpus, budget = wide.index[0]
        low, high = wide.iloc[0]
        raise ValueError(
            f"{where}: budget {budget!r} of corpus {corpus!r} holds runs from {low:.3g} to "
            f"{high:.3g} {compute}: "
            f"a budget's runs have nearly equal compute (are forward and training FLOPs mixed?)"
        )


def check_axes(used: pd.DataFrame, compute: str, where: str) -> None:
    """Check that the compute axes are not mixed.

    Runs of one size have the same compute per token in all budgets and corpora, and the two axes
    differ by a factor of 3.

    Raises:
        ValueError: naming the size, or the run.
    """
    if {"forward_flops", "training_flops"} <= set(used.columns):
        ratio = pd.to_numeric(used["training_flops"], errors="coerce") / pd.to_numeric(
            used["forward_flops"], errors="coerce"
        )
        odd = used[ratio.notna() & ~ratio.between(3 / MAX_AXES_RATIO, 3 * MAX_AXES_RATIO)]
        if len(odd):
            row = odd.iloc[0]
            raise ValueError(
                f"{where}: run {row['run']!r} has training_flops {row['training_flops']:.3g} "
                f"and forward_flops {row['forward_flops']:.3g}: "
                "training is 3 x forward (are the two axes mixed?)"
            )
    rate = used[compute].astype(np.float64) / used["tokens"].astype(np.float64)
    spread = rate.groupby(used["num_params_total"], sort=True).agg(["min", "max"])
    wide = spread[spread["max"] > MAX_COMPUTE_SPREAD * spread["min"]]
    if len(wide):
        low, high = wide.iloc[0]
        raise ValueError(
            f"{where}: runs of {wide.index[0]} parameters have from {low:.3g} to {high:.3g} "
            f"{compute} per token: "
            f"runs of one size cost the same (are forward and training FLOPs mixed?)"
        )


def check_baselines(family: pd.DataFrame, baselines: Sequence[str], name: str) -> None:
    """Check that baselines are domains of a family.

    Raises:
        ValueError: naming the first that is none, and the domains.
    """
    domains = sorted(family["domain"].unique())
    for baseline in baselines:
        if baseline not in domains:
            raise ValueError(
                f"baseline is {baseline!r}, no domain of family {name!r}; domains are "
                f"{', '.join(domains)}"
            )


def prepare(
    losses: pd.DataFrame, spec: LawSpec, optimum_losses: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Check the tables; return the rows of the family and those that locate the optimum.

    Raises:
        ValueError: as in `fit_family`.
    """
    losses = check_losses(losses, spec.compute)
    families = sorted(losses["family"].unique())
    family = losses[losses["family"] == spec.family]
    if family.empty:
        raise ValueError(
            f"losses: no rows of family {spec.family!r}; families are {', '.join(families)}"
        )
    metrics = sorted(family["metric"].unique())
    missing = [metric for metric in spec.metrics if metric not in metrics]
    if missing:
        raise ValueError(
            f"losses: family {spec.family!r} has no metric {', '.join(missing)}; it has "
            f"{', '.join(metrics)}"
        )
    check_baselines(family, [] if spec.baseline is None else [spec.baseline], spec.family)
    if spec.optimum_by == FAMILY_MEAN:
        return family, None
    if optimum_losses is not None:
        source = check_losses(optimum_losses, spec.compute, "optimum losses")
        optimum = source[source["family"] == spec.optimum_by]
        if optimum.empty:
            have = ", ".join(sorted(source["family"].unique()))
            raise ValueError(
                f"optimum losses: no rows of family {spec.optimum_by!r} (optimum_by); "
                f"families are {have}"
            )
        return family, optimum
    if spec.optimum_by in families:
        return family, losses[losses["family"] == spec.optimum_by]
    if spec.optimum_by != DEFAULT_OPTIMUM_BY:
        raise ValueError(
            f"optimum_by is {spec.optimum_by!r}: no family of the losses table; choices are "
            f"{', '.join(families)}, and {FAMILY_MEAN} for the mean over the domains of "
            f"{spec.family!r}"
        )
    return family, None
