"""Reader `service_manuals`: the documentation strings of botocore's service descriptions."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from relscale.config.readers import ServiceManuals
from relscale.text.document_reader import DocumentReader, SourceDocument
from relscale.text.formats import read_json_value


def _read(path: Path, where: str, settings: ServiceManuals) -> Iterator[SourceDocument]:
    description = read_json_value(path, settings.member)
    for number, text in enumerate(_documentation(description), start=1):
        yield SourceDocument(text=text, where=f"{where} string {number}")


def _newest_versions(paths: Sequence[Path], settings: ServiceManuals) -> list[Path]:
    """Keep the file in the newest dated folder of each service."""
    newest: dict[Path, Path] = {}
    for path in sorted(paths):
        newest[path.parent.parent] = path
    return list(newest.values())


def _documentation(value: Any) -> Iterator[str]:
    """Yield the strings under "documentation" keys, in the file's order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "documentation" and isinstance(inner, str):
                yield inner
            else:
                yield from _documentation(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _documentation(inner)


READER = DocumentReader(settings=ServiceManuals, read=_read, select=_newest_versions)
