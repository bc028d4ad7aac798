"""Sums by bucket and by position of released models: they add up, with tokenizers of all kinds."""

import json

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from relscale.config.families import DocumentFamily
from relscale.config.released import ReleasedModelRow
from relscale.contract.losses import RUN_COLUMNS
from relscale.evaluation.samples import FamilyTexts
from relscale.evaluation.texts import TextDocument
from relscale.released.opened_model import open_released
from relscale.released.released_tokenizer import ReleasedTokenizer
from relscale.released.score_family import Texts, score_family
from relscale.released.text_table import write_texts
from relscale.runtime import call
from relscale.stages import evaluate_released

COLUMNS = {**dict.fromkeys(RUN_COLUMNS, 1), "corpus": "x", "run": "r"}
PIECES = ["the river ", "naïve 中文 ", "12, ", "Question: Ωmega\n", "🙂🙂", "zq"]


def family(masked: int) -> DocumentFamily:
    return DocumentFamily(
        kind="documents",
        source="s",
        reader={"kind": "domain_folders", "files": "*"},
        metrics=["bits_per_byte"],
        domains={"a": ["a"], "b": ["b"]},
        masked_tokens=masked,
    )


def documents() -> list[TextDocument]:
    generator = np.random.default_rng(0)
    return [
        TextDocument(
            domain=domain,
            stratum=domain,
            item=f"{domain}{number}",
            text="".join(generator.choice(PIECES, 3 + 12 * number)).strip(),
        )
        for domain in "ab"
        for number in range(6)
    ]


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen3"])
@pytest.mark.parametrize("masked", [0, 3])
def test_sums_are_the_nats_of_each_document_and_losses_stay(models, kind, masked):
    # Windows of 40 tokens, so that most documents have several.
    model = open_released(str(models[kind]), max_length=40)
    texts = Texts(family="f", settings=family(masked), documents=documents())
    off = score_family(model, COLUMNS, texts, 30)
    on = score_family(model, COLUMNS, texts, 30, buckets=True)
    assert off.losses == on.losses and off.items.equals(on.items)
    assert len(off.buckets) == len(off.positions) == 0
    items = on.items.to_pandas().set_index(["domain", "item"])
    rows = on.buckets.to_pandas().groupby(["domain", "item"], observed=True)
    assert set(on.buckets["partition"].to_pylist()) == {"bytes"}
    sums, counts = rows["nats"].sum(), rows["num_bytes"].sum()
    assert len(sums) == 12
    np.testing.assert_allclose(sums, (items["numerator"] * np.log(2)).reindex(sums.index), 1e-9)
    assert (counts == items["denominator"].reindex(counts.index)).all()
    positions = on.positions.to_pandas()
    np.testing.assert_allclose(
        positions.groupby("domain")["nats"].sum(),
        items["numerator"].groupby("domain", observed=True).sum() * np.log(2),
        rtol=1e-9,
    )
    assert positions["last_position"].max() == 40


def byte_level(**post) -> ReleasedTokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: index for index, character in enumerate(alphabet)}
    vocabulary |= {"Ġa": 256, "Ã©": 257}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ġ", "a"), ("Ã", "©")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(**post)
    return wrapped(tokenizer)


def wrapped(tokenizer: Tokenizer) -> ReleasedTokenizer:
    from transformers import PreTrainedTokenizerFast

    return ReleasedTokenizer(PreTrainedTokenizerFast(tokenizer_object=tokenizer), "m", 0)


@pytest.mark.parametrize("trim", [True, False])
def test_bytes_of_tokens_with_and_without_the_space_in_their_offsets(trim):
    tokenizer = byte_level(trim_offsets=trim)
    # The tokens are "b", " a", "é", " ", the three bytes of "日", and "!".
    text = "b aé 日!"
    assert tokenizer.token_sizes(text, 0).tolist() == [1, 2, 2, 1, 3, 0, 0, 1]
    assert tokenizer.token_sizes(text, 2).tolist() == [2, 1, 3, 0, 0, 1]
    for masked in range(8):
        assert tokenizer.token_sizes(text, masked).sum() == tokenizer.bytes_after(text, masked)


def test_bytes_of_pieces_with_a_space_that_is_not_in_the_text():
    vocabulary = [("<unk>", 0.0), ("▁the", -1.0), ("▁sea", -1.0), ("s", -2.0), ("é", -2.0)]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    assert wrapped(tokenizer).token_sizes("the seas é", 0).tolist() == [3, 4, 1, 1, 2]


def test_the_stage_writes_sums_only_where_the_spec_asks_for_them(models, tmp_path):
    texts = FamilyTexts(documents=documents())
    write_texts(texts, tmp_path / "texts.parquet")
    model = ReleasedModelRow(
        corpus="x", run="r", budget="1e9", model=str(models["gpt2"]), tokens=100, training_flops=1e9
    )
    spec = {
        "family": "f",
        "settings": family(0).model_dump(mode="json", exclude={"baseline", "buckets"}),
        "models": [model.model_dump(mode="json")],
        "folder": None,
        "max_length": 40,
        "stride": None,
        "dtype": "float32",
    }
    kinds = ("losses", "items", "record", "buckets", "positions")
    for name, more in (("off", {}), ("on", {"buckets": True})):
        paths = {kind: tmp_path / f"{name}-{kind}" for kind in kinds}
        outputs = [word for kind, path in paths.items() for word in (f"--out-{kind}", str(path))]
        words = ["--spec", json.dumps(spec | more), "--defined-by", "code"]
        call(
            evaluate_released.main,
            [*words, "--texts", str(tmp_path / "texts.parquet"), *outputs],
        )
    assert len(pd.read_parquet(tmp_path / "off-buckets")) == 0
    assert len(pd.read_parquet(tmp_path / "on-buckets")) > 12
    for kind in ("losses", "items"):
        pd.testing.assert_frame_equal(
            *(pd.read_parquet(tmp_path / f"{name}-{kind}") for name in ("off", "on"))
        )
