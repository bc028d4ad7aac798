"""Sums of nats by bucket of bytes and by position, against counts by hand."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

from relscale.contract.buckets import (
    BUCKETS_COLUMNS,
    BYTE_CLASSES,
    PARTITIONS,
    POSITIONS_COLUMNS,
    WORD_CLASSES,
)
from relscale.contract.losses import RUN_COLUMNS
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.evaluation.bucket_sums import (
    BucketRows,
    BucketWeights,
    Documents,
    PositionRows,
    Positions,
    position_edges,
)
from relscale.evaluation.byte_buckets import WordCounts, byte_codes, count_words, word_codes
from relscale.evaluation.requests import Item, Option, RequestTable, read_requests, write_requests
from relscale.evaluation.token_bytes import (
    TokenBytes,
    read_token_bytes,
    read_word_counts,
    token_bytes,
    write_token_bytes,
    write_word_counts,
)
from relscale.plan.architecture import Shape
from relscale.runtime import call
from relscale.stages import evaluate, word_counts
from relscale.stages import token_bytes as token_bytes_stage
from relscale.training.architectures.qwen3 import Decoder
from relscale.training.model import initialise, save_decoder

RUN = dict.fromkeys(RUN_COLUMNS, 1) | {"corpus": "web", "run": "r", "budget": "1e9"}
# 20,000 words: common from two occurrences on.
WORDS = WordCounts(counts={"the": 5, "sea": 2, "gull": 1, "über": 1}, total=20_000)


def named(codes: np.ndarray, classes: tuple[str, ...]) -> list[str]:
    return [classes[code] for code in codes]


def requests_of(encoder, texts, *, masked=0, cut=(), domain="a") -> RequestTable:
    """The requests of texts in one domain, as the evaluation reads them."""
    windows = [encoder.window(encoder.encode(text), masked) for text in texts]
    return RequestTable(
        contexts=[np.array(window.context) for window in windows],
        continuations=[np.array(window.continuation) for window in windows],
        num_bytes=np.array([window.num_bytes for window in windows], dtype=float),
        first=np.arange(len(texts) + 1),
        gold=np.arange(len(texts)),
        truncated=np.array([index in cut for index in range(len(texts))]),
        domains=[domain] * len(texts),
        strata=[domain] * len(texts),
        items=[f"i{index}" for index in range(len(texts))],
    )


def documents_of(requests: RequestTable) -> Documents:
    overlaps = np.zeros(len(requests.items), dtype=bool)
    return Documents(family="f", requests=requests, overlaps=overlaps)


def test_bytes_are_classified_by_their_kind():
    assert named(byte_codes("aZ 9\t.é\x00~".encode()), BYTE_CLASSES) == [
        *("letters", "letters", "white_space", "digits", "white_space", "punctuation"),
        *("non_ascii", "non_ascii", "punctuation", "punctuation"),
    ]


def test_bytes_are_classified_by_the_frequency_of_their_word():
    codes = named(word_codes("THE gull, ship7 Über".encode(), WORDS, cut=False), WORD_CLASSES)
    assert codes == [
        *["common"] * 3,
        "other",
        *["rare"] * 4,
        *["other"] * 2,
        *["unseen"] * 4,  # a word ends at a digit
        *["other"] * 2,
        *["rare"] * 5,  # five bytes, four letters
    ]


def test_a_word_that_the_window_cuts_is_not_classified():
    text = b"the sea"
    assert named(word_codes(text, WORDS, cut=False), WORD_CLASSES)[-3:] == ["common"] * 3
    assert named(word_codes(text, WORDS, cut=True), WORD_CLASSES)[-3:] == ["other"] * 3
    assert named(word_codes(text + b" ", WORDS, cut=True), WORD_CLASSES)[-4:-1] == ["common"] * 3


def test_characters_cut_at_the_ends_of_a_text_are_in_no_word():
    data = "é sea é".encode()[1:-1]
    assert named(word_codes(data, WORDS, cut=False), WORD_CLASSES) == [
        *["other"] * 2,
        *["common"] * 3,
        *["other"] * 2,
    ]


def test_words_are_counted_without_regard_to_case_or_marks():
    texts = [["The sea, the SEA; straße"], ["STRASSE 7the_sea", " "]]
    batches = [pa.array(batch, pa.string()) for batch in texts]
    assert count_words(batches) == {"sea": 3, "the": 3, "strasse": 2}


def test_a_token_is_shared_equally_over_its_bytes(encoder):
    # " a" is one token of two bytes; "é" is two tokens of a byte.
    requests = requests_of(encoder, ["bc a é"])
    found = token_bytes(requests, encoder.bytes_of, WORDS)
    assert found.sizes[0].tolist() == [2, 2, 1, 1, 1]
    nats = np.array([1.0, 3.0, 0.5, 2.0, 4.0])
    table = (
        BucketRows.of(documents_of(requests), BucketWeights.of(found)).table(RUN, nats).to_pandas()
    )
    of = table.set_index(["partition", "bucket"])
    assert of.loc["bytes", "nats"].to_dict() == {
        "letters": 1.0 + 1.5,
        "white_space": 1.5 + 0.5,
        "non_ascii": 6.0,
    }
    assert of.loc["bytes", "num_bytes"].to_dict() == {
        "letters": 3,
        "white_space": 2,
        "non_ascii": 2,
    }
    assert of.loc["words", "nats"].to_dict() == {"unseen": 1.0 + 1.5 + 6.0, "other": 2.0}


@pytest.mark.parametrize("masked", [0, 2])
def test_sums_over_buckets_are_the_nats_of_each_document(encoder, masked):
    generator = np.random.default_rng(0)
    letters = list("abc bc 12.,\n the sea gull ÜÉ日本🙂")
    texts = ["".join(generator.choice(letters, 60)) for _ in range(50)]
    requests = requests_of(encoder, texts, masked=masked, cut=range(0, 50, 3))
    found = token_bytes(requests, encoder.bytes_of, WORDS)
    nats = generator.exponential(size=sum(len(row) for row in requests.continuations)) ** 3
    table = (
        BucketRows.of(documents_of(requests), BucketWeights.of(found)).table(RUN, nats).to_pandas()
    )
    ends = np.cumsum([len(row) for row in requests.continuations])[:-1]
    expected = [part.sum() for part in np.split(nats, ends)]
    for partition in PARTITIONS:
        rows = table[table["partition"] == partition].groupby("item", observed=True, sort=False)
        assert list(rows.groups) == requests.items
        np.testing.assert_allclose(rows["nats"].sum(), expected, rtol=1e-9)
        assert rows["num_bytes"].sum().tolist() == requests.num_bytes.tolist()
    assert tuple(table.columns) == BUCKETS_COLUMNS and (table["num_bytes"] > 0).all()


def test_a_token_without_bytes_counts_with_its_neighbour():
    sizes = np.array([0, 2, 0, 0, 1], dtype=np.int32)
    found = TokenBytes(sizes=[sizes], kinds=[byte_codes(b"a1.")], words=None)
    weights = BucketWeights.of(found)
    per_byte = weights.per_byte(np.array([1.0, 2.0, 4.0, 8.0, 16.0]))
    assert per_byte.tolist() == [7.5, 7.5, 16.0]
    assert weights.sums(per_byte, "bytes")[0].tolist() == [7.5, 7.5, 16.0, 0.0, 0.0]


def test_positions_are_seven_buckets_of_equal_logarithm():
    assert position_edges(128).tolist() == [1, 2, 4, 8, 16, 32, 64, 129]
    assert position_edges(2).tolist() == [1, 2, 3]
    edges = position_edges(2048)
    assert len(edges) == 8 and edges[-1] == 2049
    np.testing.assert_allclose(np.diff(np.log(edges[:-1]))[2:], np.log(2048) / 7, atol=0.1)


def test_sums_by_position_are_those_of_a_count_by_hand(encoder):
    requests = requests_of(encoder, ["bcbc", "bc"], masked=0)
    positions = Positions.of([1, 1], [2, 1], np.arange(2), 4)
    nats = np.array([1.0, 5.0, 2.0])
    table = PositionRows.of(documents_of(requests), positions).table(RUN, nats).to_pandas()
    assert tuple(table.columns) == POSITIONS_COLUMNS
    assert table["first_position"].tolist() == [1, 2]
    assert table["num_tokens"].tolist() == [2, 1] and table["nats"].tolist() == [3.0, 5.0]
    np.testing.assert_allclose(table["mean_log_position"], np.log([1, 2]))
    # Two documents of a token each, 1 and 2 nats: the standard error of their mean is 1/2.
    assert table["standard_error"][0] == pytest.approx(0.5)
    assert np.isnan(table["standard_error"][1])


def test_documents_that_overlap_do_not_count_by_position(encoder):
    requests = requests_of(encoder, ["bc", "bc"])
    documents = Documents(family="f", requests=requests, overlaps=np.array([True, False]))
    positions = Positions.of([1, 1], [1, 1], np.arange(2), 4)
    table = PositionRows.of(documents, positions).table(RUN, np.array([7.0, 2.0])).to_pandas()
    assert table["nats"].tolist() == [2.0] and table["num_tokens"].tolist() == [1]


def test_the_tables_of_bytes_and_words_are_read_back(encoder, tmp_path):
    requests = requests_of(encoder, ["bc a", "the é"])
    write_word_counts(count_words([pa.array(["the sea the"])]), tmp_path / "words.parquet")
    words = read_word_counts(tmp_path / "words.parquet")
    assert words == WordCounts(counts={"the": 2, "sea": 1}, total=3)
    for known in (words, None):
        made = token_bytes(requests, encoder.bytes_of, known)
        write_token_bytes(requests, made, tmp_path / "bytes.parquet")
        read = read_token_bytes(tmp_path / "bytes.parquet", requests)
        assert (read.words is None) == (known is None)
        for name in ("sizes", "kinds", *(["words"] if known else [])):
            for ours, theirs in zip(getattr(made, name), getattr(read, name), strict=True):
                np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match=r"bytes\.parquet: made for other requests"):
        read_token_bytes(tmp_path / "bytes.parquet", requests_of(encoder, ["bc a", "the e"]))


DOCUMENTS = {
    "kind": "documents",
    "source": "s",
    "metrics": ["bits_per_byte"],
    "reader": {"kind": "text_files", "files": "*.txt"},
    "domains": {"a": ["a"], "b": ["b"]},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory, tokenizer: Tokenizer, encoder):
    """Requests of two domains, a corpus, a tokenizer and two runs."""
    root = tmp_path_factory.mktemp("buckets")
    tokenizer.save(str(root / "tokenizer.json"))
    generator = np.random.default_rng(3)
    letters = list("abc bc 12.,\n the sea ÜÉ日")
    items = []
    for domain in "ab":
        for number in range(12):
            text = "".join(generator.choice(letters, int(generator.integers(8, 30))))
            tokens = encoder.encode(text)
            options: tuple[Option, ...] = (encoder.window(tokens[:40]),)
            items.append(
                Item(
                    domain=domain,
                    stratum=domain,
                    item=f"{domain}{number}",
                    options=options,
                    truncated=len(tokens) > 40,
                    text=text,
                )
            )
    write_requests(items, root / "requests.parquet")
    train = pa.table({"text": pa.array(["a bc bc", "the sea"], pa.string())})
    pq.write_table(train, root / "train.parquet")
    shape = Shape(
        width=16,
        layers=1,
        heads=1,
        kv_heads=1,
        head_dim=16,
        intermediate=48,
        vocab_size=259,
        context_length=64,
    )
    for seed in range(2):
        decoder = Decoder(shape)
        initialise(decoder, seed)
        columns = dict.fromkeys(SUITE_COLUMNS, 1) | {
            "corpus": "web",
            "budget": "1e9",
            "recipe": "cpu_small",
            "run": f"r{seed}",
        }
        folder = root / f"runs/r{seed}"
        folder.mkdir(parents=True)
        record = {"columns": columns, "spec": {"device": "cpu"}}
        (folder / "record.json").write_text(json.dumps(record))
        save_decoder(decoder, folder / "model")
    call(
        word_counts.main,
        ["--train", str(root / "train.parquet"), "--out", str(root / "words.parquet")],
    )
    call(
        token_bytes_stage.main,
        [
            *("--requests", str(root / "requests.parquet")),
            *("--tokenizer", str(root / "tokenizer.json")),
            *("--words", str(root / "words.parquet"), "--out", str(root / "bytes.parquet")),
        ],
    )
    return root


def run_evaluate(root, name: str, *more: str, buckets: bool) -> dict[str, pd.DataFrame]:
    spec = {"family": "f", "context_length": 64, "settings": DOCUMENTS}
    if buckets:
        spec["buckets"] = True
    outputs = {
        kind: root / f"{name}-{kind}.parquet"
        for kind in ("losses", "items", "buckets", "positions")
    }
    words = ["--spec", json.dumps(spec), "--requests", str(root / "requests.parquet")]
    words += ["--record", *(str(root / f"runs/r{seed}/record.json") for seed in range(2))]
    words += ["--score-cache", str(root / "cache"), "--defined-by", "code", *more]
    for kind, path in outputs.items():
        words += [f"--out-{kind}", str(path)]
    call(evaluate.main, words)
    return {kind: pd.read_parquet(path) for kind, path in outputs.items()}


def test_an_evaluation_sums_by_bucket_and_leaves_losses_and_items_as_they_are(place):
    off = run_evaluate(place, "off", buckets=False)
    on = run_evaluate(place, "on", "--token-bytes", str(place / "bytes.parquet"), buckets=True)
    for kind in ("losses", "items"):
        paths = (place / f"{name}-{kind}.parquet" for name in ("off", "on"))
        assert len({path.read_bytes() for path in paths}) == 1
    assert len(off["buckets"]) == len(off["positions"]) == 0
    assert tuple(off["buckets"].columns) == BUCKETS_COLUMNS
    key = ["run", "domain", "item"]
    nats = on["items"].set_index(key)["numerator"] * np.log(2)
    bytes_of = on["items"].set_index(key)["denominator"]
    assert len(nats) == 2 * 24
    for partition in PARTITIONS:
        rows = on["buckets"][on["buckets"]["partition"] == partition].groupby(key, observed=True)
        sums = rows["nats"].sum()
        np.testing.assert_allclose(sums, nats.reindex(sums.index), rtol=1e-9)
        counts = rows["num_bytes"].sum()
        assert (counts == bytes_of.reindex(counts.index)).all() and len(counts) == len(nats)
    by_domain = on["positions"].groupby(["run", "domain"])
    expected = nats.groupby(["run", "domain"], observed=True).sum()
    np.testing.assert_allclose(by_domain["nats"].sum(), expected, rtol=1e-9)
    requests = read_requests(place / "requests.parquet")
    assert by_domain["num_tokens"].sum().sum() == 2 * sum(map(len, requests.continuations))


def test_sums_by_bucket_need_the_bytes_of_the_tokens(place):
    with pytest.raises(ValueError, match="family 'f': sums by bucket need --token-bytes"):
        run_evaluate(place, "without", buckets=True)


def test_an_interrupted_evaluation_by_token_resumes_with_the_same_sums(place, monkeypatch):
    from relscale.evaluation import score_cache

    more = ("--token-bytes", str(place / "bytes.parquet"))
    first = run_evaluate(place, "fresh", *more, buckets=True)
    monkeypatch.setattr(score_cache, "STORED_FROM_S", 0.0)
    run_evaluate(place, "sums", buckets=False)  # sums alone are stored under other names
    for name in ("stored", "read"):
        again = run_evaluate(place, name, *more, buckets=True)
        for kind, table in first.items():
            pd.testing.assert_frame_equal(again[kind], table)
    assert len(list((place / "cache").iterdir())) == 4
