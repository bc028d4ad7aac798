"""Items of two sides, paired: arrays of one domain, and the items that are left out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from relscale.compare.matched import Matched
from relscale.compare.sides import Side, overlaps_of
from relscale.compare.spec import CompareSettings
from relscale.compare.variance import Array, Index, ItemDesign
from relscale.contract.comparison_tables import LeftOut

WINDOW = re.compile(r"([0-9a-f]{16,64}):\d+")
"""Item that is a window of a document: the checksum of the document and the window's number."""
TOLERANCE = 1e-6
"""Relative difference up to which two denominators are one (a CSV file has ten digits)."""
SAME_VALUE = 1e-4
"""Relative difference up to which items give the value of the losses table, as in the laws."""

Key = tuple[str, str, str]
"""Family, metric and domain."""


@dataclass(frozen=True, kw_only=True)
class PairedItems:
    """Items of one domain that both sides have, in the order of their names."""

    key: Key
    a: Array
    """(pair, item) numerators of a."""
    b: Array
    """(pair, item) numerators of b."""
    design: ItemDesign
    """Denominators, strata and clusters."""
    items: tuple[str, ...]
    """(item,) names."""
    strata: tuple[str, ...]
    """(item,) names of their strata."""
    clusters: tuple[str, ...]
    """(item,) names of their clusters."""
    clustered: str
    """Words for the units that are drawn."""
    left_out: tuple[tuple[str, str, LeftOut], ...]
    """(item, stratum, reason) of items that are not compared."""
    remarks: tuple[str, ...] = ()


def groups_of(side: Side, settings: CompareSettings) -> dict[Key, pd.DataFrame]:
    """Split the items of a side by family, metric and domain.

    Raises:
        ValueError: naming a chosen family or metric that the side lacks.
    """
    items = side.items
    for what, names in (("family", settings.family), ("metric", settings.metric)):
        for name in names:
            if name not in set(items[what]):
                known = ", ".join(sorted(items[what].astype(str).unique()))
                raise ValueError(
                    f"--{what} {name!r}: {side.where} (side {side.letter}) has no such items; it "
                    f"has {known}"
                )
        items = items[items[what].isin(names)] if names else items
    found = items.groupby(["family", "metric", "domain"], sort=True, observed=True)
    return {(str(f), str(m), str(d)): rows for (f, m, d), rows in found}


def common_keys(
    a: Mapping[Key, object], b: Mapping[Key, object], sides: Sequence[Side]
) -> list[Key]:
    """Return the domains of the families and metrics that both sides have.

    Domains on one side only are among them.

    Raises:
        ValueError: naming both sides' families or metrics, if they share none.
    """
    for place, what in ((0, "family"), (1, "metric")):
        have = [{key[place] for key in groups} for groups in (a, b)]
        if not have[0] & have[1]:
            raise ValueError(
                f"the sides share no {what}: a ({sides[0].where}) has "
                f"{', '.join(sorted(have[0]))}; b ({sides[1].where}) has "
                f"{', '.join(sorted(have[1]))}"
            )
    both = {key[:2] for key in a} & {key[:2] for key in b}
    if not both:
        raise ValueError("the sides share no family in the same metric")
    keys = dict.fromkeys([*a, *b])
    return [key for key in sorted(keys) if key[:2] in both]


