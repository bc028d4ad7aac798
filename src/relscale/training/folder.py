"""The folder of a trained model, as `transformers` reads it: config.json, model.safetensors.

Light imports: no torch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from relscale.files import read_json, replacing, write_json
from relscale.plan.architecture import Choices, Shape
from relscale.plan.architectures import ARCHITECTURES, architecture_of
from relscale.training.initial import Values, parameter_shapes


def hugging_face_config(shape: Shape, choices: Choices) -> dict[str, Any]:
    """Return the `config.json` from which `AutoModelForCausalLM` builds the same model."""
    return architecture_of(shape).hugging_face_config(shape, choices)


def save_folder(
    folder: Path, shape: Shape, choices: Choices, values: Mapping[str, np.ndarray]
) -> None:
    """Save a decoder's parameters, by their names in `transformers`, with its configuration."""
    write_json(folder / "config.json", hugging_face_config(shape, choices))
    with replacing(folder / "model.safetensors") as temporary:
        save_file(dict(values), temporary, metadata={"format": "pt"})


def read_config(folder: Path) -> tuple[Shape, Choices]:
    """Read the configuration that `save_folder` wrote.

    Raises:
        ValueError: naming the file, if it belongs to another kind of model.
    """
    path = folder / "config.json"
    config = read_json(path)
    kind = config.get("model_type")
    if kind not in ARCHITECTURES:
        choices = ", ".join(map(repr, ARCHITECTURES))
        raise ValueError(f"{path}: model_type = {kind!r}; only {choices} can be read here")
    return ARCHITECTURES[kind].read_hugging_face_config(config)


def read_values(folder: Path, shape: Shape) -> Values:
    """Read the parameters of a model of this shape, by name.

    Raises:
        ValueError: naming the file and the first difference, if it cannot be read or holds other
            parameters than the shape has.
    """
    path = folder / "model.safetensors"
    try:
        values: Values = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not a readable safetensors file: {error}") from error
    expected = dict(parameter_shapes(shape))
    for name in [*expected, *values]:
        there = values[name].shape if name in values else None
        if there != expected.get(name):
            raise ValueError(
                f"{path}: does not fit config.json: {name} is {there}, not {expected.get(name)}"
            )
    return values
