"""Find and download a package's files in the indexes that pip is set to use.

pip itself runs the build code of a source archive to read its metadata, even if it only downloads
it. Here an archive is a file: it is downloaded and nothing in it is run. Read `find_files` and
`download`. Indexes are read as PEP 503 (HTML) or PEP 691 (JSON) describe.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

import requests
from packaging.utils import canonicalize_name
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

SCOPES = ("global", "download", ":env:")
"""Parts of pip's configuration, the decisive one last."""
ACCEPTED = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
RETRIES = Retry(total=4, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504))
SHA256 = re.compile(r"(?:^|&)sha256=([0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class PipSettings:
    """The settings of pip that decide where and how packages are found."""

    indexes: tuple[str, ...]
    """Addresses or folders of indexes."""
    links: tuple[str, ...] = ()
    """Folders or pages with links to files."""
    verify: str | bool = True
    """File of certificates, True for the usual ones."""
    trusted: frozenset[str] = frozenset()
    """Hosts whose certificates are not verified."""
    proxies: Mapping[str, str] = field(default_factory=dict)
    """Proxy by scheme, in addition to those of the environment."""
    timeout_s: float = 15.0
    """Seconds without an answer after which a try fails."""


@dataclass(frozen=True, kw_only=True)
class IndexedFile:
    """A file of a package, as an index lists it."""

    name: str
    """Name of the file."""
    url: str
    """Address of the file, which may be a `file:` one."""
    sha256: str | None
    """Its SHA-256, None if the index does not state it."""


def pip_settings() -> PipSettings:
    """Ask pip for its settings.

    Raises:
        ValueError: if pip is not installed or its configuration is damaged.
    """
    values: dict[str, str] = {}
    lines = _pip("config", "list").splitlines()
    for scope in SCOPES:
        for line in lines:
            key, _, value = line.partition("=")
            if key.startswith(f"{scope}."):
                values[key.removeprefix(f"{scope}.")] = str(ast.literal_eval(value))
    indexes = [*values.get("index-url", "").split(), *values.get("extra-index-url", "").split()]
    if "index-url" not in values:
        indexes.insert(0, _usual_index())
    if values.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        indexes = []
    proxy = values.get("proxy")
    return PipSettings(
        indexes=tuple(indexes),
        links=tuple(values.get("find-links", "").split()),
        verify=values.get("cert", True),
        trusted=frozenset(values.get("trusted-host", "").split()),
        proxies={"http": proxy, "https": proxy} if proxy else {},
        timeout_s=float(values.get("timeout", values.get("default-timeout", "15"))),
    )


def find_files(package: str, settings: PipSettings) -> tuple[list[IndexedFile], list[str]]:
    """Return the files of a package in all indexes, and problems with indexes.

    Args:
        package: name of the package.
        settings: where to look.
    """
    pages = [_folder(index) + f"{canonicalize_name(package)}/" for index in settings.indexes]
    found: list[IndexedFile] = []
    problems: list[str] = []
    with _session(settings) as session:
        for page in [*pages, *settings.links]:
            try:
                found += _files_of_page(page, session, settings)
            except (OSError, ValueError) as error:  # requests raises kinds of OSError
                problems.append(f"{page}: {error}")
    return found, problems


def download(file: IndexedFile, folder: Path, settings: PipSettings) -> Path:
    """Download a file into a folder.

    Raises:
        ValueError: if it cannot be downloaded, saying why.
    """
    path = folder / Path(file.name).name
    try:
        if (local := _local(file.url)) is not None:
            path.write_bytes(local.read_bytes())
            return path
        with _session(settings) as session:
            answer = _get(file.url, session, settings, stream=True)
            answer.raise_for_status()
            with path.open("wb") as handle:
                for piece in answer.iter_content(2**20):
                    handle.write(piece)
    except (requests.RequestException, FileNotFoundError) as error:
        raise ValueError(f"{file.name}: {error}") from None
    return path


def _pip(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "400"},
    )
    if done.returncode:
        raise ValueError(f"pip {words[0]}: {' / '.join(done.stderr.strip().splitlines()[-2:])}")
    return done.stdout


def _usual_index() -> str:
    """Return the index that pip uses if none is set."""
    known = re.search(r"--index-url .*?\(default\s+(\S+?)\)", _pip("download", "--help"), re.DOTALL)
    if known is None:
        raise ValueError("pip names no index; set one: pip config set global.index-url ADDRESS")
    return known[1]


def _session(settings: PipSettings) -> requests.Session:
    session = requests.Session()
    session.proxies.update(settings.proxies)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=RETRIES))
    return session


def _get(
    url: str, session: requests.Session, settings: PipSettings, *, stream: bool
) -> requests.Response:
    trusted = urlsplit(url).hostname in settings.trusted
    return session.get(
        url,
        headers={"Accept": ACCEPTED, "Accept-Encoding": "identity"},
        verify=False if trusted else settings.verify,
        timeout=settings.timeout_s,
        stream=stream,
    )


def _folder(address: str) -> str:
    return address.rstrip("/") + "/"


def _local(address: str) -> Path | None:
    """Return the path of a file: address or a path, None for other addresses."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if parts.scheme in ("http", "https") else Path(address)


def _files_of_page(
    page: str, session: requests.Session, settings: PipSettings
) -> list[IndexedFile]:
    """Return the files that a page or folder lists; none if it does not exist."""
    local = _local(page)
    if local is None:
        answer = _get(page, session, settings, stream=False)
        if answer.status_code == requests.codes.not_found:
            return []
        answer.raise_for_status()
        if "json" in answer.headers.get("Content-Type", ""):
            return _json_files(answer.json(), answer.url)
        return _html_files(answer.text, answer.url)
    if (local / "index.html").is_file():
        local = local / "index.html"
    if local.is_file():
        return _html_files(local.read_text(encoding="utf-8"), local.resolve().as_uri())
    files = sorted(local.iterdir()) if local.is_dir() else []
    return [
        IndexedFile(name=path.name, url=path.resolve().as_uri(), sha256=None)
        for path in files
        if path.is_file()
    ]


def _json_files(content: Any, page: str) -> list[IndexedFile]:
    return [
        IndexedFile(
            name=str(entry["filename"]),
            url=urljoin(page, str(entry["url"])),
            sha256=entry.get("hashes", {}).get("sha256"),
        )
        for entry in content["files"]
    ]


class _Links(HTMLParser):
    """Collects the targets of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the target of a link."""
        if tag == "a" and (target := dict(attrs).get("href")):
            self.targets.append(target)


def _html_files(text: str, page: str) -> list[IndexedFile]:
    parser = _Links()
    parser.feed(text)
    found = []
    for target in parser.targets:
        url = urljoin(page, target)
        parts = urlsplit(url)
        stated = SHA256.search(parts.fragment)
        found.append(
            IndexedFile(
                name=unquote(parts.path.rpartition("/")[2]),
                url=url.partition("#")[0],
                sha256=stated[1] if stated else None,
            )
        )
    return found
