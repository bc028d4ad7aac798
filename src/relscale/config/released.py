"""Settings: checkpoints that exist already, evaluated in place of runs that are trained."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import BudgetLabel, Model, Name, Positive


class Checkpoints(Model):
    """Checkpoints that others released: nothing is trained, and no corpus is made."""

    table: str
    """CSV with a row a checkpoint; docs/DATA.md says what its columns hold."""
    folder: str | None = None
    """Folder in which the table's models lie, each in a folder of its own; none where the table has
    ids of the hub or whole paths."""
    max_length: Positive | None = None
    """Most tokens that a model is given; none for what it allows."""
    stride: Positive | None = None
    """New tokens that each window of a document after the first scores; none for whole windows."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Numbers to compute with; `auto` is float32 on a processor and the checkpoint's own on a
    GPU."""
    gpu: bool = False
    """Whether a job asks for a GPU. Decides no result by itself."""
    mem_mb: Positive = 8000
    """Memory that a job asks for, in MB. Decides no result."""
    runtime_minutes: Positive = 600
    """Time that a job asks for. Decides no result."""


class CheckpointRow(Model):
    """A row of the table of checkpoints."""

    corpus: Name
    """The corpus that the model was trained on: laws are fitted through its models together."""
    run: Annotated[str, Field(min_length=1)]
    """Name, unique among the runs of its corpus."""
    budget: BudgetLabel
    """The IsoFLOP curve that it belongs to."""
    model: Annotated[str, Field(min_length=1)]
    """A folder, or an id of the hub; in a folder a name may end in "*" where the rest of it is not
    known."""
    revision: str | None = None
    """The hub's revision, best a full commit; none for a folder."""
    tokens: Positive
    """Tokens that it was trained on."""
    forward_flops: Annotated[float, Field(gt=0)] | None = None
    """Forward FLOPs of its training."""
    training_flops: Annotated[float, Field(gt=0)] | None = None
    """Training FLOPs; three times the forward ones where left out, and the other way round."""
    num_params_embedding: Annotated[int, Field(ge=0)] | None = None
    """Parameters by component; counted in the model where left out."""
    num_params_head: Annotated[int, Field(ge=0)] | None = None
    """As above; 0 where head and embedding are one."""
    num_params_transformer: Annotated[int, Field(ge=0)] | None = None
    """As above."""
    num_params_total: Positive | None = None
    """As above."""
    seed: int = 0
    """Seed of its training."""
    recipe: str = "released"
    """Name of the recipe it was trained by."""

    def columns(self) -> dict[str, str | int | float | None]:
        """Return the columns of the losses that come from the table, with both counts of FLOPs."""
        forward, training = self.forward_flops, self.training_flops
        assert forward is not None or training is not None
        kept = self.model_dump(exclude={"model", "revision", "forward_flops", "training_flops"})
        return kept | {
            "forward_flops": forward if forward is not None else float(training or 0) / 3,
            "training_flops": training if training is not None else 3 * float(forward or 0),
        }
