"""Evaluating checkpoints that others released: opening one, scoring a family's texts, and the rows
that come of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from relscale.evaluation.aggregate import items_table, losses_rows, metrics_of
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.released.model import Checkpoint

PARAMETERS = (
    "num_params_embedding",
    "num_params_head",
    "num_params_transformer",
    "num_params_total",
)


def evaluate_checkpoint(
    checkpoint: Checkpoint,
    columns: Mapping[str, Any],
    family: str,
    settings: Mapping[str, Any],
    items: Sequence[TextItem],
    documents: Sequence[TextDocument],
    *,
    stride: int | None = None,
) -> tuple[list[dict[str, Any]], pa.Table, dict[str, Any]]:
    """Return the losses rows and the items of a checkpoint, and the record of how it was scored.

    Args:
        checkpoint: the model with its tokenizer.
        columns: columns of its run; parameters that are None are counted in the model.
        family: the family's name.
        settings: the family's settings as plain values: kind, metrics, and `masked_tokens` of
            documents.
        items: the family's questions.
        documents: or its documents.
        stride: new tokens of each window of a document.

    Raises:
        ValueError: naming the model, the domain or the item, where it cannot be scored.
    """
    if documents:
        scores = checkpoint.score_documents(
            documents, stride=stride, masked_tokens=settings.get("masked_tokens", 0)
        )
    else:
        scores = checkpoint.score_items(items)
    description = checkpoint.description()
    counted = {name: description[name] for name in PARAMETERS}
    whole = {
        **columns,
        **{
            name: counted[name] if columns.get(name) is None else columns[name]
            for name in PARAMETERS
        },
    }
    table, metrics = scores.requests.table, metrics_of(settings["kind"], settings["metrics"])
    overlaps = np.zeros(
        len(table.items), dtype=bool
    )  # nobody knows what is in the corpora of others
    rows = losses_rows(
        whole, family, settings["kind"], metrics, table, scores.log_likelihood, overlaps
    )
    per_item = items_table(whole, family, metrics, table, scores.log_likelihood, overlaps)
    return rows, per_item, {"run": columns["run"], **description, **scores.account}
