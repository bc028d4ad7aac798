"""The words of a verdict: a direction, and whether the change is shown to be small."""

SLIGHTLY = " slightly"
"""End of a verdict whose change is shown to be within the margin."""
PARALLEL, UNDECIDED = "parallel", "undecided"
GAP_VERDICTS = (
    "narrows",
    "narrows slightly",
    "widens",
    "widens slightly",
    "crosses",
    PARALLEL,
    UNDECIDED,
)
"""Verdicts about errors."""
RISING_VERDICTS = ("rises", "rises slightly", "falls", "falls slightly", PARALLEL, UNDECIDED)
"""Verdicts about metrics whose larger values are better."""


def direction_of(verdict: str) -> str:
    """Return a verdict without its size: `narrows` of `narrows slightly`."""
    return verdict.removesuffix(SLIGHTLY)
