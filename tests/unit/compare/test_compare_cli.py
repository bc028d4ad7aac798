"""`relscale compare`: every command of docs/user/compare.md, and errors as one line."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest
from planted_items import items_of, losses_of
from typer.testing import CliRunner

from relscale.cli import app
from relscale.compare.spec import CompareSettings
from relscale.plan.architecture import Choices, Shape
from relscale.text.tokenizer import END_OF_TEXT
from relscale.training.folder import save_folder
from relscale.training.initial import initial_values

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/user/compare.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
OVERLAY = """
sources:
  mine: {kind: local, path: FILES, licence: none, citation: none}
families:
  notes:
    kind: documents
    source: mine
    reader: {kind: domain_folders, files: "**/*.txt"}
    baseline: a
    metrics: [bits_per_byte]
    domains: {a: [a], b: [b]}
"""
CSV = re.findall(r"^```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[0]
SHAPE = Shape(
    width=16,
    layers=1,
    heads=1,
    kv_heads=1,
    head_dim=16,
    intermediate=16,
    vocab_size=259,
    context_length=512,
)


def save_model(folder, seed, tokenizer):
    """Save a small model; models of other seeds have other values."""
    save_folder(folder, SHAPE, Choices(), dict(initial_values(SHAPE, Choices(), seed=seed)))
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END_OF_TEXT}
    (folder / "tokenizer_config.json").write_text(json.dumps(special))


@pytest.fixture
def place(tmp_path, tokenizer, monkeypatch):
    """A folder with everything that the page's commands read."""
    for name, seed in (("small", 0), ("large", 1)):
        save_model(tmp_path / "models" / name, seed, tokenizer)
    for domain, count in (("a", 8), ("b", 7)):
        (tmp_path / "files" / domain).mkdir(parents=True)
        for number in range(count):
            text = f"text {number} of {domain} " * (10 + 3 * number)
            (tmp_path / f"files/{domain}/{number}.txt").write_text(text)
    (tmp_path / "mine.yaml").write_text(OVERLAY.replace("FILES", str(tmp_path / "files")))
    shutil.copy(ROOT / "config.yaml", tmp_path)
    items, losses = [], []
    for corpus in ("web", "curated"):
        for budget in ("1e11", "1e12"):
            made = items_of(f"{corpus}-{budget}-d32-L1-B2-s0", corpus=corpus, seed=len(items))
            items.append(made)
            losses.append(losses_of(made, budget, 32, 0))
    folder = tmp_path / "results/default/evaluations/topics"
    folder.mkdir(parents=True)
    pd.concat(items).to_parquet(folder / "items.parquet", index=False)
    pd.concat(losses).to_parquet(folder / "losses.parquet", index=False)
    head, *rows = CSV.splitlines()
    rows = [
        row.replace(",q", f",{copy}q").replace("contract 7", f"contract {copy}")
        for copy in range(10)
        for row in rows
    ]
    (tmp_path / "ours.csv").write_text("\n".join([head, *rows]) + "\n")
    theirs = [row.replace(",ours,", ",theirs,") for row in rows]
    theirs[8:] = [row.replace(",1,1", ",0,1") for row in theirs[8:]]
    (tmp_path / "theirs.csv").write_text("\n".join([head, *theirs]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(block):
    """Return the words of each command of a block, without the program."""
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line.removeprefix(".venv/bin/relscale ")) for line in lines]


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_page_has_commands_for_all_kinds_of_sides():
    words = [" ".join(command) for block in BLOCKS for command in commands(block)]
    for part in ("--model-a", "--a corpus:", "--a web", "ours.csv theirs.csv", "scores/small sco"):
        assert any(part in command for command in words), part


@pytest.mark.parametrize("block", BLOCKS)
def test_every_command_of_the_page_runs(place, block):
    for words in commands(block):
        done = invoke(*words)
        assert done.exit_code == 0, (words, done.output, done.exception)
        out = place / words[words.index("--out") + 1]
        assert (out / "summary.txt").read_text(encoding="utf-8") == done.stdout
    assert (out / "comparison.png").stat().st_size > 5000
    rows = json.loads((out / "comparison.json").read_text(encoding="utf-8"))["domains"]
    assert rows and all(row["status"] in ("ok", "few_clusters") for row in rows)
    for row in rows:
        assert row["ci_low"] < row["difference"] < row["ci_high"]


def test_models_evaluated_first_have_the_numbers_of_their_folders(place):
    blocks = [commands(block) for block in BLOCKS if "models/small" in block]
    tables = []
    for block in blocks:
        for words in block:
            assert invoke(*words).exit_code == 0
        tables.append(pd.read_csv(place / "small_or_large/comparison.csv"))
    assert len(tables) == 2
    pd.testing.assert_frame_equal(*tables)
    by_hand = pd.read_csv(place / "scores/small/losses.csv")["value"]
    assert tables[0]["value_a"].tolist() == pytest.approx(by_hand.tolist(), rel=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "0 table(s) are given: give two items tables, one with --a and --b, or"),
        (["ours.csv"], "ours.csv: one table needs both sides"),
        (["ours.csv", "ours.csv"], "both sides are the same run(s) of the same table, ours"),
        (["ours.csv", "none.csv"], "none.csv: no such file"),
        (["ours.csv", "theirs.csv", "ours.csv"], "3 table(s) are given"),
        (["--model-a", "models/small"], "one of them is missing"),
        (["--model-a", "m", "--model-b", "m", "--family", "notes"], "are the same model, 'm'"),
        (["--model-a", "m", "--model-b", "n"], "0 families are given: models need one --family"),
        (["ours.csv", "--model-a", "m"], "--model-a and --model-b replace the tables"),
        (["ours.csv", "theirs.csv", "--margin", "x"], "margin is 'x'"),
        (["ours.csv", "theirs.csv", "--texts", "ours.csv"], "ours.csv: missing column(s) text"),
        (["ours.csv", "results/default/evaluations/topics", "--b", "corpus:web"], "one side is a"),
    ],
)
def test_wrong_words_are_said(place, words, message):
    done = invoke("compare", *words, "--out", "out")
    # `relscale.runtime` makes one line of it.
    assert isinstance(done.exception, ValueError) and message in str(done.exception)
    assert not (place / "out").exists()


def test_a_file_in_the_place_of_the_results_is_said_before_any_work(place):
    (place / "old").write_text("")
    for words in (["ours.csv", "theirs.csv"], ["--model-a", "none", "--model-b", "other"]):
        done = invoke("compare", *words, "--out", "old")
        assert str(done.exception) == "--out old: it is a file, and a folder is needed"
    done = invoke("compare", "ours.csv", "theirs.csv", "--out", "new.csv")
    assert "--out new.csv: a folder is needed, and this is the name of a table" in str(
        done.exception
    )


def test_every_setting_is_an_option():
    done = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["compare", "--help"])
    for name in CompareSettings.model_fields:
        assert f"--{name.replace('_', '-')}" in done.output
