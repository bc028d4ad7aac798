"""From scores to the rows of the losses table and the items table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from relscale.contract.arrow import arrow_array
from relscale.contract.losses import LOSSES_COLUMNS
from relscale.contract.metrics import METRICS
from relscale.evaluation.metrics import (
    ItemValues,
    OptionScores,
    contains_chance,
    item_metrics,
    mean_over_strata,
    ratio,
)
from relscale.evaluation.requests import RequestTable

AVERAGED_OVER_STRATA = frozenset({"questions"})
"""Kinds of family whose losses are unweighted means over strata (subjects); accuracies always weigh
each item alike."""

RUN_COLUMNS = LOSSES_COLUMNS[: LOSSES_COLUMNS.index("family")]
"""Columns of a losses row that come from the run's record."""

LOSSES_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("corpus", "run")),
        ("seed", pa.int64()),
        *((name, pa.string()) for name in ("recipe", "budget")),
        *((name, pa.float64()) for name in ("forward_flops", "training_flops")),
        *((name, pa.int64()) for name in RUN_COLUMNS[7:]),
        *((name, pa.string()) for name in ("family", "domain", "metric", "unit")),
        *((name, pa.float64()) for name in ("value", "standard_error")),
        *((name, pa.int64()) for name in ("num_items", "num_bytes", "num_truncated")),
        ("at_chance", pa.bool_()),
        ("excluded_reason", pa.string()),
    ]
)

_NAME = pa.dictionary(pa.int32(), pa.string())
ITEMS_SCHEMA = pa.schema(
    [
        *(
            (name, _NAME)
            for name in ("corpus", "run", "family", "domain", "metric", "stratum", "item")
        ),
        *((name, pa.float64()) for name in ("numerator", "denominator")),
        ("overlaps", pa.bool_()),
    ]
)


def metrics_of(kind: str, metrics: Sequence[str]) -> list[str]:
    """Return the metrics to report: those asked for, and bits per byte of the right answer for
    questions."""
    extra = ["bits_per_byte"] if kind == "questions" and "bits_per_byte" not in metrics else []
    return [*metrics, *extra]


def losses_rows(
    columns: Mapping[str, Any],
    family: str,
    kind: str,
    metrics: Sequence[str],
    requests: RequestTable,
    log_likelihood: np.ndarray | None,
    overlaps: np.ndarray,
    excluded_reason: str | None = None,
) -> list[dict[str, Any]]:
    """Return the losses rows of a run: one a domain and metric, domains in the order of the
    requests.

    Args:
        columns: columns of the run's record (`RUN_COLUMNS` are used).
        family: the family's name.
        kind: the family's kind; see `AVERAGED_OVER_STRATA`.
        metrics: metrics to report.
        requests: what was scored.
        log_likelihood: (row) nats of each option, or none for an excluded run: its rows have no
            error.
        overlaps: (item) whether the item's text is in the suite's corpus; such items are left out.
        excluded_reason: why the run is excluded.

    Raises:
        ValueError: naming the domain, where all of its items overlap with the corpus.
    """
    domains, strata = np.array(requests.domains), np.array(requests.strata)
    gold_bytes, counts = requests.num_bytes[requests.gold], np.diff(requests.first)
    values = _values(metrics, requests, log_likelihood)
    rows: list[dict[str, Any]] = []
    for domain in dict.fromkeys(requests.domains):
        at = (domains == domain) & ~overlaps
        if not at.any():
            raise ValueError(
                f"family {family!r}, domain {domain!r}: every item's text is in the corpus; nothing is left to score"
            )
        for metric in metrics:
            error, standard_error = math.nan, math.nan
            if log_likelihood is not None:
                numerator, denominator = (part[at] for part in values[metric])
                averaged = kind in AVERAGED_OVER_STRATA and not METRICS[metric].always_per_item
                error, standard_error = (
                    mean_over_strata(numerator, denominator, strata[at])
                    if averaged
                    else ratio(numerator, denominator)
                )
            rows.append(
                {
                    **{name: columns[name] for name in RUN_COLUMNS},
                    "family": family,
                    "domain": domain,
                    "metric": metric,
                    "unit": METRICS[metric].unit,
                    "value": error,
                    "standard_error": standard_error,
                    "num_items": int(at.sum()),
                    "num_bytes": int(gold_bytes[at].sum()),
                    "num_truncated": int(requests.truncated[at].sum()),
                    "at_chance": log_likelihood is not None
                    and _at_chance(metric, values, at, counts),
                    "excluded_reason": excluded_reason,
                }
            )
    return rows


def items_table(
    columns: Mapping[str, Any],
    family: str,
    metrics: Sequence[str],
    requests: RequestTable,
    log_likelihood: np.ndarray,
    overlaps: np.ndarray,
) -> pa.Table:
    """Return the items rows of a run: one an item and metric, in the order of metrics and requests;
    arguments as for `losses_rows`."""
    values = _values(metrics, requests, log_likelihood)
    size = len(requests.items)
    names = {"corpus": columns["corpus"], "run": columns["run"], "family": family}
    per_item = {"domain": requests.domains, "stratum": requests.strata, "item": requests.items}
    data: dict[str, Any] = {name: [value] * (size * len(metrics)) for name, value in names.items()}
    data |= {name: value * len(metrics) for name, value in per_item.items()}
    data["metric"] = [metric for metric in metrics for _ in range(size)]
    data["numerator"] = np.concatenate([values[metric][0] for metric in metrics])
    data["denominator"] = np.concatenate([values[metric][1] for metric in metrics])
    data["overlaps"] = np.tile(overlaps, len(metrics))
    arrays = [
        arrow_array(data[field.name], pa.string()).dictionary_encode()
        if field.type == _NAME
        else arrow_array(data[field.name], field.type)
        for field in ITEMS_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=ITEMS_SCHEMA)


def _values(
    metrics: Sequence[str], requests: RequestTable, log_likelihood: np.ndarray | None
) -> dict[str, ItemValues]:
    """Return the values of each item by metric, including the accuracies that `at_chance`
    needs."""
    if log_likelihood is None:
        return {}
    chances = [METRICS[metric].chance_of for metric in metrics]
    needed = [*metrics, *(chance for chance in chances if chance and chance not in metrics)]
    scores = OptionScores(
        log_likelihood=log_likelihood,
        num_bytes=requests.num_bytes,
        first=requests.first,
        gold=requests.gold,
    )
    return item_metrics(list(dict.fromkeys(needed)), scores)


def _at_chance(
    metric: str, values: Mapping[str, ItemValues], at: np.ndarray, counts: np.ndarray
) -> bool:
    """Return whether the accuracy that goes with a metric is indistinguishable from chance; False
    for a metric without a chance level."""
    chance_of = METRICS[metric].chance_of
    if chance_of is None:
        return False
    correct = values[chance_of][0][at]
    return contains_chance(int(correct.sum()), len(correct), float((1 / counts[at]).mean()))
