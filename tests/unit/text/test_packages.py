"""Packages of an index: found as pip is set, downloaded as files, never run; and safe to unpack."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from relscale.config.sources import PackageOrigin
from relscale.text import packages
from relscale.text.package_index import pip_settings
from relscale.text.sources import fetch

PAYLOAD = "import os, pathlib\npathlib.Path(os.environ['MARKER']).write_text('run')\n"
SETUP = PAYLOAD + "from setuptools import setup\nsetup(name='some-text', version='1.0')\n"
PROJECT = (
    "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    "[project]\nname = 'some-text'\nversion = '1.0'\n"
)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sdist(path: Path, files: dict[str, str]) -> str:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"some-text-1.0/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return digest_of(path)


def wheel(path: Path, text: str) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some_text/a.txt", text)
    return digest_of(path)


def origin(sha256: str, archive: str = "sdist") -> PackageOrigin:
    return PackageOrigin.model_validate(
        {
            "kind": "package",
            "package": "Some.Text",
            "version": "1.0",
            "archive": archive,
            "sha256": sha256,
        }
    )


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that sets options of pip, without any configuration of this machine."""
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("no_proxy", "*")

    def configure(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"PIP_{name.upper()}", value)

    return configure


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of one package in an index of files."""
    place = tmp_path / "index" / "some-text"
    place.mkdir(parents=True)
    return place


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Address of a server of the folder `index`."""
    (tmp_path / "index").mkdir(exist_ok=True)

    class Quiet(SimpleHTTPRequestHandler):
        extensions_map: ClassVar[dict[str, str]] = {
            ".json": "application/vnd.pypi.simple.v1+json",
            "": "text/html",
        }

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "index"))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def page(folder: Path, *links: str) -> None:
    anchors = "".join(f'<a href="{link}">{link}</a><br/>\n' for link in links)
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{anchors}</body></html>")


@pytest.mark.parametrize(
    "files",
    [
        {"setup.py": SETUP, "a.txt": "text"},
        {"pyproject.toml": PROJECT, "backend.py": PAYLOAD, "a.txt": "text"},
    ],
    ids=["setup.py", "backend of pyproject.toml"],
)
def test_nothing_in_a_source_archive_is_run(
    folder: Path,
    tmp_path: Path,
    configured: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
) -> None:
    marker = tmp_path / "marker"
    monkeypatch.setenv("MARKER", str(marker))
    sha256 = sdist(folder / "some-text-1.0.tar.gz", files)
    configured(index_url=folder.parent.as_uri())
    page(folder, "some-text-1.0.tar.gz")
    manifest = fetch("s", origin(sha256), tmp_path / "files")
    assert set(manifest.files) == {f"some-text-1.0/{name}" for name in files}
    assert not marker.exists()


def test_the_payload_of_that_test_is_run_by_a_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARKER", str(tmp_path / "marker"))
    (tmp_path / "backend.py").write_text(PAYLOAD)
    subprocess.run([sys.executable, "backend.py"], cwd=tmp_path, check=True)
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("kind", ["html", "html without hashes", "json", "links", "second index"])
def test_a_file_is_found_where_pip_is_set_to_look(
    folder: Path, tmp_path: Path, served: str, configured: Callable[..., None], kind: str
) -> None:
    sha256 = wheel(folder / "some_text-1.0-py3-none-any.whl", "right")
    wheel(folder / "some_text-1.0.post1-py3-none-any.whl", "another version")
    name, other = "some_text-1.0-py3-none-any.whl", "some_text-1.0.post1-py3-none-any.whl"
    if kind == "json":
        files = [
            {"filename": other, "url": other, "hashes": {"sha256": "0" * 64}},
            {"filename": name, "url": f"../some-text/{name}", "hashes": {"sha256": sha256}},
        ]
        # A server of files chooses the kind of content by the ending.
        (folder / "page.json").write_text(json.dumps({"files": files}))
        configured(index_url=f"{served}/nothing", find_links=f"{served}/some-text/page.json")
    elif kind == "links":
        configured(no_index="1", find_links=str(folder))
    else:
        fragment = "" if kind == "html without hashes" else f"#sha256={sha256}"
        page(folder, other, f"{name}{fragment}")
        if kind == "second index":
            configured(index_url=f"{served}/nothing", extra_index_url=served)
        else:
            configured(index_url=f"{served}/")
    manifest = fetch("s", origin(sha256, "wheel"), tmp_path / "files")
    assert (tmp_path / "files/some_text/a.txt").read_text() == "right"
    assert manifest.sha256 == sha256


