"""Section `checkpoints`: released models to evaluate instead of trained runs, and their table."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import BudgetLabel, Model, Name, Positive


class ReleasedModels(Model):
    """Released models to evaluate; nothing is trained, and no corpus is built."""

    table: str
    """CSV with one row per model; the reference of tables describes its columns."""
    folder: str | None = None
    """Folder that contains one folder per model of the table; leave it out if the table has Hub ids
    or complete paths."""
    max_length: Positive | None = None
    """Largest number of tokens of one model input; the default is the model's limit."""
    stride: Positive | None = None
    """Number of new tokens that each window of a document after the first scores; the default is
    the whole window."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the computation; `auto` is float32 on a CPU and the model's format on a
    GPU."""
    gpu: bool = False
    """Whether a job requests a GPU. Does not decide a result by itself."""
    mem_mb: Positive = 8000
    """Memory that a job requests, in MB. Does not decide a result."""
    runtime_minutes: Positive = 600
    """Time that a job requests. Does not decide a result."""


class CheckpointRow(Model):
    """One row of the table of released models."""

    corpus: Name
    """Corpus of the training: laws are fitted through the models of one corpus together."""
    run: Annotated[str, Field(min_length=1)]
    """Name, unique among the models of a corpus."""
    budget: BudgetLabel
    """Budget: the IsoFLOP curve that the model is a point of."""
    model: Annotated[str, Field(min_length=1)]
    """A folder or a Hub id; a folder's name may end in "*" where the rest of it is unknown."""
    revision: str | None = None
    """Revision on the Hub, preferably a full commit; not for a folder."""
    tokens: Positive
    """Number of training tokens."""
    forward_flops: Annotated[float, Field(gt=0)] | None = None
    """Forward FLOPs of the training."""
    training_flops: Annotated[float, Field(gt=0)] | None = None
    """Training FLOPs; if one of the two counts is left out, training is three times forward."""
    num_params_embedding: Annotated[int, Field(ge=0)] | None = None
    """Parameters of the embedding; counted in the model if left out."""
    num_params_head: Annotated[int, Field(ge=0)] | None = None
    """Parameters of the output head, 0 if it is tied to the embedding; counted if left out."""
    num_params_transformer: Annotated[int, Field(ge=0)] | None = None
    """Parameters of the transformer layers; counted if left out."""
    num_params_total: Positive | None = None
    """All parameters; counted if left out."""
    seed: int = 0
    """Seed of the training."""
    recipe: str = "released"
    """Name of the training recipe."""

    def columns(self) -> dict[str, str | int | float | None]:
        """Return the columns of the losses that come from the table, with both counts of FLOPs."""
        forward, training = self.forward_flops, self.training_flops
        assert forward is not None or training is not None
        kept = self.model_dump(exclude={"model", "revision", "forward_flops", "training_flops"})
        return kept | {
            "forward_flops": forward if forward is not None else float(training or 0) / 3,
            "training_flops": training if training is not None else 3 * float(forward or 0),
        }
