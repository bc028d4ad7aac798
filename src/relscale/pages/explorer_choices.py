"""The choices that the explorer offers: corpora, metrics, families, scales, paths, contrasts."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from relscale.contract.scale_words import SCALE_WORDS, path_words
from relscale.contract.verdict_words import Verdict
from relscale.figures.kit.buckets import bucket_order, bucket_words
from relscale.figures.kit.choose import ordered, pick, text_of
from relscale.figures.kit.style import MARKERS, colours, ink, words
from relscale.pages.spec import ExplorerFamily, ExplorerSpec

SHAPES = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
}
"""Vega's names of the figures' markers; those that Vega lacks are drawn as circles."""
AGAINST_BASELINE = "baseline"
CONTRAST_WORDS = {"family_mean": "the mean of the family", "pair": "each other domain"}
"""Words for contrasts, after "contrast with"."""
VIEWS = {
    "relative": "relative",
    "absolute": "absolute",
    "buckets": "by kind of byte and word",
    "suites": "suite against suite",
}
"""Words for the views; the last two are offered where their tables have rows."""


@dataclass(frozen=True, kw_only=True)
class ComputeAxis:
    """The horizontal axis of the chart."""

    column: str
    label: str


@dataclass(frozen=True, kw_only=True)
class CorpusChoice:
    """A corpus that the page offers."""

    name: str
    label: str
    shape: str
    """Vega's name of its marker."""


@dataclass(frozen=True, kw_only=True)
class MetricChoice:
    """A metric that the page offers."""

    label: str
    """Label of the axis, with the unit."""
    words: str
    lower_is_better: bool


@dataclass(frozen=True, kw_only=True)
class ScaleChoice:
    """A scale of the gap that the page offers."""

    name: str
    label: str
    phrase: str
    formula: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class NamedChoice:
    """A path, contrast, view or bucket that the page offers."""

    name: str
    label: str


@dataclass(frozen=True, kw_only=True)
class PairChoice:
    """Two suites that are compared with each other."""

    name: str
    label: str
    treatment: str
    baseline: str


@dataclass(frozen=True, kw_only=True)
class ExplainedVerdict:
    """How the page shows a verdict, and what it means."""

    word: str
    sign: str
    ink: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class DomainChoice:
    """A domain that the page shows."""

    name: str
    label: str
    colour: str
    ink: str
    """The colour, darkened until text in it is readable on white."""


@dataclass(frozen=True, kw_only=True)
class FamilyChoice:
    """A family that the page offers."""

    name: str
    label: str
    baseline: str
    """Baseline that is chosen first; "" for a family without one."""
    metrics: list[str]
    domains: list[DomainChoice]


def scale_choices(*laws: pd.DataFrame) -> list[ScaleChoice]:
    """Return the scales of some tables of laws, in the order in which they are offered."""
    present = {name for frame in laws for name in frame["scale"].dropna().astype(str)}
    return [
        ScaleChoice(
            name=name,
            label=name,
            phrase=scale.phrase,
            formula=scale.formula,
            meaning=scale.meaning,
        )
        for name, scale in SCALE_WORDS.items()
        if name in present
    ]


def path_choices(laws: pd.DataFrame) -> list[NamedChoice]:
    """Return the paths of some relative laws."""
    return [NamedChoice(name=name, label=path_words(name)) for name in ordered([], laws["path"])]


def contrast_choices(contrasts: pd.DataFrame) -> list[NamedChoice]:
    """Return the contrasts of contrasts.csv other than those with the baseline."""
    return [
        NamedChoice(name=name, label=CONTRAST_WORDS.get(name, words(name)))
        for name in ordered([], contrasts["kind"])
        if name != AGAINST_BASELINE
    ]


def view_choices(*, buckets: pd.DataFrame, suites: pd.DataFrame) -> list[NamedChoice]:
    """Return the views that have something to show.

    Args:
        buckets: buckets.csv.
        suites: suite_contrasts.csv.
    """
    more = {"buckets": buckets, "suites": suites}
    names = [name for name in VIEWS if name not in more or len(more[name])]
    return [NamedChoice(name=name, label=VIEWS[name]) for name in names]


def bucket_choices(buckets: pd.DataFrame) -> list[NamedChoice]:
    """Return the buckets of buckets.csv in the order in which they are shown."""
    present = set(zip(buckets["partition"].astype(str), buckets["bucket"].astype(str), strict=True))
    return [
        NamedChoice(name="/".join(key), label=bucket_words(*key))
        for key in bucket_order()
        if key in present
    ]


def pair_choices(suites: pd.DataFrame, labels: Mapping[str, str]) -> list[PairChoice]:
    """Return the pairs of suites of suite_contrasts.csv, in its order."""
    pairs = dict.fromkeys(
        zip(suites["treatment"].astype(str), suites["baseline"].astype(str), strict=True)
    )
    return [
        PairChoice(
            name=f"{treatment}/{baseline}",
            label=f"{words(treatment, labels)} against {words(baseline, labels)}",
            treatment=treatment,
            baseline=baseline,
        )
        for treatment, baseline in pairs
    ]


def explained_verdicts() -> list[ExplainedVerdict]:
    """Return all verdicts, in the order in which they are counted."""
    return [
        ExplainedVerdict(
            word=verdict.value, sign=verdict.sign, ink=verdict.ink, meaning=verdict.__doc__ or ""
        )
        for verdict in Verdict
    ]


def marker_shape(place: int) -> str:
    """Return Vega's name of the marker of the corpus at a place."""
    return SHAPES.get(MARKERS[place % len(MARKERS)], "circle")


def family_choices(
    losses: pd.DataFrame, relative: pd.DataFrame, laws: pd.DataFrame, spec: ExplorerSpec
) -> list[FamilyChoice]:
    """Return the families that have a metric: the spec's in its order, then the others.

    Args:
        losses: the losses table.
        relative: laws against the experiment's baselines.
        laws: laws against all baselines.
        spec: names and order of families and domains.
    """
    named = {family.family: family for family in spec.families}
    names = ordered(list(named), losses["family"], laws["family"])
    baselines = relative.drop_duplicates("family").set_index("family")["baseline"].to_dict()
    choices = []
    for name in names:
        family = named.get(name, ExplorerFamily(family=name))
        rows, family_laws = pick(losses, family=name), pick(laws, family=name)
        baseline = family.baseline or text_of(baselines.get(name))
        metrics = {*map(str, rows["metric"]), *map(str, family_laws["metric"])}
        if metrics:
            choices.append(
                FamilyChoice(
                    name=name,
                    label=words(name, spec.labels),
                    baseline=baseline,
                    metrics=[one for one in ordered(family.metrics, metrics) if one in metrics],
                    domains=_domains(family, rows, baseline, spec.labels),
                )
            )
    return choices


def _domains(
    family: ExplorerFamily, rows: pd.DataFrame, baseline: str, labels: Mapping[str, str]
) -> list[DomainChoice]:
    present = set(rows["domain"])
    names = [
        name for name in ordered(family.domains, rows["domain"]) if name in present or not len(rows)
    ]
    tint = colours(names, baseline)
    return [
        DomainChoice(name=name, label=words(name, labels), colour=tint[name], ink=ink(tint[name]))
        for name in names
    ]
