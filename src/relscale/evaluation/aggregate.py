"""From scores to the rows of the losses table and the items table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from relscale.config.families import Family
from relscale.contract.arrow import arrow_array, schema_of
from relscale.contract.losses import LossesRow, RunColumns
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

LOSSES_SCHEMA = schema_of(LossesRow)
"""Columns and types of the losses table."""

_NAME = pa.dictionary(pa.int32(), pa.string())
ITEMS_SCHEMA = pa.schema(
    [
        *(
            (name, _NAME)
            for name in (
                "corpus",
                "run",
                "family",
                "domain",
                "metric",
                "stratum",
                "item",
                "cluster",
            )
        ),
        *((name, pa.float64()) for name in ("numerator", "denominator")),
        ("overlaps", pa.bool_()),
    ]
)
"""Columns and types of the items table."""


@dataclass(frozen=True, kw_only=True)
class ScoredFamily:
    """A family with its requests: everything about an evaluation but the run."""

    name: str
    """The family's name."""
    settings: Family
    """Its settings, which decide metrics and averages."""
    requests: RequestTable
    """The scored requests."""
    overlaps: np.ndarray
    """(item) whether the item's text occurs in the run's corpus; such items do not count."""

    @property
    def metrics(self) -> list[str]:
        """The metrics to report."""
        return self.settings.reported_metrics()


def losses_rows(
    run: RunColumns,
    family: ScoredFamily,
    log_likelihood: np.ndarray | None,
    excluded_reason: str | None = None,
) -> list[LossesRow]:
    """Return the losses rows of a run: one per domain and metric, in the order of the requests.

    Args:
        run: columns that describe the run.
        family: the family and its requests.
        log_likelihood: (row) nats of each option; None for an excluded run, whose values are NaN.
        excluded_reason: the reason if the run is excluded.

    Raises:
        ValueError: naming the domain, if all of its items overlap with the corpus.
    """
    requests = family.requests
    domains, gold_bytes = np.array(requests.domains), requests.num_bytes[requests.gold]
    values = _values(family, log_likelihood)
    rows: list[LossesRow] = []
    for domain in dict.fromkeys(requests.domains):
        at = (domains == domain) & ~family.overlaps
        if not at.any():
            raise ValueError(
                f"family {family.name!r}, domain {domain!r}: the text of every item occurs in the "
                "corpus; no item is left to score"
            )
        for metric in family.metrics:
            value, standard_error = _mean(metric, family, values, at)
            rows.append(
                {
                    **run,
                    "family": family.name,
                    "domain": domain,
                    "metric": metric,
                    "unit": METRICS[metric].unit,
                    "value": value,
                    "standard_error": standard_error,
                    "num_items": int(at.sum()),
                    "num_bytes": int(gold_bytes[at].sum()),
                    "num_truncated": int(requests.truncated[at].sum()),
                    "at_chance": bool(values) and _at_chance(metric, requests, values, at),
                    "excluded_reason": excluded_reason,
                }
            )
    return rows


def items_table(run: RunColumns, family: ScoredFamily, log_likelihood: np.ndarray) -> pa.Table:
    """Return the items rows of a run: one per item and metric, in the order of both.

    Args:
        run: columns that describe the run.
        family: the family and its requests.
        log_likelihood: (row) nats of each option.
    """
    requests, metrics = family.requests, family.metrics
    values = _values(family, log_likelihood)
    size = len(requests.items)
    count = size * len(metrics)
    data: dict[str, Sequence[str] | np.ndarray] = {
        "corpus": [run["corpus"]] * count,
        "run": [run["run"]] * count,
        "family": [family.name] * count,
        "domain": requests.domains * len(metrics),
        "metric": [metric for metric in metrics for _ in range(size)],
        "stratum": requests.strata * len(metrics),
        "item": requests.items * len(metrics),
        "cluster": (requests.clusters or [""] * size) * len(metrics),
        "numerator": np.concatenate([values[metric][0] for metric in metrics]),
        "denominator": np.concatenate([values[metric][1] for metric in metrics]),
        "overlaps": np.tile(family.overlaps, len(metrics)),
    }
    arrays = [
        arrow_array(data[field.name], pa.string()).dictionary_encode()
        if field.type == _NAME
        else arrow_array(data[field.name], field.type)
        for field in ITEMS_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=ITEMS_SCHEMA)


def _values(family: ScoredFamily, log_likelihood: np.ndarray | None) -> dict[str, ItemValues]:
    """Return the values of each item by metric, with the accuracies that decide `at_chance`."""
    if log_likelihood is None:
        return {}
    chances = [METRICS[metric].chance_of for metric in family.metrics]
    scores = OptionScores(
        log_likelihood=log_likelihood,
        num_bytes=family.requests.num_bytes,
        first=family.requests.first,
        gold=family.requests.gold,
    )
    needed = dict.fromkeys([*family.metrics, *(chance for chance in chances if chance)])
    return item_metrics(list(needed), scores)


def _mean(
    metric: str, family: ScoredFamily, values: Mapping[str, ItemValues], at: np.ndarray
) -> tuple[float, float]:
    """Return the value of a domain and its standard error; NaN for an excluded run."""
    if not values:
        return math.nan, math.nan
    numerator, denominator = (part[at] for part in values[metric])
    if family.settings.averages_over_strata and not METRICS[metric].always_per_item:
        return mean_over_strata(numerator, denominator, np.array(family.requests.strata)[at])
    return ratio(numerator, denominator)


def _at_chance(
    metric: str, requests: RequestTable, values: Mapping[str, ItemValues], at: np.ndarray
) -> bool:
    """Return whether the accuracy that goes with a metric does not differ from chance.

    A metric without a chance level is never at chance.
    """
    chance_of = METRICS[metric].chance_of
    if chance_of is None:
        return False
    correct = values[chance_of][0][at]
    chance = float((1 / np.diff(requests.first)[at]).mean())
    return contains_chance(int(correct.sum()), len(correct), chance)
