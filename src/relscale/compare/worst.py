"""The items that move the difference of a domain most, and their texts."""

from pathlib import Path

import numpy as np
import pandas as pd

from relscale.compare.paired import PairedItems
from relscale.contract.check import check_columns
from relscale.contract.io import read_table

MAX_TEXT = 300
"""Characters of a text that are shown."""


def worst_documents(
    paired: PairedItems, number: int, texts: dict[str, str] | None
) -> list[dict[str, object]]:
    """Return the items with the largest contributions to the difference, at most `number`.

    The contributions of all items sum to the difference of the domain.

    Args:
        paired: the items.
        number: largest number of rows.
        texts: text of each item; None shows none.
    """
    design = paired.design
    a, b = paired.a.mean(axis=0), paired.b.mean(axis=0)
    contribution = (a - b) * design.weight
    total = float(contribution.sum())
    names = np.array(paired.items, dtype=object)
    # Of equal contributions, the first name; rounding differs between processors.
    rounded = np.array([float(f"{abs(one):.10g}") for one in contribution])
    order = sorted(range(len(names)), key=lambda at: (-rounded[at], names[at], paired.strata[at]))
    rows: list[dict[str, object]] = []
    for rank, at in enumerate(order[:number], start=1):
        moved = float(contribution[at])
        rows.append(
            {
                **dict(zip(("family", "metric", "domain"), paired.key, strict=True)),
                "rank": rank,
                "item": paired.items[at],
                "stratum": paired.strata[at],
                "cluster": _shown_cluster(paired.clusters[at]),
                "denominator": float(design.denominator[at]),
                "value_a": float(a[at] / design.denominator[at]),
                "value_b": float(b[at] / design.denominator[at]),
                "contribution": moved,
                "share": moved / total if total else float("nan"),
                "lower": "a" if moved < 0 else "b" if moved > 0 else "",
                "text": (texts or {}).get(paired.items[at], ""),
            }
        )
    return rows


def _shown_cluster(name: str) -> str:
    """Return the name of a cluster; an item of its own is its cluster."""
    return name.removeprefix("cluster\x1f").partition("\x1f")[0]


def read_item_texts(path: Path) -> dict[str, str]:
    """Read the beginning of each item's text.

    Args:
        path: a table with the columns `item` and `text`, such as texts.parquet of a family, whose
            questions have `context` instead.

    Raises:
        ValueError: naming the file and the missing column.
    """
    frame = read_table(path, ("item",))
    columns = [name for name in ("text", "context") if name in frame.columns]
    if not columns:
        check_columns(str(path), frame.columns, ("text",))
    found: dict[str, str] = {}
    for row in frame[["item", *columns]].to_dict("records"):
        text = next((row[name] for name in columns if not pd.isna(row[name])), "")
        words = " ".join(str(text).split())
        found.setdefault(str(row["item"]), words[:MAX_TEXT])
    return found
