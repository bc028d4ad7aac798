"""Settings of released models, which are evaluated instead of runs that are trained.

A released model is a model that somebody published.
"""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import NUMBER, WHOLE, BudgetLabel, Flag, Int, Model, Name, Positive
from relscale.contract.losses import RunColumns


class ReleasedModels(Model):
    """Released models: nothing is trained, and no corpus is built."""

    table: str
    """CSV with one row per model; docs/reference/tables.md describes its columns."""
    folder: str | None = None
    """Folder of the table's models, each in a folder of its own; none if the table has Hub ids or
    whole paths."""
    max_length: Positive | None = None
    """Maximum of tokens that a model is given; none for the model's own limit."""
    stride: Positive | None = None
    """New tokens that each window of a document after the first scores; none for whole windows."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Floating-point type; `auto` is float32 on a CPU and the model's own type on a GPU."""
    gpu: Flag = False
    """Whether a job requests a GPU. Does not decide a result by itself."""
    mem_mb: Positive = 8000
    """Memory that a job requests, in MB. Does not decide a result."""
    runtime_minutes: Positive = 600
    """Time that a job requests. Does not decide a result."""


class ReleasedModelRow(Model):
    """A row of the table of released models."""

    corpus: Name
    """The corpus that the model was trained on; laws are fitted to all models of a corpus."""
    run: Annotated[str, Field(min_length=1)]
    """Name, unique among the runs of its corpus."""
    budget: BudgetLabel
    """The IsoFLOP curve of the model."""
    model: Annotated[str, Field(min_length=1)]
    """A folder or a Hub id. The name of a folder may end in "*" if the rest of it is not known."""
    revision: str | None = None
    """Revision on the Hub, best a full commit; none for a folder."""
    tokens: Positive
    """Tokens that the model was trained on."""
    forward_flops: Annotated[float, Field(gt=0), NUMBER] | None = None
    """FLOPs of the forward passes of its training."""
    training_flops: Annotated[float, Field(gt=0), NUMBER] | None = None
    """FLOPs of its training. Default: three times the forward FLOPs, and vice versa."""
    num_params_embedding: Annotated[int, Field(ge=0), WHOLE] | None = None
    """Parameters of the embedding; counted in the model if left out."""
    num_params_head: Annotated[int, Field(ge=0), WHOLE] | None = None
    """Parameters of the head; counted if left out; 0 if it shares the embedding's."""
    num_params_transformer: Annotated[int, Field(ge=0), WHOLE] | None = None
    """Parameters of the blocks; counted if left out."""
    num_params_total: Positive | None = None
    """All parameters; counted if left out."""
    seed: Int = 0
    """Seed of its training."""
    recipe: str = "released"
    """Name of the recipe of its training."""

    def columns(self) -> RunColumns:
        """Return the columns of the losses table, with both counts of FLOPs.

        The table has at least one of the two counts; the other follows from it.
        """
        forward, training = self.forward_flops, self.training_flops
        assert forward is not None or training is not None
        return {
            "corpus": self.corpus,
            "run": self.run,
            "seed": self.seed,
            "recipe": self.recipe,
            "budget": self.budget,
            "forward_flops": forward if forward is not None else float(training or 0) / 3,
            "training_flops": training if training is not None else 3 * float(forward or 0),
            "num_params_embedding": self.num_params_embedding,
            "num_params_head": self.num_params_head,
            "num_params_transformer": self.num_params_transformer,
            "num_params_total": self.num_params_total,
            "tokens": self.tokens,
        }
