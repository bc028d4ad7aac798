"""Score runs of one corpus and budget on one family, one run after another."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from relscale.arrow import arrow_table, write_parquet
from relscale.command import run
from relscale.evaluation.aggregate import ITEMS_SCHEMA, LOSSES_SCHEMA, items_table, losses_rows, metrics_of
from relscale.evaluation.requests import RequestTable, read_requests
from relscale.evaluation.trained import read_run
from relscale.files import read_json


def evaluate_run(
    record_path: Path, spec: Mapping[str, Any], requests: RequestTable, overlaps: np.ndarray
) -> tuple[list[dict[str, Any]], pa.Table]:
    """Return the losses rows and the items of a run, from its record and the folder model/ beside it.

    An excluded run keeps its losses rows, without errors and with the reason; it has no items.

    Raises:
        ValueError: naming the file, where the run's model cannot be read or does not allow the requests.
    """
    record = read_json(record_path)
    columns, reason = record["columns"], record.get("excluded_reason")
    family, kind = spec["family"], spec["settings"]["kind"]
    metrics = metrics_of(kind, spec["settings"]["metrics"])
    if reason:
        return losses_rows(columns, family, kind, metrics, requests, None, overlaps, reason), ITEMS_SCHEMA.empty_table()
    scores = read_run(record_path.parent / "model", record["spec"]["device"]).score(requests.contexts, requests.continuations)
    if not np.isfinite(scores.log_likelihood).all():
        raise ValueError(f"{record_path.parent / 'model'}: gives scores that are not finite, though the run is not excluded")
    rows = losses_rows(columns, family, kind, metrics, requests, scores.log_likelihood, overlaps)
    return rows, items_table(columns, family, metrics, requests, scores.log_likelihood, overlaps)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument("--requests", required=True, type=Path)
    parser.add_argument("--record", required=True, type=Path, nargs="+", help="record.json of each run; its model lies in model/ beside it")
    parser.add_argument("--overlaps", type=Path, help="items whose text is in the corpus")
    parser.add_argument("--out-losses", required=True, type=Path)
    parser.add_argument("--out-items", required=True, type=Path)
    args = parser.parse_args(argv)
    requests = read_requests(args.requests)
    in_corpus = set(read_json(args.overlaps)["items"]) if args.overlaps else set()
    overlaps = np.array([item in in_corpus for item in requests.items])
    rows: list[dict[str, Any]] = []
    tables: list[pa.Table] = []
    for number, path in enumerate(args.record, start=1):
        print(f"{number}/{len(args.record)} {path}", flush=True)
        run_rows, items = evaluate_run(path, args.spec, requests, overlaps)
        rows += run_rows
        tables.append(items)
    write_parquet(arrow_table(rows, LOSSES_SCHEMA), args.out_losses)
    write_parquet(pa.concat_tables(tables).unify_dictionaries(), args.out_items)


if __name__ == "__main__":
    run(main)
