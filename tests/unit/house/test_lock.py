"""The lock holds every declared dependency, with hashes, and names no package index."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "envs/requirements.lock").read_text()
DIRECT = (ROOT / "envs/requirements.in").read_text()


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements):
    return {normal(re.match(r"[\w.-]+", line).group()) for line in requirements}


def test_every_package_is_pinned_with_the_hashes_of_its_files():
    entries = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) > 100
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_compiled_packages_have_hashes_for_several_platforms():
    (numpy,) = re.findall(r"^numpy==[^a-z]*(?:.*\\\n)*.*", LOCK, re.MULTILINE)
    assert numpy.count("--hash") > 20


def test_direct_requirements_are_those_that_the_project_declares():
    declared = names(PROJECT["project"]["dependencies"]) | names(
        PROJECT["dependency-groups"]["dev"]
    )
    lines = [line for line in DIRECT.splitlines() if line and not line.startswith("#")]
    of_torch = {"filelock", "fsspec", "networkx", "setuptools", "sympy", "typing-extensions"}
    assert names(lines) == (declared - {"torch"}) | of_torch


def test_every_direct_requirement_is_in_the_lock_and_torch_is_not():
    lines = [line for line in DIRECT.splitlines() if line and not line.startswith("#")]
    locked = names(re.findall(r"^[\w.-]+(?===)", LOCK, re.MULTILINE))
    assert names(lines) <= locked
    assert not locked & {"torch", "pip", "triton"}


def test_no_file_of_the_environment_names_an_index():
    for path in [*(ROOT / "envs").iterdir(), ROOT / "Makefile", ROOT / "tools/lock.py"]:
        assert not re.search(r"index-url |https?://", path.read_text()), path
