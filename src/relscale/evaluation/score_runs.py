"""Score the runs of one IsoFLOP curve on a family, one after another, and resume after a kill."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from relscale.contract.losses import LossesRow
from relscale.evaluation.aggregate import ITEMS_SCHEMA, ScoredFamily, items_table, losses_rows
from relscale.evaluation.run_record import EvaluatedRun, read_evaluated_run
from relscale.evaluation.score_cache import cached_scores
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

    def path(self, record: Path, run: str) -> Path:
        """Return the file of a run's scores; another record or other weights give another name."""
        weights = [
            [path.name, path.stat().st_size, path.stat().st_mtime_ns]
            for path in sorted((record.parent / "model").glob("*.safetensors"))
        ]
        digest = spec_digest([sha256_of(record), weights, *self.defined_by])
        return self.folder / f"scores-{run}-{digest}.npy"


def score_runs(
    records: Sequence[Path], family: ScoredFamily, cache: ScoreCache
) -> tuple[list[LossesRow], pa.Table]:
    """Return the losses rows and the items of several runs.

    An excluded run has losses rows with the reason and without values; it has no items.

    Args:
        records: record.json of each run; its model is in model/ in the same folder.
        family: the family and its requests.
        cache: place of scores of an earlier attempt.

    Raises:
        ValueError: naming the file, if the model of a run cannot be read or cannot score the
            requests.
    """
    rows: list[LossesRow] = []
    tables: list[pa.Table] = []
    for number, path in enumerate(records, start=1):
        log.info("%d/%d %s", number, len(records), path)
        run = read_evaluated_run(path)
        if run.excluded_reason:
            rows += losses_rows(run.columns, family, None, run.excluded_reason)
            tables.append(ITEMS_SCHEMA.empty_table())
            continue
        scores = _scores(path, run, family, cache)
        rows += losses_rows(run.columns, family, scores)
        tables.append(items_table(run.columns, family, scores))
    return rows, pa.concat_tables(tables).unify_dictionaries()


def _scores(path: Path, run: EvaluatedRun, family: ScoredFamily, cache: ScoreCache) -> np.ndarray:
    """Return (row) the nats of a run's requests."""
    model, requests = path.parent / "model", family.requests

    def score() -> np.ndarray:
        loaded = read_run(model, run.spec.device, run.implementation)
        scores: np.ndarray = loaded.score(requests.contexts, requests.continuations).log_likelihood
        if not np.isfinite(scores).all():
            raise ValueError(f"{model}: scores are not finite, though the run is not excluded")
        return scores

    return cached_scores(cache.path(path, run.columns["run"]), score)


def read_overlaps(path: Path | None, items: Sequence[str]) -> np.ndarray:
    """Return (item) whether the item's text occurs in the corpus.

    Args:
        path: result of the overlap search; None if the family was not searched.
        items: names of the items.
    """
    found = set(read_json(path)["items"]) if path else set()
    return np.array([item in found for item in items])
