"""Statuses and remarks of the law tables: one word from a list, and notes for a reader.

A row's `status` is one `Status`; its `remarks` is a list of notes, written as one cell of text.
`encode_remarks` and `decode_remarks` are the only code that knows the form of that cell. Light
imports.
"""

from collections.abc import Iterable
from enum import StrEnum

SEPARATOR = "; "


class Status(StrEnum):
    """Status of a row of a law table.

    Every member has its meaning as its docstring; `carries_estimate` says whether a row with this
    status has an estimate, and `is_usable_optimum` whether laws are fitted through an optimum with
    this status.
    """

    carries_estimate: bool
    is_usable_optimum: bool

    def __new__(
        cls, word: str, meaning: str, carries_estimate: bool = True, is_usable_optimum: bool = False
    ) -> "Status":
        """Make a member whose value is its word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.__doc__ = meaning
        member.carries_estimate = carries_estimate
        member.is_usable_optimum = is_usable_optimum
        return member

    OK = "ok", "An estimate without a reservation.", True, True

    FLAT_WITHIN_NOISE = (
        "flat_within_noise",
        "The parabola has a minimum, but it is not distinguishable from a neighbouring size.",
        True,
        True,
    )
    BEST_RUN_ON_EDGE = (
        "best_run_on_edge",
        "The size with the lowest loss is the smallest or the largest of its budget.",
        True,
        True,
    )
    SINGLE_RUN = "single_run", "The budget has only one size.", True, True
    EXTRAPOLATED = (
        "extrapolated",
        "The law is read beyond the observed range of compute.",
    )
    LR_NOT_TUNED = (
        "lr_not_tuned",
        "The best learning rate of some batch size is the lowest or highest that was tried, or "
        "fewer than three were.",
    )
    NOT_DETERMINED = (
        "not_determined",
        "The runs below do not determine the prediction: its interval spans more than a factor of "
        "ten.",
    )
    AT_CHANCE = (
        "at_chance",
        "At least half of the runs are not distinguishable from guessing; no test, no verdict.",
    )
    OFFSET_NOT_IDENTIFIABLE = (
        "offset_not_identifiable",
        "An irreducible term does not improve the prediction of budgets that are left out, or there"
        " are fewer than nine budgets to fit one.",
    )
    NOT_CONVERGED = "not_converged", "The search for the surface did not converge."
    ON_BOUND = "on_bound", "A parameter of the surface is at its bound: the data do not show it."
    METHODS_DISAGREE = (
        "methods_disagree",
        "The intervals of an exponent by the two methods do not overlap.",
    )
    FOOT_ONLY = (
        "foot_only",
        "No run has an accuracy above the midpoint of the sigmoid, with the fitted ceiling or the "
        "highest one in its interval.",
    )
    NO_RELATION = (
        "no_relation",
        "The steepness of the sigmoid does not differ significantly from zero.",
    )
    ILLUSTRATION = (
        "illustration",
        "A correlation over fewer than ten domains, which proves nothing.",
    )
    SHORT_WINDOW = (
        "short_window",
        "The models read fewer tokens than a prompt with five examples needs.",
    )

    SMALL_SAMPLE = (
        "small_sample",
        "The text has fewer bytes than the sample of the other rows, or few documents.",
    )

    FLOORS_NOT_IDENTIFIED = (
        "floors_not_identified",
        "The irreducible loss of treatment or baseline is not identified: the slope is not split.",
    )

    TEXT_TOO_SHORT = (
        "text_too_short",
        "The corpus has less text than the control needs.",
        False,
    )
    BASELINE_MISSING = (
        "baseline_missing",
        "The baseline has no usable value in this corpus.",
        False,
    )
    DOMAIN_MISSING = "domain_missing", "The domain has no usable value in this corpus.", False
    IDENTICAL = "identical", "Treatment and baseline have the same value in every run.", False
    RISING_METRIC = (
        "rising_metric",
        "A surface is fitted to losses only, and this metric rises with compute.",
        False,
    )
    TOO_FEW_RUNS = "too_few_runs", "Fewer runs or sizes than the fit needs.", False
    TOO_FEW_BUDGETS = "too_few_budgets", "Fewer budgets than the fit needs.", False
    TOO_FEW_ITEMS = "too_few_items", "Fewer evaluation items than the fit needs.", False
    TOO_FEW_DOMAINS = "too_few_domains", "Fewer than three domains to correlate.", False
    NO_VARIATION = "no_variation", "One of the two variables is constant.", False
    NOT_IDENTIFIED = (
        "not_identified",
        "The data do not identify a parameter of the law, so that none is shown.",
        False,
    )
    NOT_INFINITE_DATA = (
        "not_infinite_data",
        "Too few sizes were trained on so much data that the loss depends on the size alone.",
        False,
    )
    NOT_INFINITE_SIZE = (
        "not_infinite_size",
        "Too few token counts were trained with models so large that the loss depends on the data "
        "alone.",
        False,
    )
    NO_USABLE_OPTIMUM = "no_usable_optimum", "No budget has a usable optimum.", False
    CURVATURE_NOT_POSITIVE = (
        "curvature_not_positive",
        "The parabola through the IsoFLOP curve has no minimum.",
        False,
    )
    OPTIMUM_OUTSIDE_SAMPLED_RANGE = (
        "optimum_outside_sampled_range",
        "The minimum of the fitted curve is beyond the sizes that were trained.",
        False,
    )

    @property
    def is_tested(self) -> bool:
        """Whether a relative law with this status is tested and gets a verdict."""
        return self.carries_estimate and self is not Status.AT_CHANCE


def status_of(word: object) -> Status:
    """Return the member with a word.

    Raises:
        ValueError: naming the word and the choices, if there is none.
    """
    try:
        return _BY_WORD[str(word)]
    except KeyError:
        raise ValueError(f"status is {word!r}; the choices are {', '.join(_BY_WORD)}") from None


_BY_WORD = {status.value: status for status in Status}


def status_columns(status: Status, remarks: Iterable[str] = ()) -> dict[str, object]:
    """Return the columns `status` and `remarks` of a row."""
    return {"status": status.value, "remarks": encode_remarks(remarks)}


def encode_remarks(remarks: Iterable[str]) -> str:
    """Return the cell of a list of remarks; empty remarks are left out.

    Raises:
        ValueError: where a remark contains the separator.
    """
    kept = [remark for remark in remarks if remark]
    for remark in kept:
        if SEPARATOR in remark:
            raise ValueError(f"remark {remark!r} contains {SEPARATOR!r}, which separates remarks")
    return SEPARATOR.join(kept)


def decode_remarks(cell: object) -> list[str]:
    """Return the remarks of a cell; an empty or missing cell has none."""
    return cell.split(SEPARATOR) if isinstance(cell, str) and cell else []


def split_old_status(cell: object) -> tuple[str, str]:
    """Return the status and the cell of remarks of an older table's `word; note; note`."""
    parts = decode_remarks(cell)
    return (parts[0], encode_remarks(parts[1:])) if parts else ("", "")
