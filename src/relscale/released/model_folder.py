"""The files of a checkpoint that others released: found or fetched, and checked before anything is
loaded. Light imports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relscale.files import read_json

FETCHED = ("*.json", "*.safetensors", "*.txt", "*.model")
"""Files of a repository of the hub that are fetched: no pickled weights, no code."""

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
LENGTH_KEYS = ("n_positions", "max_position_embeddings", "n_ctx")


@dataclass(frozen=True, kw_only=True)
class ReleasedFolder:
    """A folder with everything that is needed."""

    path: Path
    """Where it lies."""
    name: str
    """What the user called it: a folder or an id of the hub."""
    commit: str | None
    """The hub's commit; none for a local folder."""
    config: dict[str, Any]
    """Its `config.json`."""

    @property
    def max_length(self) -> int | None:
        """The tokens that the model allows, where its configuration says so."""
        for key in LENGTH_KEYS:
            if isinstance(self.config.get(key), int):
                return int(self.config[key])
        return None


def find_folder(source: str, revision: str | None = None) -> ReleasedFolder:
    """Return a local folder, or fetch a repository of the hub at a revision, and check its files.

    Args:
        source: a folder, or an id of the hub, `owner/name`.
        revision: the hub's revision, best a commit of 40 digits; the commit that it stands for is
            in the result. None for a folder.

    Raises:
        ValueError: where there is no such folder or repository, an id has no revision, or as
            `check_folder` says.
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
        raise ValueError(
            f"model {source}: there is no such folder, and it is no id of the hub (owner/name)"
        )
    if not revision:
        raise ValueError(
            f"model {source}: there is no such folder; for the hub's model of this name give a revision, best a commit"
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
            f"model {source}@{revision}: cannot be fetched from the hub: {reason[0] if reason else error}"
        ) from error


def check_folder(path: Path, name: str) -> dict[str, Any]:
    """Return a checkpoint's `config.json` after checking what lies beside it.

    Raises:
        ValueError: where there is no configuration or tokenizer, weights are missing or only
            pickled, or the model needs code of its own.
    """
    file = path / "config.json"
    if not file.is_file():
        raise ValueError(f"model {name}: has no config.json")
    config = read_json(file)
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ValueError(f"{file}: has no model_type; it is no checkpoint's configuration")
    for with_code in (file, path / "tokenizer_config.json"):
        if with_code.is_file() and read_json(with_code).get("auto_map"):
            raise ValueError(
                f"{with_code}: auto_map asks for code of the checkpoint's own, which is never run; use a checkpoint whose architecture"
                " transformers knows, saved without auto_map"
            )
    if not any(path.glob("*.safetensors")):
        pickled = sorted(file.name for pattern in PICKLED for file in path.glob(pattern))
        if pickled:
            raise ValueError(
                f"model {name}: its weights are pickled ({pickled[0]}), which is never read; save them as safetensors"
            )
        raise ValueError(
            f"model {name}: has no weights (*.safetensors); of a repository of the hub only safetensors are fetched"
        )
    if not any((path / tokenizer).is_file() for tokenizer in TOKENIZER_FILES):
        raise ValueError(
            f"model {name}: has no tokenizer; one of {', '.join(TOKENIZER_FILES)} must lie beside config.json"
        )
    return config
