"""Rows of the table `representation`: contrasts between corpora, intervals and expectations.

Read `Shares` first: the corpora, the shares and what is expected of them. `rows_of` returns the
rows of one quantity.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from relscale.config.representation import Expectation, Representation
from relscale.contract.scales import RATIO, REDUCIBLE
from relscale.contract.status import Status, status_columns
from relscale.laws.cells import Array
from relscale.laws.metric_fits import Row
from relscale.laws.share_contrasts import LEVEL, QUANTITIES, SLOPE, Contrast, SharedLaws
from relscale.laws.verdict import p_difference

ONE, DIFFERENCE, DOSE, MIDDLE = "corpus", "difference", "dose", "middle"
LINE = "line"
"""Kinds of rows: `line` is the height of the line of the dose response at a corpus's share."""
NO_FLOORS, SURFACE = "none", "surface"
AGREES, CONTRADICTS, UNDECIDED = "agrees", "contradicts", "undecided"
"""Answers to an expectation."""


@dataclass(frozen=True, kw_only=True)
class Shares:
    """The question of one metric of one family."""

    asked: Representation
    """Corpora, shares and expectation."""
    label: Row
    """Columns `family` and `metric`."""
    level: float
    """Confidence level."""
    margin_share: float
    """A change of the slope counts as small if over the observed compute it changes the gap by at
    most this share of the difference in differences of the level."""
    margin_floor: float
    """Smallest margin."""
    range: float
    """Natural log of the largest budget's compute over the smallest's."""
    main: str
    """Estimator that expectations are about."""

    @property
    def names(self) -> list[str]:
        """The corpora."""
        return list(self.asked.corpora)

    @property
    def ends(self) -> Array:
        """Weights of the difference in differences, (corpus,)."""
        leaning, other = self.asked.ends()
        return np.array([float(name == leaning) - float(name == other) for name in self.names])

    @property
    def ends_name(self) -> str:
        """The two corpora of the difference in differences."""
        return " - ".join(self.asked.ends())

    def doses(self, subject: str) -> Array:
        """Return log odds of the two shares, or the log share of one domain, (corpus,)."""
        if subject in self.asked.treatments:
            return np.log([self.asked.corpora[name][subject] for name in self.names])
        return np.array([self.asked.log_odds(name) for name in self.names])

    def contrasts(self, subject: str) -> Iterator[tuple[str, str, Array, float]]:
        """Yield kind, corpora, weights and dose of each contrast."""
        names, doses = self.names, self.doses(subject)
        unit = np.eye(len(names))
        for place, name in enumerate(names):
            yield ONE, name, unit[place], float(doses[place])
        yield DIFFERENCE, self.ends_name, self.ends, float(self.ends @ doses)
        if len(names) < 3:
            return
        away = doses - doses.mean()
        dose = away / np.sum(away**2)
        yield DOSE, "all", dose, float("nan")
        for place, name in enumerate(names):
            yield LINE, name, 1 / len(names) + away[place] * dose, float(doses[place])
        low, high = int(np.argmin(doses)), int(np.argmax(doses))
        for place, name in enumerate(names):
            if place in (low, high):
                continue
            share = (doses[place] - doses[low]) / (doses[high] - doses[low])
            yield (
                MIDDLE,
                name,
                unit[place] - (1 - share) * unit[low] - share * unit[high],
                doses[place],
            )

    def expected(self, row: "RowName", kind: str, quantity: str) -> str:
        """Return the expected sign of a row, empty if there is none.

        Expectations are about the difference in differences by the main estimator; that of
        reducible losses is about identified floors.
        """
        written = self.asked.expectation
        if written is None or kind != DIFFERENCE or row.estimator != self.main:
            return ""
        return expected_signs(written).get((row.scale, row.floors, quantity), "")

    def answer(self, row: "RowName", kind: str, quantity: str, interval: Row, margin: float) -> Row:
        """Return the expectation of a row, its day, and whether the interval agrees."""
        expected = self.expected(row, kind, quantity)
        if not expected or self.asked.expectation is None:
            return {"expected": "", "written": "", "agreement": ""}
        low, high = (float(str(interval.get(end, "nan"))) for end in ("ci_low", "ci_high"))
        return {
            "expected": expected,
            "written": self.asked.expectation.written.isoformat(),
            "agreement": agreement(expected, low, high, margin),
        }


