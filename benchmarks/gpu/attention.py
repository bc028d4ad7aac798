"""Each installed kernel of attention against torch's attention."""

from typing import Any

from relscale.training.attention import KERNELS, kernel_failure

from .bench import Bench
from .models import cases


def attention(bench: Bench) -> dict[str, Any]:
    """Compare output and gradients of each kernel with torch's, in bfloat16.

    Returns:
        `chosen`, the attention that runs take, and `reasons`, why each kernel cannot be used.
    """
    shape = cases(bench.quick)[0].shape
    if bench.device == "cpu":
        return {"chosen": bench.kernel(shape), "reasons": "no GPU"}
    reasons = {
        name: kernel_failure(one, shape.head_dim, bench.device) for name, one in KERNELS.items()
    }
    return {"chosen": bench.kernel(shape), "reasons": reasons}
