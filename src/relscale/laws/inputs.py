"""Checks of the losses table."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from relscale.contract.check import check_columns
from relscale.contract.columns import label_of_budgets
from relscale.contract.directions import plain_name
from relscale.contract.losses import LOSSES_KEY, LOSSES_REQUIRED
from relscale.contract.metrics import METRICS
from relscale.contract.status import decode_remarks, encode_remarks
from relscale.contract.typed import check_keys, flags, row_of, stated_reasons, typed
from relscale.contract.units import budget_notes, loss_notes, size_notes, unit_error, unit_notes
from relscale.laws.spec import FAMILY_MEAN, LawSpec
from relscale.laws.spellings import check_budgets, check_spellings

MAX_COMPUTE_SPREAD = 2.0
"""Within one budget the runs' compute may differ by less than this factor. Mixing forward and
training FLOPs gives a factor of 3."""
MAX_AXES_RATIO = 1.5
"""Training FLOPs are 3 x forward FLOPs to within this factor."""
MAX_SHARE = 1.01
"""Transformer and head may exceed all parameters by this factor, from rounding."""
MAX_PARTS = 1000.0
"""Transformer and head are at least one part in this many of all parameters."""
CLEARLY_WORSE = 1.05
"""A metric gets worse if its best value does so by more than this factor."""
MAX_ROUNDING = 1e-6
"""A share may exceed 1 by this much, from rounding in single precision."""

FEWEST_DRAWS = 200
"""Draws that a table of any size gets by default."""

DEFAULT_OPTIMUM_BY = LawSpec.model_fields["optimum_by"].default
"""A table from outside may lack this family, as most do; any other one must be there."""


def check_losses(frame: pd.DataFrame, compute: str, where: str = "losses") -> pd.DataFrame:
    """Check a losses table and mark the rows that cannot be used.

    Returns:
        A copy with names as text, numbers as numbers and truth values as such, and two more
        columns: `used` (bool) and `reason` (why not, text, empty where used).

    Raises:
        ValueError: for a missing column, an empty name, text in place of a number, a repeated row,
            a run described in two ways, or a used row whose compute, tokens or parameters are not
            positive numbers, or where compute axes are mixed within a budget,
            a size or a run.
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
    frame = typed(frame, where)
    check_keys(frame, (*LOSSES_KEY, "budget"), where)
    keys = ["corpus", "run", "family", "domain", "metric"]
    frame = frame.astype(dict.fromkeys((*keys, "budget"), "str"))
    repeated = frame.duplicated(keys)
    if repeated.any():
        row = frame.loc[repeated, keys].iloc[0].to_dict()
        raise ValueError(
            f"{where}: {int(repeated.sum())} repeated row(s), first {row}: one row per run, "
            "family, domain and metric (seeds are runs)"
        )
    check_spellings(frame, where)
    frame["value"] = frame["value"].astype(np.float64)
    frame["reason"] = _reasons(frame)
    frame["used"] = frame["reason"] == ""
    check_numbers(frame, compute, where)
    used = frame[frame["used"]]
    check_runs(used, compute, where)
    check_budgets(used, compute, where)
    check_axes(used, compute, where)
    return frame


def _reasons(frame: pd.DataFrame) -> pd.Series:
    """Return why each row cannot be used; empty where it can."""
    error = frame["value"].to_numpy(dtype=np.float64)
    reason = np.full(len(frame), "", dtype=object)
    reason[np.isfinite(error) & (error <= 0)] = "not positive"
    reason[~np.isfinite(error)] = "not finite"
    if "standard_error" in frame.columns:
        spread = frame["standard_error"].to_numpy(dtype=np.float64)
        reason[np.isinf(spread) & (reason == "")] = "standard error not finite"
    if "excluded_reason" in frame.columns:
        given = stated_reasons(frame["excluded_reason"])
        stated = given != ""
        reason[stated] = given[stated]
    return pd.Series(reason, index=frame.index, dtype=object)


def check_numbers(frame: pd.DataFrame, compute: str, where: str) -> None:
    """Check the ranges of the numbers in the rows that are used.

    Raises:
        ValueError: naming the column, its first wrong value, run and row.
    """
    used = frame["used"].to_numpy(dtype=bool)

    def check(column: str, wrong: npt.NDArray[np.bool_], needed: str) -> None:
        at = np.flatnonzero(wrong & used)
        if len(at):
            row = frame.iloc[int(at[0])]
            raise ValueError(
                f"{where}: {column} is {row[column]} for {row[['corpus', 'run']].to_dict()}, "
                f"{row_of(int(at[0]))}: {needed} is needed"
            )

    for column in (compute, "tokens", "num_params_total"):
        values = frame[column].to_numpy(dtype=np.float64)
        check(column, ~(np.isfinite(values) & (values > 0)), "a positive number")
    if "standard_error" in frame.columns:
        spread = frame["standard_error"].to_numpy(dtype=np.float64)
        check("standard_error", spread < 0, "a number of 0 or more, or an empty cell,")


