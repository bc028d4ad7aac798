"""Columns of the explorer's tables, tooltips and downloads: the page's script only reads them."""

from dataclasses import dataclass
from typing import Literal

Form = Literal[
    "text",
    "words",
    "domain",
    "bucket",
    "number",
    "signed",
    "interval",
    "verdict",
    "flag",
    "remarks",
]


@dataclass(frozen=True, kw_only=True)
class ShownColumn:
    """A column of a table or a line of a tooltip."""

    key: str
    """Column of the data; the lower end of an interval."""
    title: str
    form: Form = "text"
    """How a cell is written; the script has one function for each."""
    digits: int = 4
    """Significant digits of a number."""
    upper: str = ""
    """Column of an interval's upper end."""
    relative_only: bool = False
    """Whether only the relative view shows it."""


def _number(key: str, title: str, digits: int = 4, relative_only: bool = False) -> ShownColumn:
    return ShownColumn(
        key=key, title=title, form="number", digits=digits, relative_only=relative_only
    )


_INTERVAL = ShownColumn(key="ci_low", title="interval", form="interval", upper="ci_high")
_STATUS = ShownColumn(key="status", title="status", form="words")
_REMARKS = ShownColumn(key="remarks", title="remarks", form="remarks")
_DOMAIN = ShownColumn(key="domain", title="domain", form="domain")
_TREATMENT = ShownColumn(key="treatment", title="treatment", form="domain")
_DBETA = ShownColumn(key="dbeta", title="dβ", form="signed")
_GAPS = (_number("gap_first", "gap first"), _number("gap_last", "gap last"))
_VERDICT = (
    ShownColumn(key="verdict", title="verdict", form="verdict"),
    _DBETA,
    _INTERVAL,
    _STATUS,
    _number("change", "change", 3),
    _number("margin", "margin", 2),
    _number("replication", "chance of the same verdict", 2),
    ShownColumn(key="scales_agree", title="scales agree", form="flag"),
    ShownColumn(key="faster", title="faster"),
    *_GAPS,
    _number("p_difference_adjusted", "p difference", 2),
    _number("p_equivalence_adjusted", "p equivalence", 2),
    _number("detectable_dbeta", "detectable dβ", 3),
)
"""The verdict on a gap, with its numbers."""

COLUMNS: dict[str, tuple[ShownColumn, ...]] = {
    "verdicts": (
        _TREATMENT,
        *_VERDICT,
        ShownColumn(key="law", title="law", form="words"),
        _REMARKS,
    ),
    "contrasts": (
        _DOMAIN,
        ShownColumn(key="other", title="compared with", form="domain"),
        _DBETA,
        _INTERVAL,
        _number("p_difference", "p", 2),
        _number("p_difference_adjusted", "p adjusted", 2),
        ShownColumn(key="faster", title="faster", form="domain"),
        _STATUS,
    ),
    "laws": (
        _DOMAIN,
        _number("exponent", "exponent"),
        _INTERVAL,
        _number("coefficient", "coefficient"),
        _number("offset", "offset"),
        _number("lack_of_fit_p", "p lack of fit", 2),
        _number("num_points", "points"),
        _STATUS,
        _REMARKS,
    ),
    "buckets": (
        ShownColumn(key="bucket", title="bytes", form="bucket"),
        _TREATMENT,
        _DBETA,
        _INTERVAL,
        _number("p_difference_adjusted", "p adjusted", 2),
        *_GAPS,
        _number("byte_share", "share of bytes", 2),
        _number("loss_share", "share of the loss", 2),
        _number("num_items", "documents"),
        _STATUS,
    ),
    "documents": (
        ShownColumn(key="item", title="document"),
        _TREATMENT,
        ShownColumn(key="direction", title="log G goes"),
        ShownColumn(key="change_shrunk", title="change, shrunk", form="signed"),
        _INTERVAL,
        ShownColumn(key="change", title="change, observed", form="signed"),
        ShownColumn(key="domain_change", title="change of its domain", form="signed"),
        *_GAPS,
        _number("reliability", "reliability", 2),
    ),
    "suites": (
        _DOMAIN,
        *_VERDICT,
        _number("num_budgets", "budgets"),
        _REMARKS,
    ),
    "drawn": (
        ShownColumn(key="kind", title="kind"),
        ShownColumn(key="run", title="run"),
        ShownColumn(key="budget", title="budget"),
        _DOMAIN,
        _number("compute", "compute"),
        _number("value", "value", 6),
        _number("standard_error", "standard error", 2),
        _number("gap", "G", 6),
        _number("y", "drawn", 6),
    ),
}
"""Columns of the tables, by the identifier of the table in the page."""

_VALUES = (
    _number("compute", "compute"),
    _number("value", "value", 5),
    _number("standard_error", "standard error", 2),
    _number("gap", "G", 5, relative_only=True),
    _number("y", "drawn (%)", 4, relative_only=True),
)
TIPS: dict[str, tuple[ShownColumn, ...]] = {
    "run": (
        ShownColumn(key="run", title="run"),
        _DOMAIN,
        ShownColumn(key="budget", title="budget"),
        ShownColumn(key="seed", title="seed"),
        _number("num_params_total", "parameters", 5),
        _number("tokens", "training tokens", 5),
        *_VALUES,
    ),
    "optimum": (
        _DOMAIN,
        ShownColumn(key="budget", title="budget"),
        ShownColumn(key="estimator", title="estimator", form="words"),
        *_VALUES,
        _STATUS,
        _REMARKS,
    ),
    "bucket": (
        ShownColumn(key="bucket", title="bytes", form="bucket"),
        _TREATMENT,
        _DBETA,
        _INTERVAL,
        _number("p_difference_adjusted", "p adjusted", 2),
        _number("byte_share", "share of bytes", 2),
        *_GAPS,
    ),
    "suite": (
        _DOMAIN,
        ShownColumn(key="verdict", title="verdict", form="verdict"),
        _DBETA,
        _INTERVAL,
        _number("p_difference_adjusted", "p difference", 2),
        *_GAPS,
    ),
}
"""Lines of the tooltips, by the kind of point."""

DOWNLOADED_POINTS = (
    "corpus",
    "family",
    "metric",
    "kind",
    "run",
    "budget",
    "seed",
    "domain",
    "compute",
    "value",
    "standard_error",
    "gap",
    "y",
)
"""Columns of the download of the chart's points."""
LOSSES_KEPT = ("family", "domain", "metric", "value")
"""Columns of the losses that vary within a run."""
RUNS_KEPT = ("run", "corpus", "budget", "seed", "num_params_total", "tokens")
"""Columns of the losses that a run has once."""
