"""The files of a released model: found or fetched, and checked before loading. Light imports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relscale.files import read_json

FETCHED = ("*.json", "*.safetensors", "*.txt", "*.model")
"""Files of a Hub repository that are fetched: no pickled weights, no code."""

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
LENGTH_KEYS = ("n_positions", "max_position_embeddings", "n_ctx")


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

    @property
    def max_length(self) -> int | None:
        """Maximum of tokens that the model allows, if its configuration has it."""
        for key in LENGTH_KEYS:
            if isinstance(self.config.get(key), int):
                return int(self.config[key])
        return None


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
        return ReleasedFolder(
            path=path, name=source, commit=None, config=check_folder(path, source)
        )
    if source.startswith((".", "/", "~")) or source.count("/") != 1:
        raise ValueError(f"model {source}: no such folder, and not a Hub id (owner/name)")
    if not revision:
        raise ValueError(
            f"model {source}: no such folder; for the model of this name on the Hub, give a "
            "revision, best a commit"
        )
    path = _fetch(source, revision)
    return ReleasedFolder(
        path=path, name=source, commit=path.name, config=check_folder(path, f"{source}@{revision}")
    )


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


def check_folder(path: Path, name: str) -> dict[str, Any]:
    """Return the `config.json` of a model after checking the other files of its folder.

    Raises:
        ValueError: if there is no configuration or tokenizer, weights are missing or only pickled,
            or the model needs code of its own.
    """
    file = path / "config.json"
    if not file.is_file():
        raise ValueError(f"model {name}: has no config.json")
    config = read_json(file)
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ValueError(f"{file}: has no model_type; it is not the configuration of a model")
    for with_code in (file, path / "tokenizer_config.json"):
        if with_code.is_file() and read_json(with_code).get("auto_map"):
            raise ValueError(
                f"{with_code}: auto_map requests code of the model's own, which is never run; use "
                "a model whose architecture transformers knows, saved without auto_map"
            )
    if not any(path.glob("*.safetensors")):
        pickled = sorted(file.name for pattern in PICKLED for file in path.glob(pattern))
        if pickled:
            raise ValueError(
                f"model {name}: its weights are pickled ({pickled[0]}), which is never read; save "
                "them as safetensors"
            )
        raise ValueError(
            f"model {name}: has no weights (*.safetensors); of a Hub repository, only safetensors "
            "are fetched"
        )
    if not any((path / tokenizer).is_file() for tokenizer in TOKENIZER_FILES):
        raise ValueError(
            f"model {name}: has no tokenizer; config.json must be accompanied by one of "
            f"{', '.join(TOKENIZER_FILES)}"
        )
    return config
