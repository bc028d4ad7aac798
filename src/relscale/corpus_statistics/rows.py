"""Rows of the table `corpus_statistics`, of a corpus and of the domains of a family."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from relscale.contract.corpus_statistics import CORPUS_STATISTICS
from relscale.contract.status import Status, status_columns
from relscale.contract.text_tables import CorpusRow
from relscale.corpus_statistics.estimate import estimate, no_estimates, status_of_sample
from relscale.corpus_statistics.sample import draw_sample
from relscale.corpus_statistics.spec import StatisticsSpec
from relscale.evaluation.byte_buckets import count_words

KIND_CORPUS, KIND_DOMAIN = "corpus", "domain"


def sample_columns(
    texts: pa.ChunkedArray, units: Sequence[int] | None, spec: StatisticsSpec, name: str
) -> dict[str, object]:
    """Return the columns of a row that are estimated from a sample.

    Args:
        texts: (document) texts.
        units: (document) index of the group of documents that vary together; None for none.
        spec: settings and level.
        name: name of the text, which seeds the draws together with the seed.
    """
    settings = spec.settings
    rng = np.random.default_rng([settings.seed, *name.encode()])
    sample = draw_sample(
        texts,
        num_bytes=settings.sample_bytes,
        passage_bytes=settings.passage_bytes,
        rng=rng,
        units=units,
    )
    size: dict[str, object] = {
        "sample_bytes": sample.num_bytes,
        "sample_documents": sample.num_units,
    }
    if not sample.passages:
        return size | no_estimates() | status_columns(Status.TOO_FEW_ITEMS)
    found = estimate(sample, draws=settings.draws, level=spec.level, rng=rng)
    return size | found | status_of_sample(sample, settings.sample_bytes, found)


def corpus_rows(
    spec: StatisticsSpec, train: Path, words: Path, counts: Sequence[CorpusRow]
) -> pd.DataFrame:
    """Return the row of a corpus.

    Args:
        spec: the corpus and its settings.
        train: Parquet file of its training documents.
        words: Parquet file of its distinct words.
        counts: documents, bytes and tokens of its components.
    """
    with pq.ParquetFile(train) as file:
        texts = file.read(columns=["text"])["text"]
    with pq.ParquetFile(words) as file:
        distinct = file.metadata.num_rows
    row = {
        "kind": KIND_CORPUS,
        "corpus": spec.corpus,
        "family": "",
        "domain": "",
        **total_counts(counts),
        "distinct_words": distinct,
        **sample_columns(texts, None, spec, spec.corpus),
    }
    return pd.DataFrame([row], columns=list(CORPUS_STATISTICS.names))


def total_counts(counts: Sequence[CorpusRow]) -> dict[str, int]:
    """Return documents, bytes and tokens of all components."""
    return {
        name: sum(getattr(row, name) for row in counts) for name in ("documents", "bytes", "tokens")
    }


def uncounted_row(corpus: str, counts: Sequence[CorpusRow]) -> dict[str, object]:
    """Return the row of a corpus whose documents are not in one file."""
    return {
        "kind": KIND_CORPUS,
        "corpus": corpus,
        "family": "",
        "domain": "",
        **total_counts(counts),
        **no_estimates(),
        **status_columns(Status.TOO_FEW_ITEMS, ["a sharded corpus is not sampled"]),
    }


def domain_rows(spec: StatisticsSpec, requests: Path, tokenizer: Tokenizer) -> pd.DataFrame:
    """Return one row per domain of a family, in the order of its requests.

    Args:
        spec: the family, the corpus that its text is from (if any), and the settings.
        requests: Parquet file of the family's requests.
        tokenizer: the suite's tokenizer.
    """
    with pq.ParquetFile(requests) as file:
        items = file.read(
            columns=["domain", "item", "cluster", "option", "continuation", "text"]
        ).to_pandas()
    items = items[items["option"] == 0]
    # Requests of held-out documents have only their tokens.
    texts = [
        text or tokenizer.decode([int(token) for token in tokens])
        for text, tokens in zip(items["text"], items["continuation"], strict=True)
    ]
    items = items.assign(text=texts)
    rows = [
        {
            "kind": KIND_DOMAIN,
            "corpus": spec.corpus,
            "family": spec.family,
            "domain": domain,
            **domain_columns(found, spec, tokenizer),
        }
        for domain, found in items.groupby("domain", sort=False)
    ]
    return pd.DataFrame(rows, columns=list(CORPUS_STATISTICS.names))


def domain_columns(
    items: pd.DataFrame, spec: StatisticsSpec, tokenizer: Tokenizer
) -> Mapping[str, object]:
    """Return the columns of a domain from its items (columns domain, item, cluster and text)."""
    texts = list(items["text"].astype(str))
    # An item without a cluster is one of its own.
    groups = items["cluster"].where(items["cluster"] != "", "\x1f" + items["item"])
    encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
    return {
        "documents": len(texts),
        "bytes": sum(len(text.encode()) for text in texts),
        # One end-of-text token per document, as in the tokens of a corpus.
        "tokens": sum(len(each.ids) + 1 for each in encoded),
        "distinct_words": len(count_words([pa.array(texts)])),
        **sample_columns(
            pa.chunked_array([texts], pa.string()),
            [int(code) for code in pd.factorize(groups)[0]],
            spec,
            f"{spec.corpus} {spec.family} {items['domain'].iloc[0]}",
        ),
    }
