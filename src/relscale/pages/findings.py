"""The findings page: the question, its answer in five sentences, and all verdicts by family.

`findings_page` builds the HTML page and `findings_rst` the first page of Snakemake's report. Both
show the same `Answer`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from relscale.contract.io import read_table
from relscale.contract.status import Status
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.contract.tables.families import FAMILIES
from relscale.contract.tables.forecast import FORECAST
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.tables.representation import REPRESENTATION
from relscale.contract.tables.scores import SCORES
from relscale.contract.verdict_words import Verdict, verdict_of_word
from relscale.figures.kit.choose import ordered, pick, text_of
from relscale.figures.kit.style import words
from relscale.laws.summary_lines import forecast_lines, registered_lines, replication_line
from relscale.pages.render import render
from relscale.pages.representation import representation_sentences
from relscale.pages.sentences import (
    alpha_of,
    answer_sentences,
    family_sentences,
    reach_sentences,
    remark_sentences,
    scope_sentence,
    shown_laws,
    slope_text,
)
from relscale.pages.spec import FindingsFamily, FindingsSpec

QUESTION = "Who gains from scale, and who is left behind?"
METHOD = (
    "The gap between two test domains is the ratio of their losses, G = L(treatment) / "
    "L(baseline), as in Relative Scaling Laws for LLMs (Held, Hall, Liang and Yang, 2025, arXiv "
    "2510.24626); on the difference scale it is L(treatment) − L(baseline). A verdict holds for "
    "the observed range of compute and for the scale that the sentence names. It comes from tests "
    "of difference and of equivalence that are adjusted for all treatments and corpora of a "
    "family. A verdict that the tests do not reach is not shown to be false."
)
PAGES = {
    "findings.html": "All verdicts with their slopes",
    "explorer.html": "Explore estimators, baselines and corpora",
    "provenance.html": "Versions, checksums, machine, costs, licences, citations",
}
"""Pages that the report's first page links to, with the texts of the links."""


@dataclass(frozen=True, kw_only=True)
class FindingsTables:
    """The tables that the findings are made from."""

    relative: pd.DataFrame
    suite: pd.DataFrame
    families: pd.DataFrame | None = None
    """families.csv: tests of whole families."""
    forecast: pd.DataFrame | None = None
    """forecast.csv: back-tests by horizon."""
    scores: pd.DataFrame | None = None
    """scores.csv: predictions of the largest budgets that were registered."""
    decisions: Sequence[str] = ()
    """Decisions by which a losses table from outside was read."""
    representation: pd.DataFrame | None = None
    """representation.csv: corpora that differ in the shares of two domains' text."""

    @classmethod
    def read(
        cls,
        *,
        relative: Path,
        suite: Path,
        families: Path | None = None,
        forecast: Path | None = None,
        scores: Path | None = None,
        decisions: Path | None = None,
        representation: Path | None = None,
    ) -> "FindingsTables":
        """Read the tables, and the decisions, one per line.

        Raises:
            ValueError: naming a file that cannot be read or lacks a column.
        """
        lines = decisions.read_text(encoding="utf-8").splitlines() if decisions else []
        return cls(
            relative=read_table(relative, RELATIVE.names),
            suite=read_table(suite, SUITE_COLUMNS),
            families=read_table(families, FAMILIES.names) if families else None,
            forecast=read_table(forecast, FORECAST.names) if forecast else None,
            scores=read_table(scores, SCORES.names) if scores else None,
            decisions=lines,
            representation=read_table(representation, REPRESENTATION.names)
            if representation
            else None,
        )


