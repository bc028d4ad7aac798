"""Sentences that answer the question from the tables: one per verdict, and remarks on the rest.

A verdict comes from tests, so a gap without a verdict is not shown to have the opposite one: the
sentences say "is not shown to narrow", never "does not narrow".
"""

import math
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from relscale.contract.metrics import lower_is_better
from relscale.contract.status import Status
from relscale.contract.verdicts import SLIGHTLY, direction_of
from relscale.figures.kit.style import words
from relscale.laws.slope_text import slope_number

MOST_NAMED = 14
"""A sentence names up to this many gaps, and counts more of them by family."""
GAPS: Mapping[str, tuple[str, str, str]] = {
    "narrows": (
        "narrows",
        "narrow",
        "with more compute: the domain with the larger error catches up",
    ),
    "widens": (
        "widens",
        "widen",
        "with more compute: the domain with the larger error falls further behind",
    ),
    "crosses": (
        "crosses 1",
        "cross 1",
        "within the observed compute: the order of the two domains reverses",
    ),
    "parallel": ("stays parallel", "stay parallel", ""),
    "undecided": ("is undecided", "are undecided", ": the tests allow more than one answer"),
}
"""Verdicts about gaps, in the order of the sentences: the verb for one gap, the verb for several
gaps, and the meaning."""
CHANGES: Mapping[str, tuple[str, str]] = {
    "rises": ("rises", "rise"),
    "falls": ("falls", "fall"),
    "parallel": ("stays parallel", "stay parallel"),
    "undecided": ("is undecided", "are undecided"),
}
"""Verdicts about probabilities and accuracies, which have no gap that could narrow: the verb for
one comparison and for several."""
LAW_KEY = ["corpus", "family", "metric", "treatment", "baseline"]
"""The columns that name a relative law, apart from its estimator."""


def shown_laws(
    relative: pd.DataFrame, families: Sequence[tuple[str, str]], estimator: str
) -> pd.DataFrame:
    """Return the relative laws that a reader is shown.

    Args:
        relative: relative.csv.
        families: family and metric of each; a family without rows adds none.
        estimator: the estimator that figures show.
    """
    rows = relative[relative["estimator"].astype(str) == estimator]
    parts = [
        rows[(rows["family"] == family) & (rows["metric"] == metric)] for family, metric in families
    ]
    return pd.concat(parts, ignore_index=True) if parts else rows.iloc[:0]


def scope_sentence(suite: pd.DataFrame, compute: str) -> str:
    """Write how many models were trained, on how many corpora, with which compute.

    Args:
        suite: suite.csv.
        compute: column of the suite, in FLOPs.
    """
    if not len(suite):
        return "The table of runs is empty."
    verb = "was" if len(suite) == 1 else "were"
    return (
        f"{_count(len(suite), 'language model')} {verb} trained on "
        f"{_count(suite['corpus'].nunique(), 'corpus', 'corpora')} "
        f"at {_count(suite['budget'].nunique(), 'budget')}, {_range(suite[compute], compute)}. "
        "Test domains are compared at the compute-optimal point of each budget."
    )


def _range(flops: pd.Series, compute: str) -> str:
    """Write the range of the compute of models; models without a number do not count."""
    known = pd.to_numeric(flops, errors="coerce")
    known = known[(known > 0) & (known < math.inf)]
    kind = compute.replace("_flops", "").replace("_", " ")
    if not len(known):
        return f"with an unknown number of {kind} FLOPs per model"
    low, high = (
        f"{value:.2g}".replace("e+0", "e").replace("e+", "e")
        for value in (known.min(), known.max())
    )
    return f"with {low} to {high} {kind} FLOPs per model"


