"""Which column of a file is which of ours, by name and kind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from relscale.losses_table.numbers import NumberReader
from relscale.losses_table.proposal.guess import BY_NAME, Guess
from relscale.losses_table.proposal.names import (
    ERROR_WORDS,
    NUMERIC,
    PATTERNS,
    TRAINING,
    fuller_domain,
    is_error_column,
    label,
    likeness,
    metric_and_domain,
    plain,
)
from relscale.losses_table.proposal.profiles import Profile

LOSS_RANGE = (0.1, 20.0)
"""Values of columns without a metric in their name that may be losses."""
BEGINS = re.compile(r"[+-]?\.?\d")
"""Start of a cell that begins with a number."""
FEWEST_BLOCK = 2
"""Columns of domains, at least, if their names have no metric."""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The guessed meaning of the columns of a file."""

    shape: str
    """`long` or `wide`."""
    columns: dict[str, str]
    """Our column: the file's."""
    domains: dict[str, dict[str, str]] = field(default_factory=dict)
    """For a wide table: domain: metric: column."""
    standard_errors: dict[str, dict[str, str]] = field(default_factory=dict)
    """The same for standard errors."""
    metric: str | None = None
    """For a long table without a column of metrics: the metric of its values."""
    guesses: tuple[Guess, ...] = ()
    """The guesses."""


def guess_roles(profiles: Mapping[str, Profile]) -> Roles:
    """Guess which column is which of ours, and whether the table is long or wide."""
    columns, guesses = _named(profiles)
    used = set(columns.values())
    wide, errors = _metric_columns(profiles, used)
    if "step" in columns and _is_sparse(profiles, columns["step"], wide):
        del columns["step"]
        guesses = [guess for guess in guesses if guess.key != "columns.step"]
    value = columns.get("value") or _value_column(profiles, used)
    if "domain" in columns and value and (len(wide) < FEWEST_BLOCK or _sure(columns["domain"])):
        return _long(profiles, columns, value, guesses)
    block: dict[str, dict[str, str]] = {}
    if len(wide) < FEWEST_BLOCK:
        block = _unnamed(profiles, used - {columns.get("domain", "")})
    if len(block) > len(wide):
        names = ", ".join(list(block)[:6])
        guesses.append(
            Guess(
                key="domains",
                value=f"{len(block)} columns as losses",
                evidence=f"{names}: numbers between {LOSS_RANGE[0]:g} and {LOSS_RANGE[1]:g} "
                "without another meaning; state their metric under constants",
            )
        )
        wide, errors = block, {}
    for ours in ("domain", "value", "standard_error"):
        columns.pop(ours, None)
    guesses = [
        guess
        for guess in guesses
        if guess.key not in ("columns.domain", "columns.value", "columns.standard_error")
    ]
    guesses += [
        Guess(
            key=f"domains.{domain}",
            value=", ".join(f"{metric} in {column}" for metric, column in found.items()),
            evidence=BY_NAME,
        )
        for domain, found in wide.items()
        if wide is not block
    ]
    guesses += _unreadable(profiles, used)
    return Roles(
        shape="wide",
        columns=columns,
        domains=wide,
        standard_errors=errors,
        guesses=tuple(guesses),
    )


def _is_sparse(
    profiles: Mapping[str, Profile], step: str, wide: Mapping[str, Mapping[str, str]]
) -> bool:
    """Return whether steps are empty in rows with values: then they tell no evaluations apart."""
    columns = [profiles[name].cells for found in wide.values() for name in found.values()]
    rows = zip(profiles[step].cells, *columns, strict=True)
    return any(not at and (any(cells) or not cells) for at, *cells in rows)


def _sure(name: str) -> bool:
    return plain(name) in ("domain", "eval_domain")


def _named(profiles: Mapping[str, Profile]) -> tuple[dict[str, str], list[Guess]]:
    """Return our columns that are recognised by name, each from another column of the file."""
    columns: dict[str, str] = {}
    guesses = []
    for ours in PATTERNS:
        candidates = []
        for order, (name, profile) in enumerate(profiles.items()):
            rank = likeness(ours, name)
            if rank is None or name in columns.values() or not _fits(ours, profile):
                continue
            candidates.append((rank, profile.num_missing, order, name))
        if not candidates:
            continue
        *_, name = min(candidates)
        columns[ours] = name
        others = [other for *_, other in sorted(candidates) if other != name]
        also = f"; also possible: {', '.join(others[:4])}" if others else ""
        evidence = f"by name; {profiles[name].words()}{also}"
        guesses.append(Guess(key=f"columns.{ours}", value=name, evidence=evidence))
    return columns, guesses


