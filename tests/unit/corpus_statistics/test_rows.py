"""Rows of domains and corpora, from files as the pipeline writes them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from relscale.config.corpus_statistics import CorpusStatistics
from relscale.contract.text_tables import CorpusRow
from relscale.corpus_statistics.rows import corpus_rows, domain_rows, uncounted_row
from relscale.corpus_statistics.spec import StatisticsSpec
from relscale.evaluation.byte_buckets import count_words
from relscale.evaluation.requests import Item, Option, write_requests
from relscale.evaluation.token_bytes import write_word_counts

SPEC = StatisticsSpec.model_validate(
    {
        "settings": CorpusStatistics(sample_bytes=2000, passage_bytes=100, draws=20),
        "level": 0.95,
    }
)
COUNTS = {
    **{"corpus": "web", "component": 0, "source": "s", "documents_read": 4, "bytes_read": 9},
    **{"documents": 3, "bytes": 7, "documents_validation": 1, "bytes_validation": 2},
    **{"tokens": 5, "tokens_validation": 2},
}


def item(domain, name, text, tokens, cluster=""):
    option = Option(context=(0,), continuation=tuple(tokens), num_bytes=len(text.encode()))
    return Item(
        domain=domain, stratum="", item=name, cluster=cluster, options=(option, option), text=text
    )


def test_a_row_has_the_counts_of_its_domain(tmp_path, population, tokenizer):
    texts = population.documents(40, np.random.default_rng(0)).to_pylist()
    encoded = [tokenizer.encode(text).ids for text in texts]
    items = [
        item("with text", str(k), text, ids, cluster=str(k // 2))
        for k, (text, ids) in enumerate(zip(texts, encoded, strict=True))
    ]
    # Requests of held-out documents have no text, but tokens.
    items += [item("tokens", str(k), "", ids) for k, ids in enumerate(encoded)]
    write_requests(items, tmp_path / "requests.parquet")
    spec = SPEC.model_copy(update={"family": "news"})
    one, other = domain_rows(spec, tmp_path / "requests.parquet", tokenizer).to_dict("records")
    for row in (one, other):
        assert row["documents"] == 40 and row["family"] == "news" and row["kind"] == "domain"
        assert row["bytes"] == sum(len(text.encode()) for text in texts)
        assert row["tokens"] == sum(map(len, encoded)) + 40
        assert row["distinct_words"] == len(count_words([pa.array(texts)]))
        assert row["sample_bytes"] == 2000
        assert row["entropy_1_ci_low"] < row["entropy_1"] < row["entropy_1_ci_high"]
    assert one["sample_documents"] <= 20  # clusters of two


def test_the_row_of_a_corpus_has_the_sums_of_its_components(tmp_path, population):
    texts = population.documents(40, np.random.default_rng(1)).to_pylist()
    pq.write_table(pa.table({"text": texts}), tmp_path / "train.parquet")
    words = count_words([pa.array(texts)])
    write_word_counts(words, tmp_path / "words.parquet")
    counts = [CorpusRow(**COUNTS), CorpusRow(**{**COUNTS, "component": 1, "tokens": 50})]
    spec = SPEC.model_copy(update={"corpus": "web"})
    table = corpus_rows(spec, tmp_path / "train.parquet", tmp_path / "words.parquet", counts)
    (row,) = table.to_dict("records")
    assert (row["documents"], row["bytes"], row["tokens"]) == (6, 14, 55)
    assert row["distinct_words"] == len(words) and row["status"] == "ok"
    again = corpus_rows(spec, tmp_path / "train.parquet", tmp_path / "words.parquet", counts)
    assert table.equals(again)
    sharded = uncounted_row("web", counts)
    assert sharded["tokens"] == 55 and np.isnan(sharded["zipf_exponent"])
    assert sharded["status"] == "too_few_items"
