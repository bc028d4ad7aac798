"""Reading a configuration: merge the files, validate each section, check the sections together.

`load_config` is the only way to an `Experiment`. It reports every mistake at once, each with its
file, key, value and the choices. The Snakefile loads this module, so it imports nothing heavy.
Stages import only the part of `relscale.config` that they need, so that an edit of one section does
not make the results of others stale.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from relscale.config.checks.all import cross_checks
from relscale.config.checks.sections import Sections
from relscale.config.errors import (
    ConfigError,
    ConfigFile,
    KeyPath,
    Problem,
    config_error,
    problems_of,
    value_at,
)
from relscale.config.experiment import Experiment
from relscale.config.partial import MISSING, annotation_of, readable
from relscale.config.table_defaults import merged as merged
from relscale.config.table_defaults import merged_files, unused_sections
from relscale.config.yaml_files import read_document

RENAMED_SECTIONS = {"checkpoints": "released"}
"""Sections of older configurations by the names of today."""


def load_experiment(*paths: Path | str) -> Experiment:
    """Read configuration files, merge them in order and check the result as a whole.

    Args:
        paths: `config.yaml` and the overlays that change it.

    Raises:
        ConfigError: with one line per mistake: file, key, value, and the choices.
        ValueError: naming a file that is missing or not a mapping in YAML.

    Examples:
        >>> from relscale import load_experiment
        >>> experiment = load_experiment("config.yaml", "experiments/tiny.yaml")
        >>> experiment.evaluate
        ['validation', 'language']
        >>> experiment.laws.draws
        200
    """
    files, problems = read_files(Path(path) for path in paths)
    return load_config(merged_files(files), files, problems)


def load_config(
    raw: Mapping[str, Any], files: Iterable[ConfigFile] = (), found: Sequence[str] = ()
) -> Experiment:
    """Check a merged configuration as a whole.

    Args:
        raw: the merged configuration, as read from YAML.
        files: (name, content) of the files it was merged from, in order; used only to name the
            file that holds a wrong key.
        found: lines about mistakes that were found when the files were read.

    Raises:
        ConfigError: with one line per mistake: file, key, value, and the choices.
    """
    known, files = Experiment.model_fields, list(files)
    problems: list[Problem] = [
        (
            (key,),
            f"this section is now called `{RENAMED_SECTIONS[key]}`"
            if key in RENAMED_SECTIONS
            else f"unknown key; the choices are {', '.join(known)}",
        )
        for key in raw
        if key not in known
    ]
    problems += unused_sections(files)
    sections: dict[str, Any] = {}
    unread: set[str] = set()
    for name, field in known.items():
        if name not in raw and not field.is_required():
            sections[name] = field.get_default()
            continue
        if name not in raw:
            problems.append(((name,), "missing"))
            continue
        annotation = annotation_of(Experiment, name)
        try:
            sections[name] = _section(name).validate_python(raw[name])
        except ValidationError as error:
            problems += problems_of(error, name, annotation)
            part = readable(annotation, raw[name], unread)
            sections |= {} if part is MISSING else {name: part}
    wrong = frozenset(path for path, _ in problems)
    checked = Sections.of(
        sections,
        wrong=wrong,
        given=frozenset(key for key, value in raw.items() if value is not None),
    )
    problems += [
        problem
        for problem in cross_checks(checked)
        if not _is_consequence(problem, wrong, unread, raw)
    ]
    if problems or found:
        raise config_error(problems, raw, files, found)
    return Experiment.model_construct(**sections)


@cache
def _section(name: str) -> TypeAdapter[Any]:
    """Return the validator of a section."""
    return TypeAdapter(annotation_of(Experiment, name))


def _is_consequence(
    problem: Problem, wrong: frozenset[KeyPath], unread: set[str], raw: Mapping[str, Any]
) -> bool:
    """Return whether a problem is only there because of another mistake.

    Its value is wrong by itself, or is the name of an entry that could not be read.
    """
    path, _ = problem
    value = value_at(raw, path)
    return any(path[:depth] in wrong for depth in range(1, len(path) + 1)) or (
        isinstance(value, str) and value in unread
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one configuration file.

    Raises:
        ValueError: naming the file, and the line where there is one: if it is missing, not YAML or
            not a mapping, if a key is given twice, or if a key is not text.
    """
    content, problems = read_document(path)
    if problems:
        raise ConfigError("\n".join(problems))
    return content


def read_files(paths: Iterable[Path]) -> tuple[list[ConfigFile], list[str]]:
    """Read configuration files as far as possible.

    Returns:
        Name and content of each file, and one line per mistake such as a key that is given twice.

    Raises:
        ValueError: with one line for each file that cannot be read at all.
    """
    files: list[ConfigFile] = []
    problems: list[str] = []
    unread: list[str] = []
    for path in paths:
        try:
            content, found = read_document(path)
        except ValueError as error:
            unread.append(str(error))
            continue
        files.append((str(path), content))
        problems += found
    if unread:
        raise ConfigError("\n".join([*unread, *problems]))
    return files, problems
