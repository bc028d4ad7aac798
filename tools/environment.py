"""Build the environment in `.venv`, only where its content is out of date (`make env`).

Two stamps in the environment hold checksums: one of the lock, the Python version and the torch
requirement, one of the files that decide how the project itself is installed. Times of files do not
count, so a fresh clone with an environment that is up to date changes nothing.

A `.venv` that is a symbolic link belongs to somebody else: nothing is written behind it. If its
packages are out of date, this is an error. The native training step is then built in the checkout,
and the Makefile puts `src` on the module path. Only the standard library is imported.

torch is always installed by pip, with the options in TORCH, since its build depends on the index.
The packages of the lock are installed by uv where it is there: the same files, since each has its
hash in the lock, from the same indexes, since uv gets those of pip. The environment and the project
itself come from `venv` and pip in either case.
"""

import argparse
import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = Path("envs/requirements.lock")
HARNESS = Path("envs/harness.txt")
NATIVE = Path("src/relscale/training/native")
PIP = (
    "-m",
    "pip",
    "--disable-pip-version-check",
    "install",
    "--quiet",
    "--no-warn-script-location",
)
OF_UV = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
}
"""Options of uv by the settings of pip that they stand for; a setting can have several words."""
SCOPES = ("global", "install", ":env:")
"""Parts of pip's configuration, the decisive one last."""
USUAL_MINUTES = 4
"""Minutes that a new environment took on two shared cores (docs/log/2026-11-measurements.md)."""


def checksum(parts: Iterable[str | Path]) -> str:
    """Return the SHA-256 of texts and files, in order."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        digest.update(f"{len(content)}:".encode() + content)
    return digest.hexdigest()


def packages_checksum(torch: str) -> str:
    """Return the checksum of everything that decides which packages are installed."""
    version = ".".join(map(str, sys.version_info[:2]))
    return checksum([LOCK, f"{sys.implementation.name} {version}", torch])


def project_checksum() -> str:
    """Return the checksum of everything that decides how the project is installed."""
    sources = sorted(path for path in NATIVE.glob("*") if path.suffix in (".c", ".h", ".json"))
    return checksum([Path("pyproject.toml"), Path("setup.py"), *sources, str(Path.cwd())])


def is_current(stamp: Path, expected: str) -> bool:
    """Return whether a stamp holds the expected checksum."""
    return stamp.is_file() and stamp.read_text().strip() == expected


def call(*command: str | Path, **environment: str) -> None:
    """Run a command with further environment variables; its failure ends this program."""
    words = [str(part) for part in command]
    done = subprocess.run(words, env={**os.environ, **environment}, check=False)
    if done.returncode:
        sys.exit(f"failed with exit code {done.returncode}: {' '.join(map(str, command))}")


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print the name of a step, and at its end how long it took."""
    begin = time.monotonic()
    print(f"  {text} ...", flush=True)
    yield
    print(f"    {time.monotonic() - begin:.0f} s", flush=True)


