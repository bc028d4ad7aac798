"""The choice of the attention's kernel, with modules in place of FlashAttention."""

import sys
from importlib import invalidate_caches
from types import ModuleType

import pytest
import torch
from torch.nn import functional

from relscale.plan.architecture import Choices, Shape
from relscale.training import attention
from relscale.training.attention import KERNELS, attention_of, choose_attention, sdpa
from relscale.training.model import build_decoder, initialise

HOPPER, BLACKWELL, AMPERE = (9, 0), (10, 0), (8, 0)


def right(query, key, value, causal=False, deterministic=False):
    """The result of a FlashAttention: (batch, time, heads, head_dim)."""
    assert query.dtype == key.dtype == value.dtype
    query, key, value = (one.transpose(1, 2) for one in (query, key, value))
    mixed = functional.scaled_dot_product_attention(
        query, key, value, is_causal=causal, enable_gqa=True
    )
    return mixed.transpose(1, 2), "log-sum-exp"


def not_causal(query, key, value, causal=False, deterministic=False):
    return right(query, key, value)


def without_deterministic(query, key, value, causal=False):
    return right(query, key, value, causal)


def broken(query, key, value, causal=False, deterministic=False):
    raise RuntimeError("no kernel image is available\nmore lines")


@pytest.fixture
def install(monkeypatch):
    """Install modules with a function `flash_attn_func` and nothing else."""
    installed = {}
    monkeypatch.setattr(attention, "_is_installed", lambda package: package in installed)

    def install(**functions):
        for name, function in functions.items():
            package = KERNELS[name].package
            module = ModuleType(package)
            module.flash_attn_func = function
            module.load_kernel = lambda place, module=module: module
            installed[package] = module
            monkeypatch.setitem(sys.modules, package, module)

    return install


def chosen(capability=HOPPER, head_dim=64, precision=torch.bfloat16):
    return choose_attention(head_dim, "cpu", capability, precision)


def test_without_a_kernel_it_is_that_of_torch_without_a_warning(install, caplog):
    assert chosen() == "sdpa"
    assert attention_of("sdpa") is sdpa
    assert not caplog.text


def test_the_newest_kernel_that_suits_the_card_is_chosen(install, caplog):
    install(flash_attention_4=right, flash_attention_3=right, kernels=right)
    assert chosen(HOPPER) == chosen(BLACKWELL) == "flash_attention_4"
    # FlashAttention 4 has no heads of 256.
    assert chosen(head_dim=256) == "flash_attention_3"
    install(flash_attention_4=broken, flash_attention_3=without_deterministic)
    assert chosen() == "kernels"
    assert chosen(head_dim=0) == "sdpa"  # a model without attention
    assert not caplog.text


@pytest.mark.parametrize(
    ("function", "changes", "reason"),
    [
        (right, {"capability": AMPERE}, "the card has compute capability 8.0"),
        (right, {"precision": torch.float32}, "products are in torch.float32"),
        (right, {"head_dim": 512}, "heads of 512 are not multiples of 8 up to 256"),
        (right, {"head_dim": 20}, "heads of 20 are not multiples of 8 up to 256"),
        (without_deterministic, {}, "its backward pass cannot be deterministic"),
        (broken, {}, "RuntimeError: no kernel image is available"),
        (not_causal, {}, "its output or gradients differ from torch's by "),
    ],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_a_kernel_that_cannot_be_used_is_named_with_the_reason_in_one_warning(
    install, caplog, function, changes, reason
):
    install(flash_attention_3=function)
    assert chosen(**changes) == "sdpa"
    (record,) = caplog.records
    assert record.getMessage().startswith(
        f"attention by torch (sdpa), since flash_attention_3: {reason}"
    )


def test_a_kernel_of_the_hub_without_a_locked_revision_is_not_used(install, caplog, monkeypatch):
    install(kernels=right)

    def unlocked(place):
        raise ValueError("No kernel lock file")

    monkeypatch.setattr(sys.modules["kernels"], "load_kernel", unlocked)
    assert chosen() == "sdpa"
    assert "kernels: ValueError: No kernel lock file" in caplog.text


def test_wrong_gradients_alone_are_seen(install):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, mixed):
            return mixed.clone()

        @staticmethod
        def backward(ctx, gradient):
            return 1.1 * gradient

    def careless(query, key, value, causal=False, deterministic=False):
        return Wrong.apply(right(query, key, value, causal)[0])

    install(flash_attention_3=careless)
    assert chosen() == "sdpa"


def test_a_decoder_with_a_kernel_has_the_logits_of_torch(install):
    install(flash_attention_3=right)
    shape = Shape(
        width=32,
        layers=2,
        heads=2,
        kv_heads=1,
        head_dim=16,
        intermediate=48,
        vocab_size=61,
        context_length=16,
    )
    decoder = build_decoder(shape, Choices())
    initialise(decoder, 0)
    tokens = torch.arange(16)[None]
    expected = decoder(tokens)
    calls = []
    attend = attention_of("flash_attention_3", torch.float32)
    decoder.use_attention(lambda *given: (calls.append(None), attend(*given))[1])
    torch.testing.assert_close(decoder(tokens), expected)
    assert len(calls) == shape.layers


def test_a_package_inside_another_one_that_is_missing_is_not_installed():
    assert not attention._is_installed("no_such_package.cute")
    assert attention._is_installed("torch.nn")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("raise ImportError('undefined symbol: _ZN3c104cuda')", "ImportError: undefined symbol"),
        ("import no_such_extension", "ModuleNotFoundError: No module named 'no_such_extension'"),
        ("raise OSError('libcudart.so.12')", "OSError: libcudart.so.12"),
    ],
)
def test_a_package_around_a_kernel_that_cannot_be_imported_is_a_reason(
    tmp_path, monkeypatch, caplog, line, reason
):
    folder = tmp_path / "flash_attn"
    (folder / "cute").mkdir(parents=True)
    (folder / "__init__.py").write_text(line)
    (folder / "cute" / "__init__.py").write_text("def flash_attn_func(): pass")
    monkeypatch.syspath_prepend(tmp_path)
    assert chosen() == "sdpa"
    assert f"flash_attention_4: {reason}" in caplog.text
    (folder / "cute" / "__init__.py").unlink()
    (folder / "cute").rmdir()
    invalidate_caches()
    caplog.clear()
    assert chosen() == "sdpa"  # a FlashAttention 2, which has no such part
    assert not caplog.text
