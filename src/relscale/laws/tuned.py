"""Do verdicts survive tuning? Relative laws on the tuned frontier of a corpus, next to the default.

A frontier is a list of names in the column `corpus`: the default first, then arms of the same
corpus that were trained with other settings, such as learning rates and batch sizes. At each size
of each budget it takes the runs of the member with the lowest loss on the family that locates the
optima, the mean over its domains and over seeds. Laws of small models that are not tuned may differ
from those on the frontier (Lourie et al. 2025, arXiv 2608.11859).

The choice is made on validation items and the gaps are of other items, but both are of the same
runs: a run that is good by chance is chosen more often. Its noise is common to the domains, so that
the loss of the frontier is too low by it, and the gap is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from relscale.contract.scales import on_scale
from relscale.contract.status import Status, status_columns, status_of
from relscale.contract.tables.tuned import TUNED
from relscale.contract.tables.tuned_sizes import TUNED_SIZES
from relscale.laws.fit import fit_baselines
from relscale.laws.spec import LawSpec

SIZE = ["budget", "num_params_total"]
UNDECIDED = ("", "undecided")
"""Verdicts that tests did not reach."""


def choose(losses: pd.DataFrame, members: Sequence[str], frontier: str) -> pd.DataFrame:
    """Return the member with the lowest loss at each size that the default has.

    Args:
        losses: losses of the family that locates the optima, in one metric.
        members: names in the column `corpus`; the first is the default, which wins ties.
        frontier: name of the frontier.

    Returns:
        Rows of the table `tuned_sizes`.

    Raises:
        ValueError: naming the frontier and a member without a usable row.
    """
    kept = losses[losses["corpus"].isin(list(members)) & losses["value"].notna()]
    if "excluded_reason" in kept.columns:
        reason = kept["excluded_reason"]
        kept = kept[reason.isna() | (reason.astype(str) == "")]
    for member in members:
        if not (kept["corpus"] == member).any():
            raise ValueError(f"tuning.{frontier}: {member} has no run with a loss")
    mean = kept.groupby([*SIZE, "corpus"], observed=True)["value"].mean().unstack("corpus")
    mean = mean.reindex(columns=list(members)).dropna(subset=[members[0]])
    return pd.DataFrame(
        {
            "frontier": frontier,
            "corpus": members[0],
            "budget": mean.index.get_level_values("budget"),
            "num_params_total": mean.index.get_level_values("num_params_total"),
            "num_members": mean.notna().sum(axis=1).to_numpy(),
            "chosen": mean.idxmin(axis=1).to_numpy(),
            "value": mean[members[0]].to_numpy(),
            "value_tuned": mean.min(axis=1).to_numpy(),
            **status_columns(Status.OK),
        },
        columns=list(TUNED_SIZES.names),
    )


def on_frontier(losses: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the chosen runs, as those of the default corpus.

    Args:
        losses: rows with corpus, budget and num_params_total.
        chosen: rows of the table `tuned_sizes` of one frontier.
    """
    wanted = chosen.rename(columns={"corpus": "default", "chosen": "corpus"})
    found = losses.merge(wanted[["corpus", *SIZE, "default"]], on=["corpus", *SIZE])
    return found.assign(corpus=found["default"])[list(losses.columns)]


def items_of_runs(items: pd.DataFrame, losses: pd.DataFrame) -> pd.DataFrame:
    """Return the items of the runs in a losses table, under the corpus that it gives them."""
    corpus = losses.drop_duplicates("run").set_index("run")["corpus"]
    kept = items[items["run"].isin(corpus.index)]
    return kept.assign(corpus=kept["run"].astype(str).map(corpus))


def tuned_laws(
    losses: pd.DataFrame,
    items: pd.DataFrame | None,
    optimum_losses: pd.DataFrame,
    chosen: pd.DataFrame,
    spec: LawSpec,
) -> pd.DataFrame:
    """Return the relative laws of a family, by default and tuned: rows of the table `tuned`.

    Both are fitted alone, so that their p values are adjusted for the gaps of one corpus.

    Args:
        losses: losses of the family.
        items: its items, for their noise.
        optimum_losses: losses of the family that locates the optima.
        chosen: rows of the table `tuned_sizes` of one frontier.
        spec: spec of the family's laws; the first estimator is compared.
    """
    spec = spec.model_copy(update={"estimators": spec.estimators[:1]})
    corpus, frontier = str(chosen["corpus"].iloc[0]), str(chosen["frontier"].iloc[0])
    sides = []
    for select in (lambda rows: rows[rows["corpus"] == corpus], lambda r: on_frontier(r, chosen)):
        mine, optimum = select(losses), select(optimum_losses)
        found = None if items is None else items_of_runs(items, mine)
        laws = on_scale(fit_baselines(mine, spec, [str(spec.baseline)], found, optimum))
        sides.append({(row["metric"], row["treatment"]): row for row in laws.to_dict("records")})
    return pd.DataFrame(
        list(_rows(sides[0], sides[1], {"frontier": frontier, "corpus": corpus}, spec)),
        columns=list(TUNED.names),
    )


Laws = Mapping[tuple[str, str], Mapping[Any, Any]]
"""Rows of the table `relative` by metric and treatment."""


def _rows(
    default: Laws, tuned: Laws, labels: Mapping[str, str], spec: LawSpec
) -> Iterator[dict[str, Any]]:
    for (metric, treatment), law in default.items():
        other = tuned[metric, treatment]
        statuses = {"default": status_of(law["status"]), "tuned": status_of(other["status"])}
        status = next((one for one in statuses.values() if one is not Status.OK), Status.OK)
        notes = [f"{side}: {one.value}" for side, one in statuses.items()]
        yield {
            **labels,
            "family": spec.family,
            "metric": metric,
            "treatment": treatment,
            "baseline": spec.baseline,
            "estimator": spec.estimators[0],
            **{name: law[name] for name in ("dbeta", "ci_low", "ci_high", "verdict")},
            **{f"{name}_tuned": other[name] for name in ("dbeta", "ci_low", "ci_high", "verdict")},
            "survives": survives(str(law["verdict"] or ""), str(other["verdict"] or "")),
            **status_columns(status, () if status is Status.OK else notes),
        }


def survives(default: str, tuned: str) -> str:
    """Return whether a verdict is the same after tuning.

    `same`, `changed`, `lost` (no longer decided), `gained` (decided only after tuning), or
    `undecided` both times. A lost verdict is not shown to be false.
    """
    before, after = default not in UNDECIDED, tuned not in UNDECIDED
    if before and after:
        return "same" if default == tuned else "changed"
    return "lost" if before else "gained" if after else "undecided"
