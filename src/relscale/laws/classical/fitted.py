"""Results of a fit: the estimates of a classical law, and whether data identify them."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from relscale.contract.status import Status
from relscale.laws.cells import Array
from relscale.laws.classical.form import Form, Reported
from relscale.laws.fit_error import FitError
from relscale.laws.identifiability import Identification

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Evidence(Identification):
    """Evidence that data identify the parameters of a classical law in one domain.

    `simpler_error` is NaN for a law without a simpler one.
    """

    interval_score: float
    """Mean interval score of the predictions at the largest budgets, left out (Gneiting and
    Raftery, 2007, equation 43), in units of the log loss; lower is better."""

    @classmethod
    def nothing(cls) -> "Evidence":
        """Return the evidence where nothing was fitted."""
        return cls(
            condition=NAN,
            unbounded=(),
            left_out_error=NAN,
            simpler_error=NAN,
            interval_score=NAN,
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why the law is not identified; empty where it is.

        A law whose predictions cannot be checked is not identified, either.
        """
        unchecked = ("too few budgets to leave some out",) if isnan(self.left_out_error) else ()
        return (*super().reasons, *unchecked)


@dataclass(frozen=True, kw_only=True)
class ParameterEstimate:
    """A parameter with its interval."""

    name: str
    """Name in the table."""
    value: float
    """Estimate."""
    low: float
    """Lower end of the interval; NaN where it has no meaning."""
    high: float
    """Upper end of the interval."""
    remark: str = ""
    """Why there is no interval."""


@dataclass(frozen=True, kw_only=True)
class FittedForm:
    """A classical law of one domain."""

    form: Form
    """The law."""
    parameters: Array
    """Parameters as they are searched, (parameter,)."""
    estimates: tuple[ParameterEstimate, ...]
    """Parameters as the source defines them, whether or not they are identified."""
    evidence: Evidence
    """Whether they are."""
    converged: bool
    """Whether the search ended by itself."""
    num_points: int
    """Points that it was fitted to."""

    @property
    def status(self) -> Status:
        """Return `ok`, `not_identified` or `not_converged`."""
        if self.evidence.reasons:
            return Status.NOT_IDENTIFIED
        return Status.OK if self.converged else Status.NOT_CONVERGED

    def require(self) -> None:
        """Check that the parameters may be shown.

        Raises:
            FitError: `not_identified`, with the reasons, or `not_converged`.
        """
        self.evidence.require()
        if not self.converged:
            raise FitError(Status.NOT_CONVERGED, "the search stopped at its limit of iterations")

    def estimate(self, name: str) -> ParameterEstimate:
        """Return a reported parameter by name."""
        return next(each for each in self.estimates if each.name == name)


def estimate_of(
    reported: Reported, column: Array, ends: Mapping[str, Array], row: int
) -> ParameterEstimate:
    """Return a parameter of one domain.

    Args:
        reported: the parameter.
        column: its value and the ends of its interval, (3,).
        ends: ends of the intervals of all parameters by name, (2, domain) each.
        row: index of the domain.
    """
    value, low, high = (float(each) for each in column)
    remark = ""
    if reported.divided_by is not None:
        below, above = ends[reported.divided_by][:, row]
        if not (below > 0 or above < 0):
            low = high = NAN
            remark = f"no interval of {reported.name}: that of {reported.divided_by} contains 0"
    return ParameterEstimate(name=reported.name, value=value, low=low, high=high, remark=remark)
