"""Check before any scoring that every checkpoint that should be here is here, and write the suite's
table."""

import argparse
import csv
import io
import json
from pathlib import Path
from typing import Any

from relscale.config.released import CheckpointRow
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.files import write_text
from relscale.released.folder import check_folder
from relscale.released.table import find_model
from relscale.runtime import run


def check_checkpoint(row: CheckpointRow, folder: str | None) -> dict[str, Any] | None:
    """Return the configuration of a checkpoint in a folder, after checking its files; none for an
    id of the hub, which comes later.

    Raises:
        ValueError: naming the run and what is wrong.
    """
    try:
        model = find_model(row.model, folder)
        if folder is not None or row.model.endswith("*") or Path(model).is_dir():
            if not Path(model).is_dir():
                raise ValueError(f"model {model!r}: no such folder")
            return check_folder(Path(model), model)
        if row.revision is None:
            raise ValueError(
                f"model {row.model!r}: there is no such folder, and an id of the hub needs a revision, best a full commit"
            )
    except ValueError as error:
        raise ValueError(f"run {row.run}: {error}") from error
    return None


def suite_row(row: CheckpointRow, config: dict[str, Any] | None) -> dict[str, Any]:
    """Return a checkpoint's row of suite.csv; what nobody said is empty."""
    known = config or {}
    return {
        **dict.fromkeys(SUITE_COLUMNS, ""),
        **{
            key: value
            for key, value in row.columns().items()
            if key in SUITE_COLUMNS and value is not None
        },
        "corpus": row.corpus,
        "budget_counts": "forward_flops" if row.forward_flops is not None else "training_flops",
        "width": known.get("hidden_size", known.get("n_embd", "")),
        "layers": known.get("num_hidden_layers", known.get("n_layer", "")),
        "heads": known.get("num_attention_heads", known.get("n_head", "")),
    }


def main(argv: list[str] | None = None) -> None:
    """Run the stage.

    Raises:
        ValueError: naming every checkpoint that cannot be used.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, type=json.loads)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--out-bill", required=True, type=Path)
    args = parser.parse_args(argv)
    rows = [CheckpointRow.model_validate(row) for row in args.spec["checkpoints"]]
    text = io.StringIO()
    writer = csv.DictWriter(text, SUITE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    problems: list[str] = []
    for row in rows:
        try:
            writer.writerow(suite_row(row, check_checkpoint(row, args.spec["folder"])))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError(
            f"before scoring, {len(problems)} checkpoint(s):\n  " + "\n  ".join(problems)
        )
    write_text(args.out, text.getvalue())
    cells = {(row.corpus, row.budget) for row in rows}
    write_text(
        args.out_bill,
        f"{len(rows)} checkpoints of {len(cells)} IsoFLOP curves are scored; nothing is trained\n",
    )


if __name__ == "__main__":
    run(main)
