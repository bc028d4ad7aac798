"""Reading a configuration: merge the files, validate each section, check the sections together.

`load_config` is the only way to an `Experiment`. It reports every mistake at once, each with its
file, key, value and the choices. The Snakefile loads this module, so it imports nothing heavy.
Stages import only the part of `relscale.config` that they need, so that an edit of one section does
not make the results of others stale.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import TypeAdapter, ValidationError

from relscale.config.checks.all import cross_checks
from relscale.config.checks.sections import Sections
from relscale.config.errors import ConfigFile, Problem, config_error, problems_of
from relscale.config.experiment import Experiment

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
    files = [(str(path), read_yaml(Path(path))) for path in paths]
    return load_config(merged(content for _, content in files), files)


def load_config(raw: Mapping[str, Any], files: Iterable[ConfigFile] = ()) -> Experiment:
    """Check a merged configuration as a whole.

    Args:
        raw: the merged configuration, as read from YAML.
        files: (name, content) of the files it was merged from, in order; used only to name the
            file that holds a wrong key.

    Raises:
        ConfigError: with one line per mistake: file, key, value, and the choices.
    """
    known = Experiment.model_fields
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
    sections: dict[str, Any] = {}
    for name, field in known.items():
        if name not in raw and not field.is_required():
            sections[name] = field.get_default()
            continue
        if name not in raw:
            problems.append(((name,), "missing"))
            continue
        annotation: Any = (
            Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        )
        try:
            sections[name] = TypeAdapter(annotation).validate_python(raw[name])
        except ValidationError as error:
            problems += problems_of(error, name, annotation)
    problems += cross_checks(Sections.of(sections))
    if problems:
        raise config_error(problems, raw, list(files))
    return Experiment.model_construct(**sections)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one configuration file.

    Raises:
        ValueError: naming the file, where it is missing, is not YAML or is not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: not a readable YAML file: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: must be a mapping of keys")
    return content


def merged(contents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge configurations as Snakemake does.

    Mappings are merged key by key, everything else is replaced by the later value, and a null
    removes its key.
    """
    result: dict[str, Any] = {}
    for content in contents:
        for key, value in content.items():
            both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
            result[key] = merged([result[key], value]) if both else value
    return {
        key: merged([value]) if isinstance(value, Mapping) else value
        for key, value in result.items()
        if value is not None
    }
