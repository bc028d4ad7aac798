"""What all settings share: closed, frozen models and the kinds of names."""

import re
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from relscale.contract.metrics import METRICS, metric_of

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
"""A key that becomes part of file names: lower case, digits, underscores."""
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_ -]*$")]
"""A domain's name, as it is drawn in figures."""
BudgetLabel = Annotated[str, StringConstraints(pattern=r"^[1-9](\.[0-9]+)?e[0-9]+$")]
"""A budget as text, such as "1e18": written in quotes, since YAML would otherwise choose between
text and number."""
ShapeLabel = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*x[1-9][0-9]*$")]
"""width x layers, such as "64x3"."""
MetricName = Annotated[
    str,
    AfterValidator(lambda name: metric_of(name).name),
    WithJsonSchema({"enum": list(METRICS), "type": "string"}),
]
"""The name of a metric of `contract.metrics`."""
Positive = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]


def _pinned(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{7,40}", value):
        raise ValueError(
            "no commit: a branch or tag can move under a result; give the commit's hash (7 to 40 hexadecimal digits)"
        )
    return value


Revision = Annotated[str, AfterValidator(_pinned)]
"""A commit of the hub: only that pins bytes."""

Entry = TypeVar("Entry")


def _without_repeats(values: list[Entry]) -> list[Entry]:
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"each entry once; repeated: {', '.join(repeated)}")
    return values


Unique = Annotated[list[Entry], AfterValidator(_without_repeats)]
"""A list in which no entry stands twice."""


class Model(BaseModel):
    """A closed, frozen model: an unknown key is an error, and the docstring under a field is its
    description."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
