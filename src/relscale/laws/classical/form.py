"""A classical law: a formula, where its parameters are searched, and which ones are reported.

A formula is written once, for real and for complex parameters: its derivatives are complex steps,
Im f(x + ih) / h, which are exact to rounding (Squire and Trapp, 1998, equation 2).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from relscale.contract.status import Status
from relscale.laws.cells import Array, Flags
from relscale.laws.fit_error import FitError

STEP = 1e-30
"""Length of a complex step; the error is of the order of its square."""

Parameters = npt.NDArray[Any]
"""Parameters as they are searched, (fit, parameter), float64 or complex128."""


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Sizes, tokens and compute of runs, as natural logs less their means."""

    params: Array
    """Of N, (run,)."""
    tokens: Array
    """Of D, (run,)."""
    compute: Array
    """Of F, (run,)."""
    mean_params: float
    """Mean natural log of N."""
    mean_tokens: float
    """Mean natural log of D."""
    mean_compute: float
    """Mean natural log of F."""
    conditions: Mapping[str, Array] = field(default_factory=dict)
    """Further facts about the training of each run, (run,) each, by the names that laws of training
    conditions define (`relscale.laws.classical.conditions`)."""

    def some(self, used: Flags) -> "Axes":
        """Return the axes of some of the runs, (run,), about the same means."""
        return replace(
            self,
            params=self.params[used],
            tokens=self.tokens[used],
            compute=self.compute[used],
            conditions={name: values[used] for name, values in self.conditions.items()},
        )

    @classmethod
    def of(cls, log_params: Array, log_tokens: Array, log_compute: Array) -> "Axes":
        """Return axes of natural logs, (run,) each; without any run the means are 0."""
        logs = (log_params, log_tokens, log_compute)
        means = [float(np.mean(each)) if len(each) else 0.0 for each in logs]
        return cls(
            params=log_params - means[0],
            tokens=log_tokens - means[1],
            compute=log_compute - means[2],
            mean_params=means[0],
            mean_tokens=means[1],
            mean_compute=means[2],
        )


Formula = Callable[[Parameters, Axes], Parameters]


@dataclass(frozen=True, kw_only=True)
class Reported:
    """A parameter as its source defines it."""

    name: str
    """Name in the table."""
    value: Formula
    """Its value, or the natural log of it, by the searched parameters, (fit,)."""
    log: bool = False
    """Whether `value` is a natural log; the interval is then one of the log."""
    searched: int | None = None
    """Index of the searched parameter whose bounds are those of this one; None where both are
    always finite."""
    divided_by: str | None = None
    """Reported parameter that `value` is divided by: where the interval of that one contains 0,
    this one has no interval."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """A classical law."""

    name: str
    """Name in tables, and in the setting `classical`."""
    source: str
    """Authors, year and equation."""
    num_parameters: int
    """Number of searched parameters."""
    log_loss: Formula
    """Natural log of the loss, (fit, run), by parameters and axes."""
    reported: tuple[Reported, ...]
    """Parameters that the table shows."""
    starts: Callable[[Axes, Array], Array]
    """Starting values, (start, parameter), by axes and log losses of the runs, (run,)."""
    bounds: Callable[[Axes, Array], tuple[Array, Array]]
    """Lowest and highest values, (parameter,) each; infinite where a parameter has none."""
    simpler: "Form | None" = None
    """The next simpler law, which this one must predict as well as."""
    min_runs: int = 0
    """Different (N, D) that the law asks for; at least two more than it has parameters."""
    min_sizes: int = 2
    """Different N that it asks for."""
    min_budgets: int = 2
    """Different compute values that it asks for."""
    remarks: tuple[str, ...] = ()
    """Notes that every row has."""

    def check(self, axes: Axes) -> None:
        """Check that there are enough runs for the law.

        Raises:
            FitError: `too_few_runs`, with the number of runs and what is needed.
        """
        pairs = len(np.unique(np.stack([axes.params, axes.tokens]).round(9), axis=1).T)
        needed = (
            (pairs, max(self.min_runs, self.num_parameters + 2), "different (N, D)"),
            (len(np.unique(axes.params.round(9))), self.min_sizes, "sizes"),
            (len(np.unique(axes.compute.round(9))), self.min_budgets, "values of compute"),
        )
        for count, least, what in needed:
            if count < least:
                raise FitError(Status.TOO_FEW_RUNS, f"{count} {what}: the law needs {least}")

    def slopes(self, parameters: Array, axes: Axes) -> Array:
        """Return the derivatives of the log loss, (fit, run, parameter)."""
        return derivatives(self.log_loss, parameters, axes)


def derivatives(formula: Formula, parameters: Array, axes: Axes) -> Array:
    """Return the derivatives of a formula by its parameters, (fit, ..., parameter)."""
    found = []
    for index in range(parameters.shape[1]):
        moved = parameters.astype(np.complex128)
        moved[:, index] += 1j * STEP
        found.append(np.imag(formula(moved, axes)) / STEP)
    return np.stack(found, axis=-1)


def log_sum(*terms: Parameters) -> Parameters:
    """Return log sum exp of terms, real or complex, without overflow."""
    top = np.max([np.real(term) for term in terms], axis=0)
    return np.asarray(top + np.log(sum(np.exp(term - top) for term in terms)))
