"""Errors of a configuration: every mistake at once, with file, key, value and the choices."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from relscale.config.choices import is_not_in

KeyPath = tuple[str | int, ...]
"""Path of a key, such as `("suite", "budgets", 0, "label")`."""
Problem = tuple[KeyPath, str]
"""Path of a key, and a sentence about the mistake there."""
ConfigFile = tuple[str, Mapping[str, Any]]
"""Name and content of one file of the configuration."""


MOST_LINES = 200
"""Mistakes that one error lists."""


class ConfigError(ValueError):
    """A configuration that cannot be used; the message lists every mistake."""


def config_error(
    problems: Sequence[Problem],
    raw: Mapping[str, Any],
    files: Sequence[ConfigFile],
    found: Sequence[str] = (),
) -> ConfigError:
    """Build the error that lists all mistakes of a configuration.

    Args:
        problems: the mistakes.
        raw: the merged configuration, which holds the wrong values.
        files: the files it was merged from, in order.
        found: lines about mistakes that were found when the files were read.
    """
    lines = [f"  {line}" for line in found[:MOST_LINES]]
    lines += [
        f"  {_file_of(path, files)}{_dotted(path)} = {_shown(raw, path)}: {message}"
        for path, message in problems[: MOST_LINES - len(lines)]
    ]
    count = len(found) + len(problems)
    if count > len(lines):
        lines.append(f"  and {count - len(lines):,} more")
    return ConfigError(f"{count} problem(s) in the configuration:\n" + "\n".join(lines))


def unless_in(path: KeyPath, value: str, place: str, choices: Iterable[str]) -> list[Problem]:
    """Return one problem where a value is not among the choices of a place, else none."""
    choices = list(choices)
    if value in choices:
        return []
    return [(path, is_not_in(place, choices))]


def problems_of(error: ValidationError, section: str, annotation: Any) -> list[Problem]:
    """Return the mistakes that pydantic found in one section.

    Args:
        error: the error that pydantic raised for the section.
        section: its key.
        annotation: its type.
    """
    problems: list[Problem] = []
    for item in error.errors():
        path, fields = _follow(annotation, item["loc"])
        problems.append(((section, *path), _message(item, fields)))
    return problems


def _message(error: Mapping[str, Any], fields: list[str]) -> str:
    """Turn one of pydantic's errors into a sentence that names the choices."""
    context = error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        return f"unknown key; the choices are {', '.join(fields)}"
    if error["type"] == "union_tag_not_found":
        return f"the key {context['discriminator']} is missing"
    if error["type"] in {"literal_error", "union_tag_invalid"}:
        return f"the choices are {context.get('expected') or context.get('expected_tags')}"
    if error["type"] == "string_pattern_mismatch":
        return f"must match {context['pattern']}"
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "string_type" and isinstance(error["input"], bool):
        return f"{message}; YAML reads an unquoted yes, no, on or off as this: put it in quotes"
    if error["type"] == "string_type" and isinstance(error["input"], int | float | date):
        return f"{message}: put it in quotes"
    return message


def _follow(annotation: Any, location: KeyPath) -> tuple[KeyPath, list[str]]:
    """Follow the location of an error through the types.

    Returns:
        The path of the key, without the union tags that pydantic puts into a location, and the
        fields of the last model on the way.
    """
    path: list[str | int] = []
    fields: list[str] = []
    for part in location:
        if part == "[key]":
            continue
        kind, tag_key = plain_type(annotation)
        if tag_key is not None:
            members = [
                member
                for member in get_args(kind)
                if part in get_args(member.model_fields[tag_key].annotation)
            ]
            annotation = members[0] if members else Any
            continue
        path.append(part)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = list(kind.model_fields)
            field = kind.model_fields.get(str(part))
            annotation = Annotated[field.annotation, field] if field is not None else Any
        else:
            annotation = get_args(kind)[-1] if get_args(kind) else Any
    return tuple(path), fields


def plain_type(annotation: Any) -> tuple[Any, str | None]:
    """Return a type without its metadata, and the discriminating key of a tagged union."""
    tag_key = None
    while get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        tag_key = next(
            (item.discriminator for item in metadata if getattr(item, "discriminator", None)),
            tag_key,
        )
    if tag_key is None and get_origin(annotation) is UnionType:
        annotation = next(
            (member for member in get_args(annotation) if member is not type(None)), annotation
        )
    return annotation, tag_key


def _dotted(path: KeyPath) -> str:
    """Return a path as text, such as `suite.budgets[0].label`."""
    parts = [f"[{part}]" if isinstance(part, int) else _visible(str(part)) for part in path]
    return ".".join(parts).replace(".[", "[")


def _visible(text: str) -> str:
    return text if text.isprintable() else ascii(text)


def _look_up(raw: Any, path: KeyPath) -> Any:
    for part in path:
        try:
            raw = raw[part]
        except (IndexError, TypeError):
            raise KeyError(part) from None
    return raw


def value_at(raw: Mapping[str, Any], path: KeyPath) -> Any:
    """Return the value of a key, None if there is none."""
    try:
        return _look_up(raw, path)
    except KeyError:
        return None


def _shown(raw: Mapping[str, Any], path: KeyPath) -> str:
    """Return the value of a key as text, cut to 80 characters."""
    try:
        text = repr(_look_up(raw, path))
    except KeyError:
        return "(nothing)"
    return text if len(text) <= 80 else text[:77] + "..."


def _file_of(path: KeyPath, files: Sequence[ConfigFile]) -> str:
    """Name the last file that holds the key, or its nearest parent."""
    for depth in range(len(path), 0, -1):
        for name, content in reversed(files):
            try:
                _look_up(content, path[:depth])
            except KeyError:
                continue
            return f"{name}: "
    return f"{files[-1][0]}: " if files else ""
