"""Sentences that answer the question from the tables: one per verdict, and remarks on the rest.

A verdict comes from tests, so a gap without a verdict is not shown to have the opposite one: the
sentences say "is not shown to narrow", never "does not narrow".
"""

import math
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from relscale.contract.directions import lower_is_better
from relscale.contract.scale_words import SCALE_WORDS, path_words
from relscale.contract.scales import RATIO, on_scale
from relscale.contract.status import Status
from relscale.contract.verdict_words import Verdict
from relscale.figures.kit.style import words
from relscale.laws.slope_text import slope_number
from relscale.laws.summary_lines import (
    LAW_KEY,
    capital,
    count,
    finite,
    has_verdict,
    joined,
    undecided_words,
)
from relscale.pages.spec import Origin

OPTIMAL = "optimal"
MOST_NAMED = 14
"""A sentence names up to this many gaps, and counts more of them by family."""
GAPS: Mapping[str, tuple[str, str]] = {
    "narrows": ("narrow", "the domain with the larger error catches up"),
    "widens": ("widen", "the domain with the larger error falls further behind"),
    "crosses": ("cross", "the order of the two domains reverses"),
    "parallel": ("be parallel", ""),
    "undecided": ("", ""),
}
"""Directions of gaps, in the order of the sentences: the verb and the meaning."""
CHANGES: Mapping[str, str] = {"rises": "rise", "falls": "fall", "parallel": "be parallel"}
"""Directions of probabilities and accuracies, which have no gap that could narrow."""


TINY_PARAMETERS = 1e6
"""Parameters below which a model of text is in the regime of character n-grams."""


def shown_laws(
    relative: pd.DataFrame, families: Sequence[tuple[str, str]], estimator: str
) -> pd.DataFrame:
    """Return the relative laws that a reader is shown, those on the ratio scale.

    Args:
        relative: relative.csv.
        families: family and metric of each; a family without rows adds none.
        estimator: the estimator that figures show.
    """
    relative = on_scale(relative)
    rows = relative[relative["estimator"].astype(str) == estimator]
    parts = [
        rows[(rows["family"] == family) & (rows["metric"] == metric)] for family, metric in families
    ]
    return pd.concat(parts, ignore_index=True) if parts else rows.iloc[:0]


def scope_sentence(
    suite: pd.DataFrame, compute: str, paths: Sequence[str] = (), origin: Origin = "trained"
) -> str:
    """Write how many models there are, on how many corpora, with which compute, and from where.

    Args:
        suite: suite.csv.
        compute: column of the suite, in FLOPs.
        paths: paths of the shown laws.
        origin: where the losses come from.
    """
    if not len(suite):
        return "The table of runs is empty."
    number = len(suite)
    verb = "was" if number == 1 else "were"
    corpora = count(suite["corpus"].nunique(), "corpus", "corpora")
    where = f"{corpora} at {count(suite['budget'].nunique(), 'budget')}"
    known = f"{_range(suite[compute], compute)} per {'run' if origin == 'table' else 'model'}"
    models = {
        "trained": f"{count(number, 'language model')} {verb} trained on {where}, {known}.",
        "released": f"{count(number, 'released language model')}, trained by others on {where}, "
        f"{known}, {verb} evaluated.",
        "table": f"The losses of {count(number, 'run')} on {where}, {known}, were read from a "
        "table; nothing was trained or evaluated for this page.",
    }
    return f"{models[origin]} Test domains are compared {_places(paths)}."


def reach_sentences(suite: pd.DataFrame, origin: Origin = "trained") -> str:
    """Write the reach of the verdicts and its limits, in two sentences.

    Args:
        suite: suite.csv.
        origin: where the losses come from; a table from outside says nothing about its texts.

    Returns:
        Empty for a table from outside, and without runs.
    """
    if origin == "table" or not len(suite):
        return ""
    params = pd.to_numeric(
        suite.get("num_params_total", pd.Series(index=suite.index, dtype=float)), errors="coerce"
    )
    params = params[(params > 0) & (params < math.inf)]
    largest = f" of up to {params.max():,.0f} parameters" if len(params) else ""
    tiny = bool(len(params)) and float(params.max()) < TINY_PARAMETERS
    why = ", since these have learnt little more than spelling and frequent words" if tiny else ""
    return (
        f"Verdicts say whether the gaps between these test texts move with compute, for models"
        f"{largest} on these corpora. They do not show that larger models do the same{why}, "
        "nor why a gap moves: a domain is a sample of texts that may differ in subject, genre, "
        "outlet and age at once, and does not stand for the people who write in it."
    )


