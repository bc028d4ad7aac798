"""The file of a mapping: the section `losses` of a configuration, alone or with other sections."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from relscale.config.errors import config_error, problems_of
from relscale.config.losses import LossesTable
from relscale.config.yaml_files import read_document

SECTION = "losses"


def read_mapping(path: Path | str, losses: Path | str | None = None) -> LossesTable:
    """Read a mapping from a YAML file.

    Args:
        path: the file; it has the keys of `LossesTable`, or a section `losses` that has them, such
            as the overlay of an experiment.
        losses: the losses table, in place of the `path` of the mapping.

    Raises:
        ValueError: listing every mistake with file, key and value.
    """
    path = Path(path)
    content, found = read_document(path)
    inner = content.get(SECTION)
    section: dict[str, Any] = inner if isinstance(inner, dict) else content
    if losses is not None:
        section = {**section, "path": str(losses)}
    shown = {SECTION: section}
    try:
        spec = LossesTable.model_validate(section)
    except ValidationError as error:
        problems = problems_of(error, SECTION, LossesTable)
        raise config_error(problems, shown, [(str(path), shown)], found) from None
    if found:
        raise config_error([], shown, [(str(path), shown)], found)
    return spec
