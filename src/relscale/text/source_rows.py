"""Rows of the table of sources."""

import hashlib
from collections.abc import Iterable, Mapping

from relscale.config.sources import Described
from relscale.contract.text_tables import SourceRow
from relscale.text.manifests import SourceContent


def source_rows(
    contents: Iterable[SourceContent], described: Mapping[str, Described]
) -> list[SourceRow]:
    """Return one row per source, sorted by name.

    Several components of sharded corpora may each have read a part of the same source. Their files
    are added up, and the row's digest covers the digests of the parts.

    Args:
        contents: manifests of sources and plans of shards.
        described: licence and citation of each source.
    """
    by_source: dict[str, dict[str, SourceContent]] = {}
    for content in contents:
        by_source.setdefault(content.source, {}).setdefault(content.sha256, content)
    rows = []
    for name, parts in sorted(by_source.items()):
        first = next(iter(parts.values()))
        joined = hashlib.sha256(" ".join(sorted(parts)).encode()).hexdigest()
        rows.append(
            SourceRow(
                source=name,
                package=first.package,
                version=first.version,
                sha256=first.sha256 if len(parts) == 1 else joined,
                num_files=sum(part.num_files for part in parts.values()),
                num_bytes=sum(part.num_bytes for part in parts.values()),
                licence=described[name].licence,
                citation=described[name].citation,
            )
        )
    return rows
