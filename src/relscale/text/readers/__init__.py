"""Document readers, one module per reader.

Each module declares `READER`, the behaviour of one class of settings of `relscale.config.readers`.
All modules of this folder are imported, so that a new reader needs no entry in a list. The code
digest (`relscale.provenance.code`) covers them all, too.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from relscale.config.readers import AnyReader, Reader
from relscale.text.document_reader import DocumentReader, SourceDocument
from relscale.text.source_files import matching_files

_MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
READERS: dict[type[Reader], DocumentReader[Any]] = {
    module.READER.settings: module.READER for module in _MODULES
}
"""The reader of each class of settings."""


def read_documents(files_dir: Path, settings: AnyReader) -> Iterator[SourceDocument]:
    """Yield the documents of a source, file by file in sorted order.

    Args:
        files_dir: folder of the source's files.
        settings: which files to read, and how. Cleaning is left to `relscale.text.cleaning.clean`.

    Raises:
        ValueError: if no file matches, a file cannot be read, or a column, key or member of an
            archive is missing.
    """
    reader = READERS[type(settings)]
    matching = matching_files(files_dir, settings.files, settings.exclude)
    for path in reader.select(matching, settings):
        yield from reader.read(path, path.relative_to(files_dir).as_posix(), settings)
