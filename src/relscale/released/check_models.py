"""The check of all released models before any scoring, and their rows of suite.csv."""

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from relscale.config.released import ReleasedModelRow
from relscale.contract.suite_table import SUITE_COLUMNS
from relscale.released.model_folder import is_hub_id
from relscale.released.models_table import find_model
from relscale.released.spec import ReleasedModelsSpec

if TYPE_CHECKING:  # imports torch
    from relscale.released.opened_model import ModelDescription

COUNTS = (
    "num_params_embedding",
    "num_params_head",
    "num_params_transformer",
    "num_params_total",
)


@dataclass(frozen=True, kw_only=True)
class CheckedModel:
    """A model in a folder, after it was opened."""

    description: "ModelDescription"
    """The model and its parameters."""
    width: int | None
    """Width of its states, if its configuration has it."""
    layers: int | None
    """Its layers."""
    heads: int | None
    """Its attention heads."""


def suite_csv(spec: ReleasedModelsSpec) -> tuple[str, list[str]]:
    """Return suite.csv as text, and remarks, after checking that every model can be used.

    Every model in a folder is loaded and run on a short text, so that no model is refused when
    others have been scored. A model on the Hub is fetched and checked when it is scored.

    Args:
        spec: the models, and how they are scored.

    Raises:
        ValueError: naming every model that cannot be used.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, SUITE_COLUMNS, lineterminator="\n")
    writer.writeheader()
    problems: list[str] = []
    remarks: list[str] = []
    opened: dict[str, CheckedModel] = {}
    runs: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for row in spec.models:
        name = f"run {row.run}"
        try:
            model = local_model(row, spec.folder)
            if model is not None and model not in opened:
                opened[model] = check_model(model, spec)
        except ValueError as error:
            problems.append(f"{name}: {error}")
            continue
        checked = opened[model] if model is not None else None
        writer.writerow(_suite_row(row, checked))
        runs[model or row.model, row.revision].append(name)
        if checked is not None:
            remarks += [f"{name}: {remark}" for remark in _other_counts(row, checked)]
    if problems:
        lines = "\n  ".join(problems)
        raise ValueError(f"before scoring, {len(problems)} released model(s):\n  {lines}")
    remarks += [
        f"{model} is the model of {len(names)} runs: {', '.join(names)}"
        for (model, _), names in runs.items()
        if len(names) > 1
    ]
    return text.getvalue(), remarks


def local_model(row: ReleasedModelRow, folder: str | None) -> str | None:
    """Return the folder of a model, None for a model on the Hub.

    Raises:
        ValueError: if there is no such folder, a folder has a revision, or a Hub id has none.
    """
    model = find_model(row.model, folder)
    if Path(model).is_dir():
        if row.revision is not None:
            raise ValueError(
                f"model {model!r}: a local folder has no revision; leave out {row.revision!r}"
            )
        return model
    if Path(model).exists():
        raise ValueError(f"model {model!r}: is a file; give the folder that contains it")
    if folder is not None or not is_hub_id(row.model):
        raise ValueError(f"model {model!r}: no such folder")
    if row.revision is None:
        raise ValueError(
            f"model {row.model!r}: no such folder; if it is a Hub id, give a revision, best a full "
            "commit"
        )
    return None


def check_model(model: str, spec: ReleasedModelsSpec) -> CheckedModel:
    """Open a model in a folder, on the CPU, and return its description and shape.

    Raises:
        ValueError: if it cannot be scored; see `open_released`.
    """
    # Imported here, since this import takes seconds.
    from relscale.released.opened_model import open_released

    opened = open_released(model, max_length=spec.max_length, dtype=spec.dtype, device="cpu")
    config = opened.model.module.config.get_text_config(decoder=True)
    return CheckedModel(
        description=opened.description(),
        width=getattr(config, "hidden_size", None),
        layers=getattr(config, "num_hidden_layers", None),
        heads=getattr(config, "num_attention_heads", None),
    )


def _other_counts(row: ReleasedModelRow, checked: CheckedModel) -> list[str]:
    """List parameters that the table counts otherwise than the model has them."""
    pairs = [(name, getattr(row, name), getattr(checked.description, name)) for name in COUNTS]
    return [
        f"{name} = {given:,} in the table, and the model has {counted:,}; the laws use the table's"
        for name, given, counted in pairs
        if given is not None and given != counted
    ]


def _suite_row(row: ReleasedModelRow, checked: CheckedModel | None) -> dict[str, object]:
    """Return a model's row of suite.csv; cells without a known value are empty."""
    given = {
        name: value
        for name, value in row.columns().items()
        if name in SUITE_COLUMNS and value is not None
    }
    shape = {
        name: getattr(checked, name)
        for name in ("width", "layers", "heads")
        if checked is not None and getattr(checked, name) is not None
    }
    return {
        **dict.fromkeys(SUITE_COLUMNS, ""),
        **given,
        "budget_counts": "forward_flops" if row.forward_flops is not None else "training_flops",
        **shape,
    }
