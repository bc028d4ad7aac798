"""The answer in sentences, made from the tables: which gaps narrow, widen, cross, stay, or are
undecided."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from relscale.figures.kit.style import is_error, words

MOST_NAMED = 14
"""A sentence names its gaps one by one up to so many; past that it counts them by family."""
GAPS: Mapping[str, tuple[str, str, str]] = {
    "narrows": (
        "narrows",
        "narrow",
        "as compute grows: the domain with the larger error catches up",
    ),
    "widens": (
        "widens",
        "widen",
        "as compute grows: the domain with the larger error falls further behind",
    ),
    "crosses": (
        "crosses 1",
        "cross 1",
        "within the observed compute: the order of the two domains turns around",
    ),
    "parallel": ("stays parallel", "stay parallel", ""),
    "undecided": ("is undecided", "are undecided", "the interval allows more than one answer"),
}
"""Verdicts about a gap in the order of the sentences: the verb for one gap, for several, and what
it means."""
CHANGES: Mapping[str, tuple[str, str]] = {
    "rises": ("rises", "rise"),
    "falls": ("falls", "fall"),
    "parallel": ("stays parallel", "stay parallel"),
    "undecided": ("is undecided", "are undecided"),
}
"""Verdicts about probabilities and accuracies, which have no gap that could narrow: the verb for
one and for several."""


def shown_laws(
    relative: pd.DataFrame, families: Sequence[tuple[str, str]], estimator: str
) -> pd.DataFrame:
    """Return the relative laws that a reader is shown: each family in its first metric, one
    estimator.

    Args:
        relative: relative.csv.
        families: {family, metric} each; a family that the table has not is passed over.
        estimator: the one that figures show.
    """
    rows = relative[relative["estimator"].astype(str) == estimator]
    parts = [
        rows[(rows["family"] == family) & (rows["metric"] == metric)]
        for family, metric in families
    ]
    return pd.concat(parts, ignore_index=True) if parts else rows.iloc[:0]


def scope_sentence(suite: pd.DataFrame, compute: str) -> str:
    """Say what was trained: models, corpora, budgets and the range of compute."""
    if not len(suite):
        return "The table of runs is empty."
    flops = pd.to_numeric(suite[compute])
    axis = compute.replace("_flops", "").replace("_", " ")
    low, high = (f"{value:.2g}".replace("e+", "e") for value in (flops.min(), flops.max()))
    return (
        f"{_count(len(suite), 'language model')} were trained on {_count(suite['corpus'].nunique(), 'corpus', 'corpora')} "
        f"at {_count(suite['budget'].nunique(), 'budget')} from {low} to {high} {axis} FLOPs, and every test domain was read "
        "at the compute-optimal point of each budget."
    )


def answer_sentences(shown: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Answer the question in five sentences, one a verdict.

    Args:
        shown: rows of relative.csv, one a gap (`shown_laws`); metrics that are not errors are left
            to `beside_sentences`.
        labels: words for keys.
    """
    gaps = shown[[is_error(str(metric)) for metric in shown["metric"]]] if len(shown) else shown
    return [_gap_sentence(verdict, gaps, labels) for verdict in GAPS]


def beside_sentences(
    shown: pd.DataFrame, relative: pd.DataFrame, labels: Mapping[str, str]
) -> list[str]:
    """Say what the five sentences leave out: laws without a verdict, measures that are no errors,
    and other estimators' answers."""
    said, suites = [], shown["corpus"].nunique()
    lacking = shown[shown["verdict"].isna() | (shown["verdict"].astype(str) == "")]
    if len(lacking):
        causes = sorted(
            {str(status).split(";")[0].replace("_", " ") for status in lacking["status"]}
        )
        said.append(
            f"{_count(len(lacking), 'comparison')} of {len(shown)} got no verdict ({', '.join(causes)})."
        )
    changes = (
        shown[[not is_error(str(metric)) for metric in shown["metric"]]] if len(shown) else shown
    )
    if len(changes):
        counts = changes["verdict"].astype(str).value_counts()
        parts = [
            f"{counts[word]} {verbs[int(counts[word] > 1)]}"
            for word, verbs in CHANGES.items()
            if word in counts
        ]
        measures = ", ".join(dict.fromkeys(words(metric) for metric in changes["metric"]))
        said.append(
            f"Of {_count(len(changes), 'comparison')} in {measures} (no error: judged against the baseline, higher is better), "
            f"{_joined(parts) or 'none has a verdict'}{_named(changes[changes['verdict'].isin(['rises', 'falls'])], labels, suites)}."
        )
    return [*said, *_agreement(shown, relative)]