@pytest.mark.parametrize("stated", [True, False])
def test_a_file_with_another_hash_is_refused_with_both(
    folder: Path, tmp_path: Path, configured: Callable[..., None], stated: bool
) -> None:
    seen = sdist(folder / "some-text-1.0.tar.gz", {"a.txt": "altered"})
    page(folder, f"some-text-1.0.tar.gz#sha256={seen}" if stated else "some-text-1.0.tar.gz")
    configured(index_url=folder.parent.as_uri())
    with pytest.raises(
        ValueError,
        match=rf"^sources\.s: Some\.Text==1\.0 \(sdist\) must have SHA-256 {'0' * 64}, but the"
        rf" index gave some-text-1\.0\.tar\.gz with {seen}\. Set `sources\.s\.path`",
    ):
        fetch("s", origin("0" * 64), tmp_path / "files")
    assert not (tmp_path / "files").exists()


def test_a_package_that_no_index_has_is_an_error_with_a_remedy(
    tmp_path: Path, served: str, configured: Callable[..., None]
) -> None:
    configured(index_url=served)
    message = r"^sources\.s: .* could not be downloaded: no index has such a file\. Set `sources\.s"
    with pytest.raises(ValueError, match=message):
        fetch("s", origin("0" * 64), tmp_path / "files")


def test_a_link_to_a_file_that_is_gone_is_an_error_with_a_remedy(
    folder: Path, tmp_path: Path, served: str, configured: Callable[..., None]
) -> None:
    page(folder, "some-text-1.0.tar.gz")
    for address in (served, folder.parent.as_uri()):
        configured(index_url=address)
        with pytest.raises(ValueError, match=r"could not be downloaded: some-text-1\.0\.tar\.gz: "):
            fetch("s", origin("0" * 64), tmp_path / "files")


def test_the_index_that_pip_uses_by_itself_is_asked_for(configured: Callable[..., None]) -> None:
    (index,) = pip_settings().indexes
    assert index.startswith("https://")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("package", "some-text @ file:///tmp/evil"),
        ("package", "some-text\n--index-url x"),
        ("package", "some-text\n"),
        ("package", "-r requirements.txt"),
        ("package", "../some-text"),
        ("package", "some-text[extra]"),
        ("package", "https://host/some.whl"),
        ("package", ""),
        ("version", "1.0 --hash=sha256:0"),
        ("version", "1.0\n"),
        ("version", "1.0; python_version > '3'"),
        ("version", "1.*"),
        ("version", "1/../2"),
        ("version", ">=1"),
        ("version", ""),
    ],
)
def test_a_package_is_a_name_and_an_exact_version(key: str, value: str) -> None:
    good = dict(origin("0" * 64))
    with pytest.raises(ValidationError, match=f"(?s)1 validation error.*{key}"):
        PackageOrigin.model_validate(good | {key: value})


@pytest.mark.parametrize("version", ["0.1.2", "2007", "1!2.0rc1", "1.0.post1", "1.0+cpu", "0.6dev"])
def test_versions_that_an_index_may_have_are_accepted(version: str) -> None:
    assert PackageOrigin.model_validate(dict(origin("0" * 64)) | {"version": version})


def tar_with(path: Path, *members: tarfile.TarInfo) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for member in (tarfile.TarInfo("good.txt"), *members):
            archive.addfile(member)


