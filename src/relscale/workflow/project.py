"""Where the files of the workflow are: rules, configuration, published numbers.

In a checkout they are next to `src`. A wheel has a copy of them inside the package, made by
`setup.py`; `relscale init` writes it to a folder.
"""

import json
import shutil
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
SNAKEFILE = Path("workflow/Snakefile")
LISTED = Path(__file__).with_name("project_files.json")
"""Files and folders that a wheel has a copy of; `setup.py` reads the same list."""


def project_folder() -> Path:
    """Return the folder with `config.yaml`, `experiments/` and `workflow/` of this package.

    Raises:
        ValueError: if the installation has no such files.
    """
    for folder in (PACKAGE / "project", PACKAGE.parents[1]):
        if (folder / SNAKEFILE).is_file():
            return folder
    raise ValueError(
        f"{PACKAGE}: this installation has no workflow: install a wheel that `pip wheel` built, or "
        "use a checkout"
    )


def check_new(folder: Path) -> None:
    """Check that a folder is new or empty.

    Raises:
        ValueError: if it is not.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder}: exists and is not an empty folder: name a new one")


def write_project(folder: Path) -> None:
    """Copy the files of the workflow to a folder, from which Snakemake can then be called.

    Raises:
        ValueError: if the folder exists and is not empty.
    """
    check_new(folder)
    home = project_folder()
    for name in project_files(home):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(home / name, folder / name)


def project_files(home: Path) -> list[Path]:
    """Return the files of the workflow in a folder that has them, relative to it, sorted."""
    listed = [home / name for name in json.loads(LISTED.read_text(encoding="utf-8"))]
    files = [path for each in listed for path in ([each] if each.is_file() else each.rglob("*"))]
    return sorted(
        path.relative_to(home)
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
    )


def own_files(home: Path) -> str:
    """Return the start of the paths of the workflow's own files, for rules.

    It is empty if Snakemake runs in the workflow's folder, so that records of jobs do not depend on
    the place of that folder.
    """
    return "" if home.resolve() == Path.cwd() else f"{home}/"
