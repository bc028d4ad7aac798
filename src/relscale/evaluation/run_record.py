"""The part of a run's record.json that the evaluation reads. Light imports.

`training.record.RunRecord` is the whole record. It is not used here, since it imports
`plan.run_spec` and `contract.suite_table`: a change of a run's spec or of suite.csv would then
change the code digest of the evaluation, which reads neither, and every run would be scored again.
A test reads a record that training wrote.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from relscale.contract.losses import RunColumns
from relscale.files import read_json


class _TrainedOn(BaseModel):
    """The spec of the training job, of which only the device matters."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    device: Literal["cpu", "gpu"]


class EvaluatedRun(BaseModel):
    """A run as the evaluation sees it; other keys of the record are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    columns: RunColumns
    """Columns of the losses table that describe the run."""
    spec: _TrainedOn
    """The device that the run's recipe trains on."""
    implementation: str = ""
    """The step that trained the run."""
    excluded_reason: str | None = None
    """The reason if the run is excluded from laws."""


def read_evaluated_run(path: Path) -> EvaluatedRun:
    """Read the record of a run.

    Raises:
        ValueError: naming the file and each wrong key.
    """
    try:
        return EvaluatedRun.model_validate(read_json(path))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise ValueError(f"{path}: {problems}") from None
