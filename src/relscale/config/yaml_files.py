"""Reading a YAML (or JSON) file of the configuration without losing anything of it.

PyYAML keeps the last of two equal keys, reads an unquoted `NO` as false, `010` as 8 and `1:30` as
90, and expands aliases without a limit. All of these are errors here, with file and line.
Read `read_document` first. Light imports.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 4_000_000
"""Size of a configuration file, at most."""
MOST_LEVELS = 40
"""Levels of nesting, at most."""
MOST_VALUES = 1_000_000
"""Values in a file with all aliases written out, at most."""

_STRING, _MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
_NUMBERS = {"tag:yaml.org,2002:int": "number", "tag:yaml.org,2002:float": "number"}
_KINDS = _NUMBERS | {
    "tag:yaml.org,2002:bool": "truth value",
    "tag:yaml.org,2002:null": "null",
    "tag:yaml.org,2002:timestamp": "date",
}
_WORDS = {str: "text", list: "list", int: "number", float: "number"}
_ODD_NUMBER = re.compile(r"[-+]?0[0-7_]+|.*:.*")
"""Octal numbers such as 010, and numbers to the base 60 such as 1:30."""
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that no file name and no text file can hold."""


def read_document(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read a mapping from a YAML file.

    Returns:
        The mapping, and one line per mistake that does not keep the rest from being read: a key
        that is given twice, or a key or number that YAML reads in an unexpected way.

    Raises:
        ValueError: naming the file, if it is missing, not YAML, not a mapping, or too large.
    """
    text = _text_of(path)
    checked = _Checked()
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        if root is not None:
            checked.measure(root, ())
        content = None if root is None else loader.construct_document(root)
    except RecursionError:
        raise ValueError(f"{path}: is nested more than {MOST_LEVELS} levels deep") from None
    except yaml.MarkedYAMLError as error:
        raise ValueError(f"{path}{_line(error)}: is not valid YAML: {_reason(error)}") from None
    except _RefusedError as error:
        raise ValueError(f"{path}: {error}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: is not valid YAML: {reason}") from None
    if not isinstance(content, dict):
        found = (
            "is empty" if content is None else f"is a single {_WORDS.get(type(content), 'value')}"
        )
        raise ValueError(f"{path}: must be a mapping of keys to values; it {found}")
    return content, [f"{path}:{line}: {message}" for line, message in sorted(checked.problems)]


class _RefusedError(Exception):
    """A document that is not read any further."""


class _Checked:
    """The mistakes of a document that YAML itself does not see."""

    def __init__(self) -> None:
        self.problems: list[tuple[int, str]] = []
        self._sizes: dict[int, tuple[int, int]] = {}
        self._open: set[int] = set()

    def measure(self, node: yaml.Node, place: tuple[str, ...]) -> tuple[int, int]:
        """Check a node and everything below it once, however many aliases it has.

        Returns:
            The number of values and the levels of nesting, with all aliases written out.
        """
        if id(node) in self._open:
            raise _RefusedError(f"line {_at(node)}: an alias is part of the value that it repeats")
        if id(node) not in self._sizes:
            self._open.add(id(node))
            parts = self._parts(node, place)
            self._open.remove(id(node))
            size = 1 + sum(count for count, _ in parts)
            levels = 1 + max((depth for _, depth in parts), default=0)
            if size > MOST_VALUES:
                raise _RefusedError(
                    f"has more than {MOST_VALUES:,} values with all aliases written out"
                )
            if levels > MOST_LEVELS:
                raise _RefusedError(f"is nested more than {MOST_LEVELS} levels deep")
            self._sizes[id(node)] = size, levels
        return self._sizes[id(node)]

    def _parts(self, node: yaml.Node, place: tuple[str, ...]) -> Sequence[tuple[int, int]]:
        if isinstance(node, yaml.ScalarNode):
            self._scalar(node, place)
            return []
        if isinstance(node, yaml.SequenceNode):
            return [
                self.measure(item, (*place, f"[{index}]")) for index, item in enumerate(node.value)
            ]
        node.value = self._pairs(node, place)
        return [
            self.measure(value, (*place, f".{key.value}" if place else key.value))
            for key, value in node.value
        ]

    def _pairs(
        self, node: yaml.Node, place: tuple[str, ...]
    ) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        """Return the pairs of a mapping whose key is text; report the others, and repeated keys."""
        kept, lines = [], dict[str, int]()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag in _KINDS:
                self._key_that_is_no_text(key, place)
                continue
            self._scalar(key, place)
            if key.value in lines:
                dotted = "".join((*place, f".{key.value}" if place else key.value))
                advice = (
                    "merge several mappings with one list, <<: [*a, *b]"
                    if key.tag == _MERGE
                    else "only one of them would count; join them"
                )
                self._report(
                    key, f"the key {dotted} is already given in line {lines[key.value]}: {advice}"
                )
            lines.setdefault(key.value, _at(key))
            kept.append((key, value))
        return kept

    def _key_that_is_no_text(self, key: yaml.Node, place: tuple[str, ...]) -> None:
        where = f"in {''.join(place)}: " if place else ""
        if not isinstance(key, yaml.ScalarNode):
            self._report(key, f"{where}a key must be text, not a list or mapping")
            return
        self._report(
            key,
            f"{where}YAML reads the key {key.value or '(nothing)'} as a {_KINDS[key.tag]}: put it "
            f'in quotes, "{key.value}"',
        )

    def _scalar(self, node: yaml.ScalarNode, place: tuple[str, ...]) -> None:
        where = "".join(place)
        if node.tag in _NUMBERS and _ODD_NUMBER.fullmatch(node.value):
            self._report(
                node,
                f"{where} = {node.value}: YAML reads this as a number to the base 8 or 60: write "
                "it in decimal digits, or put it in quotes if it is text",
            )
        if _UNUSABLE.search(node.value):
            self._report(node, f"{where}: holds a null character or half a surrogate pair")

    def _report(self, node: yaml.Node, message: str) -> None:
        self.problems.append((_at(node), message))


def _text_of(path: Path) -> str:
    """Return the text of a file, without a byte order mark.

    Raises:
        ValueError: naming the file, if there is none, or if it is too large or not UTF-8.
    """
    try:
        if not path.exists():
            raise ValueError(f"{path}: not a readable YAML file: no such file{_advice(path)}")
        if not path.is_file():
            raise ValueError(f"{path}: is not a file")
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path}: is larger than {MOST_BYTES / 1e6:g} MB")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: is not UTF-8 text (byte {error.start + 1}): save it as UTF-8"
        ) from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None


def _advice(path: Path) -> str:
    if path.name != "config.yaml" or path.parent != Path():
        return ""
    return (
        f" in {Path.cwd()}; change to a checkout of relscale, the folder that holds config.yaml, "
        "name the file, or write such a folder with `relscale init FOLDER`"
    )


def _at(node: yaml.Node) -> int:
    line: int = node.start_mark.line + 1
    return line


def _line(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f":{mark.line + 1}" if mark is not None else ""


def _reason(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    hint = "; indent with spaces, not with tabs" if "'\\t'" in " ".join(parts) else ""
    return " ".join(", ".join(parts).split()) + hint