def tar_member(name: str, **more: Any) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(member, key, value)
    return member


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (tar_member("../outside.txt"), "leads out of the folder"),
        (tar_member("/tmp/outside.txt"), "leads out of the folder"),
        (tar_member("a/../../outside.txt"), "leads out of the folder"),
        (tar_member("link", type=tarfile.SYMTYPE, linkname="/etc"), "neither a file nor a folder"),
        (tar_member("link", type=tarfile.LNKTYPE, linkname="../x"), "neither a file nor a folder"),
        (tar_member("pipe", type=tarfile.FIFOTYPE), "neither a file nor a folder"),
        (tar_member("disk", type=tarfile.BLKTYPE), "neither a file nor a folder"),
    ],
)
def test_a_tar_archive_writes_files_below_its_folder_and_nothing_else(
    tmp_path: Path, member: tarfile.TarInfo, message: str
) -> None:
    tar_with(tmp_path / "copy.tar.gz", member)
    with pytest.raises(ValueError, match=rf"^sources\.s: copy\.tar\.gz cannot be .*{message}"):
        packages.unpack("s", tmp_path / "copy.tar.gz", tmp_path / "in/files")
    assert [path.name for path in tmp_path.iterdir()] == ["copy.tar.gz"]


@pytest.mark.parametrize(
    ("name", "mode", "message"),
    [
        ("../outside.txt", 0o100644, "leads out of the folder"),
        ("..\\outside.txt", 0o100644, "leads out of the folder"),
        ("/tmp/outside.txt", 0o100644, "leads out of the folder"),
        ("C:\\outside.txt", 0, "leads out of the folder"),
        ("link", 0o120777, "neither a file nor a folder"),
    ],
)
def test_a_zip_archive_writes_files_below_its_folder_and_nothing_else(
    tmp_path: Path, name: str, mode: int, message: str
) -> None:
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    with zipfile.ZipFile(tmp_path / "copy.whl", "w") as archive:
        archive.writestr("good.txt", "good")
        archive.writestr(member, "text")
    with pytest.raises(ValueError, match=rf"^sources\.s: copy\.whl cannot be .*{message}"):
        packages.unpack("s", tmp_path / "copy.whl", tmp_path / "in/files")
    assert [path.name for path in tmp_path.iterdir()] == ["copy.whl"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(("limit", "value"), [("MOST_BYTES", 1000), ("MOST_FILES", 2)])
def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, limit: str, value: int
) -> None:
    path = tmp_path / "copy"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in "abc":
                archive.writestr(name, "0" * 400)
    else:
        with tarfile.open(path, "w:gz") as opened:
            for name in "abc":
                opened.addfile(tar_member(name, size=400), io.BytesIO(b"0" * 400))
    packages.unpack("s", path, tmp_path / "whole")
    assert len(list((tmp_path / "whole").iterdir())) == 3
    monkeypatch.setattr(packages, limit, value)
    with pytest.raises(ValueError, match=r"cannot be unpacked: it has more than"):
        packages.unpack("s", path, tmp_path / "files")
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize("names", [["a", "a/b"], ["n" * 300]])
def test_members_that_cannot_be_files_together_are_an_error_of_the_source(
    tmp_path: Path, names: list[str]
) -> None:
    sdist(tmp_path / "odd.tar.gz", dict.fromkeys(names, "text"))
    with pytest.raises(ValueError, match=r"^sources\.s: odd.tar.gz cannot be unpacked: "):
        packages.unpack("s", tmp_path / "odd.tar.gz", tmp_path / "files")


def test_a_damaged_archive_is_an_error_of_its_source(tmp_path: Path) -> None:
    whole = tmp_path / "whole.tar.gz"
    sdist(whole, {"a.txt": os.urandom(5000).hex()})
    wheel(tmp_path / "whole.whl", "text")
    locked = bytearray((tmp_path / "whole.whl").read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(signature) + place] |= 1  # "encrypted"
    for content in (whole.read_bytes()[:3000], b"text", b"", bytes(locked)):
        (tmp_path / "copy").write_bytes(content)
        with pytest.raises(ValueError, match=r"^sources\.s: copy cannot be unpacked: "):
            packages.unpack("s", tmp_path / "copy", tmp_path / "files")
