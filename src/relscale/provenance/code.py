"""Digests of code and of locked libraries, which decide whether a job is stale.

Snakemake does not see edits of the modules that a `python -m` rule imports. Therefore each rule has
`code_digest(module)` among its params. The digest covers all modules of the package that the module
imports, directly or not, and ignores comments, docstrings and layout. Files that a module names in
its constant `SOURCE_FILES` belong to it, with all their bytes. `lock_digest(module)` has the
versions of the libraries that these modules import.
"""

import hashlib
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from relscale.provenance.digests import DIGEST_LENGTH, canonical_json, spec_digest
from relscale.provenance.job_records import read_own_record
from relscale.provenance.module_source import ModuleSource, SourceMemory

SOURCE_ROOT = Path(__file__).resolve().parents[2]
FACADE = "relscale"
"""The root module of the package. It only hands out functions of other modules, so it decides no
result, and digests have the same text for it whatever it says: that of version 0.1, so that the
public API can grow without making a result stale."""
FACADE_TEXT = Path(__file__).with_name("facade_0_1.txt")
KEPT = Path(".snakemake/relscale-modules.json")
"""File of `keep_sources`, in the working folder."""
NOT_COMPUTING = {
    "pydantic",
    "typing_extensions",
    "yaml",  # check settings and records
    "datasets",
    "fsspec",
    "huggingface_hub",
    "packaging",
    "requests",
    "urllib3",
    "zstandard",  # fetch or unpack bytes that a commit or a checksum fixes
    "rich",
    "tensorboard",
    "tqdm",  # show progress
}
"""Imports whose version changes no result. All others count, so that a new library does."""
DISTRIBUTIONS = {
    "transformers": ("transformers", "tokenizers", "safetensors"),
    "vl_convert": ("vl-convert-python",),
}
"""Packages of an import, where they are not the one of the same name: transformers computes with
others."""


@cache
def lock_digest(module: str) -> str:
    """Return "name version" of the libraries that a stage computes with, sorted.

    They are found in the modules that `code_digest` covers, without those of `NOT_COMPUTING`.

    Raises:
        ValueError: if a library is not installed, naming it.
    """
    found = {
        package
        for name in libraries(module)
        for package in DISTRIBUTIONS.get(name, (name,))
        if name not in NOT_COMPUTING
    }
    return versions_of(found)


def versions_of(packages: Iterable[str]) -> str:
    """Return "name version" of installed packages, sorted.

    Local build tags ("+cpu", "+cu128") are left out: results do not become stale because a machine
    has another build of the same release.

    Raises:
        ValueError: if a package is not installed, naming it.
    """
    try:
        return ", ".join(f"{name} {version(name).partition('+')[0]}" for name in sorted(packages))
    except PackageNotFoundError as error:
        raise ValueError(f"the package {error.name} is not installed") from None


def command_digest(command: str, prefix: str) -> str:
    """Return the digest of a rule's command, so that records show an edit of it, too.

    Args:
        command: the shell command of the rule, before values are filled in.
        prefix: what precedes every command, without paths of this machine.
    """
    return spec_digest([prefix, command])


def is_recorded(path: Path, spec: object, defined_by: Sequence[str]) -> bool:
    """Return whether a job left a record with this spec and these digests.

    A damaged record counts as none.
    """
    try:
        record = read_own_record(path)
    except (OSError, ValueError):
        return False
    return [canonical_json(record.spec), record.defined_by] == [
        canonical_json(spec),
        list(defined_by),
    ]


@cache
def code_digest(module: str) -> str:
    """Return the digest of a module and of all modules of the package that it imports.

    Raises:
        ValueError: if the module is not in the package.
    """
    if _file_of(module) is None:
        raise ValueError(f"{module}: no such module in {SOURCE_ROOT.name}/")
    digest = hashlib.sha256()
    for name in import_closure(module):
        digest.update(f"{name}\0{_statements(name)}\0".encode())
        for path in _source_files(name):
            digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:DIGEST_LENGTH]


@cache
def import_closure(module: str) -> tuple[str, ...]:
    """Return the modules of the package that importing `module` runs, parents included, sorted.

    Imports inside functions count, imports for type checkers do not.
    """
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in seen or _file_of(name) is None:
            continue
        seen.add(name)
        parts = name.split(".")
        todo += [".".join(parts[:depth]) for depth in range(1, len(parts))]
        todo += _imports(name)
    return tuple(sorted(seen))


@cache
def _source_files(module: str) -> tuple[Path, ...]:
    """Return the files that a module names in `SOURCE_FILES`, as patterns below its folder."""
    folder = _existing(module).parent
    patterns = _source(module).source_files
    return tuple(sorted(path for pattern in patterns for path in folder.glob(pattern)))


@cache
def libraries(module: str) -> tuple[str, ...]:
    """Return the imports of other packages in the closure of a module, sorted.

    The standard library is left out.
    """
    own = module.split(".")[0]
    found = {name.split(".")[0] for each in import_closure(module) for name in _imported(each)}
    return tuple(sorted(found - sys.stdlib_module_names - {own, ""}))


@cache
def _file_of(module: str) -> Path | None:
    path = SOURCE_ROOT.joinpath(*module.split("."))
    return next(
        (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None
    )


def _existing(module: str) -> Path:
    file = _file_of(module)
    assert file is not None
    return file


@cache
def _memory() -> SourceMemory:
    return SourceMemory(KEPT)


@cache
def _source(module: str) -> ModuleSource:
    return _memory().source_of(module, _existing(module))


def keep_sources() -> None:
    """Keep the sources of modules for the next call in this working folder."""
    _memory().keep()


def _statements(module: str) -> str:
    """Return the digest of the statements of a module."""
    if module == FACADE:
        return hashlib.sha256(FACADE_TEXT.read_bytes()).hexdigest()
    return _source(module).statements


@cache
def _imports(module: str) -> frozenset[str]:
    """Return the imports of a module that are in its package, if they are modules."""
    root = module.split(".")[0]
    return frozenset(name for name in _imported(module) if name.split(".")[0] == root)


@cache
def _imported(module: str) -> frozenset[str]:
    """Return the names of all modules that a module may import, and of objects in them."""
    source = _source(module)
    if not source.imports_folder:
        return frozenset(source.imported)
    modules = {path.stem for path in _existing(module).parent.glob("*.py")} - {"__init__"}
    return frozenset({*source.imported, *(f"{module}.{name}" for name in modules)})
