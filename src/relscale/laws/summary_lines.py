"""Sentences on the laws of an experiment, for the summary and the findings page.

Each function takes one table and returns sentences, none if the table has no row for them. A
sentence counts what the tests show: "0 of 9 gaps are shown to narrow" is not "no gap narrows".
"""

import math
from collections.abc import Sequence

import pandas as pd

from relscale.contract.metric_labels import metric_words
from relscale.contract.metrics import METRICS
from relscale.contract.scale_words import SCALE_WORDS
from relscale.contract.scales import DIFFERENCE, RATIO, on_scale
from relscale.contract.status import Status
from relscale.contract.verdict_words import Verdict
from relscale.contract.verdicts import UNDECIDED, direction_of

GAP_VERBS = {"narrows": "narrow", "widens": "widen", "crosses": "cross", "parallel": "be parallel"}
CHANGE_VERBS = {"rises": "rise", "falls": "fall", "parallel": "be parallel"}
HORIZONS = {
    "next": "the next budget",
    "3x": "three times the compute",
    "10x": "ten times the compute",
    "30x": "thirty times the compute",
}
"""Words for the classes of horizons of a back-test, from near to far."""
PLAIN = {
    "a power law of compute": "power_law_error_percent",
    "the last value": "last_value_error_percent",
}
"""Columns of scores.csv with the errors of plain forecasts, by their words."""
LAW_KEY = ["corpus", "family", "metric", "treatment", "baseline"]
"""Columns that name a comparison, apart from estimator, scale and path."""


def verdict_lines(rows: pd.DataFrame) -> list[str]:
    """Count the verdicts of some laws, metric by metric.

    Args:
        rows: rows of relative.csv of one estimator and one scale.
    """
    rising = _is_rising(rows)
    lines = [
        _counted(part, bool(rising[part.index].any()))
        for _, part in rows[has_verdict(rows)].groupby("metric", sort=False)
    ]
    lacking = rows[~has_verdict(rows)]
    if len(lacking):
        verb = "has" if len(lacking) == 1 else "have"
        lines.append(
            f"{len(lacking)} of {count(len(rows), 'comparison')} {verb} no verdict"
            f"{_reasons(lacking)}."
        )
    return lines


def replication_line(rows: pd.DataFrame) -> str:
    """Say how many verdicts the same suite, trained again, is expected to reach again.

    Args:
        rows: rows of relative.csv of one estimator and one scale.
    """
    chances = finite(rows.loc[has_verdict(rows), "replication"]).dropna()
    if not len(chances):
        return ""
    ends = dict.fromkeys((f"{chances.min():.2f}", f"{chances.max():.2f}"))
    return (
        f"The same suite trained again is expected to reach {chances.sum():.0f} of "
        f"{count(len(chances), 'verdict')} again (probability of each: {' to '.join(ends)})."
    )


def undecided_words(rows: pd.DataFrame) -> str:
    """Return the reasons of undecided verdicts, after a colon; empty without a reason.

    Either the gap is shown to change, but not which domain is harder, or no change is shown: then
    the slope is named that would have been detected.

    Args:
        rows: undecided rows of relative.csv.
    """
    changes = rows["faster"].astype(str).isin(["treatment", "baseline"])
    detectable = finite(rows["detectable_dbeta"])[~changes].dropna()
    said = []
    if changes.any():
        number = int(changes.sum())
        who = f"{number} of them {'is' if number == 1 else 'are'} shown to change"
        who = "it is shown to change" if len(rows) == 1 else who
        said.append(f"{who}, but it is not shown which domain is harder")
    if len(detectable):
        low, middle, high = detectable.min(), detectable.median(), detectable.max()
        spread = "" if low == high else f" (the median; {low:.2g} to {high:.2g})"
        others = "for the others " if said else ""
        said.append(
            f"{others}a slope of {middle:.2g}{spread} would have been detected with a chance of "
            "80 %"
        )
    return f": {'; '.join(said)}" if said else ""


