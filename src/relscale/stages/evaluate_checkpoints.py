"""Score the checkpoints of one suite and budget on one family, one after another."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from relscale.config.released import CheckpointRow
from relscale.contract.arrow import arrow_table, write_parquet
from relscale.evaluation.aggregate import LOSSES_SCHEMA
from relscale.files import write_json
from relscale.released.evaluate import evaluate_checkpoint
from relscale.released.model import open_checkpoint
from relscale.released.table import find_model
from relscale.released.text_table import read_texts
from relscale.runtime import run


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument(
        "--defined-by",
        required=True,
        nargs=2,
        metavar=("CODE", "LOCK"),
        help="digests, for the record",
    )
    parser.add_argument("--texts", required=True, type=Path)
    parser.add_argument("--out-losses", required=True, type=Path)
    parser.add_argument("--out-items", required=True, type=Path)
    parser.add_argument("--out-record", required=True, type=Path)
    args = parser.parse_args(argv)
    spec = args.spec
    items, documents = read_texts(args.texts)
    rows: list[dict[str, Any]] = []
    tables: list[pa.Table] = []
    records: list[dict[str, Any]] = []
    for number, given in enumerate(spec["checkpoints"], start=1):
        row = CheckpointRow.model_validate(given)
        print(f"{number}/{len(spec['checkpoints'])} {row.run}", flush=True)
        checkpoint = open_checkpoint(
            find_model(row.model, spec["folder"]),
            row.revision,
            max_length=spec["max_length"],
            dtype=spec["dtype"],
        )
        run_rows, per_item, record = evaluate_checkpoint(
            checkpoint,
            row.columns(),
            spec["family"],
            spec["settings"],
            items,
            documents,
            stride=spec["stride"],
        )
        rows += run_rows
        tables.append(per_item)
        records.append(record)
    write_parquet(arrow_table(rows, LOSSES_SCHEMA), args.out_losses)
    write_parquet(pa.concat_tables(tables).unify_dictionaries(), args.out_items)
    write_json(
        args.out_record,
        {"family": spec["family"], "spec": spec, "defined_by": args.defined_by, "runs": records},
    )


if __name__ == "__main__":
    run(main)
