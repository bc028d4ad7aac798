"""The scales of a gap, and the paths along which it is read, in words. Light imports."""

from collections.abc import Mapping
from dataclasses import dataclass

from relscale.contract.scales import DIFFERENCE, GAIN, RATIO, REDUCIBLE


@dataclass(frozen=True, kw_only=True)
class ScaleWords:
    """How a scale of the gap is called and explained."""

    phrase: str
    """Words within a sentence: "on the ratio scale"."""
    symbol: str
    """Symbol of the gap."""
    formula: str
    """The gap as a formula."""
    meaning: str
    """Explanation in a sentence."""


SCALE_WORDS: Mapping[str, ScaleWords] = {
    RATIO: ScaleWords(
        phrase="on the ratio scale",
        symbol="G",
        formula="G = L(treatment) / L(baseline)",
        meaning="Ratio of the two values; its slope is that of log G over log compute.",
    ),
    DIFFERENCE: ScaleWords(
        phrase="on the difference scale",
        symbol="h",
        formula="h = L(treatment) − L(baseline)",
        meaning="Difference of the two values in the unit of the metric; its slope is per unit of "
        "log compute.",
    ),
    REDUCIBLE: ScaleWords(
        phrase="on the scale of reducible losses",
        symbol="R ratio",
        formula="(L(treatment) − E(treatment)) / (L(baseline) − E(baseline))",
        meaning="Ratio of the losses above their irreducible parts E; it is given only where both "
        "are identified.",
    ),
    GAIN: ScaleWords(
        phrase="on the scale of compute",
        symbol="F′ / F",
        formula="F′ / F with L(treatment, F′) = L(baseline, F)",
        meaning="Compute-equivalent gain: how many times the compute the treatment needs to reach "
        "the baseline's loss.",
    ),
}
"""The scales, in the order in which they are offered."""
PATHS: Mapping[str, str] = {
    "optimal": "along the compute-optimal path",
    "fixed_ratio": "at {} tokens per parameter",
    "fixed_tokens": "at {} tokens",
    "fixed_params": "at {} parameters",
    "observed": "along the observed runs",
}
"""Words for the paths; `{}` is the number after the colon."""


def path_words(path: str) -> str:
    """Return a path in words.

    Examples:
        >>> path_words("fixed_ratio:20")
        'at 20 tokens per parameter'
    """
    kind, _, number = path.partition(":")
    return PATHS.get(kind, f"along the path {kind.replace('_', ' ')}").format(number)
