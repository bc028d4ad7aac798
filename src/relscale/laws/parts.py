"""Losses of parts of texts: sums by bucket of bytes and by position in the context.

Read `PartSums` first: it gives the bits per byte of one bucket as values of a metric of the family,
so that its gaps are fitted by the same estimators as the whole.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from relscale.contract.buckets import BUCKETS_COLUMNS, PARTITIONS, POSITIONS_COLUMNS
from relscale.contract.check import check_columns
from relscale.laws.cells import Readings, SuiteRuns
from relscale.laws.items import ItemNoise, item_matrices, item_noise
from relscale.laws.spec import LawSpec

METRIC = "bits_per_byte"
"""The metric of a bucket."""
Bucket = tuple[str, str]
"""Partition and bucket."""


@dataclass(frozen=True, kw_only=True)
class PartSums:
    """Sums of a family's losses by bucket and by position, all corpora."""

    buckets: Mapping[tuple[str, str, str, str], pd.DataFrame]
    """Sums by (corpus, partition, bucket, domain): one row per run and item."""
    positions: pd.DataFrame
    """Sums by position: one row per corpus, run, domain and bucket of positions."""
    _readings: dict[tuple[str, str, str], Readings] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def of(cls, buckets: pd.DataFrame, positions: pd.DataFrame, family: str) -> "PartSums":
        """Return the sums of one family from the tables of its evaluations.

        Raises:
            ValueError: for a missing column, or a bucket that is not known.
        """
        check_columns("buckets", buckets.columns, BUCKETS_COLUMNS)
        check_columns("positions", positions.columns, POSITIONS_COLUMNS)
        kept = buckets[buckets["family"] == family]
        keys = ["corpus", "partition", "bucket", "domain"]
        pieces = {
            (str(corpus), str(partition), str(bucket), str(domain)): rows
            for (corpus, partition, bucket, domain), rows in kept.groupby(
                keys, sort=True, observed=True
            )
        }
        known = {(name, bucket) for name, whole in PARTITIONS.items() for bucket in whole}
        odd = sorted({(key[1], key[2]) for key in pieces} - known)
        if odd:
            raise ValueError(f"buckets: {odd[0]} is not a partition and bucket that are known")
        return cls(buckets=pieces, positions=positions[positions["family"] == family])

    def present(self, corpus: str) -> list[Bucket]:
        """Return the buckets that a corpus has, in order."""
        here = {key[1:3] for key in self.buckets if key[0] == corpus}
        order = [(name, bucket) for name, whole in PARTITIONS.items() for bucket in whole]
        return [bucket for bucket in order if bucket in here]

    def num_items(self, corpus: str, domain: str) -> int:
        """Return the number of documents of a domain that count."""
        pieces = (self.piece(corpus, bucket, domain) for bucket in self.present(corpus))
        names = [set(piece["item"].astype(str)) for piece in pieces if piece is not None]
        return len(set().union(*names))

    def piece(self, corpus: str, bucket: Bucket, domain: str) -> pd.DataFrame | None:
        """Return the rows of a bucket of a domain that count; None if it has none."""
        rows = self.buckets.get((corpus, *bucket, domain))
        return None if rows is None else rows[~rows["overlaps"]]

    def readings(self, runs: SuiteRuns, bucket: Bucket, domains: Sequence[str]) -> Readings:
        """Return the bits per byte of a bucket by domain and run; NaN where there are none."""
        key = (runs.corpus, *bucket)
        if key not in self._readings:
            values = np.full((len(domains), len(runs.runs)), np.nan)
            for row, domain in enumerate(domains):
                piece = self.piece(runs.corpus, bucket, domain)
                if piece is not None and len(piece):
                    sums = piece.groupby("run", observed=True)[["nats", "num_bytes"]].sum()
                    sums.index = sums.index.astype(str)
                    found = sums.reindex(list(runs.runs))
                    with np.errstate(divide="ignore"):
                        values[row] = np.log(found["nats"] / found["num_bytes"] / math.log(2))
            self._readings[key] = Readings(
                domains=tuple(domains),
                log_error=values,
                at_chance=np.zeros(values.shape, dtype=bool),
                left_out=frozenset(),
                notes=(),
            )
        return self._readings[key]

    def noise(
        self, runs: SuiteRuns, bucket: Bucket, readings: Readings, spec: LawSpec
    ) -> dict[str, ItemNoise]:
        """Return the item noise of a bucket by domain; an item's share is its bytes in it."""
        found = {}
        for domain, log_error in zip(readings.domains, readings.log_error, strict=True):
            piece = self.piece(runs.corpus, bucket, domain)
            if piece is None or not np.isfinite(log_error).any():
                continue
            items = pd.DataFrame(
                {
                    "run": piece["run"].astype(str),
                    "stratum": domain,
                    "item": piece["item"].astype(str),
                    "numerator": piece["nats"] / math.log(2),
                    "denominator": piece["num_bytes"].astype(np.float64),
                }
            )
            where = f"bucket {bucket[1]!r} of corpus {runs.corpus!r}, domain {domain!r}"
            matrices = item_matrices(items, runs, log_error, where)
            found[domain] = item_noise(matrices, spec.draws, spec.seed, domain)
        return found


def shares(sums: PartSums, corpus: str, bucket: Bucket, domain: str) -> tuple[float, float, int]:
    """Return a bucket's shares of a domain's bytes and nats, over all runs, and its items."""
    parts = {name: sums.piece(corpus, (bucket[0], name), domain) for name in PARTITIONS[bucket[0]]}
    rows = {name: piece for name, piece in parts.items() if piece is not None}
    own = rows.get(bucket[1])
    if own is None or not len(own):
        return 0.0, 0.0, 0
    share_bytes, share_nats = (
        float(own[column].sum() / sum(piece[column].sum() for piece in rows.values()))
        for column in ("num_bytes", "nats")
    )
    return share_bytes, share_nats, int(own["item"].astype(str).nunique())
