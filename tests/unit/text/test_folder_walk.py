"""Files of folders: hidden copies, links, pipes, sockets, devices, closed folders."""

import os
import socket
from pathlib import Path

import pytest

from relscale.config.sharded import ShardedComponent
from relscale.config.sources import LocalOrigin
from relscale.text.folder_walk import find_files
from relscale.text.local_files import listing_of, local_files
from relscale.text.shard_plan import plan_shards
from relscale.text.source_files import matching_files
from relscale.text.sources import fetch


def names(root: Path, pattern: str = "**/*", exclude: tuple[str, ...] = ()) -> list[str]:
    """Return the files that a glob matches, which all doors must agree on."""
    found = [file.name for file in find_files(root, pattern, exclude).files]
    assert found == [file.path for file in local_files(root, pattern, exclude)]
    if found:
        matching = matching_files(root, pattern, exclude)
        assert sorted(path.relative_to(root).as_posix() for path in matching) == found
    return found


def source(path: Path) -> LocalOrigin:
    return LocalOrigin(kind="local", path=str(path))


def component(files: str = "**/*.jsonl") -> ShardedComponent:
    return ShardedComponent.model_validate({"source": "mine", "files": files, "weight": 1})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "text"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text": "one"}\n')
    return folder


@pytest.mark.parametrize(
    "name",
    [
        ".ipynb_checkpoints/a-checkpoint.jsonl",
        "._a.jsonl",
        ".a.jsonl.swp",
        "__MACOSX/a.jsonl",
        "deep/__MACOSX/._a.jsonl",
        "a.jsonl~",
        "#a.jsonl#",
        "~$a.jsonl",
        ".DS_Store",
        "Thumbs.db",
        "deep/.git/a.jsonl",
    ],
)
def test_hidden_copies_are_read_only_if_the_glob_names_them(root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text('{"text": "old"}\n')
    for pattern in ("**/*", "*", "**/*.jsonl", "*.jsonl", "**"):
        assert names(root, pattern) == ["a.jsonl"], pattern
    assert names(root, name) == [name]
    assert list(fetch("mine", source(root), root.parent / "files").files) == ["a.jsonl"]
    assert plan_shards("part", component("**/*"), source(root)).num_files == 1


def test_a_folder_that_is_hidden_itself_may_be_the_source(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "a.txt").write_text("x")
    assert names(tmp_path / ".cache") == ["a.txt"]
    assert names(tmp_path, ".cache/*.txt") == [".cache/a.txt"]
    assert names(tmp_path, ".*/*") == [".cache/a.txt"]


def test_a_glob_of_hidden_files_in_a_copy_says_that_they_are_not_copied(root: Path) -> None:
    with pytest.raises(ValueError, match=r"'\.old/\*' \(hidden files of a local source are not"):
        matching_files(root, ".old/*")


def test_globs_mean_the_same_as_in_pathlib(root: Path) -> None:
    for name in ("b.txt", "x/a.txt", "x/y/a.txt", "x/y/b.TXT", "z[1]/a.txt", "x/y/z/a.jsonl"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    patterns = ("*", "*.txt", "*/*.txt", "**/*.txt", "**/y/*", "x/**/*.txt", "x/**/y/*", "**/**/a*")
    for pattern in (*patterns, "**/y/**/*", "z[[]1]/*", "[ab].*", "?.txt", "x/./y/*", "x/y/b.TXT"):
        found = {path for path in root.glob(pattern) if path.is_file()}
        assert names(root, pattern) == sorted(path.relative_to(root).as_posix() for path in found)


@pytest.mark.parametrize("pattern", ["", "/a", "../a", "x/../../a", "a**", "**a/b", "."])
def test_globs_that_are_none(root: Path, pattern: str) -> None:
    for find in (lambda: local_files(root, pattern), lambda: matching_files(root, pattern)):
        with pytest.raises(
            ValueError, match=r"files = '.*': (must be a glob|\*\* must be a whole)"
        ):
            find()


def test_text_below_a_linked_folder_is_read_and_watched(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "b.jsonl").write_text("before")
    (root / "linked").symlink_to(outside)
    assert names(root) == names(root, "**/*.jsonl") == ["a.jsonl", "linked/deep/b.jsonl"]
    assert list(fetch("mine", source(root), tmp_path / "files").files) == names(root)
    before = listing_of(local_files(root), root, tmp_path / "no record")
    (outside / "deep" / "b.jsonl").write_text("behind it")
    assert listing_of(local_files(root), root, tmp_path / "no record") != before


def test_a_file_with_two_names_would_be_read_twice(root: Path) -> None:
    (root / "b.jsonl").symlink_to(root / "a.jsonl")
    with pytest.raises(
        ValueError, match=r"sources\.mine\.path: a\.jsonl and b\.jsonl are the same"
    ):
        plan_shards("part", component(), source(root))


def test_a_link_to_a_folder_that_contains_it_is_an_error(root: Path, tmp_path: Path) -> None:
    (root / "deep").mkdir()
    (root / "deep" / "loop").symlink_to(root)
    for find in (
        lambda: local_files(root),
        lambda: matching_files(root, "**/*.jsonl"),
        lambda: fetch("mine", source(root), tmp_path / "files"),
        lambda: plan_shards("part", component(), source(root)),
    ):
        with pytest.raises(ValueError, match=r"deep/loop: a link to a folder that contains it"):
            find()
    assert names(root, "*") == names(root, "**/*", ("deep/loop/*",)) == ["a.jsonl"]


def test_what_is_no_file_is_listed_and_never_opened(root: Path, tmp_path: Path) -> None:
    os.mkfifo(root / "pipe.jsonl")
    (root / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    (root / "itself.jsonl").symlink_to(root / "itself.jsonl")
    (root / "zero.jsonl").symlink_to("/dev/zero")
    (root / os.fsdecode(b"caf\xe9.jsonl")).write_text("x")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "s.jsonl"))
    for find in (
        lambda: matching_files(root, "**/*.jsonl"),
        lambda: fetch("mine", source(root), tmp_path / "files"),
        lambda: plan_shards("part", component(), source(root)),
    ):
        with pytest.raises(ValueError, match=r"cannot be read: ") as caught:
            find()
        for entry in (
            "gone.jsonl (a link to nothing)",
            "itself.jsonl (Too many levels of symbolic links)",
            "pipe.jsonl (a named pipe)",
            "s.jsonl (a socket)",
            "zero.jsonl (a device)",
            "(the name is not UTF-8)",
        ):
            assert entry in str(caught.value)
    # Planning may come after the text was deleted: it ignores what cannot be read.
    assert [file.path for file in local_files(root)] == ["a.jsonl"]
    assert names(root, "*.txt") == []


@pytest.mark.parametrize("path", ["/dev/zero", "pipe", "gone"])
def test_a_source_that_is_no_file_itself(root: Path, path: str) -> None:
    os.mkfifo(root / "pipe")
    (root / "gone").symlink_to(root / "nowhere")
    for find in (
        lambda: fetch("mine", source(root / path), root.parent / "files"),
        lambda: plan_shards("part", component(), source(root / path)),
    ):
        with pytest.raises(
            ValueError, match=r"sources\.mine\.path = '.*': (neither a file nor|no such file)"
        ):
            find()


def test_a_folder_without_permission_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "closed").mkdir()
    scan = os.scandir

    def denied(path: Path) -> object:  # as the system answers; root may read every folder
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(ValueError, match=r"cannot be read: closed/ \(Permission denied\)"):
        matching_files(root, "**/*.jsonl")
    assert names(root, "*.jsonl") == ["a.jsonl"]


def test_hidden_files_are_counted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in (".a.jsonl", "b.jsonl~"):
        (root / name).write_text("x")
    fetch("mine", source(root), root.parent / "files")
    assert "left out 2 hidden files and folders" in caplog.text
