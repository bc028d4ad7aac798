"""From text files to the manifest of a sharded corpus: plans, resumed shards, weights, errors."""

import errno
import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from relscale.config.sharded import ShardedComponent, ShardedCorpus
from relscale.config.sources import Described, HubOrigin, LocalOrigin
from relscale.files import read_json, sha256_of, write_json
from relscale.plan.spec import EnoughTokensSpec
from relscale.runtime import call
from relscale.stages import enough_tokens, shard, sharded_corpus
from relscale.text import shard_builder
from relscale.text import sharded_corpus as corpus_module
from relscale.text.decontamination import WindowSet
from relscale.text.document_files import write_documents
from relscale.text.manifests import PlannedFile, ShardRecord, SourceContent, read_record
from relscale.text.mixture import Mixture
from relscale.text.shard_plan import deal, plan_shards
from relscale.text.shard_tokens import HeldOutDocument, ShardText, tokenize_shard
from relscale.text.sharded_corpus import gather_shards, held_out_documents
from relscale.text.source_rows import source_rows
from relscale.text.tokenizer import end_of_text, load_tokenizer
from relscale.training import token_files
from relscale.training.token_files import read_tokens

FILES, DOCUMENTS = 6, 150


def prose(seed: int, words: int = 60) -> str:
    generator = random.Random(seed)
    return " ".join(f"w{generator.randrange(500)}" for _ in range(words))


@pytest.fixture(scope="module")
def tokenizer_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level tokenizer that others might have made: its end-of-text token comes last and has
    another name."""
    vocabulary = {
        character: number
        for number, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))
    }
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken("<|begin_of_text|>", special=True), AddedToken("<|end_of_text|>", special=True)]
    )
    assert end_of_text(tokenizer) == ("<|end_of_text|>", 257)
    path = tmp_path_factory.mktemp("given") / "tokenizer.json"
    path.write_text(tokenizer.to_str(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of compressed JSON lines."""
    folder = tmp_path_factory.mktemp("text")
    for file in range(FILES):
        with gzip.open(folder / f"{file}.jsonl.gz", "wt", encoding="utf-8") as handle:
            for number in range(DOCUMENTS):
                handle.write(json.dumps({"text": prose(1000 * file + number)}) + "\n")
    return folder


def component(**more: Any) -> dict[str, Any]:
    settings = {
        "source": "mine",
        "files": "**/*.jsonl.gz",
        "weight": 1.0,
        "shards": 2,
        "validation_share": 0.05,
        **more,
    }
    return ShardedComponent.model_validate(settings).model_dump(mode="json")


def arguments(folder: Path, text: Path, tokenizer: Path, index: int = 0, **more: Any) -> list[str]:
    """The arguments of the stage that makes a shard; its plan is made here."""
    settings = component(**more)
    source = LocalOrigin(kind="local", path=str(text))
    plan = plan_shards("part", ShardedComponent.model_validate(settings), source)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "plan.json", plan.model_dump(mode="json"))
    spec = {
        "name": "part",
        "component": {key: value for key, value in settings.items() if key != "weight"},
        "source": source.model_dump(),
        "window_words": 5,
        "decontaminate_against": {},
    }
    options = {
        "spec": json.dumps(spec),
        "plan": folder / "plan.json",
        "shard": index,
        "tokenizer": tokenizer,
        "checkpoints": folder / "checkpoints",
        "defined-by": "code",
        "save-mb": 0.05,
        "out-tokens": folder / f"{index:05d}.bin",
        "out-validation": folder / f"{index:05d}.parquet",
        "out-record": folder / f"{index:05d}.json",
    }
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    return [*words, "--source"]


def build(words: list[str]) -> None:
    """Run the stage that builds a shard."""
    call(shard.main, words)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, text: Path, tokenizer_path: Path) -> Path:
    """Both shards of a component."""
    folder = tmp_path_factory.mktemp("made")
    for index in range(2):
        build(arguments(folder, text, tokenizer_path, index))
    return folder


