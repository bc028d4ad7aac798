"""Base of all settings: closed, frozen models, and the types that several sections share."""

import re
from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
"""A key that becomes part of file names: lower case, digits, underscores."""
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_ -]*$")]
"""The name of a domain, as figures show it."""
BudgetLabel = Annotated[str, StringConstraints(pattern=r"^[1-9](\.[0-9]+)?e[0-9]+$")]
"""A budget as text, such as "1e18". Quote it: YAML reads some of these as text and others as
numbers."""
ShapeLabel = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*x[1-9][0-9]*$")]
"""Width x layers, such as "64x3"."""
Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]


def _pinned(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{7,40}", value):
        raise ValueError(
            "is not a commit: a branch or tag can move after a result was made; "
            "give the commit's hash (7 to 40 hexadecimal digits)"
        )
    return value


Revision = Annotated[str, AfterValidator(_pinned)]
"""A commit on the Hugging Face Hub. Only a commit pins bytes."""

Entry = TypeVar("Entry")
Entries = TypeVar("Entries", bound=Sequence[object])


def without_repeats(values: Entries) -> Entries:
    """Return a sequence unchanged if each entry occurs once.

    Raises:
        ValueError: naming the repeated entries.
    """
    repeated = sorted({str(value) for value in values if list(values).count(value) > 1})
    if repeated:
        raise ValueError(f"each entry once; repeated: {', '.join(repeated)}")
    return values


Unique = Annotated[list[Entry], AfterValidator(without_repeats)]
"""A list in which each entry occurs once."""


def is_none(value: object) -> bool:
    """Return whether a value is None: the `exclude_if` of keys that are written only if set."""
    return value is None


class Model(BaseModel):
    """A closed, frozen model.

    An unknown key is an error, and the docstring under a field is its description in the schema
    and in the configuration reference.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
