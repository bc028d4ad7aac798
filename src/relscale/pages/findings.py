"""The findings page: the question, its answer in five sentences, and all verdicts by family.

`findings_page` builds the HTML page and `findings_rst` the first page of Snakemake's report. Both
show the same `Answer`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from relscale.contract.scales import on_scale
from relscale.contract.status import Status
from relscale.figures.kit.choose import ordered, pick, text_of
from relscale.figures.kit.style import words
from relscale.pages.render import render
from relscale.pages.sentences import (
    answer_sentences,
    remark_sentences,
    scope_sentence,
    shown_laws,
    slope_text,
)
from relscale.pages.spec import FindingsFamily, FindingsSpec

QUESTION = "Who gains from scale, and who is left behind?"
METHOD = (
    "The gap between two test domains is the ratio of their errors, G = E(treatment) / "
    "E(baseline). It is fitted as G = gamma F^dbeta over compute F (Held, Hall, Liang and Yang, "
    "2025, Relative Scaling Laws for LLMs, arXiv 2510.24626). A verdict holds for the observed "
    "range of compute. It comes from tests of difference and of equivalence, adjusted for "
    "multiple testing."
)
SIGNS = {
    "narrows": "▶◀",
    "narrows slightly": "▸◂",
    "widens": "◀▶",
    "widens slightly": "◂▸",
    "crosses": "✕",
    "parallel": "∥",
    "undecided": "?",
    "rises": "▲",
    "rises slightly": "▴",
    "falls": "▼",
    "falls slightly": "▾",
}
"""A sign for each verdict, so that a table can be read at a glance without its colours."""
PAGES = {
    "findings.html": "All verdicts with their slopes",
    "explorer.html": "Explore estimators, baselines and corpora",
    "provenance.html": "Versions, checksums, machine, costs, licences, citations",
}
"""Pages that the report's first page links to, with the texts of the links."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer in sentences."""

    question: str
    scope: str
    sentences: list[str]
    """One sentence per verdict."""
    remarks: list[str]
    """Sentences on laws that the five sentences leave out."""
    method: str


@dataclass(frozen=True, kw_only=True)
class VerdictCell:
    """A verdict of one treatment on one corpus."""

    verdict: str = ""
    label: str
    """Sign and word of the verdict, with an asterisk if the law's status is not `ok`."""
    has_law: bool = False
    slope: str = ""


@dataclass(frozen=True, kw_only=True)
class VerdictRow:
    """The verdicts of one treatment."""

    treatment: str
    cells: list[VerdictCell]
    """One per corpus."""


@dataclass(frozen=True, kw_only=True)
class VerdictTable:
    """The verdicts of one family."""

    name: str
    title: str
    corpora: list[str]
    rows: list[VerdictRow]
    """One per treatment; none if the family has no relative law."""


def findings_page(relative: pd.DataFrame, suite: pd.DataFrame, spec: FindingsSpec) -> str:
    """Build the page.

    Args:
        relative: relative.csv.
        suite: suite.csv.
        spec: which laws are shown, and how they are called.

    Returns:
        A whole HTML page.
    """
    relative = on_scale(relative)
    shown = _shown(relative, spec)
    return render(
        "findings.html.j2",
        answer=_answer(shown, relative, suite, spec),
        estimator=words(spec.estimator),
        families=[_verdicts(shown, family, spec) for family in spec.families if family.baseline],
    )


def findings_rst(
    relative: pd.DataFrame, suite: pd.DataFrame, spec: FindingsSpec, links: Mapping[str, str]
) -> str:
    """Build the first page of Snakemake's report: the answer without the tables.

    Args:
        relative: relative.csv.
        suite: suite.csv.
        spec: which laws are shown, and how they are called.
        links: texts of links, by the file names of pages in the report.

    Returns:
        reStructuredText, which Snakemake renders as a Jinja2 template first.
    """
    relative = on_scale(relative)
    answer = _answer(_shown(relative, spec), relative, suite, spec)
    return render("landing.rst.j2", answer=answer, links=links)


def result_links(names: Sequence[str]) -> dict[str, str]:
    """Return the texts of links to those pages that a report has, by their file names."""
    return {name: text for name, text in PAGES.items() if name in names}


def _shown(relative: pd.DataFrame, spec: FindingsSpec) -> pd.DataFrame:
    choices = [(family.family, family.metric) for family in spec.families]
    return shown_laws(relative, choices, spec.estimator)


def _answer(
    shown: pd.DataFrame, relative: pd.DataFrame, suite: pd.DataFrame, spec: FindingsSpec
) -> Answer:
    return Answer(
        question=QUESTION,
        scope=scope_sentence(suite, spec.compute),
        sentences=answer_sentences(shown, spec.labels),
        remarks=remark_sentences(shown, relative, spec.labels),
        method=METHOD,
    )


def _verdicts(shown: pd.DataFrame, family: FindingsFamily, spec: FindingsSpec) -> VerdictTable:
    labels, baseline = spec.labels, family.baseline
    rows = pick(shown, family=family.family, metric=family.metric)
    corpora = ordered(spec.corpora, rows["corpus"])
    domains = [name for name in ordered(family.domains, rows["treatment"]) if name != baseline]
    title = (
        f"{words(family.family, labels)}, against {words(baseline, labels)} "
        f"({words(family.metric)})"
    )
    table = [
        VerdictRow(
            treatment=words(domain, labels),
            cells=[_cell(pick(rows, treatment=domain, corpus=corpus)) for corpus in corpora],
        )
        for domain in domains
    ]
    return VerdictTable(
        name=family.family,
        title=title,
        corpora=[words(corpus, labels) for corpus in corpora],
        rows=table if len(rows) else [],
    )


def _cell(rows: pd.DataFrame) -> VerdictCell:
    if not len(rows):
        return VerdictCell(label="no row")
    row = rows.iloc[0]
    verdict, status = text_of(row["verdict"]), text_of(row["status"])
    label = verdict or words(status) or "no law"
    if verdict in SIGNS:
        label = f"{SIGNS[verdict]} {label}"
    if verdict and status not in ("", Status.OK):
        label += "*"
    return VerdictCell(verdict=verdict, label=label, has_law=True, slope=slope_text(row))