def check_shares(family: pd.DataFrame, spec: LawSpec, where: str) -> None:
    """Check that accuracies and probabilities are shares, also the axis of the two-stage law.

    Raises:
        ValueError: naming the first value above 1, its metric and run.
    """
    shares = {name for name, metric in METRICS.items() if metric.unit == "1"}
    names = {name for name in family["metric"].unique() if plain_name(name) in shares}
    if spec.chance is not None and spec.direction(spec.accuracy_metric) is not False:
        names.add(spec.accuracy_metric)
    wrong = family[
        family["metric"].isin(names) & family["used"] & (family["value"] > 1 + MAX_ROUNDING)
    ]
    if len(wrong):
        row = wrong.iloc[0]
        raise ValueError(
            f"{where}: value is {row['value']} for {row['metric']} of run {row['run']!r}: a share "
            "from 0 to 1, not a percentage, is needed"
        )


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
        ratio = used["training_flops"] / used["forward_flops"]
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


def check_units(used: pd.DataFrame, compute: str, where: str) -> None:
    """Check that compute, parameters and tokens are in FLOPs, parameters and tokens.

    Raises:
        ValueError: naming the first run whose numbers cannot be.
    """
    runs = used.drop_duplicates(["corpus", "run"])
    for run, flops, params, tokens in zip(
        runs["run"], runs[compute], runs["num_params_total"], runs["tokens"], strict=True
    ):
        problem = unit_error(f"{where}: run {run!r}", compute, flops, params, tokens)
        if problem:
            raise ValueError(problem)
    if {"num_params_transformer", "num_params_head"} <= set(used.columns):
        part = runs["num_params_transformer"] + runs["num_params_head"]
        share = part / runs["num_params_total"]
        odd = runs[(share > MAX_SHARE) | (share < 1 / MAX_PARTS)]
        if len(odd):
            row = odd.iloc[0]
            raise ValueError(
                f"{where}: run {row['run']!r} has num_params_transformer "
                f"{row['num_params_transformer']:.6g} and num_params_head "
                f"{row['num_params_head']:.6g} of num_params_total {row['num_params_total']:.6g}: "
                "the parts and the sum are in different units"
            )


def most_values(family: pd.DataFrame) -> int:
    """Return the number of values of the metric that has the most, in checked losses."""
    return int(family.loc[family["used"], "metric"].value_counts().max())


def reduced(family: pd.DataFrame, spec: LawSpec) -> LawSpec:
    """Return the spec for checked losses: with less than the defaults in a large table.

    Where a metric has more than `spec.reduce_above` values, the default number of draws falls in
    proportion, to no fewer than `FEWEST_DRAWS`, and of the default estimators only the first is
    fitted. Other numbers of draws and other estimators are taken as they are.
    """
    values = most_values(family)
    if not values > spec.reduce_above:
        return spec
    given: dict[str, object] = {}
    if spec.draws == _DEFAULTS["draws"].default:
        given["draws"] = max(FEWEST_DRAWS, int(spec.draws * spec.reduce_above / values))
    if spec.estimators == _DEFAULTS["estimators"].default:
        given["estimators"] = spec.estimators[:1]
    return spec.model_copy(update=given)


def reduction_notes(family: pd.DataFrame, spec: LawSpec) -> list[str]:
    """Return a note on each setting that a large table reduces."""
    found = reduced(family, spec)
    notes = []
    if found.draws != spec.draws:
        notes.append(f"{found.draws} draws in place of {spec.draws}")
    if found.estimators != spec.estimators:
        notes.append(f"the estimator {found.estimators[0]} alone")
    why = f"a metric has more than {spec.reduce_above} values (--reduce-above)"
    return [f"{note}: {why}" for note in notes]


_DEFAULTS = LawSpec.model_fields