@dataclass(frozen=True, kw_only=True)
class RowName:
    """The quantity of some rows."""

    subject: str
    """The gap, or a domain."""
    scale: str
    """`ratio`, `reducible` or `loss`."""
    floors: str
    """Where the floors are from."""
    estimator: str
    """Name of the estimator."""

    def columns(self, shares: Shares, kind: str, corpus: str, quantity: str) -> Row:
        """Return the columns that name a row."""
        return {
            "corpus": corpus,
            **shares.label,
            "subject": self.subject,
            "kind": kind,
            "scale": self.scale,
            "floors": self.floors,
            "estimator": self.estimator,
            "quantity": quantity,
        }


def rows_of(
    shares: Shares, name: RowName, laws: SharedLaws, remarks: Sequence[str] = ()
) -> Iterator[Row]:
    """Return the rows of one quantity: of each corpus, and the contrasts of corpora."""
    level = float(laws.contrast(shares.ends).values[0])
    margin = max(shares.margin_share * abs(level), shares.margin_floor)
    for kind, corpus, weights, dose in shares.contrasts(name.subject):
        found = laws.contrast(weights)
        used = [law for law, weight in zip(laws.laws, weights, strict=True) if weight]
        notes = dict.fromkeys(note for law in used for note in law.remarks)
        for place, quantity in enumerate(QUANTITIES):
            small = margin / shares.range if quantity == SLOPE else margin
            interval = _interval(found, place, shares.level)
            yield {
                **name.columns(shares, kind, corpus, quantity),
                "log_share": float(dose),
                **interval,
                "margin": small if kind == DIFFERENCE else float("nan"),
                **shares.answer(name, kind, quantity, interval, small),
                "num_runs": sum(law.num_runs for law in used),
                **status_columns(Status.OK, [*remarks, *notes]),
            }


def rows_without(
    shares: Shares, name: RowName, status: Status, remarks: Sequence[str]
) -> Iterator[Row]:
    """Return the rows of the difference in differences without an estimate."""
    for quantity in QUANTITIES:
        yield {
            **name.columns(shares, DIFFERENCE, shares.ends_name, quantity),
            **shares.answer(name, DIFFERENCE, quantity, {}, float("nan")),
            "num_runs": 0,
            **status_columns(status, [remark.replace(";", ",") for remark in remarks]),
        }


def _interval(found: Contrast, place: int, level: float) -> Row:
    """Return value and interval of level (0) or slope (1)."""
    value, error = float(found.values[place]), float(np.sqrt(found.variance[place]))
    dof = float(found.dof[place])
    t = float(stats.t.ppf(0.5 + level / 2, dof)) if dof > 0 else float("nan")
    return {
        "value": value,
        "standard_error": error,
        "dof": dof if np.isfinite(error) else float("nan"),
        "ci_low": value - t * error,
        "ci_high": value + t * error,
        "p_difference": p_difference(value, error, dof),
        "item_share": float(found.item_share[place]),
    }


def expected_signs(written: Expectation) -> dict[tuple[str, str, str], str]:
    """Return the expected signs by scale, source of the floors, and quantity."""
    return {
        (RATIO, NO_FLOORS, LEVEL): written.level,
        (RATIO, NO_FLOORS, SLOPE): written.slope_ratio,
        (REDUCIBLE, SURFACE, SLOPE): written.slope_reducible,
    }


def agreement(expected: str, low: float, high: float, margin: float) -> str:
    """Compare an interval with an expected sign.

    `zero` is agreed with where the whole interval is within the margin, and contradicted where 0 is
    outside the interval.

    Examples:
        >>> agreement("negative", -0.3, -0.1, 0.02)
        'agrees'
        >>> agreement("zero", -0.01, 0.03, 0.02)
        'undecided'
    """
    if not (np.isfinite(low) and np.isfinite(high)):
        return UNDECIDED
    if expected == "zero":
        if low > 0 or high < 0:
            return CONTRADICTS
        return AGREES if max(-low, high) <= margin else UNDECIDED
    if expected == "negative":
        low, high = -high, -low
    if low > 0:
        return AGREES
    return CONTRADICTS if high < 0 else UNDECIDED
