"""Records that finished jobs left, as typed models: they are checked once, when they are read.

Snakemake writes a record next to a job's benchmark, one JSON object per line. Training and the
evaluation of released models also write their own `record.json`.
"""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

AnyRecord = TypeVar("AnyRecord", bound=BaseModel)


class BenchmarkRecord(BaseModel):
    """The part of Snakemake's record of a job that is compared; further keys are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    params: dict[str, JsonValue]
    """Params of the job when it ran, by name."""
    input_size_mb: dict[str, JsonValue] | None = None
    """Size of each input file in MiB, by path; text if Snakemake does not know the size."""


class OwnRecord(BaseModel):
    """The part of a job's own `record.json` that decides whether it is stale."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    spec: JsonValue = None
    """Spec of the job when it ran."""
    defined_by: list[JsonValue] | None = None
    """Digests of code and of libraries when it ran; None if the record does not have them."""


def read_benchmark_record(path: Path) -> BenchmarkRecord:
    """Return the last record of a benchmark file.

    Raises:
        ValueError: describing the problem with the file.
    """
    lines = path.read_bytes().strip().splitlines()
    if not lines:
        raise ValueError("the file is empty")
    return _validated(BenchmarkRecord, lines[-1])


def read_own_record(path: Path) -> OwnRecord:
    """Return the record that a job wrote itself.

    Raises:
        ValueError: describing the problem with the file.
    """
    text = path.read_bytes()
    if not text.strip():
        raise ValueError("the file is empty")
    return _validated(OwnRecord, text)


def _validated(model: type[AnyRecord], text: bytes) -> AnyRecord:
    content = json.loads(text)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc'])) or 'the record'}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise ValueError("; ".join(problems)) from None