def scale_line(relative: pd.DataFrame, estimator: str) -> str:
    """Compare the verdicts on the difference scale with those on the ratio scale.

    Args:
        relative: relative.csv.
        estimator: the estimator to show.
    """
    mine = relative[relative["estimator"].astype(str) == estimator]
    ratio, difference = (on_scale(mine, scale) for scale in (RATIO, DIFFERENCE))
    both = ratio[[*LAW_KEY, "verdict"]].merge(
        difference[[*LAW_KEY, "verdict"]], on=LAW_KEY, suffixes=("", "_other")
    )
    both = both[(both["verdict"].fillna("") != "") & (both["verdict_other"].fillna("") != "")]
    if not len(both):
        return ""
    moved = difference[has_verdict(difference)]
    directions = moved["verdict"].astype(str).str.removesuffix(" slightly").value_counts()
    said = ", ".join(
        f"{directions[word]} {word}"
        for word in dict.fromkeys(verdict.direction for verdict in Verdict)
        if word in directions
    )
    decided = both[(both["verdict"] != UNDECIDED) & (both["verdict_other"] != UNDECIDED)]
    same = decided["verdict"].map(direction_of) == decided["verdict_other"].map(direction_of)
    agree = (
        f"Of {count(len(decided), 'comparison')} decided on both scales, {int(same.sum())} "
        f"{_has(int(same.sum()))} the same direction."
        if len(decided)
        else "No comparison is decided on both scales."
    )
    return f"{capital(SCALE_WORDS[DIFFERENCE].phrase)}, in the unit of the metric: {said}. {agree}"


def omnibus_lines(families: pd.DataFrame, estimator: str, alpha: float = 0.05) -> list[str]:
    """Say of each family whether all its domains are shown to move alike or not.

    Args:
        families: families.csv.
        estimator: the estimator to show.
        alpha: level of the test.
    """
    rows = families[families["estimator"].astype(str) == estimator]
    lines = []
    for (family, metric), group in rows.groupby(["family", "metric"], sort=False):
        p = finite(group["p_equal_slopes_adjusted"])
        tested, differ = group[p.notna()], group[p < alpha]
        if not len(tested):
            continue
        where = f"on {len(differ)} of {count(len(tested), 'corpus', 'corpora')}"
        names = f"{', '.join(map(str, differ['corpus']))}; " if 0 < len(differ) < 4 else ""
        lines.append(
            f"{family} ({metric_words(str(metric))}): the slopes of the domains are shown to "
            f"differ {where} ({names}smallest adjusted p {p.min():.2g})."
        )
    return lines


def absolute_lines(absolute: pd.DataFrame, estimator: str) -> list[str]:
    """Say how fast values fall or rise: the exponents of the absolute laws, with intervals.

    Args:
        absolute: absolute.csv.
        estimator: the estimator to show; without rows of it, the first by name is shown.
    """
    rows, name = _one_estimator(absolute, estimator)
    lines = []
    for metric, group in rows.groupby("metric", sort=False):
        exponent = finite(group["exponent"])
        fitted = group[exponent.notna()].assign(exponent=exponent.dropna())
        if not len(fitted):
            continue
        has_floor = finite(fitted["offset"]) > 0
        parts = [_exponents(fitted[~has_floor])] if (~has_floor).any() else []
        if has_floor.any():
            parts.append(
                f"{int(has_floor.sum())} with an irreducible part, exponent of the rest "
                f"{_exponents(fitted[has_floor])}"
            )
        doubtful = int((fitted["status"].astype(str) != Status.OK).sum())
        parts += [f"{doubtful} with a reservation in their status"] if doubtful else []
        lost = len(group) - len(fitted)
        parts += [f"{lost} more without a law"] if lost else []
        lines.append(
            f"{count(len(fitted), 'absolute law')} of {metric_words(str(metric))} ({name}), "
            f"exponent with interval: {'; '.join(parts)}."
        )
    return lines or ["No absolute law was fitted."]


def lack_of_fit_line(
    relative: pd.DataFrame, absolute: pd.DataFrame, estimator: str, level: float = 0.05
) -> str:
    """Count the laws whose budgets scatter by more than their runs explain."""
    said = []
    for kind, table in (("relative", on_scale(relative)), ("absolute", absolute)):
        p = finite(table.loc[table["estimator"] == estimator, "lack_of_fit_p"]).dropna()
        if len(p):
            said.append(
                f"{int((p < level).sum())} of {len(p)} {kind} laws ({level * len(p):.1f} "
                "expected by chance)"
            )
    return (
        f"A straight line in log compute misses the budgets (lack of fit, p below {level:g}) "
        f"in {' and '.join(said)}."
        if said
        else ""
    )


