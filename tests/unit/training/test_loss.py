"""The loss in chunks: the same number and gradients as the plain one, in memory that does not grow
with vocabulary times tokens."""

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from relscale.training.loss import summed_cross_entropy


def inputs(tokens, width, vocab, precision=torch.float32):
    generator = torch.Generator().manual_seed(tokens + vocab)
    hidden = torch.randn((tokens, width), generator=generator, dtype=precision).requires_grad_()
    weight = (
        torch.randn((vocab, width), generator=generator, dtype=precision) / 4
    ).requires_grad_()
    return hidden, weight, torch.randint(0, vocab, (tokens,), generator=generator)


@pytest.mark.parametrize(
    ("tokens", "vocab", "logits_per_chunk"),
    [(37, 101, 101), (37, 101, 1010), (64, 50, 800), (5, 7, 1)],
)
def test_chunks_give_the_plain_loss_and_its_gradients(tokens, vocab, logits_per_chunk):
    hidden, weight, targets = inputs(tokens, 12, vocab, torch.float64)
    plain = functional.cross_entropy(hidden @ weight.T, targets, reduction="sum")
    expected = torch.autograd.grad(plain, (hidden, weight))
    chunked = summed_cross_entropy(hidden, weight, targets, logits_per_chunk)
    # The loss is summed in float32, the gradients are in the precision of their tensors; logits
    # pass through float32.
    torch.testing.assert_close(chunked.double(), plain, rtol=1e-6, atol=0)
    for found, wanted in zip(
        torch.autograd.grad(2 * chunked, (hidden, weight)), expected, strict=True
    ):
        torch.testing.assert_close(found, 2 * wanted, rtol=0, atol=2e-6 * float(wanted.abs().max()))


def test_chunks_under_autocast_are_as_near_as_the_plain_loss_in_bfloat16():
    hidden, weight, targets = inputs(200, 64, 500)
    exact = torch.autograd.grad(
        functional.cross_entropy(hidden @ weight.T, targets, reduction="sum"), (hidden, weight)
    )
    with torch.autocast("cpu", torch.bfloat16):
        plain = functional.cross_entropy(
            functional.linear(hidden, weight).float(), targets, reduction="sum"
        )
        chunked = summed_cross_entropy(hidden, weight, targets, logits_per_chunk=20_000)
    theirs, ours = (torch.autograd.grad(loss, (hidden, weight)) for loss in (plain, chunked))
    for number in range(2):
        errors = [
            float((found[number] - exact[number]).norm() / exact[number].norm())
            for found in (ours, theirs)
        ]
        assert errors[0] < max(1.2 * errors[1], 0.01), errors
        assert ours[number].dtype == torch.float32


class Peak(TorchDispatchMode):
    """Bytes of the tensors that operations make and that are alive together: the peak."""

    def __init__(self):
        super().__init__()
        self.alive, self.peak = {}, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self.alive:
                    self.alive[storage._cdata] = (
                        torch.multiprocessing.reductions.StorageWeakRef(storage),
                        storage.nbytes(),
                    )
        self.alive = {key: kept for key, kept in self.alive.items() if not kept[0].expired()}
        self.peak = max(self.peak, sum(size for _, size in self.alive.values()))
        return result


def peak_beside_tables(tokens, vocab, logits_per_chunk):
    """Peak bytes of loss and gradient, less what is linear in tokens or in the vocabulary: hidden
    states, head, and their gradients."""
    width = 8
    hidden, weight, targets = inputs(tokens, width, vocab)
    with Peak() as watch:
        summed_cross_entropy(hidden, weight, targets, logits_per_chunk).backward()
    return watch.peak - 4 * width * (2 * tokens + 3 * vocab)


def test_peak_memory_does_not_grow_with_vocabulary_times_tokens():
    logits_per_chunk = 2**16
    small, large = (
        peak_beside_tables(512, 2048, logits_per_chunk),
        peak_beside_tables(4096, 16384, logits_per_chunk),
    )
    logits = 4 * 4096 * 16384
    assert small < 6 * 4 * logits_per_chunk
    assert large < 1.5 * small
    assert large < logits / 50
    # The plain loss keeps all logits by the same count, so the test would see it.
    assert peak_beside_tables(4096, 16384, 2**40) > logits
