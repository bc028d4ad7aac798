"""The record of a finished run, record.json. Light imports: no torch, no numpy."""

from pathlib import Path
from typing import Literal

from pydantic import SerializerFunctionWrapHandler, ValidationError, model_serializer

from relscale.config.base import Model
from relscale.contract.suite_table import SuiteRow
from relscale.files import read_json
from relscale.plan.run_spec import RunSpec


class RunRecord(Model):
    """The result of a finished run, and everything that defined it."""

    columns: SuiteRow
    """The run's row of suite.csv."""
    spec: RunSpec
    """The spec of the training job."""
    excluded_reason: str | None
    """Why the run cannot be used, if it diverged."""
    epochs: float
    """Windows seen over windows of the corpus."""
    implementation: str
    """Implementation and execution that trained the run, `Trainer.name`."""
    status: Literal["trained", "diverged"]
    """The result in one word."""
    defined_by: list[str]
    """Digests of code and libraries that also define the run's bytes."""
    final_loss_nats_per_token: float | None = None
    """Loss of the last row of the curve; the key is missing for a diverged run."""

    @model_serializer(mode="wrap")
    def _without_a_missing_loss(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        given: dict[str, object] = handler(self)
        if self.final_loss_nats_per_token is None:
            given.pop("final_loss_nats_per_token")
        return given


def read_record(path: Path) -> RunRecord:
    """Read record.json of a run.

    Raises:
        ValueError: naming the file and every key that is wrong.
    """
    try:
        return RunRecord.model_validate(read_json(path))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise ValueError(f"{path}: {problems}") from None
