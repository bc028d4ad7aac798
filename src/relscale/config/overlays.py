"""The experiment that a call of make selects: its overlay and the name of its folders.

`python -m relscale.config.overlays NAME` prints the name. It is the only reader of that name, so
that make never removes or overwrites the results of another experiment.
"""

import re
import sys
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from relscale.config.experiment import ExperimentName
from relscale.config.load import read_yaml
from relscale.runtime import user_errors

DEFAULT = "default"
"""The value of EXPERIMENT for config.yaml alone."""
CONFIGURATION = Path("config.yaml")
FOLDER = Path("experiments")
PUBLISHED = "published"
"""Folder in `FOLDER` of the overlays of published losses tables; `EXPERIMENT=published/name`."""


def experiment_name(selected: str, checkout: Path = Path()) -> str:
    """Return the name of the folders of the experiment that `EXPERIMENT=selected` selects.

    Args:
        selected: name of an overlay in `experiments/` without its ending, `published/` and the name
            of one in that folder, or `default`.
        checkout: the folder that holds `experiments/` and `config.yaml`.

    Raises:
        ValueError: if there is no such overlay, if it has no name or one that cannot be used, or if
            another overlay has the same name.
    """
    folder = checkout / FOLDER
    overlay = folder / f"{selected}.yaml"
    if not re.fullmatch(rf"({PUBLISHED}/)?[A-Za-z0-9][A-Za-z0-9_.-]*", selected):
        raise ValueError(
            f"EXPERIMENT={selected}: must be the name of a file in {FOLDER}/ without .yaml; "
            f"{_choices(folder)}"
        )
    if selected == DEFAULT:
        if overlay.exists():
            raise ValueError(
                f"{overlay}: would never be used, since EXPERIMENT={DEFAULT} is config.yaml alone: "
                "rename the file"
            )
        return _name_in(checkout / CONFIGURATION)
    if not overlay.is_file():
        raise ValueError(f"EXPERIMENT={selected}: {overlay} does not exist; {_choices(folder)}")
    name = _name_in(overlay)
    if name == _name_in(checkout / CONFIGURATION):
        raise ValueError(
            f"{overlay}: experiment = {name!r}: is the experiment of {CONFIGURATION}, whose "
            f"results it would replace; take another name, such as {_suggestion(overlay)}"
        )
    same = [other for other in _overlays(folder) if other != overlay and _has_name(other, name)]
    if same:
        raise ValueError(
            f"{overlay}: experiment = {name!r}: is also the name in "
            f"{', '.join(map(str, same))}, so that each would overwrite the other's results: "
            "rename one"
        )
    return name


def _name_in(path: Path) -> str:
    """Return the name in an overlay or in config.yaml.

    Raises:
        ValueError: naming the file, if it has none, or one that cannot be used.
    """
    content = read_yaml(path)
    if "experiment" not in content:
        raise ValueError(
            f"{path}: experiment = (nothing): missing, so its results would replace those of "
            f"the default experiment; add a line such as `experiment: {_suggestion(path)}` (to "
            "extend the default experiment, name the file in a call of Snakemake: --configfile)"
        )
    given = content["experiment"]
    try:
        name: str = TypeAdapter(ExperimentName).validate_python(given)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{path}: experiment = {given!r}: {reason}") from None
    return name


def _suggestion(overlay: Path) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", overlay.stem.lower()).strip("_")
    return plain if re.fullmatch(r"[a-z].*", plain) and plain != DEFAULT else f"my_{plain}"


def _overlays(folder: Path) -> list[Path]:
    places = [*sorted(folder.glob("*.yaml")), *sorted((folder / PUBLISHED).glob("*.yaml"))]
    return [path for path in places if path.is_file()]


def _has_name(overlay: Path, name: str) -> bool:
    try:
        return read_yaml(overlay).get("experiment") == name
    except ValueError:
        return False  # reported when it is selected itself


def _choices(folder: Path) -> str:
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in _overlays(folder)]
    return f"the choices are {', '.join([DEFAULT, *names])}"


if __name__ == "__main__":
    with user_errors():
        sys.stdout.write(experiment_name(sys.argv[1]) + "\n")
