"""The loss of hidden states and a head, in chunks: all logits are never in memory together.

With 128,256 entries, the logits of a sequence of 4,096 tokens take 2.1 GB in float32, their
gradient the same again. Read `summed_cross_entropy` first. On a GPU each chunk is one compiled
function: the logits stay in bfloat16, and only sums over them are in float32.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from relscale.training.compilation import Compiled
from relscale.training.execution import LOGITS_PER_CHUNK


def summed_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    logits_per_chunk: int = LOGITS_PER_CHUNK,
    *,
    compiled: bool = False,
) -> Tensor:
    """Return the sum over tokens of -log softmax(hidden @ weight.T)[target], a float32 scalar.

    Args:
        hidden: (tokens, width) hidden states.
        weight: (vocab, width) the head.
        targets: (tokens,) token ids.
        logits_per_chunk: most logits in memory together.
        compiled: whether chunks are compiled. Loss and gradients are the same within rounding.
    """
    rows = max(1, logits_per_chunk // len(weight))
    if compiled:
        loss: Tensor = _CompiledChunks.apply(hidden, weight, targets, equal_rows(len(hidden), rows))
        return loss
    if len(hidden) <= rows:
        return functional.cross_entropy(
            functional.linear(hidden, weight).float(), targets, reduction="sum"
        )
    return _Chunked.apply(hidden, weight, targets, rows)


def equal_rows(tokens: int, at_most: int) -> int:
    """Return the most rows per chunk that divide the tokens, so that one compilation serves all.

    If that would make chunks less than half as large as allowed, it is `at_most`, and the last
    chunk is smaller.
    """
    for rows in range(min(tokens, at_most), at_most // 2, -1):
        if tokens % rows == 0:
            return rows
    return min(tokens, at_most)


def _product_precision(hidden: Tensor) -> torch.dtype:
    """Return the precision of matrix products: that of autocast, where it is on."""
    kind = hidden.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype


class _Chunked(torch.autograd.Function):
    """Cross-entropy that computes its gradients with the loss, chunk by chunk.

    Nothing of the size of the logits is kept for the backward pass.

    With p = softmax(h W^T) and y the target as a unit vector, the gradient is (p - y) W for h and
    (p - y)^T h for W.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, rows: int) -> Tensor:
        precision = _product_precision(hidden)
        head = weight.to(precision)
        hidden_gradient, weight_gradient = torch.empty_like(hidden), torch.zeros_like(weight)
        total = torch.zeros((), device=hidden.device)
        for begin in range(0, len(hidden), rows):
            part, chosen = hidden[begin : begin + rows].to(precision), targets[begin : begin + rows]
            logits = (part @ head.T).float()
            chunk = torch.arange(len(part), device=part.device)
            normaliser = logits.logsumexp(1)
            total += (normaliser - logits[chunk, chosen]).sum()
            gradient = logits.sub_(normaliser[:, None]).exp_()
            gradient[chunk, chosen] -= 1
            gradient = gradient.to(precision)
            hidden_gradient[begin : begin + rows] = gradient @ head
            weight_gradient += gradient.T @ part
        ctx.save_for_backward(hidden_gradient, weight_gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        return hidden_gradient * gradients[0], weight_gradient * gradients[0], None, None


class _CompiledChunks(torch.autograd.Function):
    """The same as `_Chunked`, with one compiled function per chunk and scaling in place."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, rows: int) -> Tensor:
        precision = _product_precision(hidden)
        head = weight.to(precision)
        total = torch.zeros((), device=hidden.device)
        hidden_gradient, weight_gradient = torch.empty_like(hidden), torch.zeros_like(weight)
        chunk = chunk_loss if torch.compiler.is_compiling() else _compiled_chunk()
        for begin in range(0, len(hidden), rows):
            part, chosen = hidden[begin : begin + rows].to(precision), targets[begin : begin + rows]
            loss, of_hidden = chunk(part, head, chosen, weight_gradient)
            total += loss
            hidden_gradient[begin : begin + rows] = of_hidden
        ctx.save_for_backward(hidden_gradient, weight_gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        # In place: the gradient of the head is as large as the head in float32.
        return hidden_gradient.mul_(gradients[0]), weight_gradient.mul_(gradients[0]), None, None


def chunk_loss(
    part: Tensor, head: Tensor, chosen: Tensor, weight_gradient: Tensor
) -> tuple[Tensor, Tensor]:
    """Return loss and gradient of one chunk, and add to the gradient of the head.

    The logits are kept in the precision of `part`; maximum, sum and exponentials are float32. The
    target is subtracted by a comparison, which a compiler fuses, and not by an index.

    Args:
        part: (rows, width) hidden states.
        head: (vocab, width), in the same precision.
        chosen: (rows,) token ids.
        weight_gradient: (vocab, width), float32; changed in place.

    Returns:
        the loss, a float32 scalar, and the gradient of `part`, (rows, width).
    """
    logits = part @ head.T  # (rows, vocab)
    normaliser = logits.float().logsumexp(1, keepdim=True)
    loss = (normaliser - logits.gather(1, chosen[:, None]).float()).sum()
    entries = torch.arange(len(head), device=part.device)
    share = (logits.float() - normaliser).exp()
    gradient = torch.where(entries == chosen[:, None], share - 1, share).to(part.dtype)
    weight_gradient += gradient.T @ part
    return loss, gradient @ head


@cache
def _compiled_chunk() -> Compiled[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return `chunk_loss` compiled, once per process."""
    return Compiled(chunk_loss, "the loss in chunks", dynamic=False)
