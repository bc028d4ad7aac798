"""The loss of hidden states and a head, in chunks: all logits are never in memory together.

With 128,256 entries, the logits of a sequence of 4,096 tokens take 2.1 GB in float32, their
gradient the same again.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from relscale.training.execution import LOGITS_PER_CHUNK


def summed_cross_entropy(
    hidden: Tensor, weight: Tensor, targets: Tensor, logits_per_chunk: int = LOGITS_PER_CHUNK
) -> Tensor:
    """Return the sum over tokens of -log softmax(hidden @ weight.T)[target], a float32 scalar.

    Args:
        hidden: (tokens, width) hidden states.
        weight: (vocab, width) the head.
        targets: (tokens,) token ids.
        logits_per_chunk: most logits in memory together.
    """
    rows = max(1, logits_per_chunk // len(weight))
    if len(hidden) <= rows:
        return functional.cross_entropy(
            functional.linear(hidden, weight).float(), targets, reduction="sum"
        )
    return _Chunked.apply(hidden, weight, targets, rows)


class _Chunked(torch.autograd.Function):
    """Cross-entropy that computes its gradients with the loss, chunk by chunk.

    Nothing of the size of the logits is kept for the backward pass.

    With p = softmax(h W^T) and y the target as a unit vector, the gradient is (p - y) W for h and
    (p - y)^T h for W.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, rows: int) -> Tensor:
        kind = hidden.device.type
        precision = (
            torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
        )
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
