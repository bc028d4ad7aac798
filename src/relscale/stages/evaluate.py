"""Score runs of one corpus and budget on one family, one run after another; called again after a
kill, it goes on with the next run."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from relscale.contract.arrow import arrow_table, write_parquet
from relscale.evaluation.aggregate import (
    ITEMS_SCHEMA,
    LOSSES_SCHEMA,
    items_table,
    losses_rows,
    metrics_of,
)
from relscale.evaluation.requests import RequestTable, read_requests
from relscale.evaluation.score_cache import kept_scores
from relscale.evaluation.trained import read_run
from relscale.files import read_json, sha256_of
from relscale.provenance.digests import spec_digest
from relscale.runtime import run


def evaluate_run(
    record_path: Path,
    spec: Mapping[str, Any],
    requests: RequestTable,
    overlaps: np.ndarray,
    kept: Path,
    defined_by: Sequence[str],
) -> tuple[list[dict[str, Any]], pa.Table]:
    """Return the losses rows and the items of a run, from its record and the folder model/ beside
    it.

    An excluded run keeps its losses rows, without errors and with the reason; it has no items.

    Args:
        record_path: the run's record; its model lies in model/ beside it.
        spec: the family's.
        requests: what is scored.
        overlaps: whether each item's text is in the corpus, (items,).
        kept: folder for scores that took long.
        defined_by: what else decides the scores: the requests' sum, digests of code and libraries.

    Raises:
        ValueError: naming the file, where the run's model cannot be read or does not allow the
            requests.
    """
    record = read_json(record_path)
    columns, reason = record["columns"], record.get("excluded_reason")
    family, kind = spec["family"], spec["settings"]["kind"]
    metrics = metrics_of(kind, spec["settings"]["metrics"])
    if reason:
        return losses_rows(
            columns, family, kind, metrics, requests, None, overlaps, reason
        ), ITEMS_SCHEMA.empty_table()
    model = record_path.parent / "model"
    weights = [
        [path.name, path.stat().st_size, path.stat().st_mtime_ns]
        for path in sorted(model.glob("*.safetensors"))
    ]
    place = kept / f"scores-{columns['run']}-{spec_digest([record, weights, *defined_by])}.npy"

    def score() -> np.ndarray:
        scores: np.ndarray = (
            read_run(model, record["spec"]["device"])
            .score(requests.contexts, requests.continuations)
            .log_likelihood
        )
        if not np.isfinite(scores).all():
            raise ValueError(
                f"{model}: gives scores that are not finite, though the run is not excluded"
            )
        return scores

    log_likelihood = kept_scores(place, score)
    rows = losses_rows(columns, family, kind, metrics, requests, log_likelihood, overlaps)
    return rows, items_table(columns, family, metrics, requests, log_likelihood, overlaps)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument("--requests", required=True, type=Path)
    parser.add_argument(
        "--record",
        required=True,
        type=Path,
        nargs="+",
        help="record.json of each run; its model lies in model/ beside it",
    )
    parser.add_argument("--overlaps", type=Path, help="items whose text is in the corpus")
    parser.add_argument(
        "--checkpoints", required=True, type=Path, help="folder for scores that took long"
    )
    parser.add_argument(
        "--defined-by",
        required=True,
        nargs="*",
        help="what else defines scores: digests of code and libraries",
    )
    parser.add_argument("--out-losses", required=True, type=Path)
    parser.add_argument("--out-items", required=True, type=Path)
    args = parser.parse_args(argv)
    requests = read_requests(args.requests)
    in_corpus = set(read_json(args.overlaps)["items"]) if args.overlaps else set()
    overlaps = np.array([item in in_corpus for item in requests.items])
    defined_by = [sha256_of(args.requests), *args.defined_by]
    rows: list[dict[str, Any]] = []
    tables: list[pa.Table] = []
    for number, path in enumerate(args.record, start=1):
        print(f"{number}/{len(args.record)} {path}", flush=True)
        run_rows, items = evaluate_run(
            path, args.spec, requests, overlaps, args.checkpoints, defined_by
        )
        rows += run_rows
        tables.append(items)
    write_parquet(arrow_table(rows, LOSSES_SCHEMA), args.out_losses)
    write_parquet(pa.concat_tables(tables).unify_dictionaries(), args.out_items)


if __name__ == "__main__":
    run(main)
