"""All classical laws by name, and the points that each is fitted to."""

from dataclasses import dataclass
from typing import Literal

from relscale.laws.classical.broken import BROKEN
from relscale.laws.classical.farseer import FARSEER
from relscale.laws.classical.form import Form
from relscale.laws.classical.power_laws import Variable, power_law, power_law_with_floor
from relscale.laws.classical.surfaces import HOFFMANN_SURFACE, KAPLAN_SURFACE, OVERTRAINING

Runs = Literal["all", "params_limited", "tokens_limited", "optima"]


@dataclass(frozen=True, kw_only=True)
class ClassicalLaw:
    """A law and the points that it holds for."""

    form: Form
    """The law."""
    runs: Runs
    """All (N, D); those whose loss depends on N alone, or on D alone; or the minima of IsoFLOP
    curves."""
    with_floor: Form | None = None
    """The same law with an irreducible loss: where that is identified, this one is refused."""


def _of_one_variable(variable: Variable, runs: Runs) -> tuple[ClassicalLaw, ClassicalLaw]:
    """Return the power law of one variable, and the same with a floor."""
    floor = power_law_with_floor(variable)
    plain = ClassicalLaw(form=power_law(variable), runs=runs, with_floor=floor)
    return plain, ClassicalLaw(form=floor, runs=runs)


_LAWS = (
    *_of_one_variable("params", "params_limited"),
    *_of_one_variable("tokens", "tokens_limited"),
    *_of_one_variable("compute", "optima"),
    ClassicalLaw(form=KAPLAN_SURFACE, runs="all"),
    ClassicalLaw(form=HOFFMANN_SURFACE, runs="all"),
    ClassicalLaw(form=OVERTRAINING, runs="all"),
    ClassicalLaw(form=FARSEER, runs="all"),
    ClassicalLaw(form=BROKEN, runs="optima"),
)
CLASSICAL = {law.form.name: law for law in _LAWS}
"""Every law of a loss over sizes, tokens and compute, by the name that the configuration uses."""
