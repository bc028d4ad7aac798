"""The folder of a trained model: `config.json` and `model.safetensors`, as `transformers` reads
them. Light imports: no torch."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from relscale.files import read_json, replacing, write_json
from relscale.plan.architecture import Choices, RopeScaling, Shape
from relscale.training.initial import Values, parameter_shapes


def hugging_face_config(shape: Shape, choices: Choices) -> dict[str, Any]:
    """Return the `config.json` with which `AutoModelForCausalLM` makes the same model."""
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": choices.rope_theta}
    if choices.rope_scaling is not None:
        rope |= {"rope_type": "llama3", **asdict(choices.rope_scaling)}
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "attention_bias": False,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "hidden_size": shape.width,
        "intermediate_size": shape.intermediate,
        "max_position_embeddings": shape.context_length,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads,
        "rms_norm_eps": choices.norm_epsilon,
        "rope_parameters": rope,
        "tie_word_embeddings": False,
        "dtype": "float32",
        "use_cache": True,
        "vocab_size": shape.vocab_size,
    }


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
        ValueError: naming the file, where it is that of another kind of model.
    """
    config = read_json(folder / "config.json")
    if config.get("model_type") != "qwen3":
        raise ValueError(
            f"{folder / 'config.json'}: model_type = {config.get('model_type')!r}; only 'qwen3' can be read here"
        )
    shape = Shape(
        width=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        head_dim=config["head_dim"],
        intermediate=config["intermediate_size"],
        vocab_size=config["vocab_size"],
        context_length=config["max_position_embeddings"],
    )
    rope = dict(config["rope_parameters"])
    theta, kind = rope.pop("rope_theta"), rope.pop("rope_type")
    scaling = RopeScaling(**rope) if kind == "llama3" else None
    return shape, Choices(
        norm_epsilon=config["rms_norm_eps"], rope_theta=theta, rope_scaling=scaling
    )


def read_values(folder: Path, shape: Shape) -> Values:
    """Read the parameters of a model of this shape, by name.

    Raises:
        ValueError: naming the file and the first difference, where it cannot be read or holds
            others than the shape has.
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
