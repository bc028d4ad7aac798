"""The landing page of a report: the question, its answer in five sentences, and every verdict in
one table a family."""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from relscale.figures.kit.choose import ordered, pick, sound, status_word, text_of
from relscale.figures.kit.command import settings
from relscale.figures.kit.style import words
from relscale.pages.frame import page
from relscale.pages.sentences import (
    answer_sentences,
    beside_sentences,
    scope_sentence,
    shown_laws,
    slope_text,
)

QUESTION = "Who gains from scale, and who is left behind?"
METHOD = (
    "The gap between two test domains is the ratio of their errors, G = E(treatment) / E(baseline). It is fitted as G = gamma F^dbeta "
    "against compute F (Held, Hall, Liang and Yang, 2025, Relative Scaling Laws for LLMs, arXiv 2510.24626). A verdict is about the "
    "observed range of compute, from tests of difference and of equivalence that are adjusted for their number."
)
DEFAULTS: dict[str, Any] = {
    "families": [],
    "corpora": [],
    "labels": {},
    "estimator": "joint",
    "compute": "training_flops",
}
"""Keys of the spec: `families` lists {family, metric, baseline, domains} in the order in which they
are shown."""
SIGNS = {
    "narrows": "▶◀",
    "widens": "◀▶",
    "crosses": "✕",
    "parallel": "∥",
    "undecided": "?",
    "rises": "▲",
    "falls": "▼",
}
"""Signs beside the words, so that a table is read at a glance without its colours."""
_STYLE = """
ol.answer { padding-left: 1.4em; font-size: 1.05rem; max-width: 62em; } ol.answer li { margin: .45em 0; }
td.verdict { white-space: nowrap; line-height: 1.25; } td.verdict small { color: #555; font-variant-numeric: tabular-nums; }
td.verdict b { font-weight: 600; } td.narrows b, td.rises b { color: #00694a; } td.widens b, td.falls b { color: #a34700; }
td.crosses b { color: #7b1fa2; } td.parallel b { color: #005a8f; } td.undecided b, td.none b { color: #666; font-weight: 400; }
"""


def findings_page(relative: pd.DataFrame, suite: pd.DataFrame, spec: Mapping[str, Any]) -> str:
    """Return the page as HTML.

    Args:
        relative: relative.csv.
        suite: suite.csv.
        spec: `DEFAULTS`.

    Raises:
        ValueError: for an unknown key of the spec.
    """
    chosen = settings(spec, DEFAULTS)
    shown = shown_laws(relative, chosen["families"], chosen["estimator"])
    answer = "".join(
        f"<li>{html.escape(sentence)}</li>\n"
        for sentence in answer_sentences(shown, chosen["labels"])
    )
    beside = "".join(
        f"<p>{html.escape(sentence)}</p>\n"
        for sentence in beside_sentences(shown, relative, chosen["labels"])
    )
    tables = "".join(
        _family_table(shown, family, chosen)
        for family in chosen["families"]
        if family.get("baseline")
    )
    body = (
        f"<h1>{html.escape(QUESTION)}</h1>\n<p>{html.escape(scope_sentence(suite, chosen['compute']))}</p>\n"
        f'<ol class="answer">\n{answer}</ol>\n{beside}<h2>Every verdict</h2>\n'
        f"<p>Slope dβ with its interval, by the estimator {html.escape(words(chosen['estimator']))}; below 0 the treatment's error falls "
        f"faster than the baseline's. An asterisk marks a law with a reservation.</p>\n{tables}<p>{html.escape(METHOD)}</p>\n"
    )
    return page("Findings", body, _STYLE)


def findings_rst(
    relative: pd.DataFrame, suite: pd.DataFrame, spec: Mapping[str, Any], links: Mapping[str, str]
) -> str:
    """Return the same answer as reStructuredText, for the first page of Snakemake's report.

    Args:
        relative: relative.csv.
        suite: suite.csv.
        spec: `DEFAULTS`.
        links: file names of results in the report, and what they show.
    """
    chosen = settings(spec, DEFAULTS)
    shown = shown_laws(relative, chosen["families"], chosen["estimator"])
    parts = [QUESTION, "=" * len(QUESTION), "", _rst(scope_sentence(suite, chosen["compute"])), ""]
    for place, sentence in enumerate(answer_sentences(shown, chosen["labels"]), start=1):
        parts += [f"{place}. {_rst(sentence)}"]
    parts += [
        "",
        *(
            f"{_rst(sentence)}\n"
            for sentence in beside_sentences(shown, relative, chosen["labels"])
        ),
    ]
    parts += [f"- {_rst(text)}: `{name}`_" for name, text in links.items()]
    return "\n".join([*parts, "", _rst(METHOD), ""])


def _rst(text: str) -> str:
    """Escape what reStructuredText, and the template engine that reads it first, would take for
    markup."""
    return re.sub(r"([\\`*_|])", r"\\\1", text.replace("{", "(").replace("}", ")"))


def _family_table(shown: pd.DataFrame, family: Mapping[str, Any], chosen: Mapping[str, Any]) -> str:
    labels, baseline = chosen["labels"], str(family["baseline"])
    rows = pick(shown, family=family["family"], metric=family["metric"])
    corpora = ordered(chosen["corpora"], rows["corpus"])
    domains = [
        name for name in ordered(family.get("domains", []), rows["treatment"]) if name != baseline
    ]
    title = f"{words(family['family'], labels)}, against {words(baseline, labels)} ({words(family['metric'])})"
    if not len(rows):
        return f"<h3>{html.escape(title)}</h3>\n<p>The tables hold no relative law of this family.</p>\n"
    heads = "".join(
        f'<th scope="col">{html.escape(words(corpus, labels))}</th>' for corpus in corpora
    )
    lines = []
    for domain in domains:
        cells = "".join(_cell(pick(rows, treatment=domain, corpus=corpus)) for corpus in corpora)
        lines.append(f'<tr><th scope="row">{html.escape(words(domain, labels))}</th>{cells}</tr>')
    table = (
        f'<thead><tr><th scope="col">treatment</th>{heads}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody>"
    )
    family_id = html.escape(str(family["family"]), quote=True)
    return f'<h3>{html.escape(title)}</h3>\n<div class="scroll"><table data-family="{family_id}">\n{table}</table></div>\n'


def _cell(rows: pd.DataFrame) -> str:
    if not len(rows):
        return '<td class="verdict none" data-verdict=""><b>no row</b></td>'
    row = rows.iloc[0]
    verdict = text_of(row["verdict"])
    said = verdict or status_word(row["status"]).replace("_", " ") or "no law"
    mark = "" if sound(row["status"]) or not verdict else "*"
    sign = f"{SIGNS[verdict]} " if verdict in SIGNS else ""
    return (
        f'<td class="verdict {verdict or "none"}" data-verdict="{verdict}"><b>{sign}{html.escape(said)}{mark}</b><br>'
        f"<small>{html.escape(slope_text(row))}</small></td>"
    )


def result_links(names: Sequence[str]) -> dict[str, str]:
    """Return what the pages of a report are, by their file names, for those that it has."""
    known = {
        "findings.html": "Every verdict with its slope",
        "explorer.html": "Explore estimators, baselines and corpora",
        "provenance.html": "Versions, hashes, machine, cost, licences, how to cite",
    }
    return {name: text for name, text in known.items() if name in names}
