"""The source of a module: the digest of its statements, its imports, the files that belong to it.

Parsing all modules of the package takes longer than all else that a workflow does before its first
job. Sources are therefore kept in a file, by the digest of each module's text.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from relscale.files import write_json
from relscale.provenance.digests import spec_digest

TYPE_CHECKING = {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
"""Conditions of code that only type checkers read."""


@dataclass(frozen=True, kw_only=True)
class ModuleSource:
    """The parts of a module's text that count, without layout, comments and docstrings."""

    statements: str
    """Digest of its statements."""
    imported: tuple[str, ...]
    """Names of all modules that it may import, and of objects in them, sorted."""
    imports_folder: bool
    """Whether it imports all modules of its folder, as `relscale.text.readers` does."""
    source_files: tuple[str, ...]
    """Patterns of files that it names in its constant `SOURCE_FILES`."""


class SourceMemory:
    """Sources of modules, read once, and kept in a file if asked.

    A file that is damaged or was changed, or was written by another version of this module or of
    Python, is as good as none.
    """

    def __init__(self, place: Path) -> None:
        """Read the file."""
        self._place = place
        self._known: dict[str, ModuleSource] = {}
        self._used: set[str] = set()
        try:
            kept = json.loads(place.read_text(encoding="utf-8"))
            if kept["checksum"] == spec_digest(kept["sources"]):
                for key, fields in kept["sources"].items():
                    self._known[key] = ModuleSource(
                        statements=fields["statements"],
                        imported=tuple(fields["imported"]),
                        imports_folder=fields["imports_folder"],
                        source_files=tuple(fields["source_files"]),
                    )
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            self._known = {}
        self._in_file = set(self._known)

    def source_of(self, module: str, file: Path) -> ModuleSource:
        """Return the source of a module's file."""
        text = file.read_bytes()
        about = f"{module}\0{file.name}\0{_READER}\0".encode()
        key = hashlib.sha256(about + text).hexdigest()
        if key not in self._known:
            self._known[key] = read_source(module, file.name == "__init__.py", text)
        self._used.add(key)
        return self._known[key]

    def keep(self) -> None:
        """Write the sources that were used, if the file has others and can be written."""
        if self._used == self._in_file:
            return
        sources = {key: asdict(self._known[key]) for key in self._used}
        try:
            write_json(self._place, {"checksum": spec_digest(sources), "sources": sources})
        except OSError:
            return  # the next call reads the modules again
        self._in_file = set(self._used)


_READER = (
    hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    + f" {sys.version_info.major}.{sys.version_info.minor}"
)
"""Source of this file and version of Python, which decide the result as well."""


def read_source(module: str, is_package: bool, text: bytes) -> ModuleSource:
    """Parse a module's text."""
    tree = ast.parse(text, module)
    nodes = list(_nodes_that_run(tree))
    statements = hashlib.sha256(_written(tree).encode()).hexdigest()
    return ModuleSource(
        statements=statements,
        imported=tuple(sorted(_imported(nodes, module if is_package else _parent(module)))),
        imports_folder=any(isinstance(node, ast.Call) and _lists_modules(node) for node in nodes),
        source_files=tuple(
            pattern
            for node in tree.body
            if isinstance(node, ast.Assign)
            and [ast.unparse(target) for target in node.targets] == ["SOURCE_FILES"]
            for pattern in ast.literal_eval(node.value)
        ),
    )


def _parent(module: str) -> str:
    return module.rpartition(".")[0]


def _imported(nodes: list[ast.AST], package: str) -> set[str]:
    """Return the names that statements of a module of a package import."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join(parents[: len(parents) - node.level + 1] + ([base] if base else []))
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def _lists_modules(call: ast.Call) -> bool:
    """Return whether a call is `iter_modules(__path__)`."""
    return (
        isinstance(call.func, ast.Name)
        and call.func.id == "iter_modules"
        and [ast.unparse(argument) for argument in call.args] == ["__path__"]
    )


def _nodes_that_run(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes of a syntax tree but those below `if TYPE_CHECKING:`, which never run."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) in TYPE_CHECKING:
            todo += node.orelse
        else:
            todo += ast.iter_child_nodes(node)


def _written(value: object) -> str:
    """Write a syntax tree without layout, comments, docstrings, quotes or redundant parentheses.

    Only fields with content are written, since `ast.dump` and the set of empty fields differ
    between Python versions. Whether a name is read or set (`ctx`) follows from its place.
    """
    if isinstance(value, ast.AST):
        fields = [
            f"{name}={_written(field)}"
            for name in value._fields
            if name != "ctx" and (field := getattr(value, name, None)) is not None and field != []
        ]
        return f"{type(value).__name__}({','.join(fields)})"
    if isinstance(value, list):
        return "[" + ",".join([_written(item) for item in value if not _is_docstring(item)]) + "]"
    return repr(value)


def _is_docstring(node: object) -> bool:
    """Return whether a statement is a string: a docstring, or the one under a field."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
