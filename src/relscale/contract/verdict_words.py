"""How verdicts are shown: their order, signs, colours, hatching and explanations.

Figures, explorer, findings page and summary take all of it from `Verdict`. It is separate from
`relscale.contract.verdicts`, which has the words that the laws write, so that a reworded
explanation makes no law stale. Light imports.
"""

from enum import StrEnum

from relscale.contract.verdicts import SLIGHTLY, UNDECIDED, direction_of


class Verdict(StrEnum):
    """Verdict of a relative law, in the order in which verdicts are shown.

    Every member has its explanation as its docstring.
    """

    sign: str
    """Sign for tables, which tells verdicts apart without colour."""
    ink: str
    """Colour of text on white; its contrast is at least 4.5 to 1 (WCAG 2.1)."""
    fill: str
    """Colour of an area: the hue of `ink`, lighter for a verdict with `slightly`."""
    hatch: str
    """Hatching of an area as in matplotlib, which tells verdicts apart in grey."""
    style: str
    """Style of the word on a terminal, as in rich."""

    def __new__(cls, word: str, meaning: str, sign: str, looks: tuple[str, ...]) -> "Verdict":
        """Make a member whose value is its word."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.__doc__ = meaning
        member.sign = sign
        member.ink, member.fill, member.hatch, member.style = looks
        return member

    NARROWS = (
        "narrows",
        "The gap becomes smaller over the observed compute. The change is not shown to be within "
        "the margin.",
        "▶◀",
        ("#00694a", "#009e73", "", "green"),
    )
    NARROWS_SLIGHTLY = (
        "narrows slightly",
        "The gap becomes smaller, and the change is shown to be within the margin.",
        "▷◁",
        ("#1d7d5e", "#93d5bf", "///", "dim green"),
    )
    WIDENS = (
        "widens",
        "The gap becomes larger over the observed compute. The change is not shown to be within "
        "the margin.",
        "◀▶",
        ("#a34700", "#d55e00", "\\\\\\", "red"),
    )
    WIDENS_SLIGHTLY = (
        "widens slightly",
        "The gap becomes larger, and the change is shown to be within the margin.",
        "◁▷",
        ("#b4560f", "#f3bd94", "\\\\", "dim red"),
    )
    CROSSES = (
        "crosses",
        "The harder domain becomes the easier one: the gap differs significantly from none at "
        "both ends of the observed compute, on different sides.",
        "✕",
        ("#7b1fa2", "#7b1fa2", "xx", "magenta"),
    )
    RISES = (
        "rises",
        "The treatment gains on the baseline in a metric where higher is better. The change is "
        "not shown to be within the margin.",
        "▲",
        ("#00694a", "#009e73", "", "green"),
    )
    RISES_SLIGHTLY = (
        "rises slightly",
        "The treatment gains on the baseline in a metric where higher is better, and the change "
        "is shown to be within the margin.",
        "△",
        ("#1d7d5e", "#93d5bf", "///", "dim green"),
    )
    FALLS = (
        "falls",
        "The treatment loses against the baseline in a metric where higher is better. The change "
        "is not shown to be within the margin.",
        "▼",
        ("#a34700", "#d55e00", "\\\\\\", "red"),
    )
    FALLS_SLIGHTLY = (
        "falls slightly",
        "The treatment loses against the baseline in a metric where higher is better, and the "
        "change is shown to be within the margin.",
        "▽",
        ("#b4560f", "#f3bd94", "\\\\", "dim red"),
    )
    PARALLEL = (
        "parallel",
        "The change of the gap over the observed compute is shown to be within the margin, and "
        "it does not differ significantly from 0.",
        "∥",
        ("#005a8f", "#8fc1e3", "--", "cyan"),
    )
    UNDECIDED = (
        "undecided",
        "The tests allow more than one answer, about the change or about which domain is harder. "
        "The detectable slope in the same row says which slopes the design would have found.",
        "?",
        ("#666666", "#e6e6e6", "", "yellow"),
    )

    @property
    def is_decided(self) -> bool:
        """Whether the tests allow one answer only."""
        return self.value != UNDECIDED

    @property
    def direction(self) -> str:
        """The word without `slightly`."""
        return direction_of(self.value)

    @property
    def is_slight(self) -> bool:
        """Whether the gap moves by a change that is shown to be within the margin."""
        return self.value.endswith(SLIGHTLY)


def verdict_of_word(word: object) -> Verdict | None:
    """Return the verdict with a word; None for an empty or unknown word."""
    return _BY_WORD.get(str(word))


def in_order(words: list[str]) -> list[str]:
    """Return words in the order of the verdicts, without duplicates; unknown words follow.

    Examples:
        >>> in_order(["undecided", "no law", "narrows slightly", "undecided"])
        ['narrows slightly', 'undecided', 'no law']
    """
    known = [verdict.value for verdict in Verdict if verdict.value in words]
    return [*known, *sorted(set(words) - set(known))]


_BY_WORD = {verdict.value: verdict for verdict in Verdict}
