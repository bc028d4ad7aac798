"""The command line of a stage, and errors in the user's input as one line.

A stage is a function whose parameters are keyword-only and annotated. `run` derives the options
from its signature: `out_losses: Path` is `--out-losses PATH`, `list[Path]` takes any number of
words, a parameter with a default is optional, and a pydantic model is read from JSON and validated.
The JSON is in a file, since the kernel limits the length of a word: `--spec PATH`. Rules write
`--spec <(printf %s {params.spec:q})`, by which bash makes a file that is never on the disk. Words
that begin with `{` or `[` are the JSON itself.
"""

import argparse
import errno
import logging
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

PACKAGE = Path(__file__).resolve().parent
OF_THE_DISK = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
}
"""Errors of a full or read-only disk, or of a place where a file cannot be."""


@contextmanager
def user_errors() -> Iterator[None]:
    """End the process with one line and exit code 1 for an error in the user's input.

    Such an error is a `ValueError` that this package raised on purpose, or one `OF_THE_DISK`. Any
    other exception keeps its traceback. Messages of the package's loggers go to stderr.
    """
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    for name in ("relscale", "__main__"):
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield
    except ValueError as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        if PACKAGE not in Path(last.filename).resolve().parents:
            raise
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in OF_THE_DISK:
            raise
        sys.exit(f"error: {error}")


def run(stage: Callable[..., object], words: Sequence[str] | None = None) -> None:
    """Run a stage with a command line; see `user_errors` for the treatment of errors.

    Args:
        stage: a function with keyword-only, annotated parameters.
        words: the command line, without the program's name; the default is that of the process.
    """
    with user_errors():
        call(stage, words)


def call(stage: Callable[..., object], words: Sequence[str] | None = None) -> None:
    """Parse a command line according to a stage's signature and call the stage.

    Args:
        stage: a function with keyword-only, annotated parameters.
        words: the command line, without the program's name; the default is that of the process.

    Raises:
        ValueError: if JSON does not match its model, naming the option and every wrong key.
        SystemExit: if an option is missing, unknown or not of its type.
    """
    parsed = vars(parser_of(stage).parse_args(words))
    hints = get_type_hints(stage)
    stage(**{name: _value(name, hints[name], text) for name, text in parsed.items()})


def parser_of(stage: Callable[..., object]) -> argparse.ArgumentParser:
    """Build the parser of a stage from its signature and the docstring of its module."""
    module = sys.modules[stage.__module__]
    name = module.__spec__.name if module.__spec__ else stage.__module__  # not "__main__"
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=module.__doc__)
    hints = get_type_hints(stage)
    for name, parameter in signature(stage).parameters.items():
        if parameter.kind is not Parameter.KEYWORD_ONLY:
            raise TypeError(f"{stage.__module__}: parameter {name} of a stage must be keyword-only")
        required = parameter.default is Parameter.empty
        options: dict[str, Any] = (
            {"required": required} if required else {"default": parameter.default}
        )
        if get_origin(_plain(hints[name])) is list:
            options["nargs"] = "*"
        elif _plain(hints[name]) in (int, float):
            options["type"] = _plain(hints[name])
        parser.add_argument(f"--{name.replace('_', '-')}", **options)
    return parser


def _plain(hint: Any) -> Any:
    """Return a type without the `| None` of an optional parameter."""
    if get_origin(hint) in (types.UnionType, Union):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        return kinds[0] if len(kinds) == 1 else hint
    return hint


def _value(name: str, hint: Any, text: Any) -> Any:
    """Return the value of a parameter from the word or words of the command line.

    Raises:
        ValueError: if JSON does not match its model.
    """
    kind = _plain(hint)
    if get_origin(kind) is list and isinstance(text, list):
        (inner,) = get_args(kind)
        return [inner(word) for word in text]
    if not isinstance(text, str) or kind is str:
        return text
    if kind is Path:
        return Path(text)
    option = f"--{name.replace('_', '-')}"
    try:
        return TypeAdapter(kind).validate_json(_json(option, text))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ValueError(f"{option}: {problems}") from None


def _json(option: str, text: str) -> bytes:
    """Return the JSON of an option, from the option itself or from the file that it names.

    Raises:
        ValueError: naming the option, if the file cannot be read.
    """
    if text.lstrip()[:1] in ("{", "["):
        return text.encode()
    try:
        return Path(text).read_bytes()
    except OSError as error:
        raise ValueError(
            f"{option} {text[:80]!r}: neither JSON nor a file that can be read: {error.strerror}"
        ) from None
