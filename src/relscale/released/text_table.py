"""The texts of a family as a file: what a job that scores checkpoints reads."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from relscale.contract.check import check_columns
from relscale.evaluation.families import FamilyTexts
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.files import replacing

TEXTS_SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("domain", "stratum", "item", "prefix", "context", "text")
        ),
        ("options", pa.list_(pa.string())),
        ("gold", pa.int32()),
    ]
)


def write_texts(texts: FamilyTexts, path: Path) -> None:
    """Write items as Parquet: questions have prefix, context, options and gold, documents have
    text."""
    rows: list[dict[str, Any]] = [
        {
            "domain": item.domain,
            "stratum": item.stratum,
            "item": item.item,
            "prefix": item.prefix,
            "context": item.context,
            "text": None,
            "options": list(item.options),
            "gold": item.gold,
        }
        for item in texts.items
    ]
    nothing = dict.fromkeys(("prefix", "context", "options", "gold"))
    rows += [
        {
            "domain": document.domain,
            "stratum": document.stratum,
            "item": document.item,
            "text": document.text,
            **nothing,
        }
        for document in texts.documents
    ]
    with replacing(path) as temporary:
        pq.write_table(
            pa.Table.from_pylist(rows, schema=TEXTS_SCHEMA), temporary, compression="zstd"
        )


def read_texts(path: Path) -> tuple[list[TextItem], list[TextDocument]]:
    """Read what `write_texts` wrote: questions and documents.

    Raises:
        ValueError: naming the file, where columns are missing or there is no row.
    """
    table = pq.read_table(path)
    check_columns(str(path), table.column_names, TEXTS_SCHEMA.names)
    items: list[TextItem] = []
    documents: list[TextDocument] = []
    for row in table.to_pylist():
        names = {key: row[key] for key in ("domain", "stratum", "item")}
        if row["text"] is not None:
            documents.append(TextDocument(**names, text=row["text"]))
        else:
            items.append(
                TextItem(
                    **names,
                    prefix=row["prefix"],
                    context=row["context"],
                    options=tuple(row["options"]),
                    gold=row["gold"],
                )
            )
    if not items and not documents:
        raise ValueError(f"{path}: holds no texts")
    return items, documents


def texts_manifest(texts: FamilyTexts, family: str, kind: str) -> dict[str, Any]:
    """Return the account of a family's texts as JSON: items and bytes to score by domain, and what
    was left out."""
    domains: dict[str, dict[str, Any]] = {}
    everything: list[TextItem | TextDocument] = [*texts.items, *texts.documents]
    for thing in everything:
        row = domains.setdefault(
            thing.domain, {"items": 0, "sequences": 0, "bytes": 0, "strata": set()}
        )
        scored = (
            (thing.text,)
            if isinstance(thing, TextDocument)
            else tuple(option.removeprefix(" ") for option in thing.options)
        )
        row["items"] += 1
        row["sequences"] += len(scored)
        row["bytes"] += sum(len(text.encode()) for text in scored)
        row["strata"].add(thing.stratum)
    return {
        "family": family,
        "kind": kind,
        "domains": {
            domain: {
                **row,
                "strata": len(row["strata"]),
                "left_out": dict(texts.left_out.get(domain, {})),
            }
            for domain, row in domains.items()
        },
        "outside_domains": dict(texts.outside),
        "items": sum(row["items"] for row in domains.values()),
    }
