"""The weights in the folder of a released model: which files are read, and whether they are whole.

Only the headers of safetensors files are read. Light imports.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from relscale.files import read_json
from relscale.released.pickled_copy import differs_from_pickled

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
OTHER_FORMATS = (
    "pytorch_model*.bin",
    "consolidated*.pth",
    "*.safetensors",
    "*.gguf",
    "*.h5",
    "*.msgpack",
    "*.onnx",
)
"""Files that hold weights, of which only the ones named above are read."""
LFS_POINTER = b"version https://git-lfs"
FLOATING = frozenset({"F64", "F32", "F16", "BF16"})
MOST_NAMES = 3
"""Names that a message lists."""


@dataclass(frozen=True, kw_only=True)
class WeightFiles:
    """The files with weights in a folder."""

    read: tuple[str, ...]
    """Names of the files that the weights are read from."""
    not_read: tuple[str, ...]
    """Names of other files that hold weights."""


def is_lfs_pointer(file: Path) -> bool:
    """Return whether a file is the pointer that a clone without Git LFS has in its place."""
    with file.open("rb") as handle:
        return handle.read(len(LFS_POINTER)) == LFS_POINTER


def listed(names: Iterable[str]) -> str:
    """Return the first names of a list as text, with the number of further ones."""
    ordered = sorted(names)
    shown = ", ".join(ordered[:MOST_NAMES])
    return shown + (f" and {len(ordered) - MOST_NAMES} more" if len(ordered) > MOST_NAMES else "")


def find_weights(folder: Path) -> WeightFiles:
    """Return the files with a model's weights, after checking the ones that are read.

    Raises:
        ValueError: if there are none or only pickled ones, files are missing, incomplete or
            outside the folder, the index does not match them, or a pickled copy has other weights.
    """
    single, index = folder / SINGLE, folder / INDEX
    if single.is_symlink() and not single.exists():
        raise ValueError(f"{SINGLE} is a link to a file that does not exist")
    if single.is_file() and index.is_file():
        raise ValueError(
            f"its weights are there twice, as {SINGLE} and as {INDEX}; remove the one that is not "
            "meant"
        )
    if single.is_file():
        read: tuple[str, ...] = (SINGLE,)
        _check_header(single, SINGLE)
    elif index.is_file():
        read = _shards(folder, index)
    else:
        raise ValueError(_without_weights(folder))
    found = {file.name for pattern in OTHER_FORMATS for file in folder.glob(pattern)}
    pickled = sorted(folder.glob("pytorch_model*.bin"))
    if pickled and differs_from_pickled([folder / name for name in read], pickled):
        raise ValueError(
            f"{listed(read)} and {listed(file.name for file in pickled)} do not hold the same "
            "weights; remove those that are not meant"
        )
    return WeightFiles(read=read, not_read=tuple(sorted(found - set(read))))


def _without_weights(folder: Path) -> str:
    """Describe a folder that has no weights that can be read."""
    pickled = [file.name for pattern in PICKLED for file in folder.glob(pattern)]
    others = [file.name for file in folder.glob("*.safetensors")]
    if others:
        return (
            f"its weights are in {listed(others)}, which is not read; they must be in {SINGLE}, or "
            f"in files that {INDEX} lists"
        )
    if pickled:
        return (
            f"its weights are pickled ({sorted(pickled)[0]}), which is never read; save them as "
            "safetensors"
        )
    return "has no weights (*.safetensors); of a Hub repository, only safetensors are fetched"


def _shards(folder: Path, index: Path) -> tuple[str, ...]:
    """Return the files that an index lists, after checking them.

    Raises:
        ValueError: if the index is not one, or does not match the files.
    """
    content = read_json(index)
    places = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(places, dict) or not places:
        raise ValueError(f"{INDEX} has no weight_map")
    if not isinstance(content.get("metadata", {}), dict):
        raise ValueError(f"metadata of {INDEX} must be an object")
    names = {name if isinstance(name, str) else repr(name) for name in places.values()}
    outside = [name for name in names if "/" in name or "\\" in name]
    if outside:
        raise ValueError(f"{INDEX} names files that are not in the folder: {listed(outside)}")
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        raise ValueError(f"{INDEX} names files that do not exist: {listed(absent)}")
    held: Counter[str] = Counter()
    for name in sorted(names):
        keys = _check_header(folder / name, name)
        held.update(keys)
        lost = [key for key, place in places.items() if place == name and key not in keys]
        if lost:
            raise ValueError(f"{INDEX} lists weights that {name} does not have: {listed(lost)}")
    further = [key for key in held if key not in places]
    twice = [key for key, count in held.items() if count > 1]
    if further or twice:
        raise ValueError(
            f"the files that {INDEX} names have weights that it does not list or have them twice: "
            f"{listed([*further, *twice])}"
        )
    return tuple(sorted(names))


def _check_header(file: Path, name: str) -> set[str]:
    """Return the names of the weights of a safetensors file.

    Raises:
        ValueError: if it is a pointer, incomplete, not a safetensors file, or has quantised
            weights.
    """
    from safetensors import SafetensorError, safe_open

    if is_lfs_pointer(file):
        raise ValueError(
            f"{name} is a pointer of Git LFS, not the weights; run `git lfs pull` in the folder"
        )
    try:
        with safe_open(file, framework="np") as weights:
            types = {key: weights.get_slice(key).get_dtype() for key in weights.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"{name} ({file.stat().st_size:,} bytes) is incomplete or not a safetensors file: "
            f"{error}"
        ) from error
    if not types:
        raise ValueError(f"{name} has no weights")
    odd = {
        key: kind for key, kind in types.items() if kind not in FLOATING and key.endswith("weight")
    }
    if odd:
        raise ValueError(
            f"its weights are quantised ({', '.join(sorted(set(odd.values())))}: {listed(odd)}); "
            "save them in a floating-point type"
        )
    return set(types)
