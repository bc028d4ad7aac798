"""Croissant metadata of the losses and items tables (mlcommons.org/croissant, version 1.0).

Columns and types are read from the files, so they are always those of the data.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relscale.files import sha256_of, write_json

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


def croissant(
    experiment: str, files: Sequence[Path], folder: Path, *, licence: str, cite_as: str
) -> dict[str, Any]:
    """Return Croissant metadata of Parquet tables.

    Args:
        experiment: name of the experiment.
        files: the tables, relative to the folder.
        folder: the folder that will have the metadata.
        licence: address of the licence of the tables.
        cite_as: how to cite them.
    """
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": f"relscale-{experiment}",
        "description": (
            f"Losses of the experiment {experiment} of relscale, which measures how gaps between "
            "test domains change with training compute. docs/reference/tables.md explains columns "
            "and units."
        ),
        "url": f"results/{experiment}",
        "license": licence,
        "citeAs": cite_as,
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


def write_croissant(
    experiment: str, files: Sequence[Path], folder: Path, *, licence: str, cite_as: str
) -> Path:
    """Write Croissant metadata next to the tables and return its path; arguments as `croissant`."""
    content = croissant(experiment, files, folder, licence=licence, cite_as=cite_as)
    write_json(folder / NAME, content)
    return folder / NAME


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
