"""Sums of a released model's nats by bucket of bytes and by position in the context.

The training corpora of released models are not available, so there are no classes of words.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from relscale.contract.losses import RunColumns
from relscale.evaluation.bucket_sums import (
    BucketRows,
    BucketWeights,
    Documents,
    PositionRows,
    Positions,
)
from relscale.evaluation.byte_buckets import byte_codes
from relscale.evaluation.texts import TextDocument
from relscale.evaluation.token_bytes import TokenBytes
from relscale.released.opened_model import ReleasedModel, TextScores


def part_tables(
    model: ReleasedModel,
    scores: TextScores,
    run: RunColumns,
    family: str,
    documents: Sequence[TextDocument],
    masked_tokens: int,
) -> tuple[pa.Table, pa.Table]:
    """Return the sums of a model by bucket and by position.

    Bytes are those of the text as written, also where the model's tokens stand for an equivalent
    text.

    Args:
        model: the model with its tokenizer.
        scores: its scores of the documents, with those of the tokens.
        run: columns that describe its run.
        family: name of the family.
        documents: the documents; those whose text does not come back have no scores.
        masked_tokens: first tokens of each document that are not scored.

    Raises:
        ValueError: if the scores have no scores of tokens.
    """
    if scores.by_token is None:
        raise ValueError("sums by bucket need the scores of the tokens")
    requests, table = scores.requests, scores.requests.table
    texts = {(document.domain, document.item): document.text for document in documents}
    sizes, kinds = [], []
    for name in zip(table.domains, table.items, strict=True):
        size = model.tokenizer.token_sizes(texts[name], masked_tokens)
        sizes.append(size)
        kinds.append(byte_codes(texts[name].encode()[-int(size.sum()) :]))
    found = Documents(
        family=family, requests=table, overlaps=np.zeros(len(table.items), dtype=bool)
    )
    positions = Positions.of(
        [len(context) for context in requests.contexts],
        [len(continuation) for continuation in requests.continuations],
        requests.source,
        model.max_length,
    )
    weights = BucketWeights.of(TokenBytes(sizes=sizes, kinds=kinds, words=None))
    nats = -scores.by_token
    return (
        BucketRows.of(found, weights).table(run, nats),
        PositionRows.of(found, positions).table(run, nats),
    )