def pip_settings(inside: Path) -> dict[str, str]:
    """Return the settings of pip in an environment, by name."""
    command = [str(inside), "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    lines = [line.partition("=") for line in listed.splitlines() if "=" in line]
    return {
        key.removeprefix(f"{scope}."): str(ast.literal_eval(value))
        for scope in SCOPES
        for key, _, value in lines
        if key.startswith(f"{scope}.")
    }


def uv_words(settings: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the options and environment variables by which uv uses the indexes of pip.

    uv reads none of pip's settings by itself. Of several indexes pip takes the best file of all,
    and uv does so with `unsafe-best-match`; the hashes in the lock decide which file is allowed.
    """
    words = ["--index-strategy", "unsafe-best-match"]
    for key, option in OF_UV.items():
        for value in settings.get(key, "").split():
            words += [option, value]
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        words.append("--no-index")
    variables = {"SSL_CERT_FILE": settings["cert"]} if settings.get("cert") else {}
    if timeout := settings.get("timeout", settings.get("default-timeout", "")):
        variables["UV_HTTP_TIMEOUT"] = timeout
    return words, variables


def install_lock(inside: Path, uv: str | None) -> None:
    """Install the packages of the lock, checked by their hashes, and nothing else."""
    locked = ("--require-hashes", "--no-deps", "-r", LOCK)
    if uv is None:
        call(inside, *PIP, *locked)
        return
    words, variables = uv_words(pip_settings(inside))
    call(uv, "pip", "install", "--quiet", "--python", inside, *words, *locked, **variables)


def build_packages(venv: Path, python: str, torch: str, uv: str | None) -> None:
    """Create the environment anew, unless its packages are up to date."""
    stamp, expected = venv / ".packages", packages_checksum(torch)
    if is_current(stamp, expected):
        return
    if venv.is_symlink():
        sys.exit(
            f"{venv} is a symbolic link to {venv.resolve()}, and that environment does not match "
            f"{LOCK}, this Python or TORCH. Rebuilding it would empty the folder behind the link. "
            f"Remove the link (rm {venv}) to get an environment of your own."
        )
    count = LOCK.read_text().count("==")
    print(
        f"{venv}: a new environment; {torch} by pip and the {count} packages of {LOCK} by "
        f"{'uv' if uv else 'pip'}, about {USUAL_MINUTES} minutes on two cores and longer where the "
        "network is slow"
    )
    inside = venv / "bin/python"
    with step("venv"):
        call(python, "-m", "venv", "--clear", venv)
    with step(torch):
        call(inside, *PIP, *torch.split())
    with step(f"{count} packages"):
        install_lock(inside, uv)
        call(inside, "-m", "pip", "check")
    stamp.write_text(expected + "\n")


def install_project(venv: Path) -> None:
    """Install the project and compile its native training step, unless both are up to date."""
    expected = project_checksum()
    if venv.is_symlink():
        stamp = Path("build/.native")
        if not is_current(stamp, expected):
            call(venv / "bin/python", "setup.py", "--quiet", "build_ext", "--inplace")
            stamp.parent.mkdir(exist_ok=True)
            stamp.write_text(expected + "\n")
        return
    stamp = venv / ".installed"
    if not is_current(stamp, expected):
        inside = venv / "bin/python"
        with step("relscale and its native training step, compiled for this processor"):
            call(inside, *PIP, "--no-deps", "--no-build-isolation", "--editable", ".")
            call(inside, "-m", "pip", "check")
        stamp.write_text(expected + "\n")


def install_harness(venv: Path) -> None:
    """Install the reference harness of the scoring tests into a folder of its own, if possible.

    It is apart, so that the locked packages stay unchanged. Without it, the tests that need it are
    skipped and say so.
    """
    folder = venv / ".harness"
    expected = checksum([HARNESS])
    if is_current(folder / ".stamp", expected):
        return
    if venv.is_symlink():
        print(
            f"{venv} is a symbolic link without the harness: scores are compared with stored ones"
        )
        return
    shutil.rmtree(folder, ignore_errors=True)
    command = [venv / "bin/python", *PIP, "--no-deps", "--target", folder, "-r", HARNESS]
    if subprocess.run([str(part) for part in command], check=False).returncode:
        shutil.rmtree(folder, ignore_errors=True)
        print("lm_eval could not be installed: scores are compared with stored ones only")
        return
    (folder / ".stamp").write_text(expected + "\n")


def torch_of_makefile() -> str:
    """Return the torch requirement that `make env` uses unless TORCH is set."""
    line = re.search(r"^TORCH \?= (.+)$", Path("Makefile").read_text(), re.MULTILINE)
    if line is None:
        sys.exit("Makefile: has no line `TORCH ?= ...`")
    return os.environ.get("TORCH") or line[1].strip()


def problems(venv: Path, torch: str) -> list[str]:
    """List the parts of the environment that `make env` would build, without building any."""
    if not venv.exists():
        return [f"{venv} does not exist"]
    found = []
    if not is_current(venv / ".packages", packages_checksum(torch)):
        found.append(f"the packages of {venv} are not those of {LOCK}, this Python and {torch}")
    stamp = Path("build/.native") if venv.is_symlink() else venv / ".installed"
    if not is_current(stamp, project_checksum()):
        found.append(f"{stamp}: the project is not installed, or its native sources changed")
    return found


def check(venv: Path, torch: str) -> None:
    """Print whether the environment is up to date; exit code 1 if it is not."""
    if found := problems(venv, torch):
        sys.exit("; ".join(found))
    print(f"{venv} is up to date with {LOCK}")


def main() -> None:
    """Bring the environment up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=Path(".venv"))
    parser.add_argument("--python", default=sys.executable, help="Python to build with")
    parser.add_argument("--torch", help="torch, with options of pip; the default is Makefile's")
    parser.add_argument("--uv", default="uv", help="uv, or an empty word to use pip alone")
    parser.add_argument("--check", action="store_true", help="build nothing; name stale parts")
    parser.add_argument("--harness", action="store_true", help="also install the test harness")
    arguments = parser.parse_args()
    if sys.version_info < (3, 11, 5):
        sys.exit("the locked packages need Python 3.11.5 or newer; set PYTHON=")
    torch = arguments.torch or torch_of_makefile()
    if arguments.check:
        check(arguments.venv, torch)
        return
    uv = shutil.which(arguments.uv) if arguments.uv else None
    build_packages(arguments.venv, arguments.python, torch, uv)
    install_project(arguments.venv)
    if arguments.harness:
        install_harness(arguments.venv)


if __name__ == "__main__":
    main()