def answer_sentences(shown: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Write the answer in five sentences, one per verdict.

    Args:
        shown: rows of relative.csv, one per comparison (`shown_laws`); those in metrics where
            higher is better are left to `remark_sentences`.
        labels: words for names of families, domains and corpora.
    """
    gaps = shown[_in_errors(shown)]
    return [_gap_sentence(verdict, gaps, labels) for verdict in GAPS]


def remark_sentences(
    shown: pd.DataFrame, relative: pd.DataFrame, labels: Mapping[str, str]
) -> list[str]:
    """Write the rest: laws without a verdict, metrics where higher is better, other estimators.

    Args:
        shown: rows of relative.csv, one per comparison (`shown_laws`).
        relative: relative.csv.
        labels: words for names of families, domains and corpora.
    """
    remarks = []
    lacking = shown[~_has_verdict(shown)]
    if len(lacking):
        statuses = set(lacking["status"].dropna()) - {"", Status.OK.value}
        causes = sorted(words(status) for status in statuses)
        verb = "has" if len(lacking) == 1 else "have"
        reasons = f" ({', '.join(causes)})" if causes else ""
        remarks.append(
            f"{len(lacking)} of {_count(len(shown), 'comparison')} {verb} no verdict{reasons}."
        )
    changes = shown[~_in_errors(shown)]
    if len(changes):
        remarks.append(_change_sentence(changes, labels, shown["corpus"].nunique()))
    return [*remarks, *_agreement(shown, relative)]


def slope_text(row: pd.Series) -> str:
    """Write a slope with its interval, such as `−0.031 [−0.040, −0.022]`.

    Args:
        row: a relative law with `dbeta`, `ci_low` and `ci_high`.

    Returns:
        The slope alone if the law has no interval; "" if it has no slope.
    """
    values = [float(row[key]) for key in ("dbeta", "ci_low", "ci_high")]
    if not math.isfinite(values[0]):
        return ""
    slope, low, high = (re.sub("^-", "−", slope_number(value, 3)) for value in values)
    return slope if any(map(math.isnan, values)) else f"{slope} [{low}, {high}]"


def _in_errors(laws: pd.DataFrame) -> pd.Series:
    return laws["metric"].map(lambda metric: lower_is_better(str(metric))).astype(bool)


def _has_verdict(laws: pd.DataFrame) -> pd.Series:
    return laws["verdict"].fillna("").astype(str) != ""


def _is_decided(laws: pd.DataFrame) -> pd.Series:
    return _has_verdict(laws) & (laws["verdict"] != "undecided")


def _gap_sentence(verdict: str, gaps: pd.DataFrame, labels: Mapping[str, str]) -> str:
    one, several, meaning = GAPS[verdict]
    if not len(gaps):
        return "The tables hold no relative law of an error."
    rows = gaps[gaps["verdict"].fillna("").astype(str).map(direction_of) == verdict]
    if not len(rows) and verdict == "undecided":
        return f"None of {_count(len(gaps), 'gap')} is undecided."
    if not len(rows):
        return f"None of {_count(len(gaps), 'gap')} is shown to {several}{_scale(verdict, gaps)}."
    verb = f"{one if len(rows) == 1 else several}{_small(rows)}"
    count = f"{len(rows)} of {_count(len(gaps), 'gap')} {verb}"
    space = "" if meaning.startswith(":") or not meaning else " "
    named = _named(rows, labels, gaps["corpus"].nunique())
    return f"{count}{space}{meaning}{_scale(verdict, rows)}{named}."


def _change_sentence(changes: pd.DataFrame, labels: Mapping[str, str], corpora: int) -> str:
    directions = changes["verdict"].fillna("").astype(str).map(direction_of)
    counts = directions.value_counts()
    parts = [
        f"{counts[verdict]} {verbs[int(counts[verdict] > 1)]}"
        for verdict, verbs in CHANGES.items()
        if verdict in counts
    ]
    metrics = _joined([words(metric) for metric in dict.fromkeys(changes["metric"])])
    moved = changes[directions.isin(["rises", "falls"])]
    return (
        f"Of {_count(len(changes), 'comparison')} with a baseline in {metrics}, where higher is "
        f"better, {_joined(parts) or 'none has a verdict'}{_named(moved, labels, corpora)}."
    )


def _small(rows: pd.DataFrame) -> str:
    """Write how many of the changes are shown to be within the margin."""
    small = int(rows["verdict"].fillna("").astype(str).str.endswith(SLIGHTLY).sum())
    return f" ({small} of them slightly, within the margin)" if small else ""


def _scale(verdict: str, rows: pd.DataFrame) -> str:
    """Write how large the margin is, or which slopes the design can detect."""
    margins = _finite(rows["margin"])
    if verdict == "parallel" and len(margins):
        return f" (a change of log G within its margin, at most {margins.max():.3g})"
    detectable = _finite(rows["detectable_dbeta"])
    if verdict == "undecided" and len(detectable):
        return (
            f" (the slope that the adjusted test detects with 80 % power has a median of "
            f"{detectable.median():.3f})"
        )
    return ""


def _finite(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers[numbers.abs() < math.inf]


def _named(rows: pd.DataFrame, labels: Mapping[str, str], corpora: int) -> str:
    """Name gaps as `family against baseline: domain (corpora), ...`, or count them by family."""
    if not len(rows):
        return ""
    parts = []
    for (family, baseline), group in rows.groupby(["family", "baseline"], sort=False):
        comparison = f"{words(family, labels)} against {words(baseline, labels)}"
        if len(rows) > MOST_NAMED:
            parts.append(f"{comparison}: {len(group)}")
            continue
        domains = [
            f"{words(treatment, labels)} ({_where(laws['corpus'], labels, corpora)})"
            for treatment, laws in group.groupby("treatment", sort=False)
        ]
        parts.append(f"{comparison}: {_joined(domains)}")
    return f" – {'; '.join(parts)}"


def _where(found: pd.Series, labels: Mapping[str, str], corpora: int) -> str:
    if len(found) == corpora > 1:
        return "every corpus"
    return ", ".join(words(corpus, labels) for corpus in found)


def _agreement(shown: pd.DataFrame, relative: pd.DataFrame) -> list[str]:
    """Write how many verdicts other estimators share, and from how many they differ."""
    if not len(shown):
        return []
    estimator = str(shown["estimator"].iloc[0])
    names = sorted(set(relative["estimator"].astype(str)) - {estimator})
    decided = shown[_is_decided(shown)]
    if not names or not len(decided):
        return []
    others = relative[(relative["estimator"].astype(str) != estimator) & _is_decided(relative)]
    both = decided[[*LAW_KEY, "verdict"]].merge(
        others[[*LAW_KEY, "verdict"]], on=LAW_KEY, suffixes=("", "_other")
    )
    is_same = both["verdict"] == both["verdict_other"]
    shared = len(both[is_same].drop_duplicates(LAW_KEY))
    different = len(both[~is_same].drop_duplicates(LAW_KEY))
    return [
        f"The estimator {words(estimator)} reaches {_count(len(decided), 'decided verdict')}. At "
        f"least one other estimator ({_joined([words(name) for name in names])}) reaches the same "
        f"verdict for {shared} of them, and a different decided verdict for {different}."
    ]


def _count(number: int, noun: str, several: str = "") -> str:
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1] if parts else ""