def _fits(ours: str, profile: Profile) -> bool:
    if profile.kind == "empty":
        return False
    if ours in NUMERIC:
        return profile.kind == "number"
    if ours in ("at_chance", "decayed"):
        return profile.kind == "flag" or set(profile.cells) <= {"0", "1", "0.0", "1.0", ""}
    if ours in ("corpus", "domain", "metric", "family"):
        return profile.kind == "text" or profile.num_distinct < len(profile.cells)
    return True


def _metric_columns(
    profiles: Mapping[str, Profile], used: set[str]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Return columns whose name has a metric and a domain: values and standard errors."""
    values: dict[str, dict[str, str]] = {}
    errors: dict[str, dict[str, str]] = {}
    for name, profile in profiles.items():
        found = metric_and_domain(name)
        if profile.kind != "number" or name in used or found is None:
            continue
        metric, domain = found
        if not domain or TRAINING & set(plain(name).split("_")):
            continue
        if is_error_column(name):
            kept = [word for word in domain.split("_") if word.lower() not in ERROR_WORDS]
            errors.setdefault("_".join(kept), {}).setdefault(metric, name)
            continue
        if metric in values.get(domain, {}):
            domain = fuller_domain(name)
        values.setdefault(label(domain), {}).setdefault(metric, name)
    for name, profile in profiles.items():
        plain_error = re.fullmatch(rf"(.+?)[\W_]+(?:{'|'.join(ERROR_WORDS)})", name, re.IGNORECASE)
        if plain_error and profile.kind == "number" and name not in used:
            of = values.get(label(plain_error[1]), {})
            if len(of) == 1 and metric_and_domain(name) is None:
                errors.setdefault(label(plain_error[1]), {})[next(iter(of))] = name
    errors = {
        domain: {metric: name for metric, name in found.items() if metric in values[domain]}
        for domain, found in errors.items()
        if domain in values
    }
    return values, {domain: found for domain, found in errors.items() if found}


def _unreadable(profiles: Mapping[str, Profile], used: set[str]) -> list[Guess]:
    """Return a remark on each column named after a metric in which some cells are not numbers."""
    reader = NumberReader(suffixes=True)
    guesses = []
    for name, profile in profiles.items():
        found = metric_and_domain(name)
        if profile.kind != "text" or name in used or found is None or not found[1]:
            continue
        present = [cell for cell in profile.cells if cell]
        odd = [cell for cell in present if reader.number(cell, percent=True) is None]
        if not odd or 2 * sum(bool(BEGINS.match(cell)) for cell in present) < len(present):
            continue
        guesses.append(
            Guess(
                key=f"domains.{label(found[1])}",
                value=f"column {name} is not used",
                evidence=f"{len(odd)} of its {len(present)} cells are not numbers, first "
                f"{odd[0]!r}: mend them in the file",
            )
        )
    return guesses


def _value_column(profiles: Mapping[str, Profile], used: set[str]) -> str | None:
    """Return the first column that is named after a metric and no domain."""
    for name, profile in profiles.items():
        found = metric_and_domain(name)
        if profile.kind != "number" or name in used or found is None or found[1]:
            continue
        if not TRAINING & set(plain(name).split("_")) and not is_error_column(name):
            return name
    return None


def _unnamed(profiles: Mapping[str, Profile], used: set[str]) -> dict[str, dict[str, str]]:
    """Return columns of numbers that may be losses, though their names have no metric."""
    found: dict[str, dict[str, str]] = {}
    for name, profile in profiles.items():
        if name in used or profile.kind != "number" or metric_and_domain(name) is not None:
            continue
        known = profile.known()
        whole = bool((known == np.round(known)).all())
        low, high = LOSS_RANGE
        if len(known) and not whole and known.min() > low and known.max() < high:
            found[name] = {"loss": name}
    if len(found) < FEWEST_BLOCK:
        return {}
    first, last = min(found), max(found)
    pairs = zip(first, last, strict=False)
    same = next((at for at, (a, b) in enumerate(pairs) if a != b), len(first))
    start = first[: max(first.rfind("/", 0, same), first.rfind(".", 0, same)) + 1]
    return {label(name.removeprefix(start)): columns for name, columns in found.items()}


def _long(
    profiles: Mapping[str, Profile], columns: dict[str, str], value: str, guesses: list[Guess]
) -> Roles:
    metric = None
    if "value" not in columns:
        columns = {**columns, "value": value}
        guesses = [
            *guesses,
            Guess(
                key="columns.value",
                value=value,
                evidence=f"named after a metric; {profiles[value].words()}",
            ),
        ]
    if "metric" not in columns:
        found = metric_and_domain(value)
        metric = found[0] if found else "loss"
    return Roles(shape="long", columns=columns, metric=metric, guesses=tuple(guesses))
