"""The rules of the fake device against those of a build of torch with CUDA, without a GPU.

Such a build runs a forward pass on fake CUDA tensors, with its own rules of autocast. The choice of
the attention and the backward pass need a driver.
"""

from contextlib import contextmanager

import pytest
import torch
from fake_gpu import DEVICE, decoder_there, fake_gpu
from shapes import SMALL as SHAPE
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from relscale.plan.recipes.marin2025 import MARIN_CHOICES
from relscale.training.execution import Execution
from relscale.training.model import build_decoder
from relscale.training.torch_trainer import Objective

COMPARED = {
    f"aten.{name}.default" for name in ("mm", "addmm", "silu", "_log_softmax", "nll_loss_forward")
}
"""Operations of a forward pass, without those inside attention and normalization: which these are
depends on the driver."""


class Record(TorchDispatchMode):
    """The compared operations in order, each with precisions and shapes of its results."""

    def __init__(self):
        super().__init__()
        self.operations = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if str(function) in COMPARED:
            found = [one for one in pytree.tree_leaves(result) if isinstance(one, torch.Tensor)]
            self.operations.append(
                (str(function), [(one.dtype, tuple(one.shape)) for one in found])
            )
        return result


@contextmanager
def autocast(device):
    """Set autocast; `torch.autocast` itself refuses CUDA where no driver is found."""
    torch.set_autocast_enabled(device, True)
    torch.set_autocast_dtype(device, torch.bfloat16)
    try:
        yield
    finally:
        torch.clear_autocast_cache()
        torch.set_autocast_enabled(device, False)


def operations(device, decoder):
    """The operations of a forward pass of decoder and loss."""
    objective = Objective(decoder, Execution(device=device))
    tokens = torch.zeros((4, SHAPE.context_length + 1), dtype=torch.int64, device=device)
    with Record() as record, autocast(device):
        objective(tokens)
    return record.operations


def cuda_decoder():
    with torch.device("cuda:0"):
        decoder = build_decoder(SHAPE, MARIN_CHOICES)
    for name, buffer in decoder.named_buffers():
        decoder.register_buffer(name, torch.empty_like(buffer, device="cuda:0"), persistent=False)
    return decoder


@pytest.mark.skipif(torch.version.cuda is None, reason="torch is built without CUDA")
def test_the_fake_device_has_the_precisions_of_cuda():
    with FakeTensorMode():
        cuda = operations("cuda", cuda_decoder())
    with fake_gpu():
        fake = operations(DEVICE, decoder_there(SHAPE, MARIN_CHOICES))
    assert [name for name, _ in cuda].count("aten.mm.default") == 7 * SHAPE.layers + 1
    assert fake == cuda
