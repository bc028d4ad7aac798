"""`relscale evaluate`: one model, one family, by hand."""

import hashlib
import io
import json
import math
import tarfile
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from relscale.cli import app
from relscale.contract.losses import LOSSES_COLUMNS
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.plan.architecture import Choices, Shape
from relscale.released.text_table import read_texts, write_texts
from relscale.runtime import call
from relscale.stages import texts as texts_stage
from relscale.text.tokenizer import END_OF_TEXT
from relscale.training.folder import save_folder
from relscale.training.initial import initial_values

ROOT = Path(__file__).parents[3]
OVERLAY = """
sources:
  mine: {kind: local, path: FILES, licence: none, citation: none}
families:
  plain:
    kind: documents
    source: mine
    reader: {kind: domain_folders, files: "**/*.txt"}
    baseline: a
    metrics: [bits_per_byte]
    domains: {a: [a], b: [b]}
  habits:
    kind: risk
    source: mine
    metrics: [choice_probability_per_byte, accuracy]
    domains: {One: [one]}
"""


@pytest.fixture
def place(tmp_path, tokenizer):
    """A model that finds all tokens alike, two domains of documents and a behaviour."""
    shape = Shape(
        width=16,
        layers=1,
        heads=1,
        kv_heads=1,
        head_dim=16,
        intermediate=16,
        vocab_size=259,
        context_length=512,
    )
    values = dict(initial_values(shape, Choices(), seed=0))
    values["lm_head.weight"][:] = 0
    save_folder(tmp_path / "model", shape, Choices(), values)
    tokenizer.save(str(tmp_path / "model/tokenizer.json"))
    special = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END_OF_TEXT}
    (tmp_path / "model/tokenizer_config.json").write_text(json.dumps(special))
    for domain, count in (("a", 3), ("b", 2)):
        (tmp_path / "files" / domain).mkdir(parents=True)
        for number in range(count):
            (tmp_path / f"files/{domain}/{number}.txt").write_text(f"text {number} " * 100)
    answers = (
        {"answer_matching_behavior": right, "answer_not_matching_behavior": wrong}
        for right, wrong in [(" Yes", " No")] * 8
    )
    lines = [
        json.dumps({"question": f"Number {number}?", **answer})
        for number, answer in enumerate(answers)
    ]
    (tmp_path / "files/one.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "mine.yaml").write_text(OVERLAY.replace("FILES", str(tmp_path / "files")))
    return tmp_path


def evaluate(place, family, *more, out="out"):
    options = {
        "--model": place / "model",
        "--family": family,
        "--out": place / out,
        "--config": place / "mine.yaml",
    }
    arguments = [
        str(word) for pair in {**options, "--base": ROOT / "config.yaml"}.items() for word in pair
    ]
    return CliRunner().invoke(app, ["evaluate", *arguments, *more])


def test_documents_by_hand(place):
    done = evaluate(place, "plain")
    assert done.exit_code == 0, done.output
    losses = pd.read_csv(place / "out/losses.csv")
    assert tuple(losses.columns) == LOSSES_COLUMNS
    # Every byte is a token, and all 259 are alike.
    assert losses["value"].tolist() == pytest.approx([math.log2(259)] * 2, rel=1e-5)
    assert losses["num_items"].tolist() == [3, 2] and losses["num_bytes"].tolist() == [
        3 * 699,
        2 * 699,
    ]
    assert (
        losses["num_params_total"].nunique() == 1 and losses["num_params_head"].iloc[0] == 259 * 16
    )
    assert len(pd.read_parquet(place / "out/items.parquet")) == 5
    record = json.loads((place / "out/record.json").read_text())
    assert record["context_length"] == 512 and record["texts"]["domains"]["a"]["items"] == 3
    summary = (place / "out/summary.txt").read_text()
    assert summary == done.stdout
    assert "domain  metric" in summary and "8.0168" in summary and "window 512" in summary


def test_a_domain_that_the_tokenizer_changes_has_a_reason_in_place_of_a_value(place):
    file = place / "model/tokenizer.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "normalizer": {"type": "Lowercase"}}))
    (place / "files/b/0.txt").write_text("TEXT in capitals " * 100)
    done = evaluate(place, "plain")
    assert done.exit_code == 0, done.output
    losses = pd.read_csv(place / "out/losses.csv").set_index("domain")
    assert losses.loc["a", "value"] == pytest.approx(math.log2(259), rel=1e-5)
    assert math.isnan(losses.loc["b", "value"])
    reason = "1 of 2 texts do not come back from the tokenizer's tokens"
    assert losses.loc["b", "excluded_reason"] == reason
    assert set(pd.read_parquet(place / "out/items.parquet")["domain"]) == {"a"}
    record = json.loads((place / "out/record.json").read_text())
    assert (record["left_out"], record["lost_by_domain"]) == ({"lost": 1}, {"b": 1})
    assert f"b: {reason}" in done.stdout.splitlines()
    assert "items left out, since their text does not come back: 1" in done.stdout.splitlines()


def test_questions_by_hand_are_at_chance(place):
    done = evaluate(place, "habits", "--limit", "6")
    assert done.exit_code == 0, done.output
    losses = pd.read_csv(place / "out/losses.csv").set_index("metric")
    # Bits per byte of both answers are alike, so is their probability; the first of equals counts
    # as chosen.
    assert losses.loc["choice_probability_per_byte", "value"] == pytest.approx(0.5, rel=1e-5)
    assert losses["num_items"].tolist() == [6, 6]
    assert json.loads((place / "out/record.json").read_text())["texts"]["domains"]["One"][
        "left_out"
    ] == {"over_cap": 2}


@pytest.mark.parametrize(
    ("family", "more", "message"),
    [
        (
            "none",
            [],
            "--family 'none': is not in families; the choices are validation, knowledge",
        ),
        (
            "validation",
            [],
            "families.validation: kind validation needs the tokenizer of a suite",
        ),
        ("plain", ["--max-length", "9999"], "a window of 9999 tokens; the model allows 512"),
        ("habits", [], "one.jsonl line 9: not valid JSON"),
    ],
)
def test_what_cannot_be_evaluated_is_said(place, family, more, message):
    with (place / "files/one.jsonl").open("a") as handle:
        handle.write('{"question": \n')
    done = evaluate(place, family, *more)
    # `relscale.runtime` makes one line of it.
    assert isinstance(done.exception, ValueError) and message in str(done.exception)
    assert not (place / "out/losses.csv").exists()


def test_a_source_of_the_same_name_and_another_version_is_fetched_again(place):
    archive, sizes = place / "pack.tar.gz", {}
    for version, text in (("1.0", "one text"), ("2.0", "another text")):
        with tarfile.open(archive, "w:gz") as packed:
            for domain in "ab":
                content = (f"{domain} {text} " * 100).encode()
                entry = tarfile.TarInfo(f"{domain}/0.txt")
                entry.size = len(content)
                packed.addfile(entry, io.BytesIO(content))
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        source = (
            f"{{kind: package, package: pack, version: '{version}', archive: sdist, "
            f"path: {archive}, sha256: '{digest}', licence: none, citation: none}}"
        )
        local = "{kind: local, path: FILES, licence: none, citation: none}"
        (place / "mine.yaml").write_text(OVERLAY.replace(local, source))
        done = evaluate(place, "plain", "--sources", str(place / "kept"), out=version)
        assert done.exit_code == 0, (done.output, done.exception)
        sizes[version] = pd.read_csv(place / version / "losses.csv")["num_bytes"].tolist()
    assert sizes == {"1.0": [1099, 1099], "2.0": [1499, 1499]}
    assert len(list((place / "kept").iterdir())) == 2


def test_a_wrong_model_is_said_before_sources_are_fetched(place):
    source = (
        "{kind: package, package: nowhere-to-be-found, version: '1', archive: wheel, "
        f"sha256: {'a' * 64}, path: {place / 'absent'}, licence: none, citation: none}}"
    )
    local = "{kind: local, path: FILES, licence: none, citation: none}"
    (place / "mine.yaml").write_text(OVERLAY.replace(local, source))
    done = evaluate(place, "plain")
    assert "absent': no such file" in str(done.exception)
    (place / "model/config.json").unlink()
    done = evaluate(place, "plain")
    assert "model: has no config.json" in str(done.exception)


def test_texts_through_their_file(place):
    spec = {
        "family": "plain",
        "settings": {
            "kind": "documents",
            "source": "mine",
            "reader": {"kind": "domain_folders", "files": "**/*.txt"},
            "metrics": ["bits_per_byte"],
            "domains": {"a": ["a"]},
        },
    }
    (place / "manifest.json").write_text("{}")
    words = [
        "--source",
        str(place / "manifest.json"),
        "--out",
        str(place / "t.parquet"),
        "--manifest",
        str(place / "t.json"),
    ]
    call(texts_stage.main, ["--spec", json.dumps(spec), *words])
    items, documents = read_texts(place / "t.parquet")
    assert not items and sorted(document.text[:6] for document in documents) == [
        "text 0",
        "text 1",
        "text 2",
    ]
    manifest = json.loads((place / "t.json").read_text())
    assert manifest["domains"]["a"]["items"] == 3 and manifest["outside_domains"] == {"b": 2}


def test_texts_file_keeps_everything(tmp_path):
    from relscale.evaluation.samples import FamilyTexts

    item = TextItem(
        domain="d", stratum="s", item="i", prefix="p\n\n", context="c", options=(" é", " b"), gold=1
    )
    document = TextDocument(domain="d", stratum="s", item="j", text="")
    write_texts(FamilyTexts(items=[item], documents=[document]), tmp_path / "t.parquet")
    assert read_texts(tmp_path / "t.parquet") == ([item], [document])
    write_texts(FamilyTexts(), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match=r"t\.parquet: has no texts"):
        read_texts(tmp_path / "t.parquet")
