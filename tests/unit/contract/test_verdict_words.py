"""How verdicts are shown: complete, distinct without colour, readable."""

import colorsys

import pytest
from matplotlib.colors import to_rgb

from relscale.contract.scale_words import SCALE_WORDS, path_words
from relscale.contract.scales import SCALES
from relscale.contract.verdict_words import Verdict, in_order, verdict_of_word
from relscale.contract.verdicts import GAP_VERDICTS, RISING_VERDICTS


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.1)."""
    linear = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in to_rgb(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_word_of_the_laws_is_shown_and_explained_and_no_other() -> None:
    assert {verdict.value for verdict in Verdict} == {*GAP_VERDICTS, *RISING_VERDICTS}
    assert all((verdict.__doc__ or "").endswith(".") for verdict in Verdict)
    assert set(SCALE_WORDS) == set(SCALES)


@pytest.mark.parametrize("words", [GAP_VERDICTS, RISING_VERDICTS])
def test_verdicts_of_a_metric_differ_without_colour(words: tuple[str, ...]) -> None:
    verdicts = [Verdict(word) for word in words]
    assert len({verdict.sign for verdict in verdicts}) == len(verdicts)
    areas = [(round(luminance(verdict.fill), 1), verdict.hatch) for verdict in verdicts]
    assert len(set(areas)) == len(verdicts)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_text_in_the_colour_of_a_verdict_is_readable_on_white(verdict: Verdict) -> None:
    assert 1.05 / (luminance(verdict.ink) + 0.05) >= 4.5


@pytest.mark.parametrize("slight", [verdict for verdict in Verdict if verdict.is_slight])
def test_a_slight_verdict_has_the_hue_of_its_direction_and_is_lighter(slight: Verdict) -> None:
    full = Verdict(slight.direction)
    for name in ("ink", "fill"):
        ours, theirs = getattr(slight, name), getattr(full, name)
        assert luminance(ours) > luminance(theirs)
        hues = [colorsys.rgb_to_hsv(*to_rgb(colour))[0] for colour in (ours, theirs)]
        assert hues[0] == pytest.approx(hues[1], abs=0.03)


def test_words_are_ordered_and_unknown_ones_are_no_verdict() -> None:
    assert in_order(["zz", "undecided", "widens slightly", "narrows"]) == [
        "narrows", "widens slightly", "undecided", "zz",
    ]  # fmt: skip
    assert verdict_of_word("") is None and verdict_of_word("no law") is None
    assert path_words("optimal") == "along the compute-optimal path"
    assert path_words("fixed_tokens:1e10") == "at 1e10 tokens"