def agreement_line(relative: pd.DataFrame, estimator: str) -> str:
    """Count the slopes of other estimators that are inside the shown one's interval."""
    keys = ["corpus", "family", "metric", "treatment"]
    rows = on_scale(relative)
    shown = rows[rows["estimator"] == estimator].set_index(keys)[["ci_low", "ci_high"]].dropna()
    said = []
    for other in dict.fromkeys(rows["estimator"].astype(str)):
        mine = (rows["estimator"] == other) & rows["dbeta"].notna()
        both = shown.join(rows[mine].set_index(keys)["dbeta"], how="inner")
        if other != estimator and len(both):
            inside = int(both["dbeta"].between(both["ci_low"], both["ci_high"]).sum())
            said.append(f"{other} {inside} of {len(both)}")
    return f"Slopes inside the interval of {estimator}: {', '.join(said)}." if said else ""


def forecast_lines(forecast: pd.DataFrame) -> list[str]:
    """Say for each horizon how well the gap at a held-out budget was predicted.

    Predictions that the runs below do not determine are counted apart: one of them would decide
    the mean error, and their intervals hold anything.

    Args:
        forecast: forecast.csv.
    """
    gaps = forecast[forecast["quantity"].astype(str) == "gap"]
    gaps = gaps[finite(gaps["error_percent"]).notna()]
    unknown = gaps["status"].astype(str) == Status.NOT_DETERMINED
    lost, gaps = int(unknown.sum()), gaps[~unknown]
    lines = []
    for name in [*HORIZONS, *sorted(set(gaps["horizon_class"].astype(str)) - set(HORIZONS))]:
        rows = gaps[gaps["horizon_class"].astype(str) == name]
        if len(rows):
            stays = finite(rows["error_constant_percent"]).abs().dropna()
            than = f'; "the gap stays as it is": {stays.mean():.2f} %' if len(stays) else ""
            lines.append(
                f"Back-test, {HORIZONS.get(name, name)}: "
                f"{count(len(rows), 'prediction of a gap', 'predictions of gaps')}, "
                f"{error_words(rows)}{than}."
            )
    if lost:
        lines.append(
            f"Back-test: {count(lost, 'more gap')} could not be predicted: the runs below do not "
            "determine the law there, and the interval spans more than a factor of ten "
            f"({Status.NOT_DETERMINED} in forecast.csv)."
        )
    return lines


def registered_lines(scores: pd.DataFrame) -> list[str]:
    """Say how well the registered predictions of the largest budgets did.

    Args:
        scores: scores.csv.
    """
    observed = scores[finite(scores["observed"]).notna()]
    known = observed[finite(observed["value"]).notna()]
    ratio = known["baseline"].fillna("").astype(str) != ""
    lines = []
    for rows, one, many in (
        (known[~ratio], "prediction of a value", "predictions of values"),
        (known[ratio], "prediction of a gap", "predictions of gaps"),
    ):
        if len(rows):
            plain = "; ".join(
                f"{words}: {finite(rows[column]).abs().mean():.2f} %"
                for words, column in PLAIN.items()
            )
            lines.append(
                "Largest budget, predicted from the smaller ones before its runs were scored: "
                f"{count(len(rows), one, many)}, {error_words(rows)} ({plain})."
            )
    if lost := len(observed) - len(known):
        lines.append(
            f"Largest budget: {count(lost, 'more value or gap', 'more values and gaps')} could "
            "not be predicted (status in scores.csv)."
        )
    return lines


def backtest_lines(backtest: pd.DataFrame, estimator: str) -> list[str]:
    """Say how well G at the held-out budgets of the classical back-test was predicted.

    Args:
        backtest: backtest.csv.
        estimator: the estimator to show; without rows of it, the first by name is shown.
    """
    gaps = backtest[backtest["quantity"].astype(str) == "gap"]
    rows, name = _one_estimator(gaps[finite(gaps["error_percent"]).notna()], estimator)
    if not len(rows):
        return ["No back-test: no gap could be predicted at a budget that was held out."]
    budgets = rows["held_out_budget"].nunique()
    return [
        f"Back-test of {name}: {count(len(rows), 'prediction of a gap', 'predictions of gaps')} at "
        f"{count(budgets, 'held-out budget')} from the budgets below, "
        f"{error_words(rows)}."
    ]


def error_words(rows: pd.DataFrame) -> str:
    """Return `46 of 49 inside their interval, mean error 0.52 %`."""
    error = finite(rows["error_percent"]).abs().mean()
    return f"{coverage_words(rows)}mean error {error:.2f} %"