def pair_items(
    key: Key,
    rows: tuple[pd.DataFrame, pd.DataFrame],
    sides: tuple[Side, Side],
    matched: Matched,
    settings: CompareSettings,
) -> PairedItems:
    """Pair the items of one domain.

    An item that a side or one of its matched runs lacks is left out, and so is one that overlaps
    the training corpus of a side.

    Raises:
        ValueError: naming the item, if a run has it twice, or its stratum, cluster or denominator
            differs between runs or sides.
    """
    tables = [
        _side_table(frame, [pair[place] for pair in matched.pairs], side, key)
        for place, (frame, side) in enumerate(zip(rows, sides, strict=True))
    ]
    incomplete = tables[0].incomplete | tables[1].incomplete
    names_a, names_b = (set(table.about.index) - incomplete for table in tables)
    left_out = [
        *((*name, LeftOut.INCOMPLETE) for name in incomplete),
        *((*name, LeftOut.ONLY_A) for name in names_a - names_b),
        *((*name, LeftOut.ONLY_B) for name in names_b - names_a),
    ]
    common = sorted(names_a & names_b)
    about = [table.about.loc[common] for table in tables]
    _check_alike(about, common, sides, key)
    overlaps = (about[0]["overlaps"] | about[1]["overlaps"]).to_numpy(dtype=np.bool_)
    left_out += [(*common[at], LeftOut.OVERLAPS) for at in np.flatnonzero(overlaps)]
    kept = [name for name, over in zip(common, overlaps, strict=True) if not over]
    numerators = [table.numerator[kept].to_numpy(dtype=np.float64) for table in tables]
    about_kept = about[0][~overlaps]
    clusters, clustered = _clusters(about_kept, kept, settings.cluster_by)
    rule, remarks = _rule(key, tables[0], sides[0], matched.pairs[0][0], settings.average)
    stratum = pd.factorize(pd.Series([stratum for _, stratum in kept], dtype=object), sort=True)[0]
    return PairedItems(
        key=key,
        a=numerators[0],
        b=numerators[1],
        design=ItemDesign(
            denominator=about_kept["denominator"].to_numpy(dtype=np.float64),
            stratum=stratum.astype(np.int64),
            cluster=_codes(clusters),
            rule=rule,
        ),
        items=tuple(item for item, _ in kept),
        strata=tuple(stratum for _, stratum in kept),
        clusters=tuple(clusters),
        clustered=clustered,
        left_out=tuple(sorted(left_out)),
        remarks=remarks,
    )


@dataclass(frozen=True, kw_only=True)
class _SideTable:
    """Items of one side and domain."""

    numerator: pd.DataFrame
    """(pair, (item, stratum))."""
    about: pd.DataFrame
    """Denominator, overlap and cluster by (item, stratum)."""
    incomplete: frozenset[tuple[str, str]]
    """(item, stratum) of items that some run lacks."""


def _side_table(frame: pd.DataFrame, runs: Sequence[str], side: Side, key: Key) -> _SideTable:
    """Arrange the items of the matched runs of one side that all of the runs have."""
    frame = frame[frame["run"].isin(runs)]
    names = ["item", "stratum"]
    plain = pd.DataFrame(
        {
            **{name: frame[name].astype(str) for name in ("run", *names)},
            **{name: frame[name].astype(np.float64) for name in ("numerator", "denominator")},
            "overlaps": overlaps_of(frame),
            "cluster": frame["cluster"].astype(object) if "cluster" in frame.columns else None,
        }
    )
    twice = plain.duplicated(["run", *names])
    if twice.any():
        row = plain[twice].iloc[0]
        raise ValueError(
            f"{_place(side, key)}: run {row['run']!r} has item {row['item']!r} of stratum "
            f"{row['stratum']!r} more than once"
        )
    grouped = plain.groupby(names, sort=True)
    low, high = grouped["denominator"].min(), grouped["denominator"].max()
    odd = np.flatnonzero((high > low * (1 + TOLERANCE)).to_numpy())
    if len(odd):
        at = int(odd[0])
        raise ValueError(
            f"{_place(side, key)}: item {low.index[at][0]!r} has denominators from "
            f"{low.iloc[at]:g} to {high.iloc[at]:g} in its runs; the runs scored different text"
        )
    about = pd.DataFrame(
        {
            "denominator": low,
            "overlaps": grouped["overlaps"].any(),
            "cluster": grouped["cluster"].first(),
        }
    )
    wide = plain.pivot(index="run", columns=names, values="numerator").reindex(index=list(runs))
    complete = wide.columns[wide.notna().all(axis=0)]
    return _SideTable(
        numerator=wide[complete],
        about=about.loc[complete],
        incomplete=frozenset(
            (str(name[0]), str(name[1])) for name in wide.columns.difference(complete)
        ),
    )


def _place(side: Side, key: Key) -> str:
    family, metric, domain = key
    return f"{side.where} (side {side.letter}), family {family!r}, {metric}, domain {domain!r}"


