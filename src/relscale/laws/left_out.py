"""Notes on rows and domains of a family that its laws leave out, for the summary."""

from collections.abc import Sequence

import pandas as pd

from relscale.laws.spec import LawSpec

MOST_NAMES = 8
"""Names that a note lists."""


def left_out_notes(family: pd.DataFrame, spec: LawSpec) -> list[str]:
    """Return notes on the values, domains and gaps that have no part in the laws of a family.

    Args:
        family: the checked rows of the family, with `used` and `reason` (`relscale.laws.inputs`).
        spec: how the laws are fitted.
    """
    rows = family[family["metric"].isin(spec.metrics)]
    return [*_values(rows, spec), *_absent(rows, spec), *_domains(rows, spec), *_gaps(rows, spec)]


def _values(rows: pd.DataFrame, spec: LawSpec) -> list[str]:
    """Return a note for each reason for which values are left out."""
    notes = []
    for reason, lost in rows[~rows["used"]].groupby("reason", sort=True):
        runs = lost.drop_duplicates(["corpus", "run"])
        first = runs.iloc[0]
        domains = sorted(lost["domain"].unique())
        notes.append(
            f"{len(lost)} of {len(rows)} values of family {spec.family!r} are left out, reason "
            f"{reason!r}: {len(runs)} run(s), first {first['run']!r} of corpus "
            f"{first['corpus']!r}; domain(s) {_listed(domains)}"
        )
    return notes


def _absent(rows: pd.DataFrame, spec: LawSpec) -> list[str]:
    """Return a note on runs that have no row of a domain of which their corpus has values."""
    keys = ["corpus", "metric", "run", "domain"]
    pairs = rows[["corpus", "metric"]].drop_duplicates()
    every = pairs.merge(rows[["corpus", "metric", "run"]].drop_duplicates()).merge(
        rows[["corpus", "metric", "domain"]].drop_duplicates()
    )
    found = every.merge(rows[keys], on=keys, how="left", indicator=True)
    lost = found[found["_merge"] == "left_only"].sort_values(keys)
    if not len(lost):
        return []
    first = lost.iloc[0]
    return [
        f"{len(lost)} of {len(every)} values of family {spec.family!r} have no row: "
        f"{len(lost.drop_duplicates(['corpus', 'run']))} run(s), first {first['run']!r} of corpus "
        f"{first['corpus']!r}; domain(s) {_listed(sorted(lost['domain'].unique()))}"
    ]


def _domains(rows: pd.DataFrame, spec: LawSpec) -> list[str]:
    """Return a note for each corpus and metric in which domains have no usable value."""
    notes = []
    domains = set(rows["domain"])
    for corpus, here in rows.groupby("corpus", sort=True):
        for metric in spec.metrics:
            usable = here[here["used"] & (here["metric"] == metric)]
            lost = sorted(domains - set(usable["domain"]))
            if len(lost) == len(domains):
                notes.append(f"corpus {corpus!r} has no usable value of {metric}, so no law of it")
            elif spec.baseline in lost:
                notes.append(
                    f"corpus {corpus!r} has no usable value of the baseline {spec.baseline!r} in "
                    f"{metric}: its domains have no gaps"
                )
            elif lost:
                notes.append(
                    f"corpus {corpus!r} has no usable value of domain(s) {_listed(lost)} in "
                    f"{metric}, so no law of them"
                )
    return notes


def _gaps(rows: pd.DataFrame, spec: LawSpec) -> list[str]:
    """Return a note on a family that has no domain other than its baseline."""
    if set(rows["domain"]) != {spec.baseline}:
        return []
    return [
        f"family {spec.family!r} has only its baseline, {spec.baseline!r}: it has absolute laws "
        "and no gaps"
    ]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(repr, names[:MOST_NAMES])) + more
