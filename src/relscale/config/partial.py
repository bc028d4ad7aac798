"""The part of a section that can be read, so that checks between sections run despite mistakes.

Without it, a mistake in one section would hide those in every section that refers to it.
"""

from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from relscale.config.errors import plain_type

MISSING = object()
"""Stands for a value that cannot be read."""


def annotation_of(model: type[BaseModel], name: str) -> Any:
    """Return the type of a model's field with its metadata."""
    field = model.model_fields[name]
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def readable(annotation: Any, raw: Any, unread: set[str]) -> Any:
    """Return a value as far as it can be read.

    A model lacks the attributes whose values are wrong and have no default, a mapping lacks entries
    of which nothing can be read, and a list keeps wrong items as text, so that no index changes.

    Args:
        annotation: its type.
        raw: the value, as read from YAML.
        unread: gets the names of the mapping entries that are left out.

    Returns:
        The value, or `MISSING`.
    """
    try:
        return TypeAdapter(annotation).validate_python(raw)
    except ValidationError:
        pass
    kind, tag_key = plain_type(annotation)
    if tag_key is not None:
        tag = raw.get(tag_key) if isinstance(raw, Mapping) else None
        members = (one for one in get_args(kind) if tag in get_args(_tag_type(one, tag_key)))
        kind = next(members, None)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _model(kind, raw, unread)
    arguments = get_args(kind)
    if get_origin(kind) is dict and isinstance(raw, Mapping):
        found = {str(key): readable(arguments[1], value, unread) for key, value in raw.items()}
        unread.update(key for key, value in found.items() if value is MISSING)
        return {key: value for key, value in found.items() if value is not MISSING}
    if get_origin(kind) in (list, tuple) and isinstance(raw, list):
        return [_item(arguments[0], item, unread) for item in raw]
    return MISSING


def _tag_type(member: Any, tag_key: str) -> Any:
    return member.model_fields[tag_key].annotation


def _model(kind: type[BaseModel], raw: Any, unread: set[str]) -> Any:
    if not isinstance(raw, Mapping):
        return MISSING
    values = {
        name: readable(annotation_of(kind, name), raw[name], unread)
        for name in kind.model_fields
        if name in raw
    }
    return kind.model_construct(
        **{name: value for name, value in values.items() if value is not MISSING}
    )


def _item(annotation: Any, raw: Any, unread: set[str]) -> Any:
    value = readable(annotation, raw, unread)
    if value is not MISSING:
        return value
    kind, tag_key = plain_type(annotation)
    is_model = tag_key is None and isinstance(kind, type) and issubclass(kind, BaseModel)
    return kind.model_construct() if is_model else str(raw)