def notes_on(family: pd.DataFrame, spec: LawSpec) -> list[str]:
    """Return notes on the used runs of checked losses.

    They are about unusual numbers of parameters, tokens and FLOPs, losses that look like
    perplexities, runs that have the same values as another run, metrics that get worse with
    compute, and settings that a large table reduces.
    """
    compute = spec.compute
    used = family[family["used"]]
    runs = used.drop_duplicates(["corpus", "run"])
    params = runs["num_params_total"]
    if {"num_params_transformer", "num_params_head"} <= set(runs.columns):
        model = runs["num_params_transformer"] + runs["num_params_head"]
        params = model.where(model > 0, params)
    notes = unit_notes(compute, (runs[compute] / params / runs["tokens"]).tolist())
    notes += size_notes(runs["num_params_total"], runs["tokens"])
    medians = runs.groupby("budget", sort=True)[compute].median()
    notes += budget_notes(compute, [(str(name), value) for name, value in medians.items()])
    for metric in spec.metrics:
        notes += loss_notes(metric, used.loc[used["metric"] == metric, "value"].tolist())
    notes += direction_notes(used, spec)
    seen: set[tuple[object, ...]] = set()
    copies = []
    keys = ["corpus", "budget", "num_params_total", "tokens"]
    for (_, run), rows in used.sort_values(["domain", "metric"]).groupby(["corpus", "run"]):
        values = tuple(zip(rows["domain"], rows["metric"], rows["value"], strict=True))
        signature = (*rows[keys].iloc[0], values)
        if signature in seen and len(values) > 1:
            copies.append(str(run))
        seen.add(signature)
    notes += reduction_notes(family, spec)
    if copies:
        notes.append(
            f"{len(copies)} run(s) have all values of another run of the same budget and size and "
            f"count as seeds (first {copies[0]})"
        )
    return notes


def direction_notes(used: pd.DataFrame, spec: LawSpec) -> list[str]:
    """Return a note on each metric whose best value gets worse with compute in every domain.

    Domains at chance do not count.
    """
    notes = []
    for metric in spec.metrics:
        rows = used[used["metric"] == metric]
        if "at_chance" in rows:
            rows = rows[~flags(rows["at_chance"])]
        rises = spec.rises(metric)
        worse = []
        for _, domain in rows.groupby(["corpus", "domain"], sort=True):
            middle = domain.groupby("budget")[spec.compute].median().sort_values()
            best = domain.groupby("budget")["value"].agg("max" if rises else "min")[middle.index]
            ratio = best.iloc[-1] / best.iloc[0]
            worse.append((1 / ratio if rises else ratio) > CLEARLY_WORSE)
        if worse and all(worse):
            notes.append(
                f"{metric} {'falls' if rises else 'rises'} with compute in every domain although "
                f"{'larger' if rises else 'smaller'} values are better: is it this metric?"
            )
    return notes


def with_notes(table: pd.DataFrame, notes: Sequence[str]) -> pd.DataFrame:
    """Return a table with notes added to the remarks of each row."""
    if not notes:
        return table
    remarks = [encode_remarks([*decode_remarks(cell), *notes]) for cell in table["remarks"]]
    return table.assign(remarks=remarks)


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
    losses: pd.DataFrame,
    spec: LawSpec,
    optimum_losses: pd.DataFrame | None,
    where: str = "losses",
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Check the tables; return the rows of the family and those that locate the optimum.

    Raises:
        ValueError: as in `fit_family`.
    """
    losses = check_losses(losses, spec.compute, where)
    families = sorted(losses["family"].unique())
    family = losses[losses["family"] == spec.family]
    if family.empty:
        raise ValueError(
            f"{where}: no rows of family {spec.family!r}; families are {', '.join(families)}"
        )
    metrics = sorted(family["metric"].unique())
    missing = [metric for metric in spec.metrics if metric not in metrics]
    if missing:
        raise ValueError(
            f"{where}: family {spec.family!r} has no metric {', '.join(missing)}; it has "
            f"{', '.join(metrics)}"
        )
    for metric in spec.metrics:
        spec.rises(metric)
    check_baselines(family, [] if spec.baseline is None else [spec.baseline], spec.family)
    check_shares(family, spec, where)
    check_units(losses[losses["used"]], spec.compute, where)
    if not family["used"].any():
        counts = family["reason"].value_counts(sort=True)
        reasons = ", ".join(f"reason {reason!r}: {count}" for reason, count in counts.items())
        raise ValueError(f"{where}: no usable row of family {spec.family!r} ({reasons})")
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
        labels = label_of_budgets([*family["budget"].unique(), *optimum["budget"].unique()])
        return family, optimum.assign(budget=optimum["budget"].map(labels))
    if spec.optimum_by in families:
        return family, losses[losses["family"] == spec.optimum_by]
    if spec.optimum_by != DEFAULT_OPTIMUM_BY:
        raise ValueError(
            f"optimum_by is {spec.optimum_by!r}: no family of the losses table; choices are "
            f"{', '.join(families)}, and {FAMILY_MEAN} for the mean over the domains of "
            f"{spec.family!r}"
        )
    return family, None
