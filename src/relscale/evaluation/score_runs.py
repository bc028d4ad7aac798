"""Score the runs of one IsoFLOP curve on a family, one after another, and resume after a kill."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from relscale.contract.losses import LossesRow, RunColumns
from relscale.evaluation.aggregate import ITEMS_SCHEMA, ScoredFamily, items_table, losses_rows
from relscale.evaluation.bucket_sums import (
    BUCKETS_SCHEMA,
    POSITIONS_SCHEMA,
    BucketRows,
    BucketWeights,
    Documents,
    PositionRows,
    Positions,
)
from relscale.evaluation.run_record import EvaluatedRun, read_evaluated_run
from relscale.evaluation.score_cache import cached_scores
from relscale.evaluation.token_bytes import TokenBytes
from relscale.evaluation.trained import read_run
from relscale.files import read_json, sha256_of
from relscale.provenance.digests import spec_digest

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ScoreCache:
    """Where scores that took long are stored, and the key that they share."""

    folder: Path
    """Folder of the files."""
    defined_by: Sequence[str]
    """Everything that decides scores besides the run: checksum of the requests, digests of code and
    libraries."""

    def path(self, record: Path, run: str, by_token: bool = False) -> Path:
        """Return the file of a run's scores; another record or other weights give another name.

        So do scores by token.
        """
        weights = [
            [path.name, path.stat().st_size, path.stat().st_mtime_ns]
            for path in sorted((record.parent / "model").glob("*.safetensors"))
        ]
        kind = ["by token"] if by_token else []
        digest = spec_digest([sha256_of(record), weights, *self.defined_by, *kind])
        return self.folder / f"scores-{run}-{digest}.npy"


@dataclass(frozen=True, kw_only=True)
class Evaluations:
    """The tables of several runs."""

    losses: list[LossesRow]
    """Losses rows."""
    items: pa.Table
    """Items."""
    buckets: pa.Table
    """Sums by bucket; empty unless asked for."""
    positions: pa.Table
    """Sums by position; empty unless asked for."""


@dataclass(frozen=True, kw_only=True)
class DocumentParts:
    """Parts of a family's documents, for the sums by bucket and by position of each run."""

    buckets: BucketRows
    """Rows of the sums by bucket."""
    positions: PositionRows
    """Rows of the sums by position."""

    @classmethod
    def of(cls, family: ScoredFamily, tokens: TokenBytes, context_length: int) -> "DocumentParts":
        """Return the parts of a family of documents.

        Args:
            family: the family and its requests.
            tokens: the bytes of its scored tokens.
            context_length: tokens of the models' window.
        """
        requests = family.requests
        documents = Documents(family=family.name, requests=requests, overlaps=family.overlaps)
        positions = Positions.of(
            [len(context) for context in requests.contexts],
            [len(continuation) for continuation in requests.continuations],
            np.arange(len(requests.items)),
            context_length,
        )
        return cls(
            buckets=BucketRows.of(documents, BucketWeights.of(tokens)),
            positions=PositionRows.of(documents, positions),
        )

    def tables(self, run: RunColumns, by_token: np.ndarray) -> tuple[pa.Table, pa.Table]:
        """Return the sums by bucket and by position of a run.

        Args:
            run: columns that describe the run.
            by_token: (token) log-probability of each scored token.
        """
        return self.buckets.table(run, -by_token), self.positions.table(run, -by_token)


def score_runs(
    records: Sequence[Path],
    family: ScoredFamily,
    cache: ScoreCache,
    parts: DocumentParts | None = None,
) -> Evaluations:
    """Return the losses rows, the items and the sums of several runs.

    An excluded run has losses rows with the reason and without values; it has no items and no sums.

    Args:
        records: record.json of each run; its model is in model/ in the same folder.
        family: the family and its requests.
        cache: place of scores of an earlier attempt.
        parts: parts of the documents for the sums; None for none.

    Raises:
        ValueError: naming the file, if the model of a run cannot be read or cannot score the
            requests.
    """
    rows: list[LossesRow] = []
    # `empty_table` imports pandas.
    items, buckets, positions = (
        [pa.Table.from_batches([], schema=schema)]
        for schema in (ITEMS_SCHEMA, BUCKETS_SCHEMA, POSITIONS_SCHEMA)
    )
    for number, path in enumerate(records, start=1):
        log.info("%d/%d %s", number, len(records), path)
        run = read_evaluated_run(path)
        if run.excluded_reason:
            rows += losses_rows(run.columns, family, None, run.excluded_reason)
            continue
        found = _scores(path, run, family, cache, by_token=parts is not None)
        scores, by_token = np.split(found, [len(family.requests.num_bytes)])
        rows += losses_rows(run.columns, family, scores)
        items.append(items_table(run.columns, family, scores))
        if parts is not None:
            of_bytes, of_positions = parts.tables(run.columns, by_token)
            buckets.append(of_bytes)
            positions.append(of_positions)
    return Evaluations(
        losses=rows,
        items=pa.concat_tables(items).unify_dictionaries(),
        buckets=pa.concat_tables(buckets).unify_dictionaries(),
        positions=pa.concat_tables(positions),
    )


def _scores(
    path: Path, run: EvaluatedRun, family: ScoredFamily, cache: ScoreCache, *, by_token: bool
) -> np.ndarray:
    """Return (row) the log-likelihoods of a run's requests, and behind them those of the tokens."""
    model, requests = path.parent / "model", family.requests

    def score() -> np.ndarray:
        loaded = read_run(model, run.spec.device, run.implementation)
        found = loaded.score(requests.contexts, requests.continuations, by_token=by_token)
        scores = found.log_likelihood
        if not np.isfinite(scores).all():
            raise ValueError(f"{model}: scores are not finite, though the run is not excluded")
        return scores if found.by_token is None else np.concatenate([scores, found.by_token])

    return cached_scores(cache.path(path, run.columns["run"], by_token), score)


def read_overlaps(path: Path | None, items: Sequence[str]) -> np.ndarray:
    """Return (item) whether the item's text occurs in the corpus.

    Args:
        path: result of the overlap search; None if the family was not searched.
        items: names of the items.
    """
    found = set(read_json(path)["items"]) if path else set()
    return np.array([item in found for item in items])
