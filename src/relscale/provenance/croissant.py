"""Croissant metadata of the losses and items tables (mlcommons.org/croissant, version 1.0).

Columns and types are read from the files, so they are always those of the data.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from relscale.files import replacing, sha256_of, write_json

NAME = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
TABLES = ("losses", "items")
"""Tables that are described, without their ending."""
DESCRIPTIONS = {
    "losses": "Values of metrics: one row per run, family, domain and metric.",
    "items": "Values of single items: one row per run, family, domain, metric and item. Items are "
    "identified by hashes; texts are left out.",
}
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification prescribes."""


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """The facts about the tables that their files do not have."""

    experiment: str
    """Name of the experiment."""
    version: str
    """Version of relscale."""
    licence: str
    """Licence of the tables: its address, or its name on the Hub."""

    @property
    def cite_as(self) -> str:
        """How to cite the tables."""
        return (
            f"Results of the experiment {self.experiment} of relscale {self.version}; its "
            "CITATION.cff names the software and the paper."
        )


def croissant(about: DatasetFacts, files: Sequence[Path], folder: Path) -> dict[str, Any]:
    """Return Croissant metadata of Parquet tables.

    Args:
        about: facts that the files do not have.
        files: the tables, relative to the folder.
        folder: the folder of the tables, which the metadata refer to by name.
    """
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": f"relscale-{about.experiment}",
        "description": (
            f"Losses of the experiment {about.experiment} of relscale, which measures how gaps "
            "between test domains change with training compute. docs/reference/tables.md explains "
            "columns and units."
        ),
        "url": f"results/{about.experiment}",
        "license": about.licence,
        "version": about.version,
        "datePublished": _day(folder / files[0]),
        "citeAs": about.cite_as,
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": path.stem,
                "name": path.name,
                "contentUrl": str(path),
                "contentSize": f"{(folder / path).stat().st_size} B",
                "encodingFormat": "application/x-parquet",
                "sha256": sha256_of(folder / path),
            }
            for path in files
        ],
        "recordSet": [_record_set(path, folder) for path in files],
    }


def _day(path: Path) -> str:
    """Return the day on which a table was made."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()


def write_croissant(about: DatasetFacts, tables: Path, out: Path) -> Path:
    """Write Croissant metadata of the tables of losses and items of a folder; return its path.

    Args:
        about: facts that the files do not have.
        tables: folder of the tables.
        out: folder of the metadata. Readers look for the tables next to it.
    """
    files = [Path(f"{table}.parquet") for table in TABLES]
    write_json(out / NAME, croissant(about, files, tables))
    return out / NAME


def write_dataset(about: DatasetFacts, tables: Path, out: Path) -> Path:
    """Copy the tables of losses and items to a folder, with Croissant metadata.

    Args:
        about: facts that the files do not have.
        tables: folder of the tables, `results/<experiment>/tables`.
        out: the folder to write; existing files are replaced.

    Returns:
        The metadata.

    Raises:
        ValueError: naming the first table that is missing.
    """
    files = [Path(f"{table}.parquet") for table in TABLES]
    for file in files:
        if not (tables / file).is_file():
            raise ValueError(f"{tables / file}: does not exist; the tables cannot be published")
    for file in files:
        with replacing(out / file) as temporary:
            shutil.copy2(tables / file, temporary)
    return write_croissant(about, out, out)


def _record_set(path: Path, folder: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    schema = pq.read_schema(folder / path)
    table = path.stem
    return {
        "@type": "cr:RecordSet",
        "@id": f"{table}_rows",
        "name": f"{table}_rows",
        "description": DESCRIPTIONS[table],
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{table}_rows/{column.name}",
                "name": column.name,
                "dataType": _data_type(column.type),
                "source": {
                    "fileObject": {"@id": table},
                    "extract": {"column": column.name},
                },
            }
            for column in schema
        ],
    }


def _data_type(kind: Any) -> str:
    """Return Croissant's name of a type of pyarrow."""
    from pyarrow import types

    if types.is_boolean(kind):
        return "sc:Boolean"
    if types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if types.is_floating(kind) else "sc:Text"
