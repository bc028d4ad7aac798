"""The optimisers: one file each, with the settings of the same `kind` in `plan.optimiser`."""

from collections.abc import Callable

from relscale.plan.optimiser import Optimiser
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.optimisers.cautious_adamc import AdamC, CautiousAdamC, CautiousAdamW
from relscale.training.optimisers.flat_adam import FlatAdam
from relscale.training.optimisers.muon import Muon
from relscale.training.optimisers.protocol import TorchOptimiser
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


def build_optimiser(
    decoder: CausalDecoder, settings: Optimiser, group: ProcessGroup = SINGLE_PROCESS
) -> TorchOptimiser:
    """Build the optimiser of `settings.kind`.

    Args:
        decoder: whose parameters are trained.
        settings: of the optimiser and its schedule.
        group: the processes that share the moments.
    """
    return OPTIMISERS[settings.kind](decoder, settings, group)
