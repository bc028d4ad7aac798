"""The texts of a family as a file, which the jobs that score released models read."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from relscale.contract.arrow import read_parquet
from relscale.contract.check import check_columns
from relscale.evaluation.samples import FamilyTexts
from relscale.evaluation.texts import TextDocument, TextItem
from relscale.files import replacing

TEXTS_SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("domain", "stratum", "item", "cluster", "prefix", "context", "text")
        ),
        ("options", pa.list_(pa.string())),
        ("gold", pa.int32()),
    ]
)


def write_texts(texts: FamilyTexts, path: Path) -> None:
    """Write items as Parquet.

    Questions have prefix, context, options and gold; documents have text.
    """
    rows: list[dict[str, object]] = [
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
            "cluster": document.cluster,
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
    """Read questions and documents from the file that `write_texts` wrote.

    Raises:
        ValueError: naming the file, if it cannot be read, columns are missing or there is no row.
    """
    table = read_parquet(path)
    check_columns(str(path), table.column_names, TEXTS_SCHEMA.names)
    items: list[TextItem] = []
    documents: list[TextDocument] = []
    for row in table.to_pylist():
        names = {key: row[key] for key in ("domain", "stratum", "item")}
        if row["text"] is not None:
            documents.append(TextDocument(**names, cluster=row["cluster"] or "", text=row["text"]))
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
        raise ValueError(f"{path}: has no texts")
    return items, documents


@dataclass(kw_only=True)
class _TextCounts:
    """Counts of the texts of a domain."""

    items: int = 0
    sequences: int = 0
    bytes: int = 0
    strata: set[str] = field(default_factory=set)


def texts_manifest(texts: FamilyTexts, family: str, kind: str) -> dict[str, object]:
    """Return the account of a family's texts as JSON.

    It has items and bytes to score by domain, and the text left out.
    """
    domains: dict[str, _TextCounts] = {}
    everything: list[TextItem | TextDocument] = [*texts.items, *texts.documents]
    for item in everything:
        row = domains.setdefault(item.domain, _TextCounts())
        row.items += 1
        row.sequences += len(item.scored_texts)
        row.bytes += sum(len(text.encode()) for text in item.scored_texts)
        row.strata.add(item.stratum)
    return {
        "family": family,
        "kind": kind,
        "domains": {
            domain: {
                **asdict(row),
                "strata": len(row.strata),
                "left_out": dict(texts.left_out.get(domain, {})),
            }
            for domain, row in domains.items()
        },
        "outside_domains": dict(texts.outside),
        "items": sum(row.items for row in domains.values()),
    }
