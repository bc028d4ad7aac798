"""The optimisers: one file each, with the settings of the same `kind` in `plan.optimiser`."""

from collections.abc import Callable

from relscale.plan.optimiser import SETTINGS, Optimiser
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.optimisers.cautious_adamc import AdamC, CautiousAdamC, CautiousAdamW
from relscale.training.optimisers.flat_adam import FlatAdam
from relscale.training.optimisers.muon import Muon
from relscale.training.optimisers.protocol import TorchOptimiser
from relscale.training.optimisers.sharded_adam import (
    ShardedAdamC,
    ShardedAdamW,
    ShardedCautiousAdamC,
    ShardedCautiousAdamW,
)
from relscale.training.optimisers.tensor_adam import TensorAdam
from relscale.training.process_group import SINGLE_PROCESS, ProcessGroup

OPTIMISERS: dict[str, Callable[..., TorchOptimiser]] = {
    "adam": FlatAdam,
    "adamw": TensorAdam,
    "adamc": AdamC,
    "cautious_adamw": CautiousAdamW,
    "cautious_adamc": CautiousAdamC,
    "muon": Muon,
}
"""Implementation by kind."""
SHARDED: dict[str, Callable[..., TorchOptimiser]] = {
    "adamw": ShardedAdamW,
    "adamc": ShardedAdamC,
    "cautious_adamw": ShardedCautiousAdamW,
    "cautious_adamc": ShardedCautiousAdamC,
}
"""Implementation for parameters that are divided among the processes, by kind."""
assert set(SHARDED) == {kind for kind, one in SETTINGS.items() if one.shards_parameters}


def build_optimiser(
    decoder: CausalDecoder,
    settings: Optimiser,
    group: ProcessGroup = SINGLE_PROCESS,
    fully_sharded: bool = False,
) -> TorchOptimiser:
    """Build the optimiser of `settings.kind`.

    Args:
        decoder: whose parameters are trained.
        settings: of the optimiser and its schedule.
        group: the processes that share the moments.
        fully_sharded: whether `shard_parameters` has divided the parameters.
    """
    return (SHARDED if fully_sharded else OPTIMISERS)[settings.kind](decoder, settings, group)
