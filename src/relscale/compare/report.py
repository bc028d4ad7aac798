"""The findings of a comparison as text and as JSON."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from relscale.compare.matched import Matched
from relscale.compare.sides import Side
from relscale.compare.spec import CompareSettings
from relscale.contract.comparison_tables import (
    COMPARISON,
    ComparisonStatus,
    LeftOut,
    comparison_status,
)
from relscale.contract.metric_labels import metric_words

FORMAT = 1
"""Version of comparison.json; a change of its meaning raises it."""
HEADS = ("domain", "a", "b", "a - b", "interval", "a / b", "p", "detectable", "items", "verdict")
REASONS = {
    LeftOut.ONLY_A: "only a has them",
    LeftOut.ONLY_B: "only b has them",
    LeftOut.INCOMPLETE: "not every matched run has them",
    LeftOut.OVERLAPS: "their text is in a training corpus",
}


def summary_text(
    domains: pd.DataFrame,
    left_out: pd.DataFrame,
    settings: CompareSettings,
    notes: Iterable[str],
) -> str:
    """Return the findings in words and small tables, ending with a line feed.

    Args:
        domains: comparison.csv.
        left_out: left_out_items.csv.
        settings: settings of the comparison.
        notes: remarks on the whole.
    """
    first = domains.iloc[0]
    lines = [f"a: {first['name_a']}", f"b: {first['name_b']}"]
    for (family, metric), rows in domains.groupby(["family", "metric"], sort=True):
        lines += ["", _heading(str(family), str(metric), settings), *_table(rows)]
    level = f"{100 * settings.level:g} %"
    lines += [
        "",
        f"Intervals are at {level}, one by one. p and verdict are adjusted over the domains of a "
        "table (Holm).",
        "Detectable: the difference that the adjusted test finds with a chance of 80 %.",
    ]
    lines += [f"Note: {note}." for note in notes]
    for reason, words in REASONS.items():
        rows = left_out[left_out["reason"] == reason.value].drop_duplicates(
            ["family", "domain", "stratum", "item"]
        )
        if len(rows):
            lines.append(
                f"Note: {len(rows):,} item(s) are left out, since {words} (left_out_items.csv)."
            )
    return "\n".join(lines) + "\n"


def _heading(family: str, metric: str, settings: CompareSettings) -> str:
    higher = settings.higher(metric)
    better = "" if higher is None else f", {'higher' if higher else 'lower'} is better"
    return f"{family}: {metric_words(metric)}{better}"


def _table(rows: pd.DataFrame) -> list[str]:
    """Return the lines of one family and metric."""
    cells = [HEADS, *(_cells(row) for _, row in rows.iterrows())]
    filled = [at for at in range(len(HEADS)) if any(row[at] for row in cells[1:])]
    widths = {at: max(len(row[at]) for row in cells) for at in filled}
    last = len(HEADS) - 1
    return [
        "  ".join(
            row[at].ljust(widths[at]) if at in (0, last) else row[at].rjust(widths[at])
            for at in filled
        ).rstrip()
        for row in cells
    ]


def _cells(row: pd.Series) -> tuple[str, ...]:
    status = comparison_status(row["status"])
    remark = "" if status is ComparisonStatus.OK else str(status)
    interval = ratio = ""
    if status.is_tested:
        interval = f"{_number(row['ci_low'], sign=True)} to {_number(row['ci_high'], sign=True)}"
    if not _missing(row["ratio"]):
        ratio = f"{row['ratio']:.4f}"
    items = f"{row['num_items']:,}"
    if row["num_clusters"] != row["num_items"]:
        items += f" in {row['num_clusters']:,}"
    verdict = str(row["verdict"])
    return (
        " ".join(str(row["domain"]).split()),
        _number(row["value_a"]),
        _number(row["value_b"]),
        _number(row["difference"], sign=True),
        interval,
        ratio,
        "" if _missing(row["p_difference_adjusted"]) else _p(row["p_difference_adjusted"]),
        _number(row["detectable_difference"]),
        items,
        f"{verdict} ({remark})" if verdict and remark else verdict or remark,
    )


def _missing(value: object) -> bool:
    return value is None or bool(pd.isna(value))  # type: ignore[call-overload]


def _number(value: object, *, sign: bool = False) -> str:
    if _missing(value):
        return ""
    return f"{float(str(value)):+.4g}" if sign else f"{float(str(value)):.4g}"


def _p(value: object) -> str:
    number = float(str(value))
    return "<0.0001" if number < 1e-4 else f"{number:.4f}"


def as_json(
    sides: Sequence[Side],
    settings: CompareSettings,
    matched: Matched,
    domains: pd.DataFrame,
    left_out: pd.DataFrame,
    notes: Iterable[str],
) -> dict[str, object]:
    """Return the content of comparison.json, which docs/reference/files.md describes."""
    reasons = left_out.groupby("reason").size()
    return {
        "format": FORMAT,
        "sides": {
            side.letter: {
                "name": side.name,
                "corpus": side.corpus if side.is_corpus else None,
                "runs_of": side.corpus,
                "items": side.source,
                "sha256": side.sha256,
            }
            for side in sides
        },
        "settings": settings.model_dump(mode="json"),
        "runs": [list(pair) for pair in matched.pairs],
        "runs_without_partner": {"a": list(matched.only_a), "b": list(matched.only_b)},
        "domains": [
            {name: _plain(row[name]) for name in COMPARISON.names}
            for row in domains.to_dict("records")
        ],
        "left_out": {reason.value: int(reasons.get(reason.value, 0)) for reason in LeftOut},
        "notes": list(notes),
    }


def _plain(value: object) -> object:
    """Return a cell as JSON: null for a missing one, ten digits for a float."""
    if _missing(value):
        return None
    if isinstance(value, float):
        return float(f"{value:.10g}") if math.isfinite(value) else None
    return value if isinstance(value, str | bool) else int(str(value))
