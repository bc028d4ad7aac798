"""Sizes of packages that would be downloaded, asked of the indexes that pip is set to use.

Only the size is asked for; nothing is downloaded.
"""

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests

from relscale.config.sources import PackageOrigin
from relscale.text.package_index import IndexedFile, PipSettings, find_files


def package_bytes(source: PackageOrigin, settings: PipSettings) -> int | None:
    """Return the size of a package's file in bytes; None if no index states it.

    Args:
        source: the package.
        settings: where to look.
    """
    found, _ = find_files(source.package, settings)
    for file in found:
        if file.sha256 == source.sha256 and (size := _bytes_of(file, settings)) is not None:
            return size
    return None


def _bytes_of(file: IndexedFile, settings: PipSettings) -> int | None:
    """Return the size that the server of a file states, or that of a file on this machine."""
    parts = urlsplit(file.url)
    if parts.scheme == "file":
        path = Path(url2pathname(parts.path))
        return path.stat().st_size if path.is_file() else None
    try:
        answer = requests.head(
            file.url,
            headers={"Accept-Encoding": "identity"},
            verify=False if parts.hostname in settings.trusted else settings.verify,
            proxies=dict(settings.proxies),
            timeout=settings.timeout_s,
            allow_redirects=True,
        )
        answer.raise_for_status()
        return int(answer.headers["Content-Length"])
    except (requests.RequestException, KeyError, ValueError):
        return None
