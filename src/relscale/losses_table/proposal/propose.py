"""A proposed mapping for a file, with the evidence for each guess: `propose`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from relscale.losses_table.file_columns import IN_NAME
from relscale.losses_table.numbers import numbers_in
from relscale.losses_table.proposal.guess import NO_COLUMN, Guess
from relscale.losses_table.proposal.opening import opened
from relscale.losses_table.proposal.profiles import Profile, profiled
from relscale.losses_table.proposal.roles import Roles, guess_roles
from relscale.losses_table.proposal.run_names import guess_run
from relscale.losses_table.proposal.unit_guess import UnitGuess, guess_units, guess_value_unit
from relscale.losses_table.raw import RawTable

CORPUS = "one_corpus"
"""Constant of a table without a column of training corpora."""
FAMILIES = {True: "texts", False: "tasks"}
"""Names of families of losses, and of other metrics."""
NO_RUN = (
    "run: no columns together name the runs; add a column of names, or constants.run if the file "
    "is of one run"
)
SEVERAL_STEPS = "runs have several steps; decayed and all are the other choices"
LOSSES = ("loss", "bits_per_byte", "perplexity")
"""Metrics of texts."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A proposed mapping."""

    path: Path
    """The file."""
    raw: RawTable
    """Its cells."""
    profiles: dict[str, Profile]
    """Its columns."""
    content: dict[str, Any]
    """The mapping."""
    guesses: tuple[Guess, ...]
    """Its guesses, in the order of the keys."""
    lacking: tuple[str, ...]
    """Needed columns that nothing in the file is like, and how to add them."""
    unused: tuple[str, ...]
    """Columns that the mapping does not use."""


def propose(path: Path) -> Proposal:
    """Propose a mapping for a file.

    Raises:
        ValueError: naming the file, if it cannot be opened or has no rows.
    """
    raw, csv, guesses = opened(path)
    if raw.frame.empty:
        raise ValueError(f"{path}: has no rows below the header")
    profiles, numbers, more = profiled(raw)
    guesses += more
    roles = guess_roles(profiles)
    guesses += roles.guesses
    units = _units(roles, profiles)
    columns: dict[str, Any] = dict(roles.columns)
    sizes = _sizes_in_names(roles, profiles)
    if sizes:
        columns["num_params_total"] = roles.columns["run"]
        guesses += sizes
    if units.forward and "training_flops" in columns:
        columns["forward_flops"] = columns.pop("training_flops")
        guesses = [guess for guess in guesses if guess.key != "columns.training_flops"]
    content: dict[str, Any] = {"path": str(path), "format": raw.format, "csv": csv}
    content |= {"numbers": numbers, "shape": roles.shape}
    constants, lacking = _constants(roles, columns)
    name, about_runs = guess_run(roles, profiles)
    if name:
        columns["run"] = name if len(name) > 1 else name[0]
    else:
        lacking.append(NO_RUN)
    derive, more_lacking, about_derive = _derived(columns)
    content |= {"columns": columns, "constants": constants}
    metrics, about_metrics = _metrics(roles, profiles, content)
    content |= metrics
    content["units"] = _by_axis(units, columns)
    if sizes:
        content["units"]["num_params_total"] = IN_NAME
    content["derive"] = derive
    if "step" in columns and _has_steps(roles, profiles, name):
        content["steps"] = "last"
        about_runs.append(Guess(key="steps", value="last", evidence=SEVERAL_STEPS))
    about_units = [
        replace(guess, key=guess.key.replace("units.compute", f"units.{_axis(columns)}"))
        for guess in units.guesses
    ]
    used = _used(content)
    return Proposal(
        path=path,
        raw=raw,
        profiles=profiles,
        content={key: value for key, value in content.items() if value not in ({}, [])},
        guesses=_unique([*guesses, *about_runs, *about_units, *about_metrics, *about_derive]),
        lacking=(*lacking, *more_lacking),
        unused=tuple(str(one) for one in raw.frame.columns if str(one) not in used),
    )


def _unique(guesses: list[Guess]) -> tuple[Guess, ...]:
    """Return the last guess of each key, in the order of the first."""
    found: dict[str, Guess] = {}
    for guess in guesses:
        found[guess.key] = guess
    return tuple(found.values())


def _units(roles: Roles, profiles: dict[str, Profile]) -> UnitGuess:
    columns = {}
    axis = next((one for one in ("training_flops", "forward_flops") if one in roles.columns), "")
    for key, ours in (
        ("num_params_total", "num_params_total"),
        ("tokens", "tokens"),
        ("compute", axis),
    ):
        values = profiles[roles.columns[ours]].values if ours in roles.columns else None
        if values is not None:
            columns[key] = (roles.columns[ours], values)
    return guess_units(columns)


