"""The stages from sources to tables, run one after another on small made-up sources."""

import hashlib
import json
import random
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from relscale.contract.text_tables import CORPORA_COLUMNS, SOURCES_COLUMNS
from relscale.files import read_json, sha256_of
from relscale.runtime import call
from relscale.text.tokenizer import END_OF_TEXT_ID, load_tokenizer

READER = {"kind": "json", "files": "*.json", "text": "text"}
CORPORA = {"decontaminate_against": ["exam"], "window_words": 5, "validation_share": 0.2}
EXAM = "what colour is the old house"


def prose(seed: int) -> str:
    generator = random.Random(seed)
    return " ".join(f"word{generator.randrange(400)}" for _ in range(30))


def stage(name: str, *arguments: object) -> None:
    """Run a stage with words of a command line."""
    call(import_module(f"relscale.stages.{name}").main, [str(word) for word in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run every stage once; the folder of their outputs."""
    root = tmp_path_factory.mktemp("stages")
    texts = {
        "one": [prose(seed) for seed in range(60)],
        "two": [*(prose(seed) for seed in range(100, 160)), f"Say: {EXAM}?"],
        "exam": [EXAM],
    }
    for name, some in texts.items():
        (root / f"{name}.json").write_text(
            json.dumps([{"text": text, "question": text} for text in some])
        )
        spec = {"name": name, "kind": "local", "path": str(root / f"{name}.json")}
        folder = root / "sources" / name
        stage(
            "source",
            "--spec",
            json.dumps(spec),
            "--manifest",
            folder / "manifest.json",
            "--files",
            folder / "files",
            "--local-copy",
            root / f"{name}.json",
        )
    sources = [f"{name}={root / 'sources' / name / 'manifest.json'}" for name in texts]
    for corpus, components in (("small", ["one"]), ("large", ["one", "two"])):
        spec: dict[str, Any] = {
            "corpus": corpus,
            "mixture": {
                "components": [{"source": source, "reader": READER} for source in components]
            },
            "corpora": CORPORA,
            "decontaminate_against": {
                "exam": {"kind": "documents", "source": "exam", "reader": READER}
            },
        }
        folder = root / corpus
        outputs = [
            item
            for split in ("train", "validation")
            for item in (f"--out-{split}", folder / f"{split}.parquet")
        ]
        stage(
            "documents",
            "--spec",
            json.dumps(spec),
            "--source",
            *sources,
            *outputs,
            "--out-report",
            folder / "report.json",
        )
    tokenizer = {"vocab_size": 280, "trained_on": ["small"], "mb_per_corpus": 1.0}
    pairs = [f"{corpus}={root / corpus / 'train.parquet'}" for corpus in ("small", "large")]
    stage(
        "tokenizer",
        "--spec",
        json.dumps(tokenizer),
        "--train",
        *pairs,
        "--out",
        root / "tokenizer.json",
    )
    for corpus in ("small", "large"):
        inputs = [
            item
            for split in ("train", "validation")
            for item in (f"--{split}", root / corpus / f"{split}.parquet")
        ]
        outputs = [
            item
            for split in ("train", "validation")
            for item in (f"--out-{split}", root / corpus / f"{split}.bin")
        ]
        report = [
            "--report",
            root / corpus / "report.json",
            "--manifest",
            root / corpus / "manifest.json",
        ]
        stage(
            "shards",
            "--spec",
            json.dumps({"corpus": corpus}),
            "--tokenizer",
            root / "tokenizer.json",
            *inputs,
            *outputs,
            *report,
        )
    manifests = [root / corpus / "manifest.json" for corpus in ("small", "large")]
    stage("corpora_table", "--manifest", *manifests, "--out", root / "corpora.csv")
    stage(
        "sources_table",
        "--spec",
        json.dumps(
            {
                name: {"licence": "public domain", "citation": f"Someone, {name}"}
                for name in ("one", "two")
            }
        ),
        "--manifest",
        *(root / "sources" / name / "manifest.json" for name in ("two", "one")),
        "--out",
        root / "sources.csv",
    )
    return root


def test_manifest_counts_what_the_files_hold(made: Path) -> None:
    manifest = read_json(made / "large" / "manifest.json")
    assert (manifest["corpus"], manifest["dtype"], manifest["vocab_size"]) == ("large", "<u2", 280)
    for split, suffix in (("train", ""), ("validation", "_validation")):
        tokens = np.fromfile(made / "large" / f"{split}.bin", dtype=manifest["dtype"])
        assert (
            manifest[f"tokens{suffix}"]
            == len(tokens)
            == sum(row[f"tokens{suffix}"] for row in manifest["rows"])
        )
        assert manifest[f"documents{suffix}"] == int((tokens == END_OF_TEXT_ID).sum())
        assert manifest["sha256"][f"{split}.bin"] == sha256_of(made / "large" / f"{split}.bin")
    assert manifest["tokenizer_sha256"] == sha256_of(made / "tokenizer.json")


def test_evaluation_text_is_not_in_the_tokens(made: Path) -> None:
    tokens = np.fromfile(made / "large" / "train.bin", dtype="<u2")
    text = load_tokenizer(made / "tokenizer.json").decode(
        tokens.tolist(), skip_special_tokens=False
    )
    assert "word" in text and "colour" not in text


def test_corpora_table(made: Path) -> None:
    table = pd.read_csv(made / "corpora.csv")
    assert tuple(table.columns) == CORPORA_COLUMNS
    assert table[["corpus", "component", "source"]].values.tolist() == [
        ["large", 0, "one"],
        ["large", 1, "two"],
        ["small", 0, "one"],
    ]
    assert table["documents_read"].tolist() == [60, 61, 60]
    assert table["paragraphs_decontaminated"].tolist() == [0, 1, 0]
    assert (table["tokens"] > table["documents"] * 30).all()


def test_sources_table(made: Path) -> None:
    table = pd.read_csv(made / "sources.csv")
    assert tuple(table.columns) == SOURCES_COLUMNS
    assert table["source"].tolist() == ["one", "two"]
    assert table["citation"].tolist() == ["Someone, one", "Someone, two"]


def test_errors_of_a_stage_name_what_is_wrong(made: Path, tmp_path: Path) -> None:
    spec = json.dumps({"vocab_size": 280, "trained_on": ["other"], "mb_per_corpus": 1.0})
    with pytest.raises(
        ValueError, match=r"tokenizer\.trained_on: no documents of other given; --train has small"
    ):
        stage(
            "tokenizer",
            "--spec",
            spec,
            "--train",
            f"small={made / 'small' / 'train.parquet'}",
            "--out",
            tmp_path / "t.json",
        )
    assert list(tmp_path.iterdir()) == []


def test_tokens_and_tables_are_the_golden_ones(made: Path) -> None:
    """The golden checksums are those of the code before readers and specs were restructured.

    Documents are compared as text: the bytes of a Parquet file depend on the version of pyarrow.
    """
    golden = read_json(Path(__file__).parents[2] / "golden" / "text.json")
    found = {name: sha256_of(made / name) for name in golden["files"]}
    assert found == golden["files"]
    texts = {
        name: pd.read_parquet(made / name).to_csv(index=False, lineterminator="\n")
        for name in golden["documents"]
    }
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    assert digests == golden["documents"]
