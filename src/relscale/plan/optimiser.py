"""The settings of each optimiser and of the learning rate schedule, as they are in a run's spec.

Each class here has an implementation of the same `kind` in `training.optimisers`. A setting that
only one optimiser has is a field of its class with a default, so that recipes need not know it.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from relscale.config.base import Model

Schedule = Literal["wsd", "cosine"]
"""Warm-up, stable, decay; or one cosine cycle."""
SHARE_OF_SCHEDULE: dict[str, str] = {"wsd": "decay_share", "cosine": "final_share"}
"""The field that each schedule needs in addition to `warmup_share`."""


class OptimiserSettings(Model):
    """The settings that all optimisers share. Learning rates are peaks."""

    kind: str
    """Name of the optimiser."""
    learning_rate: float
    """Peak learning rate of matrices and norms."""
    embedding_learning_rate: float
    """Peak learning rate of the embedding."""
    head_learning_rate: float
    """Peak learning rate of the head."""
    beta1: float
    """Decay of the first moment."""
    beta2: float
    """Decay of the second moment."""
    weight_decay: float
    """Factor of the weight decay; the optimiser defines which parameters it applies to."""
    clip_norm: float
    """Global norm at which gradients are clipped."""
    schedule: Schedule = "wsd"
    """Form of the learning rate over the steps."""
    warmup_share: float
    """Share of the steps in which the learning rate rises linearly."""
    decay_share: float | None = None
    """Share of the steps, at the end, in which it falls linearly to 0 (`wsd`)."""
    final_share: float | None = None
    """Learning rate of the last step over the peak (`cosine`)."""

    keeps_gradients: ClassVar[bool] = False
    """Whether the implementation keeps gradients in its own buffer; if not, they live in the
    buckets of the all-reduce."""
    shards_moments: ClassVar[bool] = True
    """Whether the processes of a group can divide the moments among themselves."""
    shards_parameters: ClassVar[bool] = False
    """Whether there is an implementation for parameters that are divided among the processes."""

    @model_validator(mode="after")
    def _has_what_its_schedule_needs(self) -> "OptimiserSettings":
        for schedule, name in SHARE_OF_SCHEDULE.items():
            given = getattr(self, name)
            if schedule == self.schedule and given is None:
                raise ValueError(f"schedule {schedule} needs {name}")
            if schedule != self.schedule and given is not None:
                raise ValueError(f"schedule {self.schedule} has no {name}")
        return self

    @model_serializer(mode="wrap")
    def _without_what_other_schedules_need(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}


class AdamSettings(OptimiserSettings):
    """Adam with decoupled weight decay of all parameters (AdamW, arXiv 1711.05101)."""

    kind: Literal["adam"] = "adam"

    keeps_gradients: ClassVar[bool] = True


class TensorAdamSettings(OptimiserSettings):
    """AdamW (arXiv 1711.05101) whose weight decay leaves out norms and the embedding.

    It differs from the next three kinds by their switches alone.
    """

    kind: Literal["adamw"] = "adamw"

    shards_parameters: ClassVar[bool] = True


class AdamCSettings(OptimiserSettings):
    """AdamW with the corrected weight decay of AdamC (Defazio 2025, arXiv 2506.02285)."""

    kind: Literal["adamc"] = "adamc"

    shards_parameters: ClassVar[bool] = True


class CautiousAdamWSettings(OptimiserSettings):
    """AdamW with the cautious mask (Liang et al. 2024, arXiv 2411.16085)."""

    kind: Literal["cautious_adamw"] = "cautious_adamw"

    shards_parameters: ClassVar[bool] = True


class CautiousAdamCSettings(OptimiserSettings):
    """Cautious Adam (arXiv 2411.16085) with AdamC's corrected weight decay (arXiv 2506.02285)."""

    kind: Literal["cautious_adamc"] = "cautious_adamc"

    shards_parameters: ClassVar[bool] = True


class MuonSettings(OptimiserSettings):
    """Muon for the matrices of the blocks (Jordan et al. 2024), AdamW for the rest."""

    kind: Literal["muon"] = "muon"
    momentum: float = 0.95
    """Decay of the momentum of Muon; betas are those of AdamW."""

    shards_moments: ClassVar[bool] = False


Optimiser = Annotated[
    AdamSettings
    | TensorAdamSettings
    | AdamCSettings
    | CautiousAdamWSettings
    | CautiousAdamCSettings
    | MuonSettings,
    Field(discriminator="kind"),
]
"""The settings of any optimiser, as a field of a model."""
OptimiserKind = Literal["adam", "adamw", "adamc", "cautious_adamw", "cautious_adamc", "muon"]
"""The choices of `suite.recipe.optimiser`."""
SETTINGS: dict[
    str,
    type[AdamSettings]
    | type[TensorAdamSettings]
    | type[AdamCSettings]
    | type[CautiousAdamWSettings]
    | type[CautiousAdamCSettings]
    | type[MuonSettings],
] = {
    "adam": AdamSettings,
    "adamw": TensorAdamSettings,
    "adamc": AdamCSettings,
    "cautious_adamw": CautiousAdamWSettings,
    "cautious_adamc": CautiousAdamCSettings,
    "muon": MuonSettings,
}
"""Settings class by kind."""
