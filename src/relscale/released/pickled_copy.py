"""Compare weights with a pickled copy of them, without unpickling anything. Light imports.

PyTorch's files are ZIP archives with one entry per storage, and a ZIP archive has the CRC-32 of
each entry. A storage of the same weights has the same size and the same CRC-32.
"""

import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path


def differs_from_pickled(files: Sequence[Path], pickled: Sequence[Path]) -> bool:
    """Return whether pickled files lack a weight of safetensors files.

    Further weights in the pickled files do not matter: tied ones and constants are often among
    them. Files of other formats, such as those of PyTorch before 1.6, are taken to be the same.

    Args:
        files: complete safetensors files.
        pickled: the pickled files.
    """
    if not all(zipfile.is_zipfile(file) for file in pickled):
        return False
    storages: set[tuple[int, int]] = set()
    for file in pickled:
        with zipfile.ZipFile(file) as archive:
            storages |= {
                (entry.file_size, entry.CRC)
                for entry in archive.infolist()
                if "/data/" in entry.filename
            }
    return any(stored not in storages for file in files for stored in _stored(file))


def _stored(file: Path) -> Iterator[tuple[int, int]]:
    """Yield the bytes and the CRC-32 of each weight of a safetensors file."""
    with file.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        header = json.loads(handle.read(length))
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            handle.seek(8 + length + begin)
            yield end - begin, zlib.crc32(handle.read(end - begin))
