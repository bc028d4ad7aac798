"""Tables, verdicts and statuses of a comparison of two models or corpora on the same items.

Meanings and units are in docs/reference/tables.md. Light imports.
"""

from enum import StrEnum

from relscale.contract.table import STATUS, Table, floats, integers, text

DOMAIN = ("family", "metric", "domain")
"""First key columns of the tables of a comparison."""

COMPARISON = Table(
    name="comparison",
    description="The paired difference of two sides, one row per domain and metric.",
    key=DOMAIN,
    columns={
        **text(*DOMAIN, "unit", "name_a", "name_b"),
        **floats(
            "value_a",
            "value_b",
            "difference",
            "standard_error",
            "dof",
            "ci_low",
            "ci_high",
            "ci_level",
            "ratio",
            "ratio_ci_low",
            "ratio_ci_high",
            "unpaired_standard_error",
            "p_difference",
            "p_difference_adjusted",
            "margin",
            "p_equivalence",
            "p_equivalence_adjusted",
            "detectable_difference",
        ),
        **integers("num_items", "num_clusters"),
        **floats("largest_cluster_share"),
        **integers("num_a_lower", "num_b_lower", "num_runs", "num_left_out"),
        **text("average", "method", "noise", "better", "verdict"),
        **STATUS,
    },
)
WORST_DOCUMENTS = Table(
    name="worst_documents",
    description="The items that move the difference of a domain most.",
    key=(*DOMAIN, "item", "stratum"),
    columns={
        **text(*DOMAIN),
        **integers("rank"),
        **text("item", "stratum", "cluster"),
        **floats("denominator", "value_a", "value_b", "contribution", "share"),
        **text("lower", "text"),
    },
)
LEFT_OUT_ITEMS = Table(
    name="left_out_items",
    description="Items that are not compared, with the reason.",
    key=(*DOMAIN, "item", "stratum"),
    columns=text(*DOMAIN, "item", "stratum", "reason"),
)
COMPARISON_TABLES = (COMPARISON, WORST_DOCUMENTS, LEFT_OUT_ITEMS)
"""The tables that `relscale compare` writes."""

NOT_SHOWN = "not shown to differ"
"""Verdict without a significant difference; it does not say that the sides are equal."""
WITHIN = "differ by less than the margin"
"""Verdict without a significant difference, where it is shown to be within the margin."""
VERDICTS = (
    "a lower",
    "b lower",
    "a higher",
    "b higher",
    "a lower, within the margin",
    "b lower, within the margin",
    "a higher, within the margin",
    "b higher, within the margin",
    WITHIN,
    NOT_SHOWN,
)
"""Verdicts of a comparison. Metrics whose larger values are better have `higher`."""


class ComparisonStatus(StrEnum):
    """Status of a row of a comparison; every member has its meaning as its docstring."""

    is_tested: bool
    """Whether a row with this status has an interval, a test and a verdict."""

    def __new__(cls, word: str, meaning: str, is_tested: bool = False) -> "ComparisonStatus":
        """Make a member whose value is its word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.__doc__ = meaning
        member.is_tested = is_tested
        return member

    OK = "ok", "An interval and a test without a reservation.", True
    FEW_CLUSTERS = (
        "few_clusters",
        "The interval has fewer than 5 degrees of freedom: it depends on the differences being "
        "nearly normal.",
        True,
    )
    ONE_CLUSTER = "one_cluster", "All items are of one cluster, whose noise cannot be seen."
    CONSTANT = (
        "constant",
        "The difference does not vary between clusters, so that it cannot be tested.",
    )
    IDENTICAL = "identical", "Both sides have the same value of every item."
    NO_COMMON_ITEMS = "no_common_items", "No item is on both sides."


def comparison_status(word: object) -> ComparisonStatus:
    """Return the member with a word."""
    return _BY_WORD[str(word)]


_BY_WORD = {status.value: status for status in ComparisonStatus}


class LeftOut(StrEnum):
    """Reason why an item is not compared."""

    ONLY_A = "only_in_a"
    ONLY_B = "only_in_b"
    INCOMPLETE = "not_in_every_run"
    OVERLAPS = "overlaps_a_corpus"
