"""Runs of two sides that are compared with each other."""

from dataclasses import dataclass

import pandas as pd

from relscale.compare.sides import Side
from relscale.contract.check import check_columns

MATCHED_BY = ("budget", "num_params_total", "seed")
"""Columns of the losses table that must agree in two matched runs of two corpora."""


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Runs that are compared with each other."""

    pairs: tuple[tuple[str, str], ...]
    """(run of a, run of b) of each pair."""
    only_a: tuple[str, ...] = ()
    """Runs of a without a partner."""
    only_b: tuple[str, ...] = ()
    """Runs of b without a partner."""
    budgets: tuple[str, ...] = ()
    """Budgets of the pairs, where the sides are corpora."""


def match_runs(a: Side, b: Side, budgets: tuple[str, ...] = ()) -> Matched:
    """Match a run with a run, or the runs of two corpora by budget, size and seed.

    Args:
        a: one side.
        b: the other side.
        budgets: the budgets to compare; none stands for all.

    Raises:
        ValueError: if one side is a run and the other a corpus, both are the same, no losses table
            has the sizes of the runs, two runs of a corpus are alike, or no run has a partner.
    """
    if a.is_corpus != b.is_corpus:
        raise ValueError(
            "one side is a run and the other a corpus; compare two runs (--a RUN --b RUN) or two "
            "corpora (--a corpus:NAME --b corpus:NAME)"
        )
    same_table = a.sha256 == b.sha256 if a.sha256 or b.sha256 else a.items.equals(b.items)
    if same_table and (a.corpus, a.runs) == (b.corpus, b.runs):
        raise ValueError(
            f"{a.where}: both sides are the same run(s) of the same table, {', '.join(a.runs[:8])}"
        )
    if not a.is_corpus:
        if budgets:
            raise ValueError("--budget chooses the runs of corpora (--a corpus:NAME)")
        return Matched(pairs=((a.runs[0], b.runs[0]),))
    keys_a, keys_b = _keys(a), _keys(b)
    known = [str(key[0]) for key in keys_a if key in keys_b]
    if missing := [budget for budget in budgets if budget not in known]:
        raise ValueError(
            f"--budget {missing[0]!r}: the corpora share no run of it; the budgets are "
            f"{', '.join(dict.fromkeys(known))}"
        )
    shared = [key for key in keys_a if key in keys_b and (not budgets or str(key[0]) in budgets)]
    if not shared:
        raise ValueError(
            f"corpora {a.corpus!r} and {b.corpus!r} have no runs of the same budget, size "
            "(num_params_total) and seed"
        )
    pairs = tuple((keys_a[key], keys_b[key]) for key in shared)
    return Matched(
        pairs=pairs,
        only_a=tuple(run for key, run in keys_a.items() if key not in keys_b),
        only_b=tuple(run for key, run in keys_b.items() if key not in keys_a),
        budgets=tuple(dict.fromkeys(str(key[0]) for key in shared)),
    )


def _keys(side: Side) -> dict[tuple[object, ...], str]:
    """Return the run of each (budget, size, seed) of a corpus."""
    if side.losses is None:
        raise ValueError(
            f"{side.where}: the runs of corpora are matched by the columns "
            f"{', '.join(MATCHED_BY)} of losses.parquet or losses.csv in the same folder; there is "
            "no such file"
        )
    where = f"losses table of {side.where}"
    check_columns(where, side.losses.columns, MATCHED_BY)
    rows = side.losses[side.losses["run"].isin(side.runs)].drop_duplicates(["run", *MATCHED_BY])
    if len(twice := rows[rows.duplicated("run")]):
        raise ValueError(
            f"{where}: run {twice['run'].iloc[0]!r} of corpus {side.corpus!r} has more than one "
            f"{', '.join(MATCHED_BY)}"
        )
    if lost := sorted(set(side.runs) - set(rows["run"])):
        raise ValueError(f"{where}: lacks run {lost[0]!r} of corpus {side.corpus!r}")
    found: dict[tuple[object, ...], str] = {}
    for row in rows.sort_values("run").to_dict("records"):
        key = tuple(None if pd.isna(row[name]) else row[name] for name in MATCHED_BY)
        if None in key:
            raise ValueError(
                f"{where}: run {row['run']!r} lacks {MATCHED_BY[key.index(None)]}, by which runs "
                "are matched"
            )
        if key in found:
            named = ", ".join(
                f"{name} {value}" for name, value in zip(MATCHED_BY, key, strict=True)
            )
            raise ValueError(
                f"{where}: runs {found[key]!r} and {row['run']!r} of corpus {side.corpus!r} have "
                f"the same {named}; compare single runs"
            )
        found[key] = str(row["run"])
    return found
