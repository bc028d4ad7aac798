"""Local text between calls: touched, edited, joined by others, deleted."""

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from relscale.config.sharded import ShardedComponent
from relscale.config.sources import LocalOrigin
from relscale.files import write_json
from relscale.runtime import call
from relscale.stages import given_tokenizer, source
from relscale.text import local_files as module
from relscale.text.local_files import listing_of, local_files
from relscale.text.shard_plan import plan_shards

LARGE = 1_000_001


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "text"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jsonl").write_text('{"text": "one"}\n')
    (folder / "deep" / "b.jsonl").write_text(" " * LARGE)
    (folder / "deep" / "left-out.jsonl").write_text("{}")
    (folder / "README.md").write_text("read me")
    return folder


SETTINGS = ShardedComponent.model_validate(
    {"source": "mine", "files": "**/*.jsonl", "exclude": ["*/left-*"], "weight": 1}
)


def planned(root: Path) -> Callable[[], str]:
    """Plan the shards as the workflow does; return a function that names the listing then."""
    record = root.parent / "plan.json"

    def name() -> str:
        return listing_of(local_files(root, SETTINGS.files, SETTINGS.exclude), root, record)

    plan = plan_shards("part", SETTINGS, LocalOrigin(kind="local", path=str(root)), name())
    write_json(record, plan.model_dump(mode="json"))
    return name


def later(path: Path) -> None:
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 5_000_000_000))


def test_listed_files_match_the_globs(root: Path, tmp_path: Path) -> None:
    (root / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    assert [file.path for file in local_files(root, SETTINGS.files, SETTINGS.exclude)] == [
        "a.jsonl",
        "deep/b.jsonl",
    ]
    assert [file.path for file in local_files(root)] == [
        "README.md",
        "a.jsonl",
        "deep/b.jsonl",
        "deep/left-out.jsonl",
    ]
    assert [(file.path, file.num_bytes) for file in local_files(root / "README.md", "*.jsonl")] == [
        ("README.md", 7)
    ]
    assert local_files(root / "nowhere") == []


@pytest.mark.parametrize(
    ("edit", "is_other"),
    [
        (lambda root: (root / "README.md").write_text("another"), False),
        (lambda root: (root / "deep" / "left-out.jsonl").unlink(), False),
        (lambda root: later(root / "a.jsonl"), False),  # small: its sum says that it is the same
        (lambda root: (root / "a.jsonl").write_text('{"text": "two"}\n'), True),  # of the same size
        (lambda root: later(root / "deep" / "b.jsonl"), True),  # large: told by size and time alone
        (lambda root: (root / "a.jsonl").rename(root / "c.jsonl"), True),
        (lambda root: (root / "a.jsonl").unlink(), True),
        (lambda root: (root / "d.jsonl").write_text("{}"), True),
    ],
)
def test_edits_that_make_another_listing(
    root: Path, edit: Callable[[Path], Any], is_other: bool
) -> None:
    name = planned(root)
    before = name()
    assert len(before) == 16
    times = (root / "a.jsonl").stat()
    edit(root)
    if (
        (root / "a.jsonl").exists()
        and (root / "a.jsonl").stat().st_mtime_ns == times.st_mtime_ns
        and "two" in (root / "a.jsonl").read_text()
    ):
        later(root / "a.jsonl")  # written within one tick of the clock
    assert (name() != before) is is_other


def test_deleted_text_keeps_its_listing(root: Path) -> None:
    name = planned(root)
    before = name()
    root.rename(root.with_name("scratch"))
    assert name() == before
    root.mkdir()
    (root / "README.md").write_text("put the text here")
    assert name() == before
    (root.parent / "plan.json").unlink()
    assert name() == ""


def test_a_source_keeps_its_listing_in_its_manifest(
    root: Path,
) -> None:
    manifest = root.parent / "manifest.json"
    before = listing_of(local_files(root), root, manifest)
    spec = json.dumps({"name": "mine", "kind": "local", "path": str(root)})
    words = [
        "--spec",
        spec,
        "--listing",
        before,
        "--local-copy",
        str(root),
        "--manifest",
        str(manifest),
    ]
    call(source.main, [*words, "--files", str(root.parent / "files")])
    assert listing_of(local_files(root), root, manifest) == before
    later(root / "deep" / "b.jsonl")  # its sum is known
    assert listing_of(local_files(root), root, manifest) == before
    (root / "README.md").write_text("changed")
    assert listing_of(local_files(root), root, manifest) != before
    for path in sorted(root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert listing_of(local_files(root), root, manifest) == before


def test_a_given_tokenizer_may_be_deleted(tmp_path: Path) -> None:
    path, manifest = tmp_path / "given.json", tmp_path / "out" / "manifest.json"
    vocabulary = {
        character: number
        for number, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))
    }
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer, tokenizer.decoder = (
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    tokenizer.add_special_tokens([AddedToken("<|end_of_text|>", special=True)])
    path.write_text(tokenizer.to_str())
    before = listing_of(local_files(path), path, manifest)
    spec = json.dumps({"vocab_size": 257, "given": {"path": str(path)}})
    out = str(tmp_path / "out" / "tokenizer.json")
    words = ["--spec", spec, "--listing", before, "--out", out, "--manifest", str(manifest)]
    call(given_tokenizer.main, words)
    later(path)
    assert listing_of(local_files(path), path, manifest) == before
    path.unlink()
    assert listing_of(local_files(path), path, manifest) == before


def test_planning_looks_once_at_each_file_and_reads_none(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = planned(root)
    monkeypatch.setattr(module, "sha256_of", lambda path: pytest.fail(f"{path} is read"))
    looks, look = Counter[str](), Path.stat

    def counted(path: Path, **more: Any) -> os.stat_result:
        looks[path.name] += 1
        return look(path, **more)

    monkeypatch.setattr(Path, "stat", counted)
    name()
    monkeypatch.undo()
    assert (looks["a.jsonl"], looks["b.jsonl"], looks["README.md"]) == (1, 1, 0)


def test_a_record_that_is_not_text_is_named(root: Path) -> None:
    (root.parent / "plan.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"plan\.json: not valid JSON: 'utf-8' codec"):
        listing_of(local_files(root), root, root.parent / "plan.json")
