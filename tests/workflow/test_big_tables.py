"""A suite of any size: a table of 1,000 released models makes a spec longer than a word may be."""

import csv
import json

import pytest
from byte_tokenizer import tokenizer

from relscale.plan.architecture import Choices, Shape
from relscale.text.tokenizer import END_OF_TEXT
from relscale.training.folder import save_folder
from relscale.training.initial import initial_values

__all__ = ["tokenizer"]  # a fixture
pytestmark = pytest.mark.workflow

MODELS = 1000
LONGEST_WORD = 128 * 1024
"""Bytes that the kernel of Linux allows in one argument (MAX_ARG_STRLEN)."""
SHAPE = Shape(
    width=16,
    layers=1,
    heads=1,
    kv_heads=1,
    head_dim=16,
    intermediate=16,
    vocab_size=259,
    context_length=64,
)


@pytest.fixture
def overlay(checkout, tokenizer):
    """An experiment of 1,000 checkpoints, all the same model."""
    folder = checkout.folder / "many"
    save_folder(folder / "model", SHAPE, Choices(), dict(initial_values(SHAPE, Choices(), seed=0)))
    tokenizer.save(str(folder / "model/tokenizer.json"))
    special = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END_OF_TEXT}
    (folder / "model/tokenizer_config.json").write_text(json.dumps(special))
    (folder / "a.csv").write_text("text,host\nwords,one\nwords,two\n")
    rows = ["corpus,run,budget,model,tokens,forward_flops"]
    for number in range(MODELS):
        budget = ("1e15", "3e15", "1e16", "3e16")[number % 4]
        tokens = int(float(budget) / (2 * (2e5 + 1000 * number)))
        rows.append(f"ours,step{number:04d},{budget},many/model,{tokens},{budget}")
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    family = {
        "kind": "documents",
        "source": "mine",
        "reader": {"kind": "csv", "files": "a.csv", "text": "text", "domain": "host"},
        "baseline": "one",
        "metrics": ["bits_per_byte"],
        "documents_per_domain": 50,
        "domains": {"one": ["one"], "two": ["two"]},
    }
    return {
        "experiment": "many",
        "released": {"table": "many/table.csv"},
        "sources": {"mine": {"kind": "local", "path": "many", "licence": "own", "citation": "own"}},
        "families": {"docs": family},
        "evaluate": ["docs"],
        "laws": {"compute": "forward_flops", "optimum_by": "docs"},
        "figures": {
            "names": ["figure1_teaser"],
            "corpus": "ours",
            "teaser": ["docs"],
            "size_or_data": "docs",
        },
    }


def test_a_table_of_a_thousand_models_is_planned_and_then_up_to_date(checkout, overlay):
    target = "results/many/tables/suite.csv"
    checkout.snakemake("--", target, overlay=overlay)
    with (checkout.folder / target).open() as file:
        runs = [row["run"] for row in csv.DictReader(file)]
    assert runs == [f"step{number:04d}" for number in range(MODELS)]
    record = checkout.folder / "benchmarks/results/many/released_models.jsonl"
    spec = json.loads(record.read_text())["params"]["spec"]
    assert len(spec) > LONGEST_WORD
    assert not list((checkout.folder / ".snakemake").glob("shell_tmp*"))
    assert checkout.stale(overlay, target) == {}
