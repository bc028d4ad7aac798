"""What decides whether a job is stale: canonical specs, digests of code, digests of locked
libraries.

Snakemake does not see edits of the modules that a `python -m` rule imports, so each rule carries
`code_digest(module)` among its params. The digest covers the module's first-party import closure
and is blind to comments, docstrings and layout.
"""

import ast
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from relscale.files import read_json
from relscale.provenance.digests import DIGEST_LENGTH, canonical_json

SOURCE_ROOT = Path(__file__).resolve().parents[2]


def lock_digest(packages: Iterable[str]) -> str:
    """Return "name version" of installed packages, sorted: what an upgraded library changes.

    Local build tags ("+cpu", "+cu128") are left out: results do not go stale because a machine has
    another build of the same release.
    """
    return ", ".join(f"{name} {version(name).partition('+')[0]}" for name in sorted(packages))


def is_recorded(path: Path, spec: Any, defined_by: Sequence[str]) -> bool:
    """Tell whether a job left a record, and left it with this spec and these digests of code and
    libraries; a damaged one is none."""
    try:
        record = read_json(path)
    except (OSError, ValueError):
        return False
    if not isinstance(record, dict):
        return False
    return [canonical_json(record.get("spec")), record.get("defined_by")] == [
        canonical_json(spec),
        list(defined_by),
    ]


@cache
def code_digest(module: str) -> str:
    """Return the digest of a module and everything first-party that it imports.

    Raises:
        ValueError: where the module is not in the package.
    """
    if _file_of(module) is None:
        raise ValueError(f"{module}: no such module below {SOURCE_ROOT.name}/")
    digest = hashlib.sha256()
    for name in import_closure(module):
        digest.update(f"{name}\0{_normalised(name)}\0".encode())
    return digest.hexdigest()[:DIGEST_LENGTH]


@cache
def import_closure(module: str) -> tuple[str, ...]:
    """Return the first-party modules that importing `module` runs, parents included, sorted."""
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
def _file_of(module: str) -> Path | None:
    path = SOURCE_ROOT.joinpath(*module.split("."))
    return next(
        (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None
    )


def _text_of(module: str) -> str:
    file = _file_of(module)
    assert file is not None
    return file.read_text(encoding="utf-8")


@cache
def _imports(module: str) -> frozenset[str]:
    file = _file_of(module)
    assert file is not None
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    names: set[str] = set()
    for node in ast.walk(ast.parse(_text_of(module), str(file))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join(parents[: len(parents) - node.level + 1] + ([base] if base else []))
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node) == "iter_modules(__path__)":
            # A package that imports all its modules, such as relscale.text.readers.
            modules = {path.stem for path in file.parent.glob("*.py")} - {"__init__"}
            names |= {f"{module}.{name}" for name in modules}
    root = SOURCE_ROOT / module.split(".")[0]
    return frozenset(name for name in names if name.split(".")[0] == root.name)


@cache
def _normalised(module: str) -> str:
    return _written(ast.parse(_text_of(module)))


def _written(value: Any) -> str:
    """Write a syntax tree so that layout, comments, docstrings, quotes and redundant parentheses
    leave no trace.

    Only fields with content are written, since `ast.dump` and the set of empty fields differ
    between Python versions.
    """
    if isinstance(value, list):
        return "[" + ",".join(_written(item) for item in value if not _is_docstring(item)) + "]"
    if isinstance(value, ast.AST):
        fields = (
            (name, field)
            for name, field in ast.iter_fields(value)
            if field is not None and field != []
        )
        return f"{type(value).__name__}({','.join(f'{name}={_written(field)}' for name, field in fields)})"
    return repr(value)


def _is_docstring(node: Any) -> bool:
    """Tell string statements: docstrings of modules, classes and functions, and those under a
    field."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