@dataclass(frozen=True, kw_only=True)
class VerdictLook:
    """How the page shows a verdict, and what it means."""

    word: str
    name: str
    """Name in the page's style."""
    sign: str
    ink: str
    meaning: str

    @classmethod
    def of(cls, verdict: Verdict) -> "VerdictLook":
        """Return the look of a verdict."""
        return cls(
            word=verdict.value,
            name=css_name(verdict.value),
            sign=verdict.sign,
            ink=verdict.ink,
            meaning=verdict.__doc__ or "",
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer in sentences."""

    question: str
    scope: str
    reach: str
    """Two sentences on the limits of the verdicts; empty for a table from outside."""
    sentences: list[str]
    """One sentence per verdict."""
    families: list[str]
    """Sentences on tests of whole families."""
    remarks: list[str]
    """Sentences on laws that the five sentences leave out, and on back-tests."""
    checks: list[str]
    """Those of the remarks that say how far the laws can be trusted."""
    method: str


@dataclass(frozen=True, kw_only=True)
class VerdictCell:
    """A verdict of one treatment on one corpus."""

    verdict: str = ""
    name: str = "none"
    """Name of the verdict in the page's style."""
    label: str
    """Sign and word of the verdict, with an asterisk if the law's status is not `ok`."""
    has_law: bool = False
    slope: str = ""
    """Slope with its interval."""
    short: str = ""
    """Slope alone."""
    interval: str = ""
    """Interval of the slope in brackets."""
    sign: str = ""
    """Sign of the verdict; a dash if there is none."""
    replication: str = ""
    """Probability that a re-run reaches the same verdict; empty if it is not known."""


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


def findings_page(tables: FindingsTables, spec: FindingsSpec) -> str:
    """Build the page.

    Args:
        tables: laws and suite.
        spec: which laws are shown, and how they are called.

    Returns:
        A whole HTML page.
    """
    return render("findings.html.j2", **findings_values(tables, spec))


def findings_values(tables: FindingsTables, spec: FindingsSpec) -> dict[str, object]:
    """Return the values that `findings_body.html.j2` shows, also as a part of another page."""
    shown = shown_of(tables.relative, spec)
    present = {text_of(word) for word in shown["verdict"]}
    return {
        "answer": _answer(shown, tables, spec),
        "estimator": words(spec.estimator),
        "families": [_verdicts(shown, family, spec) for family in spec.families if family.baseline],
        "looks": [VerdictLook.of(verdict) for verdict in Verdict],
        "explained": [VerdictLook.of(verdict) for verdict in Verdict if verdict.value in present],
        "decisions": list(tables.decisions),
    }


def findings_rst(tables: FindingsTables, spec: FindingsSpec, links: Mapping[str, str]) -> str:
    """Build the first page of Snakemake's report: the answer without the tables.

    Args:
        tables: laws and suite.
        spec: which laws are shown, and how they are called.
        links: texts of links, by the file names of pages in the report.

    Returns:
        reStructuredText, which Snakemake renders as a Jinja2 template first.
    """
    answer = _answer(shown_of(tables.relative, spec), tables, spec)
    return render("landing.rst.j2", answer=answer, links=links)


def css_name(verdict: str) -> str:
    """Return the name of a verdict in the page's style.

    Examples:
        >>> css_name("narrows slightly")
        'narrows-slightly'
    """
    return verdict.replace(" ", "-") or "none"


def result_links(names: Sequence[str]) -> dict[str, str]:
    """Return the texts of links to those pages that a report has, by their file names."""
    return {name: text for name, text in PAGES.items() if name in names}


def shown_of(relative: pd.DataFrame, spec: FindingsSpec) -> pd.DataFrame:
    """Return the relative laws that the pages show, one per comparison."""
    choices = [(family.family, family.metric) for family in spec.families]
    return shown_laws(relative, choices, spec.estimator)


def _answer(shown: pd.DataFrame, tables: FindingsTables, spec: FindingsSpec) -> Answer:
    with spec.stated():
        return _stated_answer(shown, tables, spec)


def _stated_answer(shown: pd.DataFrame, tables: FindingsTables, spec: FindingsSpec) -> Answer:
    choices = [(family.family, family.metric) for family in spec.families]
    families = (
        []
        if tables.families is None
        else family_sentences(
            tables.families, choices, spec.estimator, spec.labels, alpha_of(shown)
        )
    )
    forecast = [] if tables.forecast is None else forecast_lines(_of(tables.forecast, choices))
    registered = [] if tables.scores is None else registered_lines(tables.scores)
    remarks = remark_sentences(shown, tables.relative, spec.labels)
    again = replication_line(shown)
    checks = [*([again] if again else []), *registered, *forecast]
    return Answer(
        question=QUESTION,
        scope=scope_sentence(tables.suite, spec.compute, ordered([], shown["path"]), spec.origin),
        reach=reach_sentences(tables.suite, spec.origin),
        families=families,
        sentences=answer_sentences(shown, spec.labels),
        remarks=[
            *([again] if again else []),
            *remarks,
            *registered,
            *forecast,
            *representation_sentences(tables.representation, spec.labels),
        ],
        checks=checks,
        method=METHOD,
    )


def _of(table: pd.DataFrame, choices: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return the rows of the shown families, each in its metric."""
    return pd.concat(
        [table.iloc[:0], *(pick(table, family=name, metric=metric) for name, metric in choices)]
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
        return VerdictCell(label="no row", sign="–")
    row = rows.iloc[0]
    verdict, status = text_of(row["verdict"]), text_of(row["status"])
    label = verdict or words(status) or "no law"
    known = verdict_of_word(verdict)
    if known:
        label = f"{known.sign} {label}"
    if verdict and status not in ("", Status.OK):
        label += "*"
    name = css_name(verdict)
    slope = slope_text(row)
    short, _, interval = slope.partition(" ")
    chance = float(row["replication"])
    return VerdictCell(
        verdict=verdict,
        name=name,
        label=label,
        has_law=True,
        slope=slope,
        short=short,
        interval=interval,
        sign=known.sign if known else "–",
        replication="" if math.isnan(chance) else f"{chance:.2f}",
    )
