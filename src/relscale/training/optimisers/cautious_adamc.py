"""AdamW with the corrected weight decay, with the cautious mask, and with both."""

from typing import ClassVar

from relscale.training.optimisers.tensor_adam import TensorAdam


class AdamC(TensorAdam):
    """AdamC: corrected weight decay (Defazio 2025, arXiv 2506.02285)."""

    CORRECTED: ClassVar[bool] = True


class CautiousAdamW(TensorAdam):
    """Cautious AdamW (Liang et al. 2024, arXiv 2411.16085)."""

    CAUTIOUS: ClassVar[bool] = True


class CautiousAdamC(TensorAdam):
    """Both, the form of the recipe `marin2025`."""

    CAUTIOUS: ClassVar[bool] = True
    CORRECTED: ClassVar[bool] = True