def _check_alike(
    about: Sequence[pd.DataFrame],
    common: Sequence[tuple[str, str]],
    sides: Sequence[Side],
    key: Key,
) -> None:
    """Check that both sides have one denominator and one cluster of each item."""
    a, b = (one["denominator"].to_numpy(dtype=np.float64) for one in about)
    differ = np.abs(a - b) > TOLERANCE * np.maximum(a, b)
    if differ.any():
        at = int(np.flatnonzero(differ)[0])
        raise ValueError(
            f"family {key[0]!r}, {key[1]}, domain {key[2]!r}: {int(differ.sum())} item(s) have "
            f"different denominators, first item {common[at][0]!r} with {a[at]:g} in a and "
            f"{b[at]:g} in b: the sides scored different text. Models with windows of other "
            "lengths, or with other tokenizers, cut documents at other places: evaluate both with "
            "the same --max-length and texts that fit it, or compare a metric of questions"
        )
    named = [one["cluster"].map(_cluster_name).to_numpy(dtype=object) for one in about]
    other = [x != y for x, y in zip(*named, strict=True)]
    if any(other) and any(map(any, named)):
        at = other.index(True)
        raise ValueError(
            f"family {key[0]!r}, domain {key[2]!r}: item {common[at][0]!r} is of cluster "
            f"{named[0][at]!r} in {sides[0].where} and {named[1][at]!r} in {sides[1].where}"
        )


def _cluster_name(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value).strip()  # type: ignore[call-overload]


def _clusters(
    about: pd.DataFrame, kept: Sequence[tuple[str, str]], cluster_by: str
) -> tuple[list[str], str]:
    """Return the cluster of each item, and words for the units that are drawn."""
    items = [item for item, _ in kept]
    alone = [f"{item}\x1f{stratum}" for item, stratum in kept]
    if cluster_by == "item":
        return alone, "items"
    if cluster_by == "stratum":
        return [stratum for _, stratum in kept], "strata"
    names = [_cluster_name(value) for value in about["cluster"]]
    if any(names):
        # A name of a cluster may be that of an item without one.
        pairs = zip(names, alone, strict=True)
        return [f"cluster\x1f{name}" if name else item for name, item in pairs], "clusters"
    windows = [WINDOW.fullmatch(item) for item in items]
    if windows and all(windows):
        return [found[1] for found in windows if found], "documents"
    return alone, "items"


def _codes(names: Sequence[str]) -> Index:
    return pd.factorize(pd.Series(list(names), dtype=object), sort=True)[0].astype(np.int64)


def _rule(
    key: Key, table: _SideTable, side: Side, run: str, average: str
) -> tuple[str, tuple[str, ...]]:
    """Return how items are averaged, and a remark if that is not known.

    Raises:
        ValueError: if neither rule gives the value of the losses table.
    """
    strata = table.about.index.get_level_values("stratum")
    if average != "auto" or strata.nunique() < 2:
        return ("pooled" if average == "auto" else average), ()
    value = _value_of(side.losses, key, run)
    if value is None:
        return "pooled", (
            "pooled over strata since no losses table shows how the value is averaged",
        )
    numerator = table.numerator.loc[run].to_numpy(dtype=np.float64)
    parts = pd.DataFrame({"n": numerator, "d": table.about["denominator"], "s": strata})
    found = []
    for keep in (~table.about["overlaps"], table.about["overlaps"] | True):
        rows = parts[keep.to_numpy()]
        sums = rows.groupby("s")[["n", "d"]].sum()
        made = {
            "pooled": rows["n"].sum() / rows["d"].sum(),
            "strata": (sums["n"] / sums["d"]).mean(),
        }
        for rule, number in made.items():
            if abs(number - value) <= SAME_VALUE * abs(value):
                return rule, ()
            found.append(f"{number:.6g}")
    raise ValueError(
        f"{_place(side, key)}: the items of run {run!r} do not give the value of the losses table, "
        f"{value:.6g}: {found[0]} as sum over sum, {found[1]} as mean over strata; state "
        "--average, or remove the losses table"
    )


def _value_of(losses: pd.DataFrame | None, key: Key, run: str) -> float | None:
    """Return the value of a run in the losses table; None without one."""
    if losses is None:
        return None
    rows = losses[
        (losses["family"] == key[0])
        & (losses["metric"] == key[1])
        & (losses["domain"] == key[2])
        & (losses["run"] == run)
    ]
    if len(rows) != 1 or not np.isfinite(float(rows["value"].iloc[0])):
        return None
    return float(rows["value"].iloc[0])