def test_shards_hold_every_document_once(made: Path, text: Path, tokenizer_path: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    found = Counter[str]()
    for index in range(2):
        record = read_json(made / f"{index:05d}.json")
        tokens = np.fromfile(made / f"{index:05d}.bin", dtype=record["dtype"])
        assert record["sha256"] == sha256_of(made / f"{index:05d}.bin") and record["counts"][
            "tokens"
        ] == len(tokens)
        assert [file["sum"] for file in record["files"]] == [
            sha256_of(text / file["path"]) for file in record["files"]
        ]
        ends = np.flatnonzero(tokens == 257)
        assert len(ends) == record["counts"]["documents"]
        found.update(
            tokenizer.decode(piece[:-1].tolist()) for piece in np.split(tokens, ends + 1)[:-1]
        )
        found.update(pq.read_table(made / f"{index:05d}.parquet")["text"].to_pylist())
        counts = record["counts"]
        assert (
            counts["documents_read"]
            == counts["documents"] + counts["documents_validation"]
            == FILES * DOCUMENTS // 2
        )
    assert found == Counter(
        prose(1000 * file + number) for file in range(FILES) for number in range(DOCUMENTS)
    )


def test_a_given_tokenizer_is_used_as_it_is(made: Path) -> None:
    record = read_json(made / "00000.json")
    assert (record["vocab_size"], record["dtype"]) == (258, "<u2")
    assert record["counts"]["tokens"] == record["counts"]["bytes"] + record["counts"]["documents"]


def test_a_shard_killed_at_any_moment_resumes_to_the_same_bytes(
    made: Path, tmp_path: Path, text: Path, tokenizer_path: Path
) -> None:
    # A text that comes slowly, so that the kill meets the shard at work; the stage's module is run
    # as the workflow runs it.
    script = tmp_path / "slow.py"
    script.write_text(
        "import time\nfrom relscale.runtime import run\nfrom relscale.stages import shard\n"
        "from relscale.text import shard_builder, shard_tokens\nread = shard_builder.read_texts\n"
        "def slowly(*arguments):\n    for text in read(*arguments):\n"
        "        time.sleep(0.002)\n        yield text\n"
        "shard_tokens.BATCH_CHARACTERS = 20_000\n"
        "shard_builder.read_texts = slowly\nrun(shard.main)\n"
    )
    words = arguments(tmp_path / "a", text, tokenizer_path, shards=1)
    killed = subprocess.Popen(
        [sys.executable, str(script), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    checkpoints = tmp_path / "a" / "checkpoints"
    deadline = time.monotonic() + 120
    while (
        not list(checkpoints.glob("*/progress.json"))
        and killed.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL, killed.stderr.read() if killed.stderr else ""
    assert not list((tmp_path / "a").glob("0*"))
    (progress,) = (read_json(path) for path in checkpoints.glob("*/progress.json"))
    (folder,) = checkpoints.iterdir()
    with (folder / "tokens.bin").open(
        "ab"
    ) as handle:  # what a kill may leave behind the last progress
        handle.write(b"rest of a batch")
    build(words)
    build(arguments(tmp_path / "b", text, tokenizer_path, shards=1))
    for name in ("00000.bin", "00000.parquet", "00000.json"):
        assert sha256_of(tmp_path / "a" / name) == sha256_of(tmp_path / "b" / name)
    assert 0 < progress["documents_read"] < FILES * DOCUMENTS


def test_a_finished_shard_is_not_built_again(
    tmp_path: Path,
    text: Path,
    tokenizer_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level("INFO")
    words = arguments(tmp_path, text, tokenizer_path)
    build(words)
    before = sha256_of(tmp_path / "00000.bin")
    for path in tmp_path.glob("00000.*"):
        path.unlink()  # Snakemake removes a job's outputs before it runs again
    monkeypatch.setattr(shard_builder, "read_texts", lambda *_: pytest.fail("text is read again"))
    build(words)
    assert sha256_of(tmp_path / "00000.bin") == before
    assert f"resuming after {FILES * DOCUMENTS // 2} documents" in caplog.text


def test_another_text_or_setting_is_another_shard(
    tmp_path: Path, text: Path, tokenizer_path: Path
) -> None:
    for share in (0.05, 0.1):
        build(arguments(tmp_path, text, tokenizer_path, validation_share=share))
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_max_tokens_stops_every_shard_early(
    tmp_path: Path, text: Path, tokenizer_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relscale.text.shard_tokens.BATCH_CHARACTERS", 10_000)
    words = arguments(tmp_path, text, tokenizer_path, max_tokens=60_000)
    build(words)
    tokens = read_json(tmp_path / "00000.json")["counts"]["tokens"]
    assert 30_000 <= tokens < 45_000
    (tmp_path / "00000.json").unlink()
    build(words)
    assert read_json(tmp_path / "00000.json")["counts"]["tokens"] == tokens


def test_a_disk_that_is_full_keeps_what_was_done(
    tmp_path: Path, text: Path, tokenizer_path: Path
) -> None:
    words = arguments(tmp_path, text, tokenizer_path, shards=1)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    command = [sys.executable, "-m", "relscale.stages.shard", *words]
    done = subprocess.run(command, preexec_fn=limited, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert (
        f"cannot be written: [Errno {errno.EFBIG}]" in done.stderr
        and "free some space and start again to resume" in done.stderr
    )
    assert not list(tmp_path.glob("00000.*"))
    build(words)
    assert read_json(tmp_path / "00000.json")["counts"]["documents_read"] == FILES * DOCUMENTS


@pytest.mark.parametrize("step", ["write_documents", "link_or_copy", "write_json"])
def test_a_disk_that_is_full_behind_the_tokens_keeps_them(
    tmp_path: Path, text: Path, tokenizer_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    words = arguments(tmp_path, text, tokenizer_path)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shard_builder, step, full)
        message = (
            r"cannot be written: \[Errno 28\] No space left on device; all [\d,]+ tokens are kept:"
            " free some space and start again to resume"
        )
        with pytest.raises(ValueError, match=message):
            build(words)
    assert not (tmp_path / "00000.json").exists()
    monkeypatch.setattr(shard_builder, "read_texts", lambda *_: pytest.fail("text is read again"))
    build(words)


def test_a_disk_that_is_full_while_a_corpus_is_gathered(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(corpus_module, "write_documents", full)
    with pytest.raises(
        ValueError,
        match=r"both: cannot be written: \[Errno 28\] No space left on device; free some space and",
    ):
        corpus_manifest(tmp_path, made)


def test_a_file_that_changed_since_the_plan_is_refused(
    tmp_path: Path, tokenizer_path: Path
) -> None:
    (tmp_path / "text").mkdir()
    for number in range(2):
        (tmp_path / "text" / f"{number}.jsonl.gz").write_bytes(
            gzip.compress(json.dumps({"text": prose(number)}).encode())
        )
    words = arguments(tmp_path, tmp_path / "text", tokenizer_path)
    (tmp_path / "text" / "0.jsonl.gz").write_bytes(b"other")
    with pytest.raises(
        ValueError,
        match=r"0\.jsonl\.gz: has 5 bytes; the plan of the shards says \d+: the file has changed",
    ):
        build(words)
    (tmp_path / "text" / "0.jsonl.gz").unlink()
    with pytest.raises(ValueError, match=r"0\.jsonl\.gz: does not exist; the plan"):
        build(words)


def replaced(path: Path, seed: int) -> None:
    """Put other text of the same size in a file's place, with a new time of change."""
    before = path.stat()
    lines = path.read_text().splitlines()
    other = [
        json.dumps({"text": json.loads(line)["text"].replace("w", "vwxyz"[seed % 5])})
        for line in lines
    ]
    path.write_text("\n".join(other) + "\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000_000))
    assert path.stat().st_size == before.st_size


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Two files of JSON lines; the second is too large for a checksum in the listing."""
    folder = tmp_path / "plain"
    folder.mkdir()
    for name, documents in (("a", 100), ("b", 4000)):
        (folder / f"{name}.jsonl").write_text(
            "".join(json.dumps({"text": prose(number)}) + "\n" for number in range(documents))
        )
    assert (folder / "b.jsonl").stat().st_size > 1_000_000
    return folder


@pytest.mark.parametrize("name", ["a.jsonl", "b.jsonl"])
def test_a_file_of_the_same_size_is_another_shard(
    tmp_path: Path, plain: Path, tokenizer_path: Path, name: str
) -> None:
    settings = {"files": "*.jsonl", "shards": 1}
    build(arguments(tmp_path / "one", plain, tokenizer_path, **settings))
    old, plan = (
        read_json(tmp_path / "one" / "00000.json"),
        read_json(tmp_path / "one" / "plan.json"),
    )
    replaced(plain / name, 0)
    build(arguments(tmp_path / "one", plain, tokenizer_path, **settings))
    assert read_json(tmp_path / "one" / "plan.json") != plan
    new = read_json(tmp_path / "one" / "00000.json")
    assert new["sha256"] != old["sha256"] and new["files"] != old["files"]
    assert [file["sum"] for file in new["files"]] == [
        sha256_of(plain / file["path"]) for file in new["files"]
    ]
    build(arguments(tmp_path / "two", plain, tokenizer_path, **settings))
    for file in ("00000.bin", "00000.parquet", "00000.json"):
        assert sha256_of(tmp_path / "one" / file) == sha256_of(tmp_path / "two" / file)


def test_a_file_replaced_while_a_shard_is_stopped_is_never_mixed(
    tmp_path: Path,
    plain: Path,
    tokenizer_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    settings = {"files": "*.jsonl", "shards": 1}
    monkeypatch.setattr("relscale.text.shard_tokens.BATCH_CHARACTERS", 20_000)
    read, seen = shard_builder.read_texts, 0

    def stopped(*given: Any) -> Any:
        nonlocal seen
        for text in read(*given):
            seen += 1
            if seen > 2000:
                raise KeyboardInterrupt
            yield text

    monkeypatch.setattr(shard_builder, "read_texts", stopped)
    with pytest.raises(KeyboardInterrupt):
        build(arguments(tmp_path / "one", plain, tokenizer_path, **settings))
    monkeypatch.setattr(shard_builder, "read_texts", read)
    (progress,) = (tmp_path / "one" / "checkpoints").glob("*/progress.json")
    assert read_json(progress)["file"] == 1 and read_json(progress)["record"] > 0
    before = (plain / "b.jsonl").stat()
    replaced(plain / "b.jsonl", 0)
    os.utime(
        plain / "b.jsonl", ns=(before.st_atime_ns, before.st_mtime_ns)
    )  # not even the time tells it
    build(arguments(tmp_path / "one", plain, tokenizer_path, **settings))
    assert "b.jsonl: the text has changed; beginning again" in caplog.text
    build(arguments(tmp_path / "two", plain, tokenizer_path, **settings))
    for file in ("00000.bin", "00000.parquet", "00000.json"):
        assert sha256_of(tmp_path / "one" / file) == sha256_of(tmp_path / "two" / file)


def test_text_that_was_only_touched_or_deleted_is_not_tokenized_again(
    tmp_path: Path, plain: Path, tokenizer_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"files": "*.jsonl", "shards": 1}
    build(arguments(tmp_path, plain, tokenizer_path, **settings))
    before = (tmp_path / "00000.json").read_bytes()
    monkeypatch.setattr(shard_builder, "read_texts", lambda *_: pytest.fail("text is read again"))
    os.utime(plain / "b.jsonl")
    words = arguments(tmp_path, plain, tokenizer_path, **settings)
    build(words)
    assert (tmp_path / "00000.json").read_bytes() == before
    for path in plain.iterdir():
        path.unlink()
    build(words)
    assert (tmp_path / "00000.json").read_bytes() == before


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, plain: Path, tokenizer_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = arguments(tmp_path, plain, tokenizer_path, files="*.jsonl", shards=1)
    read = shard_builder.read_texts

    def changing(path: Path, *given: Any) -> Any:
        yield from read(path, *given)
        replaced(path, 2)

    monkeypatch.setattr(shard_builder, "read_texts", changing)
    with pytest.raises(
        ValueError,
        match=r"a\.jsonl: modified after the shards were planned: the file has changed, plan again",
    ):
        build(words)
    assert not list(tmp_path.glob("00000.*"))


def test_evaluation_text_is_removed_and_counted(tmp_path: Path, tokenizer_path: Path) -> None:
    texts = [
        f"{prose(1)}\n\nwhat colour is the old house\n\n{prose(2)}",
        "what colour is the old house",
        " ",
        "half \ud83d a pair",
    ]
    windows = WindowSet(["what colour is the old house"], 5)
    part = ShardText(
        files=["f"],
        texts=lambda _, skip: iter(texts[skip:]),
        validation_share=1e-9,
        windows=windows,
    )
    (tmp_path / "shard").mkdir()
    counts = tokenize_shard(part, load_tokenizer(tokenizer_path), tmp_path / "shard")
    assert (
        counts.documents_read,
        counts.documents,
        counts.removed_too_short,
        counts.paragraphs_decontaminated,
    ) == (4, 2, 2, 2)
    written = bytes(
        np.fromfile(tmp_path / "shard" / "tokens.bin", dtype="<u2").clip(0, 255).astype("u1")
    )
    assert (
        len(written)
        == counts.tokens
        == len(prose(1)) + 2 + len(prose(2)) + len("half ? a pair") + 2
    )


def test_files_are_dealt_by_size_in_a_fixed_way() -> None:
    files = [
        PlannedFile(path=f"{number:02d}", num_bytes=size, sum=None)
        for number, size in enumerate([5, 100, 40, 60, 1, 1, 90, 3])
    ]
    shards = deal(files, 3)
    assert sorted(file.path for pile in shards for file in pile) == sorted(
        file.path for file in files
    )
    assert max(sum(file.num_bytes for file in pile) for pile in shards) == 100
    assert shards == deal(files[::-1], 3)


@pytest.mark.parametrize(
    ("path", "more", "message"),
    [
        ("nowhere", {}, r"sources\.mine\.path = '.*nowhere': no such file or folder"),
        (
            ".",
            {"files": "*.parquet"},
            r"no file matches files = '\*\.parquet'; it holds .*\.jsonl\.gz",
        ),
        (
            ".",
            {"shards": 7},
            r"component part \(source mine\): shards = 7, and files = '.*' matches only 6: lower",
        ),
    ],
)
def test_plans_that_cannot_be_made(
    text: Path, path: str, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plan_shards(
            "part",
            ShardedComponent.model_validate(component(**more)),
            LocalOrigin(kind="local", path=str(text / path)),
        )


@pytest.mark.parametrize("files", ["", "/data/*.txt", "../other/*.txt"])
def test_a_glob_that_leads_out_of_the_source(files: str) -> None:
    with pytest.raises(ValueError, match="must be a glob inside the source's folder"):
        ShardedComponent.model_validate(component() | {"files": files})


def test_an_ending_that_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("x")
    with pytest.raises(
        ValueError, match=r"a\.pdf: the endings that can be read are \.jsonl, \.json, \.csv, \.txt"
    ):
        plan_shards(
            "part",
            ShardedComponent.model_validate(component(files="*", shards=1)),
            LocalOrigin(kind="local", path=str(tmp_path)),
        )


class Api:
    """A substitute for the Hub: one repository of four files at one commit."""

    def list_repo_tree(
        self, dataset: str, *, recursive: bool, revision: str, repo_type: str
    ) -> list[Any]:
        from huggingface_hub import RepoFile
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

        response = SimpleNamespace(
            headers={},
            request=SimpleNamespace(url="", method="GET"),
            status_code=404,
            url="",
            text="",
            reason="",
        )
        if dataset != "owner/name":
            raise RepositoryNotFoundError("404", response=response)  # type: ignore[arg-type]
        if revision != "0" * 40:
            raise RevisionNotFoundError("404", response=response)  # type: ignore[arg-type]
        assert recursive and repo_type == "dataset"
        lfs = {"size": 10, "oid": "f" * 64, "pointerSize": 1}
        return [
            RepoFile(path=path, size=10, oid="a" * 40, lfs=lfs)
            for path in ("a.json.gz", "x/b.json.gz", "x/c.json.gz", "README.md")
        ]


def test_the_hub_is_listed_at_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    settings = ShardedComponent.model_validate(component(files="**/*.json.gz", exclude=["x/c*"]))
    plan = plan_shards(
        "part", settings, HubOrigin(kind="hub", dataset="owner/name", revision="0" * 40)
    )
    assert [[file.path for file in part] for part in plan.shards] == [
        ["a.json.gz"],
        ["x/b.json.gz"],
    ]
    assert plan.shards[0][0].sum == "f" * 64
    assert (plan.package, plan.version, plan.num_files, plan.num_bytes) == (
        "owner/name",
        "0" * 40,
        2,
        20,
    )
    with pytest.raises(
        ValueError,
        match=r"sources\.mine: dataset = 'owner/name', revision = '1{40}': the dataset no longer",
    ):
        plan_shards(
            "part", settings, HubOrigin(kind="hub", dataset="owner/name", revision="1" * 40)
        )
    with pytest.raises(ValueError, match="no such dataset, or it is gated"):
        plan_shards(
            "part", settings, HubOrigin(kind="hub", dataset="owner/other", revision="0" * 40)
        )


# ---------------------------------------------------------------------------------- whole corpora


def corpus_manifest(folder: Path, made: Path, **more: Any) -> Path:
    """Gather a corpus of two components, both made of the same shards."""
    parts = {name: component(weight=weight) for name, weight in (("one", 3.0), ("two", 1.0))}
    spec = {"corpus": "both", "settings": {"components": parts, **more}}
    manifest = folder / "both" / "manifest.json"
    folders = [f"{name}={made}" for name in parts]
    outputs = [
        "--out-validation",
        str(folder / "both" / "validation.parquet"),
        "--manifest",
        str(manifest),
    ]
    call(
        sharded_corpus.main,
        ["--spec", json.dumps(spec), "--component", *folders, *outputs],
    )
    return manifest


def test_training_reads_what_the_manifest_names(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = corpus_manifest(tmp_path, made)
    mixture, manifest = read_tokens(path), read_json(path)
    assert isinstance(mixture, Mixture) and len(mixture) == manifest["tokens"]
    assert mixture.shares == [0.75, 0.25]
    assert manifest["documents"] == sum(row["documents"] for row in manifest["rows"])
    shard_path = made / "00001.bin"
    before = shard_path.read_bytes()
    try:
        shard_path.unlink()  # a new file: the finished shard is kept under another name by a link
        shard_path.write_bytes(b"\x01\x00" + before[2:])
        with pytest.raises(ValueError, match=r"00001\.bin: its SHA-256 is "):
            read_tokens(path)
        # Of a corpus too large to be summed before each run, so is a file that was written after
        # its manifest.
        monkeypatch.setattr(token_files, "CHECKED_UP_TO_BYTES", 0)
        with pytest.raises(ValueError, match=r"00001\.bin: its SHA-256 is "):
            read_tokens(path)
        os.utime(shard_path, ns=(0, path.stat().st_mtime_ns))
        read_tokens(path)
        shard_path.write_bytes(before[:-2])
        with pytest.raises(ValueError, match=r"00001\.bin: \d+ tokens; .*manifest\.json says"):
            read_tokens(path)
        shard_path.unlink()
        with pytest.raises(
            ValueError,
            match=r"00001\.bin: cannot be read: .*; remove .*manifest\.json",
        ):
            read_tokens(path)
    finally:
        shard_path.write_bytes(before)


def test_another_weight_is_another_training_set(made: Path, tmp_path: Path) -> None:
    settings = {"components": {"one": component(weight=3.0), "two": component()}}
    records = {
        name: [("a.bin", read_record(made / "00000.json", ShardRecord))] for name in ("one", "two")
    }
    first = gather_shards("both", ShardedCorpus.model_validate(settings), records)
    settings["components"]["one"]["weight"] = 2.0
    second = gather_shards("both", ShardedCorpus.model_validate(settings), records)
    assert first.sha256["train.bin"] != second.sha256["train.bin"]


def test_held_out_text_is_in_proportion_to_the_weights(made: Path, tmp_path: Path) -> None:
    table = pq.read_table(
        corpus_manifest(tmp_path, made, validation_mb=0.008).parent / "validation.parquet"
    ).to_pylist()
    sizes = Counter[int]()
    for row in table:
        sizes[row["component"]] += len(row["text"].encode())
    assert 0.6 < sizes[0] / sum(sizes.values()) < 0.9
    assert sum(sizes.values()) <= 8000
    settings = ShardedCorpus.model_validate({"components": {"one": component()}})
    empty = tmp_path / "empty.parquet"
    pq.write_table(pq.read_table(made / "00000.parquet").slice(0, 0), empty)
    with pytest.raises(
        ValueError, match=r"corpora\.sharded\.both\.components\.one: no document was held out"
    ):
        held_out_documents("both", settings, {"one": [empty]})


def test_held_out_documents_are_chosen_by_hash_weight_and_size(tmp_path: Path) -> None:
    """Against the rule written down with lists; hashes of several documents, empty texts and
    letters of several bytes are among them."""
    generator = random.Random(0)
    parts: dict[str, list[Path]] = {}
    rows: dict[str, list[tuple[str, str]]] = {}
    for name in ("one", "two"):
        parts[name], rows[name] = [], []
        for number in range(3):
            some = [
                (
                    f"{generator.randrange(400):016x}",
                    "aé漢😀"[generator.randrange(4)] * generator.randrange(60),
                )
                for _ in range(200)
            ]
            parts[name].append(tmp_path / f"{name}-{number}.parquet")
            write_documents(
                [
                    HeldOutDocument(component=0, document=document, text=text)
                    for document, text in some
                ],
                parts[name][-1],
            )
            rows[name] += some
    for megabytes in (0.001, 0.01, 1.0):
        components = {"one": component(weight=3.0), "two": component()}
        settings = ShardedCorpus.model_validate(
            {"components": components, "validation_mb": megabytes}
        )
        sizes = {name: sum(len(text.encode()) for _, text in some) for name, some in rows.items()}
        total = min(megabytes * 1e6, sizes["one"] / 0.75, sizes["two"] / 0.25)
        wanted = []
        for index, (name, share) in enumerate((("one", 0.75), ("two", 0.25))):
            left = share * total
            for place, (document, text) in enumerate(sorted(rows[name], key=lambda row: row[0])):
                left -= len(text.encode())
                if place and left < 0:
                    break
                wanted.append((document, index, text))
        wanted.sort(key=lambda row: row[:2])
        found = [
            (one.document, one.component, one.text)
            for one in held_out_documents("both", settings, parts)
        ]
        assert found == wanted and len(found) > 10


_PEAK = """
import json, sys
from pathlib import Path
from relscale.config.sharded import ShardedCorpus
from relscale.text.document_files import write_documents
from relscale.text.sharded_corpus import held_out_documents
from relscale.text.shard_tokens import HeldOutDocument

folder, megabytes = Path(sys.argv[1]), int(sys.argv[2])
with (folder / "validation.jsonl").open("w") as handle:
    for number in range(megabytes * 250):
        text = f"{number} " * (4000 // len(f"{number} "))
        row = {"document": f"{number * 7919 % 2**64:016x}", "text": text}
        handle.write(json.dumps(row) + "\\n")
write_documents(HeldOutDocument.read(folder / "validation.jsonl"), folder / "00000.parquet")
one = {"source": "mine", "files": "*", "weight": 1}
settings = ShardedCorpus.model_validate({"validation_mb": 2, "components": {"one": one}})
chosen = held_out_documents("big", settings, {"one": [folder / "00000.parquet"]})
write_documents(chosen, folder / "all.parquet")
status = Path("/proc/self/status").read_text().splitlines()
print(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(),
    reason="this system does not tell a process's peak of memory",
)
def test_memory_does_not_grow_with_what_is_held_out(tmp_path: Path) -> None:
    peaks = []
    for megabytes in (60, 180):
        (tmp_path / str(megabytes)).mkdir()
        command = [sys.executable, "-c", _PEAK, str(tmp_path / str(megabytes)), str(megabytes)]
        peaks.append(
            int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024
        )
    # Held as lists, 120 MB more text took more than 100 MiB more; between equal calls it differs by
    # 25.
    assert peaks[1] - peaks[0] < 50, peaks


def test_a_component_too_small_for_its_weight_is_named_before_training(
    made: Path, tmp_path: Path
) -> None:
    path = corpus_manifest(tmp_path, made, max_epochs=2.0)
    tokens = read_json(path)["tokens"] // 2
    checked = tmp_path / "checked.json"
    spec = EnoughTokensSpec(most_tokens={"both": tokens}, max_epochs=1.0)
    enough_tokens.main(spec=spec, manifest=[path], out=checked)
    assert read_json(checked) == {"most_epochs": {"both": 0.75}}
    spec = EnoughTokensSpec(most_tokens={"both": 3 * tokens}, max_epochs=1.0)
    with pytest.raises(
        ValueError,
        match=r"components\.one: the longest run, of [\d,]+ tokens, takes 2\.25",
    ):
        enough_tokens.main(spec=spec, manifest=[path], out=checked)


def test_a_source_read_in_parts_is_one_row() -> None:
    part = {"source": "mine", "package": None, "version": None, "num_files": 2, "num_bytes": 10}
    contents = [
        SourceContent.model_validate(part | {"sha256": "a"}),
        SourceContent.model_validate(part | {"sha256": "b"}),
        SourceContent.model_validate(part | {"sha256": "a"}),
        SourceContent.model_validate(part | {"source": "else", "sha256": "c"}),
    ]
    about = Described(licence="CC0", citation="Someone")
    rows = source_rows(contents, {"mine": about, "else": about})
    assert [(row.source, row.num_files, row.num_bytes) for row in rows] == [
        ("else", 2, 10),
        ("mine", 4, 20),
    ]
    assert len(rows[1].sha256) == 64 and rows[0].sha256 == "c"