def _sizes_in_names(roles: Roles, profiles: dict[str, Profile]) -> list[Guess]:
    """Return the guess that names of runs have the parameters, if no column has them."""
    if "num_params_total" in roles.columns or "run" not in roles.columns:
        return []
    cells = [cell for cell in profiles[roles.columns["run"]].cells if cell]
    if not cells or not all(len(numbers_in(cell)) == 1 for cell in cells):
        return []
    return [
        Guess(
            key="columns.num_params_total",
            value=roles.columns["run"],
            evidence=f"no column of parameters, and each name has one number, as in {cells[0]!r}; "
            "such numbers are rounded, so give exact ones if you have them",
        )
    ]


def _axis(columns: dict[str, Any]) -> str:
    return "training_flops" if "training_flops" in columns else "forward_flops"


def _by_axis(units: UnitGuess, columns: dict[str, Any]) -> dict[str, str]:
    axis = _axis(columns)
    return {axis if key == "compute" else key: unit for key, unit in units.units.items()}


def _constants(roles: Roles, columns: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return constants for columns that the file lacks, and sentences on missing columns."""
    constants = {}
    lacking = []
    if "corpus" not in columns:
        constants["corpus"] = CORPUS
    if "family" not in columns and roles.shape == "long":
        constants["family"] = FAMILIES[roles.metric in LOSSES or roles.metric is None]
    if roles.metric is not None:
        constants["metric"] = "loss" if roles.metric == "perplexity" else roles.metric
    if roles.shape == "long" and "value" not in columns:
        lacking.append("value: no column of losses; name it under columns")
    if roles.shape == "wide" and not roles.domains:
        lacking.append("domains: no columns of losses; name them as domains: {DOMAIN: COLUMN}")
    return constants, lacking


def _derived(columns: dict[str, Any]) -> tuple[dict[str, str], list[str], list[Guess]]:
    """Return derived columns, sentences on missing columns, and the guesses."""
    has = set(columns)
    derive = {}
    lacking = []
    if not has & {"training_flops", "forward_flops"}:
        derive["training_flops"] = "6 x num_params_total x tokens"
    if "tokens" not in has and {"tokens_per_param", "num_params_total"} <= has:
        derive["tokens"] = "tokens_per_param x num_params_total"
    elif "tokens" not in has and {"training_flops", "num_params_total"} <= has:
        derive["tokens"] = "training_flops / (6 x num_params_total)"
    elif "num_params_total" not in has and {"training_flops", "tokens"} <= has:
        derive["num_params_total"] = "training_flops / (6 x tokens)"
    has |= set(derive)
    if "forward_flops" in has and "training_flops" not in has:
        derive["training_flops"] = "3 x forward_flops"
    elif "training_flops" in has and "forward_flops" not in has:
        derive["forward_flops"] = "training_flops / 3"
    if "num_params_total" not in has:
        lacking.append(
            "num_params_total: no column of parameters. Add one (all parameters of each model)"
        )
    if "tokens" not in has:
        hint = (
            f", or map them to {columns['step']!r} with the tokens of one step (batch size x "
            "sequence length) as units.tokens"
            if "step" in has
            else ""
        )
        lacking.append(
            f"tokens: no column of training tokens. Add one{hint}; or give one number for all runs "
            "as constants.tokens"
        )
    guesses = [
        Guess(key=f"derive.{name}", value=formula, evidence=NO_COLUMN)
        for name, formula in derive.items()
    ]
    return derive, lacking, guesses


def _metrics(
    roles: Roles, profiles: dict[str, Profile], content: dict[str, Any]
) -> tuple[dict[str, Any], list[Guess]]:
    """Return domains, standard errors, families and units of metrics; may add constants."""
    found: dict[str, Any] = {}
    guesses: list[Guess] = []
    values: dict[str, list[np.ndarray]] = {}
    if roles.shape == "wide":
        domains, same = _without_perplexity(roles.domains)
        guesses += same
        metrics = list(dict.fromkeys(metric for one in domains.values() for metric in one))
        for one in domains.values():
            for metric, column in one.items():
                numbers = profiles[column].values
                assert numbers is not None
                values.setdefault(metric, []).append(numbers)
        found |= _wide(domains, roles.standard_errors, metrics, content)
    elif "value" in roles.columns:
        column = roles.columns["value"]
        numbers = profiles[column].values
        assert numbers is not None
        named = roles.columns.get("metric")
        names = pd.Series(profiles[named].cells if named else [roles.metric] * len(numbers))
        values |= {str(name): [numbers[(names == name).to_numpy()]] for name in names.unique()}
    signed = _with_percent_signs(roles, profiles)
    units = {}
    for metric, parts in values.items():
        guess = guess_value_unit(metric, np.concatenate(parts), metric in signed)
        if guess is not None:
            name = "loss" if metric == "perplexity" else metric
            if "metric" in roles.columns:
                name = metric
            guess = Guess(key=f"metric_units.{name}", value=guess.value, evidence=guess.evidence)
            guesses.append(guess)
            units[name] = guess.value
    if units:
        found["metric_units"] = units
    return found, guesses


def _with_percent_signs(roles: Roles, profiles: dict[str, Profile]) -> set[str]:
    """Return the metrics whose cells have a percent sign."""
    if roles.shape == "wide":
        return {
            metric
            for found in roles.domains.values()
            for metric, column in found.items()
            if "percent" in profiles[column].way
        }
    value = profiles.get(roles.columns.get("value", ""))
    if value is None or "percent" not in value.way:
        return set()
    named = roles.columns.get("metric")
    cells = value.cells
    names = profiles[named].cells if named else [str(roles.metric)] * len(cells)
    return {name for name, cell in zip(names, cells, strict=True) if cell.endswith("%")}


def _without_perplexity(
    domains: dict[str, dict[str, str]],
) -> tuple[dict[str, dict[str, str]], list[Guess]]:
    """Leave out perplexities of domains that have a loss, which is their logarithm."""
    left_out = [
        (domain, found["perplexity"])
        for domain, found in domains.items()
        if "perplexity" in found and "loss" in found
    ]
    kept = {
        domain: {
            metric: column
            for metric, column in found.items()
            if metric != "perplexity" or "loss" not in found
        }
        for domain, found in domains.items()
    }
    guesses = [
        Guess(
            key=f"domains.{domain}.perplexity",
            value=f"column {column} is not used",
            evidence="a perplexity is e to the loss, which is used",
        )
        for domain, column in left_out
    ]
    return kept, guesses


def _wide(
    domains: dict[str, dict[str, str]],
    errors: dict[str, dict[str, str]],
    metrics: list[str],
    so_far: dict[str, Any],
) -> dict[str, Any]:
    """Return the keys of a wide table; a metric or family of all domains becomes a constant."""
    columns, constants = so_far["columns"], so_far["constants"]
    present = {"loss" if metric == "perplexity" else metric for metric in metrics}

    def renamed(found: dict[str, str]) -> dict[str, str]:
        return {
            "loss" if metric == "perplexity" else metric: column for metric, column in found.items()
        }

    content: dict[str, Any] = {}
    texts = [name for name, found in domains.items() if set(renamed(found)) <= set(LOSSES)]
    tasks = [name for name in domains if name not in texts]
    if texts and tasks and "family" not in columns:
        content["families"] = {FAMILIES[True]: texts, FAMILIES[False]: tasks}
    elif domains and "family" not in columns:
        constants["family"] = FAMILIES[bool(texts)]
    if len(present) == 1:
        constants["metric"] = present.pop()
        content["domains"] = {name: next(iter(found.values())) for name, found in domains.items()}
        content["standard_errors"] = {
            name: next(iter(found.values())) for name, found in errors.items() if name in domains
        }
    else:
        content["domains"] = {name: renamed(found) for name, found in domains.items()}
        content["standard_errors"] = {
            name: kept
            for name, found in errors.items()
            if (
                kept := {
                    metric: column
                    for metric, column in renamed(found).items()
                    if metric in content["domains"].get(name, {})
                }
            )
        }
    return content


def _has_steps(roles: Roles, profiles: dict[str, Profile], run: list[str]) -> bool:
    """Return whether some run has several steps."""
    if not run:
        return False
    names = [*run, *([roles.columns["corpus"]] if "corpus" in roles.columns else [])]
    frame = pd.DataFrame({name: profiles[name].cells for name in names})
    steps = pd.Series(profiles[roles.columns["step"]].cells)
    known = steps != ""
    counts = steps[known].groupby([frame.loc[known, name] for name in names]).nunique()
    return bool((counts > 1).any())


def _used(content: dict[str, Any]) -> set[str]:
    used: set[str] = set()
    for key in ("columns", "domains", "standard_errors"):
        for found in content.get(key, {}).values():
            if isinstance(found, dict):
                used |= set(found.values())
            else:
                used |= set(found) if isinstance(found, list) else {found}
    return used