def _gap_sentence(verdict: str, gaps: pd.DataFrame, labels: Mapping[str, str]) -> str:
    one, several, meaning = GAPS[verdict]
    rows = gaps[gaps["verdict"].astype(str) == verdict] if len(gaps) else gaps
    if not len(gaps):
        return f"No gap {one}: the tables hold no relative law."
    if not len(rows):
        return f"No gap of {len(gaps)} {one}{_because(verdict, gaps) if verdict == 'parallel' else ''}."
    count = f"{len(rows)} of {len(gaps)} gaps {one if len(rows) == 1 else several}"
    joint = ", since " if verdict == "undecided" else " " if meaning else ""
    return f"{count}{joint}{meaning}{_because(verdict, rows)}{_named(rows, labels, gaps['corpus'].nunique())}."


def _because(verdict: str, rows: pd.DataFrame) -> str:
    """Say what the margin is worth, and what the design could have found."""
    margins = pd.to_numeric(rows["margin"]).dropna()
    if verdict == "parallel" and len(margins):
        margin = float(margins.iloc[0])
        return f" (a slope within ±{margin:g}, which is {100 * (10**margin - 1):.1f} % of the gap for ten times the compute)"
    detectable = pd.to_numeric(rows["detectable_dbeta"]).dropna()
    if verdict == "undecided" and len(detectable):
        return f" (the median comparison could have found a slope of {detectable.median():.3f})"
    return ""


def _named(rows: pd.DataFrame, labels: Mapping[str, str], suites: int) -> str:
    """Name gaps as `family against baseline: domain (corpora), ...`, or count them by family where
    they are many."""
    if not len(rows):
        return ""
    parts = []
    for (family, baseline), group in rows.groupby(["family", "baseline"], sort=False):
        of = f"{words(family, labels)} against {words(baseline, labels)}"
        if len(rows) > MOST_NAMED:
            parts.append(f"{of}: {len(group)}")
            continue
        domains = [
            f"{words(treatment, labels)} ({_where(mine['corpus'], labels, suites)})"
            for treatment, mine in group.groupby("treatment", sort=False)
        ]
        parts.append(f"{of}: {_joined(domains)}")
    return f" – {'; '.join(parts)}"


def _where(corpora: pd.Series, labels: Mapping[str, str], suites: int) -> str:
    return (
        "every corpus"
        if len(corpora) == suites > 1
        else ", ".join(words(corpus, labels) for corpus in corpora)
    )


def _agreement(shown: pd.DataFrame, relative: pd.DataFrame) -> list[str]:
    """Say how far the verdicts hang on the estimator."""
    if not len(shown):
        return []
    mine = str(shown["estimator"].iloc[0])
    key = ["corpus", "family", "metric", "treatment", "baseline"]
    others = relative[
        (relative["estimator"].astype(str) != mine)
        & relative["verdict"].notna()
        & (relative["verdict"] != "undecided")
    ]
    decided = shown[shown["verdict"].notna() & ~shown["verdict"].isin(["undecided", ""])]
    names = sorted(set(relative["estimator"].astype(str)) - {mine})
    if not names or not len(decided):
        return []
    both = decided[[*key, "verdict"]].merge(
        others[[*key, "verdict"]], on=key, suffixes=("", "_other")
    )
    against = both[both["verdict"] != both["verdict_other"]].drop_duplicates(key)
    same = both[both["verdict"] == both["verdict_other"]].drop_duplicates(key)
    among = _joined([words(name) for name in names])
    return [
        f"Of the {_count(len(decided), 'verdict')} that the estimator {words(mine)} reaches, {len(same)} "
        f"{'is' if len(same) == 1 else 'are'} reached by another one, too ({among}), and {len(against) or 'none'} "
        f"{'is' if len(against) == 1 else 'are'} contradicted by one."
    ]


def _count(number: int, noun: str, several: str = "") -> str:
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1] if parts else ""


def slope_text(row: Mapping[str, Any] | pd.Series) -> str:
    """Write a slope with its interval, as `−0.031 [−0.040, −0.022]`; without an interval the slope
    alone."""
    values = [float(row[key]) for key in ("dbeta", "ci_low", "ci_high")]
    if not math.isfinite(values[0]):
        return ""
    slope, low, high = (f"{value:+.3f}".replace("-", "−") for value in values)
    return f"{slope} [{low}, {high}]" if all(math.isfinite(value) for value in values) else slope
