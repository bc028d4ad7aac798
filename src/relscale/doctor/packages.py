"""Checks of Python, of the installed packages, and of the environment of a checkout.

Only the metadata of packages is read, since importing torch takes seconds.
"""

import platform
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from relscale.doctor.check import Check, Presence

CHECKOUT = Path(__file__).resolve().parents[3]
"""Folder of the checkout, if the package is not installed from a wheel."""
LAWS = ("jinja2", "matplotlib", "numpy", "packaging", "pandas", "pyarrow", "pydantic", "pyyaml",
        "rich", "scipy", "typer")  # fmt: skip
"""Requirements of every command; the others are needed by some only."""
TRAINING = "laws, comparisons and pages of existing tables work; training and scoring do not"
WITHOUT = {
    "torch": TRAINING,
    "transformers": "everything works but the evaluation of released models",
    "tokenizers": TRAINING,
    "safetensors": TRAINING,
    "snakemake": "single commands work; the workflow (make reproduce) does not",
    "snakemake-executor-plugin-slurm": "the workflow runs on this machine, not through SLURM",
    "datasketch": "corpora cannot be built; laws of existing tables work",
    "requests": "packages of text cannot be downloaded; laws of existing tables work",
    "tqdm": TRAINING,
    "vl-convert-python": "everything works but `make report`",
}
"""Work that is possible without a requirement."""
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_SHOWN = 4


def python_check() -> Check:
    """Check the version of Python against that which the package needs."""
    try:
        required = metadata("relscale")["Requires-Python"] or ""
    except PackageNotFoundError:
        required = str(_project().get("requires-python", ""))
    here = platform.python_version()
    detail = f"{platform.python_implementation()} {here}, {sys.executable}"
    if here in SpecifierSet(required, prereleases=True):
        return Check(name="Python", presence=Presence.FOUND, detail=detail)
    return Check(
        name="Python",
        presence=Presence.BROKEN,
        detail=detail,
        without=f"relscale needs Python {required}",
    )


def requirements() -> list[str]:
    """Return the requirements of the package: of the installed one, else of the checkout."""
    try:
        return list(requires("relscale") or [])
    except PackageNotFoundError:
        return list(_project().get("dependencies", []))


def _project() -> dict[str, Any]:
    """Return the table `project` of the checkout's pyproject.toml, empty without one."""
    file = CHECKOUT / "pyproject.toml"
    if not file.is_file():
        return {}
    return dict(tomllib.loads(file.read_text(encoding="utf-8"))["project"])


def package_checks(stated: Iterable[str]) -> list[Check]:
    """Check the required packages: one line for those of every command, one per other package.

    Args:
        stated: requirements as in the metadata of a package; those of extras are left out.
    """
    wanted = [
        requirement
        for requirement in map(Requirement, stated)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    ]
    common = [requirement for requirement in wanted if requirement.name.lower() in LAWS]
    problems = [problem for each in common if (problem := _problem(each))]
    checks = [
        Check(
            name="packages",
            presence=Presence.BROKEN if problems else Presence.FOUND,
            detail="; ".join(problems) or f"the {len(common)} packages that every command needs",
            without="install relscale again with its requirements" if problems else "",
        )
    ]
    for requirement in wanted:
        if requirement not in common:
            problem, name = _problem(requirement), requirement.name
            checks.append(
                Check(
                    name=name,
                    presence=Presence.MISSING if problem else Presence.FOUND,
                    detail=problem or version(name),
                    without=WITHOUT.get(name.lower(), "some commands do not work")
                    if problem
                    else "",
                )
            )
    return checks


def _problem(requirement: Requirement) -> str:
    """Return the problem with a required package, "" if there is none."""
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(found, prereleases=True):
        return ""
    return f"{requirement.name} is {found}, needed is {requirement.specifier}"


def environment_checks(folder: Path = CHECKOUT) -> list[Check]:
    """Check the environment of a checkout: its stamp, and the running packages against the lock.

    Args:
        folder: the checkout.

    Returns:
        No check outside a checkout, since a wheel is installed into an environment of the user.
    """
    lock, tool = folder / "envs/requirements.lock", folder / "tools/environment.py"
    if not lock.is_file() or not tool.is_file():
        return []
    return [_stamp(folder, tool), lock_check(lock)]


def _stamp(folder: Path, tool: Path) -> Check:
    """Compare the stamps of `.venv` with the lock and the project, as `make env` does."""
    name = "environment"
    try:
        done = subprocess.run(
            [sys.executable, str(tool.relative_to(folder)), "--check"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(
            name=name,
            presence=Presence.NOT_TRIED,
            detail=f"cannot be checked: {error}",
            without="`make env` checks it",
        )
    words = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode == 0:
        return Check(name=name, presence=Presence.FOUND, detail=words[-1] if words else "")
    return Check(
        name=name,
        presence=Presence.MISSING,
        detail=words[-1] if words else "is not up to date",
        without="`make env` builds it; commands work if the packages below are those of the lock",
    )


def lock_check(lock: Path) -> Check:
    """Compare the installed packages with those that a lock pins; local build tags do not count."""
    pins = dict(_PIN.findall(lock.read_text(encoding="utf-8")))
    other = []
    for name, pinned in pins.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            other.append(f"{name} is not installed")
            continue
        if found.partition("+")[0] != pinned.partition("+")[0]:
            other.append(f"{name} is {found} (lock: {pinned})")
    if not other:
        detail = f"all {len(pins)} locked packages have their versions"
        return Check(name="lock", presence=Presence.FOUND, detail=detail)
    more = f" and {len(other) - _SHOWN} more" if len(other) > _SHOWN else ""
    return Check(
        name="lock",
        presence=Presence.MISSING,
        detail=f"{'; '.join(other[:_SHOWN])}{more}",
        without="commands work, but numbers may differ from the published ones in the last digits, "
        "and results of the locked environment are stale here",
    )
