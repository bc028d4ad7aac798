"""Specs of the stages that score released models. Light imports."""

import operator
from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import Model, Positive
from relscale.config.families import ScoredFamily
from relscale.config.released import ReleasedModelRow


class TextsSpec(Model):
    """Everything that defines the texts of a family, besides its files."""

    family: str
    """Name of the family."""
    settings: ScoredFamily
    """Settings of the family; the baseline does not matter."""


class ReleasedModelsSpec(Model):
    """The models of an experiment."""

    models: list[ReleasedModelRow]
    """Rows of the table of released models."""
    folder: str | None
    """Folder of the models, see `ReleasedModels.folder`."""
    max_length: Positive | None = None
    """Maximum of tokens that a model is given."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Floating-point type that the models are scored in."""


class EvaluateReleasedSpec(TextsSpec):
    """Everything that defines the scores of one IsoFLOP curve, besides texts and model files."""

    models: list[ReleasedModelRow]
    """The models of the curve."""
    folder: str | None
    """Folder of the models, see `ReleasedModels.folder`."""
    max_length: Positive | None
    """Maximum of tokens that a model is given."""
    stride: Positive | None
    """New tokens of each window of a document after the first."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    """Floating-point type."""
    buckets: Annotated[bool, Field(exclude_if=operator.not_)] = False
    """Whether nats are also summed by bucket and by position."""
