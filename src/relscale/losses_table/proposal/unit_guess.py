"""Units of parameters, tokens, compute and values, guessed from their sizes and names."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relscale.contract.units import BETWEEN, EXPECTED, looks_like_perplexity
from relscale.losses_table.file_units import FACTORS
from relscale.losses_table.proposal.guess import Guess
from relscale.losses_table.proposal.names import stated_unit

Numbers = npt.NDArray[np.float64]
_COUNT_UNITS = ("ones", "thousands", "millions", "billions", "trillions", "log10")
_FLOP_UNITS = ("ones", "petaflops", "exaflops", "petaflop_days", "log10")
PLAUSIBLE = {
    "num_params_total": (1e4, 1e13),
    "tokens": (1e5, 1e14),
    "compute": (1e11, 1e28),
}
"""Medians of language models' runs."""
USUAL = (0.5, 100.0)
"""Training FLOPs over (parameters x tokens), as in `relscale.contract.units`."""
USUAL_RATIO = 20.0
"""Tokens per parameter of a compute-optimal model (Hoffmann et al., 2022)."""
FORWARD = (1.6, 2.5)
"""A median ratio between these is that of forward passes."""
COST = 0.7
"""Decades by which the ratio must be better for a unit other than ones."""
RARE = 1.0
"""The same for units that few tables have."""
OF_RATIO = 0.3
"""Weight of the decades between tokens per parameter and the usual ratio."""
NEARLY = 0.3
"""Decades by which the second best units are as good as the best."""
SCATTER = 3.0
"""Factor between the ratios of the runs that is unusual."""


@dataclass(frozen=True, kw_only=True)
class UnitGuess:
    """Guessed units, and whether compute is that of the forward passes."""

    units: dict[str, str]
    """Our column (`compute` for either axis): unit; none for ones."""
    forward: bool = False
    """Whether compute looks like that of the forward passes."""
    guesses: tuple[Guess, ...] = ()
    """The guesses, and remarks on unusual numbers."""


def _factor(unit: str, value: float) -> float:
    if unit == "log10":
        return 10.0**value if abs(value) < 300 else math.inf
    return value * FACTORS[unit]


def _options(column: str, name: str, values: Numbers) -> list[str]:
    """Return the units in which a column is plausible; the one that its name states, if any."""
    stated = stated_unit(name)
    low, high = PLAUSIBLE[column]
    middle = float(np.median(values))
    units = _FLOP_UNITS if column == "compute" else _COUNT_UNITS
    possible = [unit for unit in units if low <= _factor(unit, middle) <= high]
    if stated is not None and stated in possible:
        return [stated]
    return possible


def guess_units(columns: Mapping[str, tuple[str, Numbers]]) -> UnitGuess:
    """Guess the units of parameters, tokens and compute together.

    Args:
        columns: `num_params_total`, `tokens` and `compute`, as far as the file has them: the name
            of the column, and its numbers (one per row, NaN where one is missing).
    """
    rows = [np.isfinite(values) for _, values in columns.values()]
    together = np.logical_and.reduce(rows) if rows else np.zeros(0, dtype=bool)
    if not together.any():
        return UnitGuess(units={})
    known = {key: (name, values[together]) for key, (name, values) in columns.items()}
    options = {key: _options(key, *column) for key, column in known.items()}
    if odd := [key for key, units in options.items() if not units]:
        name, values = known[odd[0]]
        return UnitGuess(units={}, guesses=(_odd(odd[0], name, values),))
    ranked = sorted(
        (
            (_cost(dict(zip(options, units, strict=True)), known), units)
            for units in itertools.product(*options.values())
        ),
        key=lambda entry: entry[0],
    )
    cost, best = ranked[0]
    units = {key: unit for key, unit in zip(options, best, strict=True) if unit != "ones"}
    guesses = [_unit(key, known[key], unit, known, dict(zip(options, best, strict=True)))
               for key, unit in units.items()]  # fmt: skip
    if len(ranked) > 1 and ranked[1][0] - cost < NEARLY and units:
        other = ", ".join(
            f"{key} in {unit}" for key, unit in zip(options, ranked[1][1], strict=True)
        )
        guesses.append(Guess(key="units", value="not sure", evidence=f"as likely: {other}"))
    forward, remarks = _axis(known, dict(zip(options, best, strict=True)))
    return UnitGuess(units=units, forward=forward, guesses=(*guesses, *remarks))


def _ratios(known: Mapping[str, tuple[str, Numbers]], units: Mapping[str, str]) -> Numbers | None:
    """Return compute over (parameters x tokens) of each row; None without the three."""
    if len(known) < len(PLAUSIBLE):
        return None
    numbers = {
        key: np.array([_factor(units[key], float(one)) for one in values])
        for key, (_, values) in known.items()
    }
    with np.errstate(all="ignore"):
        ratios: Numbers = numbers["compute"] / numbers["num_params_total"] / numbers["tokens"]
    return ratios


