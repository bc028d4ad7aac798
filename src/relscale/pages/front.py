"""The front page: the question, an answer in three sentences, one figure, all verdicts at a glance.

One file without outside requests, for experiments (`results/<experiment>/index.html`) and for laws
of a single table (`relscale laws --report`). Read `front_page` first.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from relscale.contract.scales import slope_margin
from relscale.contract.status import Status
from relscale.contract.verdict_words import Verdict
from relscale.figures.kit.choose import text_of
from relscale.figures.kit.style import words
from relscale.laws.summary_lines import capital, count, finite, has_verdict, joined, undecided_words
from relscale.pages.findings import QUESTION, Answer, FindingsTables, findings_values, shown_of
from relscale.pages.glossary import glossary
from relscale.pages.render import render
from relscale.pages.representation import HEADING, representation_sentences
from relscale.pages.sentences import (
    CHANGES,
    GAPS,
    alpha_of,
    direction_of_laws,
    in_errors,
    levels,
    p_words,
)
from relscale.pages.spec import FindingsSpec

BACK_TESTS = (
    "A back-test fits the laws without the largest budgets and predicts the gaps there. The "
    "simplest forecast, for comparison, is that the gap stays as it is."
)
ENLARGED = 1.9
"""Pixels per point of a figure: letters of a figure are as large as those of the page."""
_WIDTH = re.compile(rb"""<svg[^>]* width=["']([0-9.]+)pt["']""")


@dataclass(frozen=True, kw_only=True)
class PageLink:
    """A link to another file of the results."""

    href: str
    """Path from the page's folder."""
    text: str
    """Words of the link."""


@dataclass(frozen=True, kw_only=True)
class FrontFigure:
    """The figure of the page."""

    svg: str
    """The drawing in base64."""
    caption: str
    """Its caption, plain text."""
    width: int
    """Largest width on the page, in pixels."""

    @classmethod
    def read(cls, path: Path, caption: str) -> "FrontFigure":
        """Read a drawing, an SVG file.

        Raises:
            ValueError: if its width in points is not at its top.
        """
        drawing = path.read_bytes()
        return cls(
            svg=base64.b64encode(drawing).decode(), caption=caption, width=width_of(drawing, path)
        )


def width_of(drawing: bytes, path: Path) -> int:
    """Return the largest width of a drawing on a page, in pixels.

    Args:
        drawing: content of an SVG file.
        path: its path, for the message.

    Raises:
        ValueError: if its width in points is not at its top.
    """
    found = _WIDTH.search(drawing)
    if found is None:
        raise ValueError(f"{path}: not an SVG drawing with a width in points")
    return round(ENLARGED * float(found[1]))


def front_page(
    tables: FindingsTables,
    spec: FindingsSpec,
    *,
    title: str,
    links: Sequence[PageLink],
    figure: FrontFigure | None = None,
) -> str:
    """Build the page.

    Args:
        tables: laws and suite.
        spec: which laws are shown, and how they are called.
        title: name of the experiment, or of the table.
        links: other pages and tables, in order.
        figure: the figure; None shows none.

    Returns:
        A whole HTML page.
    """
    values = findings_values(tables, spec)
    found: Answer = values["answer"]  # type: ignore[assignment]
    shown = shown_of(tables.relative, spec)
    with spec.stated():
        answer = answer_in_three(shown, tables.families, spec)
        sure = how_sure(shown)
        explained = glossary(shown, spec, tested=bool(found.families))
    return render(
        "front.html.j2",
        title=title,
        question=QUESTION,
        sentences=answer,
        sure=[*sure, *_with_back_tests_explained(found.checks)],
        scope=found.scope,
        representation=representation_sentences(tables.representation, spec.labels),
        representation_heading=HEADING,
        reach=found.reach,
        figure=figure,
        links=links,
        glossary=explained,
        without_verdict=_reasons(shown),
        **{name: values[name] for name in ("families", "looks", "explained", "decisions")},
    )


def _reasons(shown: pd.DataFrame) -> str:
    """Return the statuses of the comparisons without a verdict, in words."""
    absent = shown.loc[shown["verdict"].map(text_of) == "", "status"]
    return joined([words(status) for status in sorted({text_of(status) for status in absent})])


def answer_in_three(
    shown: pd.DataFrame, families: pd.DataFrame | None, spec: FindingsSpec
) -> list[str]:
    """Return the answer: whole families, single gaps, and those that are undecided.

    Args:
        shown: rows of relative.csv, one per comparison.
        families: families.csv; None leaves the first sentence out.
        spec: which laws are shown.
    """
    found = [] if families is None else _unlike(families, spec, alpha_of(shown))
    gaps = shown[in_errors(shown)]
    if len(gaps):
        found.append(_counted(gaps, list(GAPS), "gap", "gaps", "the ratio of two losses"))
        found += _undecided(gaps)
    changes = shown[~in_errors(shown)]
    if len(changes):
        metrics = joined([words(metric) for metric in dict.fromkeys(changes["metric"])])
        found.append(_counted(changes, list(CHANGES), "comparison", "comparisons", metrics))
    return found or ["The tables hold no relative law."]


def _unlike(families: pd.DataFrame, spec: FindingsSpec, alpha: float) -> list[str]:
    """Say in how many tests of families the slopes are shown to differ."""
    choices = {(family.family, family.metric) for family in spec.families}
    keys = zip(families["family"].astype(str), families["metric"].astype(str), strict=True)
    mine = families[[key in choices for key in keys]]
    mine = mine[mine["estimator"].astype(str) == spec.estimator]
    p = finite(mine["p_equal_slopes_adjusted"]).dropna()
    if not len(p):
        return []
    differ = int((p < alpha).sum())
    asked = "Do all domains of a family move alike as models get more compute?"
    if len(p) == 1:
        shown = (
            "They are shown not to" if differ else "They are not shown to move unlike each other"
        )
        return [f"{asked} {shown} (one test, p {p_words(p.iloc[0])})."]
    tests = "tests, one per family and corpus,"
    if differ:
        return [
            f"{asked} In {differ} of {len(p)} {tests} they are shown not to (p below {alpha:g}, "
            "adjusted over corpora)."
        ]
    return [
        f"{asked} None of {len(p)} {tests} shows that they do not (p {p_words(p.min())} or more, "
        "adjusted over corpora)."
    ]


def _counted(
    rows: pd.DataFrame, directions: Sequence[str], one: str, many: str, measured: str
) -> str:
    """Count verdicts by direction, and the laws without one, in one sentence."""
    verbs = {name: verb for name, (verb, _) in GAPS.items()} | dict(CHANGES)
    whole = f"{count(len(rows), one, many)} ({measured})"
    lacking = rows[~has_verdict(rows)]
    statuses = sorted(set(lacking["status"].dropna().astype(str)) - {"", Status.OK.value})
    why = f" ({', '.join(words(status) for status in statuses)})" if statuses else ""
    if len(lacking) == len(rows):
        return f"{whole} {'has' if len(rows) == 1 else 'have'} no verdict{why}."
    found = direction_of_laws(rows)
    if len(rows) == 1:
        verb = verbs[str(found.iloc[0])]
        return f"The one {one} ({measured}) is {f'shown to {verb}' if verb else 'undecided'}."
    parts: list[str] = []
    for name in directions:
        if name == Verdict.UNDECIDED:
            continue
        number = int((found == name).sum())
        opening = "" if parts else f" {'is' if number == 1 else 'are'} shown"
        parts.append(f"{number or 'none'}{opening} to {verbs[name]}")
    undecided = int((found == Verdict.UNDECIDED).sum())
    rest = f"; {undecided or 'none'} {'is' if undecided == 1 else 'are'} undecided"
    if len(lacking):
        rest += f", and {len(lacking)} {'has' if len(lacking) == 1 else 'have'} no verdict{why}"
    return f"Of {whole}, {joined(parts)}{rest}."


def _undecided(gaps: pd.DataFrame) -> list[str]:
    """Name the slope that would have been detected in the undecided gaps."""
    rows = gaps[direction_of_laws(gaps) == Verdict.UNDECIDED]
    why = undecided_words(rows).removeprefix(": ") if len(rows) else ""
    if not why:
        return []
    gap = "the undecided gap" if len(rows) == 1 else "the undecided gaps"
    if why.startswith("a slope"):
        return [f"In {gap} {why}."]
    if why.startswith("it "):
        return [f"{capital(gap)} {why.removeprefix('it ')}."]
    return [f"Of {gap}, {why.replace(' of them ', ' ', 1)}."]


def how_sure(shown: pd.DataFrame) -> list[str]:
    """Return sentences on intervals and tests, and on designs that may decide more gaps."""
    level, said = levels(shown), []
    if level:
        said.append(
            f"Brackets and fans are {level} intervals of single gaps. Verdicts are adjusted for "
            "all treatments and corpora of a family, so an interval without 0 may go with "
            "“undecided”."
        )
    changes = shown["faster"].astype(str).isin(["treatment", "baseline"])
    rows = shown[in_errors(shown) & (direction_of_laws(shown) == Verdict.UNDECIDED) & ~changes]
    margins = rows.apply(slope_margin, axis=1) if len(rows) else pd.Series(dtype=float)
    known = pd.DataFrame({"detectable": finite(rows["detectable_dbeta"]), "margin": margins})
    known = known.dropna()
    weak = int((known["detectable"] > known["margin"]).sum())
    if weak:
        some = f"{weak} of the" if weak < len(known) else "all"
        gaps = (
            f"{some} {len(known)} undecided gaps that are not shown to change"
            if len(known) > 1
            else "the one undecided gap that is not shown to change"
        )
        said.append(
            f"In {gaps} the smallest slope that this design would probably have detected is "
            "larger than the margin: a wider range of compute, more sizes, more seeds or more test "
            f"text may decide {'it' if weak == 1 else 'them'}."
        )
    return said


def _with_back_tests_explained(checks: Sequence[str]) -> list[str]:
    """Put a sentence on back-tests in front of the first of their results."""
    first = [place for place, said in enumerate(checks) if said.startswith("Back-test")][:1]
    return [*checks[: first[0]], BACK_TESTS, *checks[first[0] :]] if first else list(checks)
