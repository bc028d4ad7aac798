"""Edits of every single key of a checked configuration, to see which results depend on it."""

from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel


def keys_of(value, path=()):
    """Yield the path of every key of settings, and of the keys of settings inside them."""
    for name, child in children(value):
        inside = [one for _, one in children(child)]
        if isinstance(child, BaseModel) or any(isinstance(one, BaseModel) for one in inside):
            yield from keys_of(child, (*path, name))
        else:
            yield (*path, name)


def children(value):
    """Return names and values inside settings, a mapping or a list."""
    if isinstance(value, BaseModel):
        return [(name, getattr(value, name)) for name in type(value).model_fields]
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list | tuple) else []


def edited(settings, path):
    """Return settings in which the value at one path is another; it need not be a valid one."""
    name, *rest = path
    if isinstance(settings, BaseModel):
        before, hint = getattr(settings, name), type(settings).model_fields[name].annotation
        return settings.model_copy(
            update={name: edited(before, rest) if rest else other(before, hint)}
        )
    after = dict(settings) if isinstance(settings, dict) else list(settings)
    after[name] = edited(settings[name], rest) if rest else other(settings[name], Any)
    return after


def other(value, hint):
    """Return another value of about the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return 1.5 * value + 0.5
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, list | tuple):
        changed = [other(value[0], Any), *value[1:]] if value else ["x"]
        return type(value)(changed)
    if isinstance(value, dict):
        return {**value, "x": next(iter(value.values()), "x")}
    assert value is None, value
    return something(hint)


def something(hint):
    """Return any value of a type that also allows None."""
    kinds = [
        get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in get_args(hint)
    ]
    for kind in (hint, *kinds):
        if get_origin(kind) is list:
            return []
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind.model_construct()
    return "x" if "str" in str(hint) else 7
