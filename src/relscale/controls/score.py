"""Train the n-gram models of a corpus and score them on the requests of its runs.

The models read the windows that runs are trained on and score the right option of each request, in
bits per byte. `score_ngrams` does all that the stage does.
"""

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from relscale.contract.arrow import arrow_array, schema_of
from relscale.contract.control_losses import CONTROL_ITEMS_COLUMNS, ControlRow
from relscale.contract.metrics import METRICS
from relscale.controls.byte_text import BytesOfTokens, RequestBytes, prefix_lengths
from relscale.controls.ngram import Grams, Queries, Sequences, count_text
from relscale.evaluation.metrics import mean_over_strata, ratio
from relscale.evaluation.requests import RequestTable

log = logging.getLogger(__name__)

CONTROL = "ngram"
METRIC = "bits_per_byte"
LOSSES_SCHEMA = schema_of(ControlRow)
"""Columns and types of the losses of controls."""
_WORDS = ("corpus", "control", "family", "domain", "metric", "stratum", "item")
_NAME = pa.dictionary(pa.int32(), pa.string())
_KINDS = {
    **dict.fromkeys(_WORDS, _NAME),
    **dict.fromkeys(("order", "text_bytes"), pa.int64()),
    **dict.fromkeys(("numerator", "denominator"), pa.float64()),
    "overlaps": pa.bool_(),
}
ITEMS_SCHEMA = pa.schema([(name, _KINDS[name]) for name in CONTROL_ITEMS_COLUMNS])
"""Columns and types of the items of controls."""
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ControlFamily:
    """A family with its requests, as controls score it."""

    name: str
    """The family's name."""
    requests: RequestTable
    """The requests of the runs."""
    overlaps: npt.NDArray[np.bool_]
    """(item) whether the item's text occurs in the corpus; such items do not count."""
    over_strata: bool
    """Whether losses are unweighted means over the strata of a domain."""

    @property
    def num_bytes(self) -> Values:
        """(item) bytes by which the score of the right option is divided."""
        return np.asarray(self.requests.num_bytes[self.requests.gold], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class NgramModels:
    """The models to train: one per size of text, each with all orders."""

    corpus: str
    """The corpus of the text."""
    text: Sequences
    """The text of the largest model, or all that the corpus has."""
    sizes: Sequence[int]
    """Bytes of text of each model."""
    order: int
    """Longest n-grams."""

    def trained(self) -> Iterator[tuple[int, list[Grams] | None]]:
        """Train one model after the other; None for one whose text the corpus does not have."""
        for size, length in zip(self.sizes, prefix_lengths(self.text, self.sizes), strict=True):
            yield size, None if length is None else count_text(self.text.first(length), self.order)


def score_ngrams(
    models: NgramModels, families: Sequence[ControlFamily], token_bytes: BytesOfTokens
) -> tuple[list[ControlRow], pa.Table]:
    """Return the losses rows and the items of all models, orders and families.

    A model whose text the corpus does not have keeps its losses rows, with the reason and without
    values; it has no items.

    Args:
        models: the models to train.
        families: families with their requests.
        token_bytes: the bytes of the tokens of requests.

    Raises:
        ValueError: naming the domain, if all of its items overlap with the corpus.
    """
    asked = {family.name: _asked(family, token_bytes, models.order) for family in families}
    rows: list[ControlRow] = []
    tables: list[pa.Table] = [ITEMS_SCHEMA.empty_table()]
    for size, model in models.trained():
        log.info("%s: %s of %s bytes", models.corpus, CONTROL, f"{size:,}")
        for family in families:
            bits = None if model is None else _bits(model, *asked[family.name])
            for place in range(models.order):
                found = None if bits is None else bits[place]
                labels = _Labels(corpus=models.corpus, order=place + 1, text_bytes=size)
                rows += _losses_rows(labels, family, found, _reason(models, model))
                if found is not None:
                    tables.append(_items_table(labels, family, found))
    return rows, pa.concat_tables(tables).unify_dictionaries()


@dataclass(frozen=True, kw_only=True)
class _Labels:
    """The columns that name a model and its order."""

    corpus: str
    order: int
    text_bytes: int


def _asked(
    family: ControlFamily, token_bytes: BytesOfTokens, order: int
) -> tuple[RequestBytes, Queries]:
    """Return the right options of a family as bytes, and their n-grams."""
    requests = family.requests
    asked = RequestBytes.of(
        [requests.contexts[row] for row in requests.gold],
        [requests.continuations[row] for row in requests.gold],
        token_bytes,
    )
    return asked, Queries(asked.text, asked.scored, order)


def _bits(model: list[Grams], requests: RequestBytes, queries: Queries) -> list[Values]:
    """Return (item) bits of the right option, for each order."""
    return [-requests.sums(nats) / math.log(2) for nats in queries.log_probabilities(model)]


def _reason(models: NgramModels, model: list[Grams] | None) -> str | None:
    if model is not None:
        return None
    return f"the corpus has {models.text.num_bytes} bytes of text"


def _losses_rows(
    labels: _Labels, family: ControlFamily, bits: Values | None, reason: str | None
) -> Iterator[ControlRow]:
    requests, size = family.requests, family.num_bytes
    domains = np.array(requests.domains)
    for domain in dict.fromkeys(requests.domains):
        at = (domains == domain) & ~family.overlaps
        if not at.any():
            raise ValueError(
                f"family {family.name!r}, domain {domain!r}: the text of every item occurs in the "
                "corpus; no item is left to score"
            )
        value = standard_error = math.nan
        if bits is not None and family.over_strata:
            strata = np.array(requests.strata)[at]
            value, standard_error = mean_over_strata(bits[at], size[at], strata)
        elif bits is not None:
            value, standard_error = ratio(bits[at], size[at])
        yield {
            "corpus": labels.corpus,
            "control": CONTROL,
            "order": labels.order,
            "text_bytes": labels.text_bytes,
            "family": family.name,
            "domain": domain,
            "metric": METRIC,
            "unit": METRICS[METRIC].unit,
            "value": value,
            "standard_error": standard_error,
            "num_items": int(at.sum()),
            "num_bytes": int(size[at].sum()),
            "excluded_reason": reason,
        }


def _items_table(labels: _Labels, family: ControlFamily, bits: Values) -> pa.Table:
    requests, count = family.requests, len(bits)
    same: Mapping[str, str | int] = {
        "corpus": labels.corpus,
        "control": CONTROL,
        "order": labels.order,
        "text_bytes": labels.text_bytes,
        "family": family.name,
        "metric": METRIC,
    }
    data: dict[str, Any] = {name: [value] * count for name, value in same.items()} | {
        "domain": requests.domains,
        "stratum": requests.strata,
        "item": requests.items,
        "numerator": bits,
        "denominator": family.num_bytes,
        "overlaps": family.overlaps,
    }
    arrays = [
        arrow_array(data[field.name], pa.string()).dictionary_encode()
        if field.type == _NAME
        else arrow_array(data[field.name], field.type)
        for field in ITEMS_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=ITEMS_SCHEMA)
