"""All classical laws by name, and the runs that each is fitted to."""

from dataclasses import dataclass
from typing import Literal

from relscale.laws.classical.broken import BROKEN
from relscale.laws.classical.farseer import FARSEER
from relscale.laws.classical.form import Form
from relscale.laws.classical.power_laws import power_law, power_law_with_floor
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE, KAPLAN_SURFACE, OVERTRAINING

Runs = Literal["all", "params_limited", "tokens_limited", "optima"]


@dataclass(frozen=True, kw_only=True)
class ClassicalLaw:
    """A law and the runs that it holds for."""

    form: Form
    """The law."""
    runs: Runs
    """All runs; those whose loss depends on N alone, or on D alone; or the compute-optimal
    points."""


_LAWS = (
    ClassicalLaw(form=power_law("params"), runs="params_limited"),
    ClassicalLaw(form=power_law_with_floor("params"), runs="params_limited"),
    ClassicalLaw(form=power_law("tokens"), runs="tokens_limited"),
    ClassicalLaw(form=power_law_with_floor("tokens"), runs="tokens_limited"),
    ClassicalLaw(form=power_law("compute"), runs="optima"),
    ClassicalLaw(form=power_law_with_floor("compute"), runs="optima"),
    ClassicalLaw(form=KAPLAN_SURFACE, runs="all"),
    ClassicalLaw(form=HOFFMANN_SURFACE, runs="all"),
    ClassicalLaw(form=OVERTRAINING, runs="all"),
    ClassicalLaw(form=FARSEER, runs="all"),
    ClassicalLaw(form=BROKEN, runs="optima"),
)
CLASSICAL = {law.form.name: law for law in _LAWS}
"""Every law of a loss over sizes, tokens and compute, by the name that the configuration uses."""
