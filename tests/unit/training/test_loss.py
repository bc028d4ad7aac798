"""The loss in chunks: the same number and gradients as the plain one, in memory that does not grow
with vocabulary times tokens."""

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from relscale.training import loss as loss_module
from relscale.training.compilation import Compiled, compile_failure
from relscale.training.loss import chunk_loss, equal_rows, summed_cross_entropy


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


@pytest.fixture
def uncompiled(monkeypatch):
    """The chunks of the compiled loss, run as they are: a compiler takes seconds."""
    monkeypatch.setattr(loss_module, "_compiled_chunk", lambda: chunk_loss)


def plain_loss(hidden, weight, targets):
    return functional.cross_entropy(
        functional.linear(hidden, weight).float(), targets, reduction="sum"
    )


def relative_differences(found, wanted):
    """Largest difference of each gradient, over the largest entry of the other."""
    return [
        float((one - other).abs().max() / other.abs().max())
        for one, other in zip(found, wanted, strict=True)
    ]


def losses_and_gradients(hidden, weight, targets, logits_per_chunk):
    plain = plain_loss(hidden, weight, targets)
    chunked = summed_cross_entropy(hidden, weight, targets, logits_per_chunk, compiled=True)
    gradients = [torch.autograd.grad(one, (hidden, weight)) for one in (chunked, plain)]
    return float(chunked.detach()), float(plain.detach()), *gradients


@pytest.mark.parametrize(
    ("tokens", "vocab", "logits_per_chunk"),
    [(37, 101, 101), (37, 101, 1010), (64, 50, 800), (5, 7, 1), (64, 50, 10**6)],
)
def test_chunks_to_compile_give_the_plain_loss_and_its_gradients(
    uncompiled, tokens, vocab, logits_per_chunk
):
    inputs_ = inputs(tokens, 12, vocab)
    chunked, plain, found, wanted = losses_and_gradients(*inputs_, logits_per_chunk)
    assert chunked == pytest.approx(plain, rel=1e-6, abs=0)
    assert max(relative_differences(found, wanted)) < 1e-6


def test_the_loss_of_the_compiler_itself_is_the_plain_one():
    if reason := compile_failure("cpu"):
        pytest.skip(f"nothing can be compiled here: {reason}")
    inputs_ = inputs(64, 32, 500)
    loss_module._compiled_chunk.cache_clear()
    chunked, plain, found, wanted = losses_and_gradients(*inputs_, 500 * 16)
    assert loss_module._compiled_chunk().is_compiled
    assert chunked == pytest.approx(plain, rel=1e-6, abs=0)
    assert max(relative_differences(found, wanted)) < 1e-6


def test_bfloat16_chunks_are_as_near_as_the_plain_loss_in_bfloat16(uncompiled):
    hidden, weight, targets = inputs(200, 64, 500)
    exact = torch.autograd.grad(plain_loss(hidden, weight, targets), (hidden, weight))
    with torch.autocast("cpu", torch.bfloat16):
        plain = plain_loss(hidden, weight, targets)
        chunked = summed_cross_entropy(hidden, weight, targets, 20_000, compiled=True)
    theirs, ours = (torch.autograd.grad(loss, (hidden, weight)) for loss in (plain, chunked))
    for number in range(2):
        errors = [
            float((found[number] - exact[number]).norm() / exact[number].norm())
            for found in (ours, theirs)
        ]
        assert errors[0] < max(1.2 * errors[1], 0.01), errors
        assert ours[number].dtype == torch.float32


def test_the_loss_compiles_as_one_graph():
    inputs_ = inputs(64, 12, 50)
    whole = torch.compile(
        lambda *some: summed_cross_entropy(*some, 800, compiled=True),
        fullgraph=True,
        backend="aot_eager",
    )
    hidden, weight, _ = inputs_
    loss, plain = whole(*inputs_), plain_loss(*inputs_)
    assert float(loss) == pytest.approx(float(plain), rel=1e-6, abs=0)
    found, wanted = (torch.autograd.grad(one, (hidden, weight)) for one in (loss, plain))
    assert max(relative_differences(found, wanted)) < 1e-6


def test_memory_of_the_chunks_to_compile_is_flat_in_the_number_of_tokens(uncompiled):
    def peak(tokens):
        hidden, weight, targets = inputs(tokens, 8, 4096)
        with Peak() as watch:
            summed_cross_entropy(hidden, weight, targets, 2**16, compiled=True).backward()
        return watch.peak - 4 * 8 * 2 * tokens

    # Hidden states and their gradient, linear in the tokens, are left out; flags and ids remain.
    assert peak(4096) < 1.05 * peak(512)


def test_chunks_have_equal_rows_where_the_number_of_tokens_allows_it():
    assert equal_rows(4096, 523) == 512
    assert equal_rows(4096, 8372) == 4096
    assert equal_rows(2 * 4096, 5000) == 4096
    # 4099 is a prime: the last chunk is smaller.
    assert equal_rows(4099, 523) == 523
    assert equal_rows(1, 1) == 1


def test_where_compiling_fails_the_function_runs_as_it_is_with_one_warning(caplog):
    def broken(graph, example):
        raise RuntimeError("no C++ compiler was found")

    inputs_ = inputs(64, 12, 50)
    chunk = Compiled(chunk_loss, "the loss of this test", backend=broken)
    hidden, weight, targets = (value.detach() for value in inputs_)
    gradients = torch.zeros_like(weight), torch.zeros_like(weight)
    for _ in range(2):
        found = chunk(hidden, weight, targets, gradients[0])
    assert not chunk.is_compiled
    for _ in range(2):
        wanted = chunk_loss(hidden, weight, targets, gradients[1])
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))
    assert torch.equal(*gradients)
    said = [said for said in caplog.messages if "of this test" in said and "uncompiled" in said]
    assert len(said) == 1
    assert "no C++ compiler was found" in said[0]


def test_an_error_of_the_function_is_not_taken_for_one_of_the_compiler(caplog):
    chunk = Compiled(chunk_loss, "another loss", backend="eager")
    hidden, weight, targets = (value.detach() for value in inputs(64, 12, 50))
    with pytest.raises(RuntimeError, match="shape"):
        chunk(hidden, weight[:, :5], targets, weight)
    assert chunk.is_compiled
    assert "another loss" not in caplog.text