def coverage_words(rows: pd.DataFrame) -> str:
    """Return `46 of 49 inside their interval, `; empty if no prediction has an interval."""
    low, high, observed = (finite(rows[name]) for name in ("ci_low", "ci_high", "observed"))
    bounded = low.notna() & high.notna()
    if not bounded.any():
        return ""
    inside = int((bounded & (observed >= low) & (observed <= high)).sum())
    return f"{inside} of {int(bounded.sum())} inside their interval, "


def has_verdict(rows: pd.DataFrame) -> pd.Series:
    """Return a mask of the rows with a verdict."""
    return rows["verdict"].fillna("").astype(str) != ""


def finite(column: pd.Series) -> pd.Series:
    """Return the numbers of a column; NaN for text, infinities and empty cells."""
    values = pd.to_numeric(column, errors="coerce")
    return values.where(values.abs() < math.inf)


def count(number: int, noun: str, several: str = "") -> str:
    """Return a number with its noun in the singular or plural."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def joined(parts: Sequence[str]) -> str:
    """Return parts as `a, b and c`."""
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1] if parts else ""


def capital(text: str) -> str:
    """Return a text with a capital at its start and the rest unchanged."""
    return text[:1].upper() + text[1:]


def _is_rising(rows: pd.DataFrame) -> pd.Series:
    """Return a mask of the rows in a metric that rises or falls rather than having a gap."""
    words = {v.value for v in Verdict if v.direction in ("rises", "falls")}
    moved = rows["verdict"].astype(str).isin(words)
    known = {name for name, metric in METRICS.items() if not metric.lower_is_better}
    return rows["metric"].isin(known | set(rows.loc[moved, "metric"]))


def _counted(rows: pd.DataFrame, rising: bool) -> str:
    """Count the verdicts of comparisons in one metric that all have one."""
    noun, verbs = ("comparison", CHANGE_VERBS) if rising else ("gap", GAP_VERBS)
    words = rows["verdict"].astype(str)
    direction = words.str.removesuffix(" slightly")
    parts = []
    for place, (word, verb) in enumerate(verbs.items()):
        found = direction == word
        slight = int((found & (words != word)).sum())
        shown = "to " if place else f"{'is' if found.sum() == 1 else 'are'} shown to "
        parts.append(
            f"{int(found.sum())} {shown}{verb}"
            + (f" ({slight} of them slightly)" if slight else "")
        )
    undecided = rows[words == Verdict.UNDECIDED.value]
    phrase = SCALE_WORDS[str(rows["scale"].iloc[0])].phrase
    return (
        f"{capital(phrase)}, of {count(len(rows), noun)} in "
        f"{metric_words(str(rows['metric'].iloc[0]))}: {joined(parts)}; "
        f"{len(undecided)} {'is' if len(undecided) == 1 else 'are'} undecided"
        f"{undecided_words(undecided)}."
    )


def _reasons(rows: pd.DataFrame) -> str:
    statuses = set(rows["status"].dropna().astype(str)) - {"", Status.OK.value}
    causes = sorted(status.replace("_", " ") for status in statuses)
    return f" ({', '.join(causes)})" if causes else ""


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def _exponents(laws: pd.DataFrame) -> str:
    """Return the smallest and the largest exponent of some laws, with intervals."""
    ends = laws.sort_values("exponent", kind="stable").iloc[[0, -1]]
    return " to ".join(_exponent(row) for _, row in ends.iloc[: len(laws)].iterrows())


def _exponent(row: pd.Series) -> str:
    ends = finite(row[["ci_low", "ci_high"]]) + 0.0  # 0 instead of -0
    bounds = "" if ends.isna().any() else f" [{ends.iloc[0]:.3g}, {ends.iloc[1]:.3g}]"
    exponent = float(row["exponent"]) + 0.0
    return f"{exponent:.3g}{bounds} ({row['family']} {row['domain']}, {row['corpus']})"


def _one_estimator(frame: pd.DataFrame, estimator: str) -> tuple[pd.DataFrame, str]:
    """Return the rows of an estimator, else of the first by name, and its name."""
    present = sorted(set(frame["estimator"].astype(str)))
    if not present:
        return frame, estimator
    name = estimator if estimator in present else present[0]
    return frame[frame["estimator"].astype(str) == name], name
