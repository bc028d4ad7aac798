"""The files of a released model: found or fetched, and checked before loading. Light imports."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relscale.files import read_json
from relscale.released.weight_files import WeightFiles, find_weights, is_lfs_pointer

FETCHED = ("*.json", "*.safetensors", "*.txt", "*.model")
"""Files of a Hub repository that are fetched: no pickled weights, no code."""

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
ADAPTERS = ("adapter_config.json", "adapter_model*")
QUANTISED = ("quantization_config", "compression_config")
QUANTISED_FILES = ("quantize_config.json", "quant_config.json", "quantization_config.json")
OTHER_TASK = re.compile(r"For(?!CausalLM|ConditionalGeneration)[A-Z]")
"""Names of architectures with a head for another task, such as BertForMaskedLM."""


@dataclass(frozen=True, kw_only=True)
class ReleasedFolder:
    """A folder with all files of a released model."""

    path: Path
    """The folder."""
    name: str
    """The folder or Hub id that the user gave."""
    commit: str | None
    """Commit on the Hub; None for a local folder."""
    config: dict[str, Any]
    """Its `config.json`."""
    weights: WeightFiles
    """Its files with weights."""


def find_folder(source: str, revision: str | None = None) -> ReleasedFolder:
    """Return a local folder, or fetch a Hub repository at a revision, and check its files.

    Args:
        source: a folder, or a Hub id, `owner/name`.
        revision: revision on the Hub, best a commit of 40 digits; the result has its commit. None
            for a folder.

    Raises:
        ValueError: if there is no such folder or repository, an id has no revision, or the files
            do not pass `check_folder`.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        if revision is not None:
            raise ValueError(
                f"model {source}: a local folder has no revision; leave out {revision!r}"
            )
        config, weights = check_folder(path, source)
        return ReleasedFolder(path=path, name=source, commit=None, config=config, weights=weights)
    if path.exists():
        raise ValueError(
            f"model {source}: is a file; give the folder that has config.json, weights and "
            "tokenizer"
        )
    if not is_hub_id(source):
        raise ValueError(f"model {source}: no such folder, and not a Hub id (owner/name)")
    if not revision:
        raise ValueError(
            f"model {source}: no such folder; for the model of this name on the Hub, give a "
            "revision, best a commit"
        )
    path = _fetch(source, revision)
    config, weights = check_folder(path, f"{source}@{revision}")
    return ReleasedFolder(path=path, name=source, commit=path.name, config=config, weights=weights)


def is_hub_id(source: str) -> bool:
    """Return whether a name has the form of a Hub id, `owner/name`."""
    return not source.startswith((".", "/", "~")) and source.count("/") == 1


def _fetch(source: str, revision: str) -> Path:
    from huggingface_hub import snapshot_download  # slow to import
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(source, revision=revision, allow_patterns=list(FETCHED)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()
        raise ValueError(
            f"model {source}@{revision}: cannot be fetched from the Hub: "
            f"{reason[0] if reason else error}"
        ) from error


def check_folder(path: Path, name: str) -> tuple[dict[str, Any], WeightFiles]:
    """Return the `config.json` and the weights of a model after checking the files of its folder.

    Raises:
        ValueError: naming everything that is wrong: no configuration or tokenizer, files that are
            incomplete, weights that are missing, pickled or quantised, an adapter, an architecture
            that is not a language model's, or code of the model's own.
    """
    problems = [
        f"{file.name} is a pointer of Git LFS, not the file; run `git lfs pull` in the folder"
        for pattern in FETCHED
        for file in sorted(path.glob(pattern))
        if file.suffix != ".safetensors" and file.is_file() and is_lfs_pointer(file)
    ]
    if problems:
        raise ValueError(f"model {name}: {'; '.join(problems)}")
    config = _configuration(path, name)
    problems += _other_than_a_language_model(path, config)
    adapters = sorted(file.name for pattern in ADAPTERS for file in path.glob(pattern))
    if adapters:
        problems.append(
            f"has an adapter ({', '.join(adapters)}), which would be left out; merge it into the "
            "weights, or remove it to score the base model"
        )
    weights = WeightFiles(read=(), not_read=())
    try:
        weights = find_weights(path)
    except ValueError as error:
        problems.append(str(error))
    if not any((path / tokenizer).is_file() for tokenizer in TOKENIZER_FILES):
        problems.append(
            "has no tokenizer; config.json must be accompanied by one of "
            f"{', '.join(TOKENIZER_FILES)}"
        )
    if problems:
        raise ValueError(f"model {name}: {'; '.join(problems)}")
    return config, weights


def _configuration(path: Path, name: str) -> dict[str, Any]:
    """Return `config.json`.

    Raises:
        ValueError: if there is none, it is not the configuration of a model, or it or the
            tokenizer's requests code.
    """
    file = path / "config.json"
    if not file.is_file():
        raise ValueError(f"model {name}: has no config.json")
    config = read_json(file)
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ValueError(f"{file}: has no model_type; it is not the configuration of a model")
    for with_code in (file, path / "tokenizer_config.json"):
        content = read_json(with_code) if with_code.is_file() else {}
        if not isinstance(content, dict):
            raise ValueError(f"{with_code}: must be a JSON object")
        if content.get("auto_map"):
            raise ValueError(
                f"{with_code}: auto_map requests code of the model's own, which is never run; use "
                "a model whose architecture transformers knows, saved without auto_map"
            )
    return config


def _other_than_a_language_model(path: Path, config: dict[str, Any]) -> list[str]:
    """List signs in the configuration that the weights are not a language model's, or not plain."""
    problems = []
    names = config.get("architectures") or []
    tasks = [
        str(name)
        for name in (names if isinstance(names, list) else [names])
        if OTHER_TASK.search(str(name))
    ]
    if tasks:
        problems.append(
            f"architectures in config.json is {', '.join(tasks)}, which is not a language model "
            "that predicts the next token"
        )
    if config.get("is_encoder_decoder") is True:
        problems.append(
            f"{config['model_type']} is an encoder-decoder model; only decoders can be scored"
        )
    quantised = [key for key in QUANTISED if _anywhere(config, key)]
    quantised += [name for name in QUANTISED_FILES if (path / name).is_file()]
    if quantised:
        problems.append(
            f"its weights are quantised ({', '.join(quantised)}); save them in a floating-point "
            "type, without these settings"
        )
    if config.get("transformers_weights"):
        problems.append(
            f"transformers_weights in config.json names {config['transformers_weights']!r}; the "
            "weights must be in files of the usual names"
        )
    return problems


def _anywhere(config: dict[str, Any], key: str) -> bool:
    inner = config.get("text_config")
    return bool(config.get(key)) or (isinstance(inner, dict) and bool(inner.get(key)))