def _cost(units: Mapping[str, str], known: Mapping[str, tuple[str, Numbers]]) -> float:
    """Return how unlikely units are, in decades."""
    unusual = sum(
        RARE if unit in ("thousands", "trillions", "log10") else COST
        for key, unit in units.items()
        if unit not in ("ones", stated_unit(known[key][0]))
    )
    if {"num_params_total", "tokens"} <= set(known):
        params, tokens = (
            _factor(units[key], float(np.median(known[key][1])))
            for key in ("num_params_total", "tokens")
        )
        unusual += OF_RATIO * abs(math.log10(tokens / params / USUAL_RATIO))
    ratios = _ratios(known, units)
    if ratios is not None:
        middle = float(np.median(ratios))
        if not 0 < middle < math.inf:
            return math.inf
        low, high = USUAL
        if low <= middle <= high:
            return unusual + 0.1 * abs(math.log10(middle / EXPECTED["training_flops"]))
        return unusual + 3 + abs(math.log10(middle / EXPECTED["training_flops"]))
    return unusual


def _odd(key: str, name: str, values: Numbers) -> Guess:
    low, high = PLAUSIBLE[key]
    return Guess(
        key=f"units.{key}",
        value="not known",
        evidence=f"column {name} is {np.median(values):.4g} (median), and no unit makes this a "
        f"number from {low:g} to {high:g}: is it the right column?",
    )


def _unit(
    key: str,
    column: tuple[str, Numbers],
    unit: str,
    known: Mapping[str, tuple[str, Numbers]],
    units: Mapping[str, str],
) -> Guess:
    name, values = column
    middle = float(np.median(values))
    reasons = []
    if stated_unit(name) == unit:
        reasons.append("its name states it")
    reasons.append(f"median {middle:.4g} would be {_factor(unit, middle):.3g}")
    ratios = _ratios(known, units)
    if ratios is not None:
        plain = _ratios(known, {**units, key: "ones"})
        assert plain is not None
        reasons.append(
            f"compute / (parameters x tokens) is {np.median(ratios):.3g} with it and "
            f"{np.median(plain):.3g} without; about 6 is usual"
        )
    return Guess(key=f"units.{key}", value=unit, evidence="; ".join(reasons))


def _axis(
    known: Mapping[str, tuple[str, Numbers]], units: Mapping[str, str]
) -> tuple[bool, list[Guess]]:
    """Return whether compute is that of the forward passes, and remarks on the ratio."""
    ratios = _ratios(known, units)
    if ratios is None:
        return False, []
    middle, low, high = float(np.median(ratios)), float(ratios.min()), float(ratios.max())
    shown = f"compute / (parameters x tokens) is {middle:.3g} (median; {low:.3g} to {high:.3g})"
    name = known["compute"][0]
    if FORWARD[0] <= middle <= FORWARD[1] and high < BETWEEN:
        return True, [
            Guess(
                key="columns.forward_flops",
                value=name,
                evidence=f"{shown}: 2 is that of forward passes, 6 that of training",
            )
        ]
    usual = USUAL[0] <= low and high <= USUAL[1]
    evidence = f"{shown}: " + ("about 6 is usual" if usual else "about 6 is usual, check the units")
    if high > SCATTER * low:
        evidence += (
            "; it differs between runs, as with small models whose embeddings or heads count much, "
            "or if one of the three is not of this run"
        )
    return False, [Guess(key="columns.training_flops", value=name, evidence=evidence)]


def guess_value_unit(metric: str, values: Numbers, signed: bool) -> Guess | None:
    """Guess the unit of the values of a metric: None if they are as they should be.

    Args:
        metric: the metric, by the name of its columns.
        values: its values.
        signed: whether they have a percent sign.
    """
    if signed:
        return Guess(
            key=f"metric_units.{metric}", value="percent", evidence="values have a percent sign"
        )
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    high, middle = float(known.max()), float(np.median(known))
    shares = metric.startswith(("acc", "error", "choice_probability"))
    if metric == "perplexity":
        return Guess(
            key="metric_units.loss", value="perplexity", evidence="the columns are named so"
        )
    if shares and 1 < high <= 100 and middle > 1:
        return Guess(
            key=f"metric_units.{metric}",
            value="percent",
            evidence=f"values up to {high:.4g}, and a share is from 0 to 1",
        )
    if metric == "loss" and looks_like_perplexity(known.tolist()):
        return Guess(
            key="metric_units.loss",
            value="perplexity",
            evidence=f"median {middle:.4g}, above the loss of a uniform guess (about 11 nats)",
        )
    return None
