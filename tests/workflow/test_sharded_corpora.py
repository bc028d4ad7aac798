"""A sharded corpus through Snakemake: planned without its text, made with it, and what another weight makes again."""

import gzip
import json
import shutil

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

pytestmark = pytest.mark.workflow
ENOUGH = "results/sharded/tables/enough_tokens.json"


def overlay(weight=2, path="data/text", shards=2):
    components = {
        "one": {"source": "mine", "files": "a-*.jsonl.gz", "weight": weight, "shards": shards},
        "two": {"source": "mine", "files": "b-*.jsonl.gz", "weight": 1},
    }
    big = {"validation_share": 0.05, "max_epochs": 50, "components": components}
    return {
        "experiment": "sharded",
        "sources": {"mine": {"kind": "local", "path": path, "licence": "ours", "citation": "us"}},
        "corpora": {
            "decontaminate_against": [],
            "sharded": {"big": big},
        },
        "tokenizer": {"vocab_size": 260, "trained_on": [], "given": {"path": "data/tokenizer.json"}},
        "suite": {"corpora": ["big"], "budgets": [{"label": "3e9", "shapes": ["8x1"]}]},
        "evaluate": ["validation"],
        "figures": {"corpus": "big", "names": ["isoflop_curves"], "teaser": ["language"]},
    }


@pytest.fixture
def text(checkout):
    """Text and a tokenizer in the copy of the checkout; both are gone afterwards."""
    folder = checkout.folder / "data/text"
    folder.mkdir(parents=True)
    for name in ("a-0", "a-1", "b-0"):
        with gzip.open(folder / f"{name}.jsonl.gz", "wt") as handle:
            handle.writelines(json.dumps({"text": f"{name} says {number} " * 12}) + "\n" for number in range(400))
    vocabulary = {character: number for number, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    names = ["<|end_of_text|>", "<|reserved_0|>", "<|reserved_1|>", "<|reserved_2|>"]
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in names])
    (checkout.folder / "data/tokenizer.json").write_text(tokenizer.to_str())
    yield folder
    shutil.rmtree(checkout.folder / "data")


def test_shards_are_made_once_and_weights_are_read_late(checkout, text):
    checkout.snakemake("--", ENOUGH, overlay=overlay())
    components = sorted((checkout.folder / "results/shared/components").iterdir())
    assert [len(list(folder.glob("*.bin"))) for folder in components] == [2, 1]
    assert checkout.stale(overlay(), ENOUGH) == {}
    assert checkout.stale(overlay(weight=3), ENOUGH) == {"sharded_corpus": 1, "enough_tokens": 1}
    assert checkout.stale(overlay(shards=1), ENOUGH) == {"shard_plan": 1, "shard": 1, "sharded_corpus": 1, "enough_tokens": 1}


def test_text_that_is_not_there_is_missed_when_it_is_read(checkout, text):
    missing = overlay(path="data/nowhere")
    assert checkout.stale(missing, ENOUGH)["shard_plan"] == 2
    done = checkout.snakemake("--", ENOUGH, overlay=missing, check=False)
    assert done.returncode != 0
    assert "error: sources.mine.path = 'data/nowhere': no such file or folder" in done.stdout + done.stderr
