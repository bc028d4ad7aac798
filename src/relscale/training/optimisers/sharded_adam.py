"""The kinds of `TensorAdam` on parameters that are divided among the processes."""

import torch
from torch import Tensor

from relscale.plan.optimiser import OptimiserSettings
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.optimisers.cautious_adamc import AdamC, CautiousAdamC, CautiousAdamW
from relscale.training.optimisers.protocol import State
from relscale.training.optimisers.tensor_adam import TensorAdam
from relscale.training.process_group import SINGLE_PROCESS, ProcessGroup
from relscale.training.sharding import clip_shards, distributed_value, local, shares


class ShardedAdamW(TensorAdam):
    """`TensorAdam` where each process updates its rows of every parameter.

    The norm of the gradients and the share of entries that a mask keeps are sums over all
    processes, so the updates are those of one process within rounding.
    """

    def __init__(
        self,
        decoder: CausalDecoder,
        settings: OptimiserSettings,
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        """Create moments of zero for the rows of this process.

        Args:
            decoder: whose parameters `shard_parameters` has divided.
            settings: learning rate, betas, weight decay and clipping.
            group: the processes; none owns a parameter alone.
        """
        super().__init__(decoder, settings)
        self.group = group

    def _value(self, name: str) -> Tensor:
        return local(self.parameters[name])

    def _gradients(self, names: list[str]) -> list[Tensor]:
        return [local(gradient) for gradient in super()._gradients(names)]

    def _clip(self) -> Tensor:
        return clip_shards(self._gradients(self.own), self.settings.clip_norm)

    def _shares(self, names: list[str], masks: list[Tensor]) -> list[Tensor]:
        return shares(masks, [self.parameters[name] for name in names])

    def _exchange(self) -> None:
        """Nothing: the next forward pass gathers the parameters."""

    def zero_grad(self) -> None:
        """Drop the gradients; the backward pass creates their rows anew."""
        for parameter in self.parameters.values():
            parameter.grad = None

    def state(self) -> State:
        """Yield name and value of moments and the step count.

        Moments are DTensors over the rows of this process, which are not copied.
        """
        for kind, moments in self.moments.items():
            for name, rows in moments.items():
                yield f"{kind}.{name}", distributed_value(rows, self.parameters[name])
        yield "steps", torch.tensor(self.steps)

    def _load_moment(self, kind: str, name: str, value: Tensor) -> None:
        self.moments[kind][name].copy_(local(value))


class ShardedAdamC(ShardedAdamW, AdamC):
    """`AdamC` on divided parameters."""


class ShardedCautiousAdamW(ShardedAdamW, CautiousAdamW):
    """`CautiousAdamW` on divided parameters."""


class ShardedCautiousAdamC(ShardedAdamW, CautiousAdamC):
    """`CautiousAdamC` on divided parameters."""
