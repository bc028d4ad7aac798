"""The check of all released models before any scoring, and their rows of suite.csv."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from relscale.config.released import ReleasedModelRow
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.released.model_folder import check_folder
from relscale.released.models_table import find_model


def suite_csv(rows: Sequence[ReleasedModelRow], folder: str | None) -> str:
    """Return suite.csv as text, after checking that every model can be used.

    Args:
        rows: the table of released models.
        folder: folder of the models, if they are in one.

    Raises:
        ValueError: naming every model that cannot be used.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, SUITE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    problems: list[str] = []
    for row in rows:
        try:
            writer.writerow(_suite_row(row, check_model(row, folder)))
        except ValueError as error:
            problems.append(f"run {row.run}: {error}")
    if problems:
        lines = "\n  ".join(problems)
        raise ValueError(f"before scoring, {len(problems)} released model(s):\n  {lines}")
    return text.getvalue()


def check_model(row: ReleasedModelRow, folder: str | None) -> dict[str, Any] | None:
    """Return the configuration of a model in a folder, after checking its files.

    The files of a model on the Hub are fetched and checked later; it returns None for these.

    Raises:
        ValueError: if there is no such folder, its files cannot be used, or a Hub id has no
            revision.
    """
    model = find_model(row.model, folder)
    if folder is not None or row.model.endswith("*") or Path(model).is_dir():
        if not Path(model).is_dir():
            raise ValueError(f"model {model!r}: no such folder")
        return check_folder(Path(model), model)
    if row.revision is None:
        raise ValueError(
            f"model {row.model!r}: no such folder; if it is a Hub id, give a revision, best a full "
            "commit"
        )
    return None


def _suite_row(row: ReleasedModelRow, config: dict[str, Any] | None) -> dict[str, object]:
    """Return a model's row of suite.csv; cells without a known value are empty."""
    known = config or {}
    given = {
        name: value
        for name, value in row.columns().items()
        if name in SUITE_COLUMNS and value is not None
    }
    return {
        **dict.fromkeys(SUITE_COLUMNS, ""),
        **given,
        "budget_counts": "forward_flops" if row.forward_flops is not None else "training_flops",
        "width": known.get("hidden_size", known.get("n_embd", "")),
        "layers": known.get("num_hidden_layers", known.get("n_layer", "")),
        "heads": known.get("num_attention_heads", known.get("n_head", "")),
    }
