"""A sharded corpus through Snakemake: what is made once, what other weights and other text make
again, and what needs no text any more."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from checkouts import copy_checkout
from staleness import Planner, named, with_all_that_follows
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

pytestmark = pytest.mark.workflow


def overlay(weight=2, path="data/text", shards=2):
    components = {
        "one": {"source": "mine", "files": "a-*.jsonl.gz", "weight": weight, "shards": shards},
        "two": {"source": "mine", "files": "b-*.jsonl.gz", "weight": 1},
    }
    big = {"validation_share": 0.05, "max_epochs": 50, "components": components}
    return {
        "experiment": "sharded",
        "sources": {
            "mine": {"kind": "local", "path": path, "licence": "ours", "citation": "us"},
            "pages": {"kind": "local", "path": "data/pages", "licence": "ours", "citation": "us"},
        },
        "families": {
            "pages": {
                "kind": "documents",
                "source": "pages",
                "reader": {
                    "kind": "json",
                    "files": "pages.jsonl",
                    "text": "page",
                    "domain": "topic",
                },
                "baseline": "One",
                "metrics": ["bits_per_byte"],
                "tokens_per_domain": 100,
                "domains": {"One": ["one"], "Two": ["two"]},
            }
        },
        "corpora": {"decontaminate_against": ["pages"], "sharded": {"big": big}},
        "tokenizer": {
            "vocab_size": 260,
            "trained_on": [],
            "given": {"path": "data/tokenizer.json"},
        },
        "suite": {"corpora": ["big"], "budgets": [{"label": "3e9", "shapes": ["8x1"]}]},
        "evaluate": ["validation"],
        "figures": {"corpus": "big", "names": ["isoflop_curves"], "teaser": ["language"]},
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A copy of the checkout with text and a tokenizer of one's own, in which the experiment
    ran."""
    checkout = copy_checkout(tmp_path_factory.mktemp("checkout"), "")
    data = checkout.folder / "data"
    for name in ("text", "pages"):
        (data / name).mkdir(parents=True)
    for name in ("a-0", "a-1", "b-0"):
        with gzip.open(data / f"text/{name}.jsonl.gz", "wt") as handle:
            handle.writelines(
                json.dumps({"text": f"{name} says {number} " * 12}) + "\n" for number in range(400)
            )
    pages = [{"page": f"A page of {topic}.", "topic": topic} for topic in ("one", "two")]
    (data / "pages/pages.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    vocabulary = {
        character: number
        for number, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))
    }
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer, tokenizer.decoder = (
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    names = ["<|end_of_text|>", "<|reserved_0|>", "<|reserved_1|>", "<|reserved_2|>"]
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in names])
    (data / "tokenizer.json").write_text(tokenizer.to_str())
    checkout.snakemake(overlay=overlay())
    return checkout


@pytest.fixture(scope="module")
def planner(made):
    """The jobs that Snakemake would run in the copy."""
    asked = Planner(made)
    yield asked
    asked.close()


def stale(planner, **changed):
    """Return how many jobs of each rule would run, but those that are made from their results."""
    jobs = planner.jobs(overlay(**changed))
    needed = [job for job in jobs if job["needed"]]
    remade = {path for job in needed for path in job["outputs"]}
    first = [job for job in needed if not remade & {*job["inputs"], *job["ancient"]}]
    assert sorted(map(named, needed)) == with_all_that_follows(jobs, lambda job: job in first)
    return Counter(job["rule"] for job in first)


@contextmanager
def kept(*paths):
    """Put files and folders back as they were, times among them."""
    for path in paths:
        copy = shutil.copytree if path.is_dir() else shutil.copy2
        copy(path, path.with_name(f".kept-{path.name}"))
    try:
        yield
    finally:
        for path in paths:
            if path.exists():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            path.with_name(f".kept-{path.name}").rename(path)


def test_shards_are_made_once_and_weights_are_read_late(made, planner):
    components = sorted((made.folder / "results/shared/components").iterdir())
    assert [len(list(folder.glob("*.bin"))) for folder in components] == [2, 1]
    assert stale(planner) == {}
    assert stale(planner, weight=3) == {"sharded_corpus": 1}
    assert stale(planner, shards=1) == {"shard_plan": 1}


def test_another_text_makes_what_is_built_on_it_and_a_file_beside_it_nothing(made, planner):
    data = made.folder / "data"
    text, pages = data / "text/b-0.jsonl.gz", data / "pages/pages.jsonl"
    with kept(data / "text"):
        (data / "text/README.md").write_text("where it comes from")
        os.utime(text)
        assert stale(planner) == {}
        with gzip.open(data / "text/a-2.jsonl.gz", "wt") as handle:
            handle.write('{"text": "more"}\n')
        assert stale(planner) == {"shard_plan": 1}
    with kept(text):
        before = text.stat()
        text.write_bytes(text.read_bytes()[:-1] + b"!")
        os.utime(text, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        assert text.stat().st_size == before.st_size
        assert stale(planner) == {"shard_plan": 1}
        jobs = {named(job): job for job in planner.jobs(overlay()) if job["needed"]}
        assert sum(name.startswith("shard ") for name in jobs) == 1 and any(
            name.startswith("train ") for name in jobs
        )
    with kept(pages):
        pages.write_text(pages.read_text().replace("page of one", "page of two"))
        assert stale(planner) == {"source": 1}
    with kept(data / "tokenizer.json"):
        os.utime(data / "tokenizer.json")
        assert stale(planner) == {}
        (data / "tokenizer.json").write_text("{}")
        assert stale(planner) == {"given_tokenizer": 1}
    assert stale(planner) == {}


def test_text_that_was_taken_away_makes_nothing_stale(made, planner):
    data, plans = (
        made.folder / "data",
        sorted((made.folder / "results/shared/components").glob("*/plan.json")),
    )
    data.rename(made.folder / "scratch")
    try:
        assert stale(planner) == {}
        with kept(plans[0]):
            plans[0].unlink()
            assert stale(planner) == {"shard_plan": 1}
    finally:
        (made.folder / "scratch").rename(data)


def test_an_archive_needs_no_text(made, tmp_path):
    """Its reader has neither the text nor the tokenizer, and nothing to do."""
    overlays = ["experiments/tiny.yaml", "experiments/overlay.yaml"]
    packing = [
        sys.executable,
        "-c",
        "from relscale.cli import main; main()",
        "archive",
        *overlays,
        "--out",
        "packed.tar.gz",
    ]
    (made.folder / "experiments/overlay.yaml").write_text(json.dumps(overlay()))
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": str(made.folder / "src"),
    }
    done = subprocess.run(
        packing, cwd=made.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    clone = copy_checkout(tmp_path, "")
    with tarfile.open(made.folder / "packed.tar.gz") as archive:
        archive.extractall(clone.folder, filter="data")
        names = archive.getnames()
    assert not [
        name for name in names if name.startswith("results/shared/") and not name.endswith(".json")
    ]
    components = Counter(
        Path(name).name for name in names if name.startswith("results/shared/components/")
    )
    assert components == {"plan.json": 2, "00000.json": 2, "00001.json": 1}
    assert not [name for name in names if name.endswith("tokenizer.json")]
    assert clone.stale(overlay()) == {}


def test_text_that_is_not_there_is_missed_when_it_is_read(made):
    done = made.snakemake(
        "--",
        "results/sharded/tables/enough_tokens.json",
        overlay=overlay(path="data/nowhere"),
        check=False,
    )
    assert done.returncode != 0
    assert (
        "error: sources.mine.path = 'data/nowhere': no such file or folder"
        in done.stdout + done.stderr
    )