def _places(paths: Sequence[str]) -> str:
    if set(paths) <= {OPTIMAL}:
        return "at the compute-optimal point of each budget"
    return joined([path_words(path) for path in paths])


def _range(flops: pd.Series, compute: str) -> str:
    """Write the range of the compute of models; models without a number do not count."""
    known = pd.to_numeric(flops, errors="coerce")
    known = known[(known > 0) & (known < math.inf)]
    kind = compute.replace("_flops", "").replace("_", " ")
    if not len(known):
        return f"with an unknown number of {kind} FLOPs"
    low, high = (
        f"{value:.2g}".replace("e+0", "e").replace("e+", "e")
        for value in (known.min(), known.max())
    )
    return f"with {low if low == high else f'{low} to {high}'} {kind} FLOPs"


def answer_sentences(shown: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Write the answer in five sentences, one per direction.

    Args:
        shown: rows of relative.csv, one per comparison (`shown_laws`); those in metrics where
            higher is better are left to `remark_sentences`.
        labels: words for names of families, domains and corpora.
    """
    gaps = shown[in_errors(shown)]
    return [_gap_sentence(direction, gaps, labels) for direction in GAPS]


def family_sentences(
    families: pd.DataFrame,
    shown: Sequence[tuple[str, str]],
    estimator: str,
    labels: Mapping[str, str],
    alpha: float,
) -> list[str]:
    """Write whether the domains of each family are shown to move unlike each other.

    Args:
        families: families.csv.
        shown: family and metric of each family of the page.
        estimator: the estimator that figures show.
        labels: words for names of families and corpora.
        alpha: level of the tests (`alpha_of`).
    """
    mine = families[families["estimator"].astype(str) == estimator]
    found: dict[str, list[str]] = {"differ": [], "not": []}
    for family, metric in shown:
        rows = mine[(mine["family"] == family) & (mine["metric"] == metric)]
        p = finite(rows["p_equal_slopes_adjusted"])
        differ = rows[p < alpha]
        if len(differ):
            where = _where(differ["corpus"], labels, int(p.notna().sum()))
            found["differ"].append(f"{words(family, labels)} ({where}; p {p_words(p.min())})")
        elif p.notna().any():
            found["not"].append(f"{words(family, labels)} (p {p_words(p.min())} or more)")
    parts = []
    if found["differ"]:
        parts.append(f"not all slopes of a family are equal in {'; '.join(found['differ'])}")
    if found["not"]:
        parts.append(f"equal slopes are not refuted in {'; '.join(found['not'])}")
    if not parts:
        return []
    return [
        f"One test per family and corpus before the single gaps: {'. '.join(map(capital, parts))}."
    ]


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
    lacking = shown[~has_verdict(shown)]
    if len(lacking):
        statuses = set(lacking["status"].dropna()) - {"", Status.OK.value}
        causes = sorted(words(status) for status in statuses)
        verb = "has" if len(lacking) == 1 else "have"
        reasons = f" ({', '.join(causes)})" if causes else ""
        remarks.append(
            f"{len(lacking)} of {count(len(shown), 'comparison')} {verb} no verdict{reasons}."
        )
    changes = shown[~in_errors(shown)]
    if len(changes):
        remarks.append(_change_sentence(changes, labels, shown["corpus"].nunique()))
    return [*remarks, *_agreement(shown, relative)]


def levels(laws: pd.DataFrame) -> str:
    """Return the confidence levels of the intervals of some laws, such as `95 %`.

    Args:
        laws: rows of relative.csv.
    """
    found = sorted(set(finite(laws["ci_level"]).dropna()))
    return joined([f"{100 * level:g} %" for level in found])


def alpha_of(laws: pd.DataFrame) -> float:
    """Return the level of the tests of some laws, 1 minus that of their intervals.

    It is the smallest if laws have several, and NaN without any.

    Args:
        laws: rows of relative.csv.
    """
    return round(1 - finite(laws["ci_level"]).max(), 12)


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


def in_errors(laws: pd.DataFrame) -> pd.Series:
    """Return whether the metric of each law is an error, where lower is better."""
    return laws["metric"].map(lambda metric: lower_is_better(str(metric))).astype(bool)


def _is_decided(laws: pd.DataFrame) -> pd.Series:
    return has_verdict(laws) & (laws["verdict"] != Verdict.UNDECIDED)


def direction_of_laws(laws: pd.DataFrame) -> pd.Series:
    """Return the verdicts without `slightly`."""
    return laws["verdict"].fillna("").astype(str).str.removesuffix(" slightly")


def _gap_sentence(direction: str, gaps: pd.DataFrame, labels: Mapping[str, str]) -> str:
    verb, meaning = GAPS[direction]
    if not len(gaps):
        return "The tables hold no relative law of an error."
    rows = gaps[direction_of_laws(gaps) == direction]
    of_all = f"{len(rows)} of {count(len(gaps), 'gap')}"
    is_are = "is" if len(rows) == 1 else "are"
    named = _named(rows, labels, gaps["corpus"].nunique())
    if direction == Verdict.UNDECIDED:
        why = undecided_words(rows) if len(rows) else ""
        return f"{of_all} {is_are} undecided{why}{named}."
    phrase = SCALE_WORDS[str(gaps["scale"].iloc[0]) or RATIO].phrase
    parts = [f"{of_all} {is_are} shown to {verb} {phrase}"]
    if len(rows):
        parts += [_of_them(rows, direction)] + ([f": {meaning}"] if meaning else [])
    return f"{''.join(parts)}{named}."


def _of_them(rows: pd.DataFrame, direction: str) -> str:
    """Write how many gaps move slightly, and for how many all scales show the same."""
    said = []
    slight = int((rows["verdict"].astype(str) != direction).sum())
    if slight:
        said.append(f"{slight} of them slightly, by a change within the margin")
    if direction == Verdict.PARALLEL:
        margins = finite(rows["margin"]).dropna()
        if len(margins):
            said.append(
                f"log G changes by less than a margin of {margins.min():.2g} to "
                f"{margins.max():.2g} over the observed compute"
                if margins.min() < margins.max()
                else f"log G changes by less than {margins.max():.2g} over the observed compute"
            )
    agree = rows["scales_agree"].astype(str).str.lower()
    if agree.isin(["true", "false"]).any():
        said.append(f"{int((agree == 'true').sum())} on every scale")
    return f" ({'; '.join(said)})" if said else ""


def _change_sentence(changes: pd.DataFrame, labels: Mapping[str, str], corpora: int) -> str:
    metrics = joined([words(metric) for metric in dict.fromkeys(changes["metric"])])
    opening = (
        f"Of {count(len(changes), 'comparison')} with a baseline in {metrics}, where higher is "
        "better, "
    )
    if not has_verdict(changes).any():
        return f"{opening}none has a verdict."
    directions, verdicts = direction_of_laws(changes), changes["verdict"].astype(str)
    parts = []
    for place, (direction, verb) in enumerate(CHANGES.items()):
        found = directions == direction
        slight = int((found & (verdicts != direction)).sum())
        shown = "to " if place else f"{'is' if found.sum() == 1 else 'are'} shown to "
        said = f"{int(found.sum())} {shown}{verb}"
        parts.append(said + (f" ({slight} of them slightly)" if slight else ""))
    undecided = changes[verdicts == Verdict.UNDECIDED]
    moved = changes[directions.isin(["rises", "falls"])]
    return (
        f"{opening}{joined(parts)}, and {len(undecided)} "
        f"{'is' if len(undecided) == 1 else 'are'} undecided{undecided_words(undecided)}"
        f"{_named(moved, labels, corpora)}."
    )


def p_words(p: float) -> str:
    """Return a p value with two digits, or its bound."""
    return "below 0.001" if p < 0.001 else f"{p:.2g}"


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
        parts.append(f"{comparison}: {joined(domains)}")
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
    relative = on_scale(relative)
    others = relative[(relative["estimator"].astype(str) != estimator) & _is_decided(relative)]
    both = (
        decided[LAW_KEY]
        .assign(direction=direction_of_laws(decided))
        .merge(others[LAW_KEY].assign(other=direction_of_laws(others)), on=LAW_KEY)
    )
    is_same = both["direction"] == both["other"]
    shared = len(both[is_same].drop_duplicates(LAW_KEY))
    different = len(both[~is_same].drop_duplicates(LAW_KEY))
    return [
        f"The estimator {words(estimator)} reaches {count(len(decided), 'decided verdict')}. At "
        f"least one other estimator ({joined([words(name) for name in names])}) reaches the same "
        f"direction for {shared} of them, and a different one for {different}."
    ]
