"""Columns of a file that together name its runs."""

from collections.abc import Mapping

import pandas as pd

from relscale.losses_table.proposal.guess import Guess
from relscale.losses_table.proposal.profiles import Profile
from relscale.losses_table.proposal.roles import Roles

MOST_COLUMNS = 4
"""Columns of a name, at most."""
_DESCRIBING = ("num_params_total", "tokens_per_param", "tokens", "budget", "training_flops", "seed")


def guess_run(roles: Roles, profiles: Mapping[str, Profile]) -> tuple[list[str], list[Guess]]:
    """Return the columns that together name a run, and a guess if `run` alone does not.

    A name must have one value per step, domain and metric, within a corpus. Columns are added as
    long as rows are repeated, those that separate most of them first.
    """
    fixed = [
        roles.columns[ours]
        for ours in ("corpus", "step", "family", "domain", "metric")
        if ours in roles.columns
    ]
    rows = pd.DataFrame({name: profile.cells for name, profile in profiles.items()})
    rows = rows[_is_used(roles, rows)]
    chosen = [roles.columns["run"]] if "run" in roles.columns else []
    along = ("tokens", "training_flops", "forward_flops")
    excluded = along if not chosen and "step" in roles.columns else ()
    candidates = _candidates(roles, profiles, excluded)
    repeated = _repeated(rows, [*fixed, *chosen])
    separated = []
    while (repeated or not chosen) and len(chosen) < MOST_COLUMNS:
        left = [name for name in candidates if name not in chosen]
        counts = [(_repeated(rows, [*fixed, *chosen, name]), at) for at, name in enumerate(left)]
        if not counts or (chosen and min(counts)[0] >= repeated):
            break
        repeated, at = min(counts)
        chosen.append(left[at])
        separated.append(left[at])
    if repeated and "step" in roles.columns and "run" not in roles.columns:
        return [], []
    guesses = []
    if separated:
        start = (
            f"{roles.columns['run']} alone is repeated"
            if "run" in roles.columns
            else "no column is named like a run"
        )
        end = "" if not repeated else f"; {repeated} rows are still repeated"
        guesses.append(
            Guess(
                key="columns.run",
                value="-".join(chosen),
                evidence=f"{start}; with {', '.join(separated)} no two rows of a run, domain and "
                f"metric are repeated{end}",
            )
        )
    return chosen, guesses


def _candidates(
    roles: Roles, profiles: Mapping[str, Profile], excluded: tuple[str, ...]
) -> list[str]:
    """Return columns that may be part of a name: those that describe a model, and text."""
    names = [
        roles.columns[ours]
        for ours in _DESCRIBING
        if ours in roles.columns and ours not in excluded
    ]
    used = set(roles.columns.values())
    texts = [
        name for name, profile in profiles.items() if profile.kind == "text" and name not in used
    ]
    return [*names, *texts]


def _repeated(rows: pd.DataFrame, names: list[str]) -> int:
    return int(rows.duplicated(names).sum()) if names else max(len(rows) - 1, 0)


def _is_used(roles: Roles, rows: pd.DataFrame) -> pd.Series:
    """Return the rows with a value of any domain, and with parameters and tokens."""
    used = pd.Series(True, index=rows.index)
    columns = [column for found in roles.domains.values() for column in found.values()]
    if columns:
        used &= (rows[columns] != "").any(axis=1)
    for ours in ("num_params_total", "tokens"):
        if ours in roles.columns:
            used &= rows[roles.columns[ours]] != ""
    return used
