"""Items that domains share by name, such as the verses of several translations."""

from collections.abc import Mapping

import pandas as pd


def check_pairs(pieces: Mapping[str, pd.DataFrame]) -> None:
    """Check that all domains have the same items in the same clusters.

    Args:
        pieces: rows of the items table by domain, of one corpus and metric.

    Raises:
        ValueError: naming two domains and an item that only one of them has.
    """
    known: dict[str, set[tuple[str, ...]]] = {}
    for domain, piece in pieces.items():
        columns = [name for name in ("item", "cluster", "overlaps") if name in piece.columns]
        rows = piece[columns].astype(str).drop_duplicates()
        known[domain] = set(rows.itertuples(index=False, name=None))
    for domain, items in known.items():
        first = next(iter(known))
        differing = sorted(items ^ known[first])
        if differing:
            raise ValueError(
                f"items of domains {first!r} and {domain!r} must be the same, in the same clusters "
                f"and with the same overlaps, since they are paired; item {differing[0][0]!r} "
                "differs"
            )
