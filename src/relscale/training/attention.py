"""The kernel of the attention: torch's own, or an installed FlashAttention where it can be used.

Read `choose_attention` first. FlashAttention 4 and 3 (Shah et al. 2024, arXiv 2407.08608) are never
required. One is used only if it can be imported, the card, the precision and the size of the heads
suit it, its backward pass can be deterministic, and its output and gradients are those of torch on
a small input.
"""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

logger = logging.getLogger(__name__)
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Causal attention: query (batch, heads, time, head_dim), key and value (batch, kv_heads, time,
head_dim) to the shape of the query."""
PRECISIONS = (torch.bfloat16, torch.float16)
"""Precisions that FlashAttention has."""
TOLERANCE = 0.02
"""Largest error of an output or gradient of a kernel, over the norm of the one by torch in float32:
five roundings of bfloat16 (2^-8 each), for scores, probabilities, and the sums over them."""
HUB_KERNEL = "kernels-community/flash-attn3"
"""Repository of the kernel that the package `kernels` loads. Only a revision that is locked in the
metadata of this package and was downloaded before is loaded."""


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A FlashAttention that may be installed."""

    name: str
    """Name in `Execution.attention`."""
    package: str
    """Module to look for."""
    load: Callable[[], Callable[..., Any]]
    """Imports the function of query, key and value (batch, time, heads, head_dim)."""
    capabilities: tuple[int, ...]
    """Major compute capabilities of the cards that it supports."""
    largest_head_dim: int
    """Largest size of a head."""


def _from_hub() -> Callable[..., Any]:
    function: Callable[..., Any] = import_module("kernels").load_kernel(HUB_KERNEL).flash_attn_func
    return function


KERNELS = {
    one.name: one
    for one in (
        Kernel(
            name="flash_attention_4",
            package="flash_attn.cute",
            load=lambda: import_module("flash_attn.cute").flash_attn_func,
            capabilities=(9, 10),
            largest_head_dim=128,
        ),
        Kernel(
            name="flash_attention_3",
            package="flash_attn_interface",
            load=lambda: import_module("flash_attn_interface").flash_attn_func,
            capabilities=(9,),
            largest_head_dim=256,
        ),
        Kernel(
            name="kernels",
            package="kernels",
            load=_from_hub,
            capabilities=(9,),
            largest_head_dim=256,
        ),
    )
}
"""Kernels in the order of preference."""


def sdpa(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return causal attention by torch's `scaled_dot_product_attention`; see `Attend`."""
    return functional.scaled_dot_product_attention(
        query, key, value, is_causal=True, enable_gqa=key.shape[1] != query.shape[1]
    )


def attention_of(name: str, precision: torch.dtype = torch.bfloat16) -> Attend:
    """Return the function of a name, `sdpa` or one of `KERNELS`."""
    return sdpa if name == "sdpa" else partial(_flash, KERNELS[name].load(), precision)


def _flash(
    function: Callable[..., Any], precision: torch.dtype, query: Tensor, key: Tensor, value: Tensor
) -> Tensor:
    # These functions are not known to autocast, and have time before heads.
    query, key, value = (one.to(precision).transpose(1, 2) for one in (query, key, value))
    found = function(query, key, value, causal=True, deterministic=True)
    mixed: Tensor = found[0] if isinstance(found, tuple) else found
    return mixed.transpose(1, 2)


def choose_attention(
    head_dim: int,
    device: str = "cuda",
    capability: tuple[int, int] | None = None,
    precision: torch.dtype = torch.bfloat16,
) -> str:
    """Return the name of the attention to use: that of the first kernel that works, or `sdpa`.

    If a kernel is installed and none works, one warning names the reasons.

    Args:
        head_dim: size of a head; 0 for a model without attention.
        device: `cpu` or `cuda`; kernels are tried on it.
        capability: of the card; None asks the card.
        precision: of the products.
    """
    if head_dim == 0 or (device == "cpu" and capability is None):
        return "sdpa"
    reasons = []
    for kernel in KERNELS.values():
        if not _is_installed(kernel.package):
            continue
        reason = kernel_failure(kernel, head_dim, device, capability, precision)
        if reason is None:
            return kernel.name
        reasons.append(f"{kernel.name}: {reason}")
    if reasons:
        logger.warning("attention by torch (sdpa), since %s", "; ".join(reasons))
    return "sdpa"


def kernel_failure(
    kernel: Kernel,
    head_dim: int,
    device: str = "cuda",
    capability: tuple[int, int] | None = None,
    precision: torch.dtype = torch.bfloat16,
) -> str | None:
    """Return why a kernel is not used, or None; the arguments are those of `choose_attention`."""
    if not _is_installed(kernel.package):
        return f"{kernel.package} is not installed"
    capability = capability or torch.cuda.get_device_capability()
    return _unsuitable(kernel, capability, head_dim, precision) or _failure(
        kernel, device, head_dim, precision
    )


def _is_installed(package: str) -> bool:
    """Return whether a package can be found.

    Nothing is imported, not even the package around it, whose errors are reasons not to use it.
    """
    first, *inner = package.split(".")
    spec = find_spec(first)
    for name in inner:
        places = (spec and spec.submodule_search_locations) or []
        spec = PathFinder.find_spec(name, places)
    return spec is not None


def _unsuitable(
    kernel: Kernel, capability: tuple[int, int], head_dim: int, precision: torch.dtype
) -> str | None:
    """Return why a kernel cannot be used on a card or for a model, or None."""
    if capability[0] not in kernel.capabilities:
        return f"the card has compute capability {capability[0]}.{capability[1]}"
    if precision not in PRECISIONS:
        return f"products are in {precision}"
    if head_dim > kernel.largest_head_dim or head_dim % 8:
        return f"heads of {head_dim} are not multiples of 8 up to {kernel.largest_head_dim}"
    return None


def _failure(kernel: Kernel, device: str, head_dim: int, precision: torch.dtype) -> str | None:
    """Return why a kernel does not work here, or None; compares it with torch once."""
    try:
        if "deterministic" not in inspect.signature(kernel.load()).parameters:
            return "its backward pass cannot be deterministic"
        error = largest_error(attention_of(kernel.name, precision), device, head_dim, precision)
    except Exception as failure:  # whatever a foreign extension raises
        return f"{type(failure).__name__}: {str(failure).splitlines()[0] if str(failure) else ''}"
    if not error <= TOLERANCE:
        return f"its output or gradients differ from torch's by {error:.2g} of their size"
    return None


def largest_error(attend: Attend, device: str, head_dim: int, precision: torch.dtype) -> float:
    """Return the largest difference of output and gradients from torch's in float32.

    Each is a norm over the norm of torch's. The input is 2 sequences of 192 tokens with 4 heads, of
    which 2 share a key and a value, drawn with the seed 0.
    """
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn((2, heads, 192, head_dim), generator=generator) for heads in (4, 2, 2, 4)]
    drawn = [one.to(precision) for one in drawn]
    results = []
    for function, kind in ((attend, precision), (sdpa, torch.float32)):
        inputs = [one.to(device, kind).requires_grad_() for one in drawn[:3]]
        output = function(inputs[0], inputs[1], inputs[2])
        gradients = torch.autograd.grad(output, inputs, drawn[3].to(device, output.dtype))
        results.append([output.detach().float(), *(one.float() for one in gradients)])
    errors = [(ours - torchs).norm() / torchs.norm() for ours, torchs in zip(*results, strict=True)]
    return float(torch.stack(errors).max())
