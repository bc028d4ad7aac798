"""A GPU that is not there: tensors with a device, a shape and a precision, but without values.

`torch` lets a Python program name a device of its own (PrivateUse1). Under `FakeTensorMode` its
tensors need no memory, so the paper's largest model fits; an operation on tensors of two devices
fails, and so does one that needs a value. A build of torch without CUDA cannot do this with the
device `cuda` itself: autograd asks for the CUDA library. The rules of autocast and the attention
kernel are those of CUDA, registered here for the fake device.
"""

import os
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache, partial

import torch
from functorch.compile import (
    aot_function,
    make_boxed_func,
    min_cut_rematerialization_partition,
)
from torch._inductor.decomposition import select_decomp_table
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor
from torch.nn.utils.stateless import _reparametrize_module
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from relscale.plan.architecture import Shape
from relscale.training.model import build_decoder

DEVICE = "phantom"
SHAPE = Shape(
    width=128,
    layers=2,
    heads=2,
    kv_heads=1,
    head_dim=64,
    intermediate=256,
    vocab_size=500,
    context_length=64,
)
"""A small model with grouped queries, for steps and scores on the device."""
LOWER_PRECISION = ("linear", "matmul", "mm", "bmm", "addmm")
"""Operations that autocast runs in bfloat16 (ATen/autocast_mode.h, AT_FORALL_LOWER_PRECISION_FP)
and that this project uses."""
TO_HOST = ("aten._local_scalar_dense.default", "aten.nonzero.default", "aten.equal.default")
"""Operations that wait for the GPU; so does each copy to the CPU."""


PRODUCTS = {f"aten.{name}.default" for name in ("mm", "bmm", "addmm", "linear")}
"""Matrix products; `linear` is one operation without gradients."""
EXTERNAL = {
    torch.ops.aten.mm.default,
    torch.ops.aten.bmm.default,
    torch.ops.aten.addmm.default,
    torch.ops.aten._scaled_dot_product_flash_attention.default,
    torch.ops.aten._scaled_dot_product_flash_attention_backward.default,
}
"""Kernels of libraries: their inputs and outputs are in memory even in compiled code."""
MOVING = {"aten::_to_copy", "aten::clone", "aten::cat", "aten::gather", "aten::arange"}
"""Operations without the tag `pointwise` that a compiler also joins with their neighbours."""


def is_fused(function: torch._ops.OpOverload) -> bool:
    """Return whether compiled code computes the result where it is used, without storing it."""
    return torch.Tag.pointwise in function.tags or function.name().split(".")[0] in MOVING


class Queue:
    """A stream or event of the device: work is done in the order of the program."""

    def __init__(self, *arguments, **named) -> None:
        pass

    def wait(self, *arguments) -> None:
        pass

    wait_event = wait_stream = synchronize = wait

    def record(self, *arguments) -> "Queue":
        return self

    record_event = record

    def query(self) -> bool:
        return True


@cache
def fake_device() -> str:
    """Register the device once per process and return its name."""
    _setup_privateuseone_for_python_backend(DEVICE)
    module = getattr(torch, DEVICE)
    module.Stream = module.Event = Queue
    module.current_stream = Queue
    module.stream = lambda stream: nullcontext()
    module.set_device = lambda index: None
    module.get_amp_supported_dtype = lambda: [torch.bfloat16]
    _rules.append(torch.library.Library("_", "IMPL"))
    _rules[-1].fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
    _rules.append(torch.library.Library("aten", "IMPL"))
    for name in LOWER_PRECISION:
        _rules[-1].impl(name, _lowered(getattr(torch.ops.aten, name)), "AutocastPrivateUse1")
    _rules[-1].impl("scaled_dot_product_attention", _flash, "AutocastPrivateUse1")
    return DEVICE


_rules: list[torch.library.Library] = []


@contextmanager
def _without_autocast() -> Iterator[None]:
    on = torch.is_autocast_enabled(DEVICE)
    torch.set_autocast_enabled(DEVICE, False)
    try:
        yield
    finally:
        torch.set_autocast_enabled(DEVICE, on)


def _to_bfloat16(value):
    lowered = isinstance(value, torch.Tensor) and value.dtype == torch.float32
    return value.to(torch.bfloat16) if lowered else value


def _lowered(operation):
    def run(*arguments, **named):
        with _without_autocast():
            return operation(*pytree.tree_map(_to_bfloat16, arguments), **named)

    return run


def _flash(query, key, value, mask=None, dropout=0.0, is_causal=False, **named):
    """Attention by the kernel that CUDA takes: it keeps the output and one number per row."""
    assert mask is None and dropout == 0.0
    with _without_autocast():
        query, key, value = map(_to_bfloat16, (query, key, value))
        return torch.ops.aten._scaled_dot_product_flash_attention(
            query, key, value, 0.0, is_causal
        )[0]


class Watch(TorchDispatchMode):
    """Counts bytes on the fake device, transfers to the host, and matrix products by precision."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: dict[int, int] = {}
        self.held = self.peak = 0
        self.fused = False
        self.host: Counter[str] = Counter()
        self.products: Counter[torch.dtype] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = str(function)
        self.host[name] += name in TO_HOST  # before it fails for want of values
        result = function(*args, **(kwargs or {}))
        self.host[name] += self._leaves(args, result)
        self.host += Counter()  # without zeros
        if name in PRODUCTS:
            self.products[result.dtype] += 1
        if self.fused and function in EXTERNAL:
            self.count(args)
        if not (self.fused and is_fused(function)):
            self.count(result)
        return result

    @staticmethod
    def _leaves(args, result) -> bool:
        """Whether a tensor of the device became one of the CPU."""
        there = [one for one in pytree.tree_leaves(args) if isinstance(one, torch.Tensor)]
        found = [one for one in pytree.tree_leaves(result) if isinstance(one, torch.Tensor)]
        return any(one.device.type == DEVICE for one in there) and any(
            one.device.type == "cpu" for one in found
        )

    def count(self, tensors) -> None:
        """Count the storages of tensors, each once, until they are freed."""
        for tensor in pytree.tree_leaves(tensors):
            # The rows of a DTensor come here on their own; it has no memory.
            if isinstance(tensor, DTensor):
                continue
            if isinstance(tensor, torch.Tensor) and tensor.device.type == DEVICE:
                storage = tensor.untyped_storage()
                if storage._cdata not in self.alive:
                    self.alive[storage._cdata] = storage.nbytes()
                    self.held += storage.nbytes()
                    weakref.finalize(storage, self._free, storage._cdata)
        self.peak = max(self.peak, self.held)

    def resized(self, storage: torch.UntypedStorage) -> None:
        """Count a storage anew whose size was changed, as FSDP does to free and reuse them."""
        if storage._cdata in self.alive:
            self.held += storage.nbytes() - self.alive[storage._cdata]
            self.alive[storage._cdata] = storage.nbytes()
            self.peak = max(self.peak, self.held)

    def _free(self, key: int) -> None:
        self.held -= self.alive.pop(key)


@contextmanager
def fake_gpu(*, from_arrays: bool = False) -> Iterator[Watch]:
    """Yield a watch over operations on the fake device; tensors made inside have no values.

    With `from_arrays`, tensors of numpy arrays can be copied to the device.
    """
    fake_device()
    plain = torch.UntypedStorage.resize_
    with FakeTensorMode(allow_non_fake_inputs=from_arrays), Watch() as watch:

        def resize(storage, size):
            result = plain(storage, size)
            watch.resized(storage)
            return result

        torch.UntypedStorage.resize_ = resize
        try:
            yield watch
        finally:
            torch.UntypedStorage.resize_ = plain


@contextmanager
def fake_group(processes: int) -> Iterator[DeviceMesh]:
    """Join a group whose other members are not there, and yield its mesh.

    Collectives return at once, with tensors of the right shapes.
    """
    fake_device()
    os.environ.setdefault("TORCH_DISTRIBUTED_DEBUG", "OFF")
    torch.distributed.init_process_group(
        f"cpu:fake,{DEVICE}:fake", rank=0, world_size=processes, store=FakeStore()
    )
    try:
        yield init_device_mesh(DEVICE, (processes,))
    finally:
        torch.distributed.destroy_process_group()


def as_compiled(watch: Watch, function):
    """Return a function of tensors that is counted as if a compiler had joined its operations.

    A value is stored if a library's kernel reads it, or if it is returned.
    """

    def run(*arguments):
        watch.fused = True
        try:
            result = function(*arguments)
        finally:
            watch.fused = False
        watch.count(result)
        return result

    return run


def partitioned_blocks(watch: Watch):
    """Return a substitute for `compile_blocks`: blocks keep for their backward pass what compiled
    blocks keep.

    AOTAutograd with the partitioner of Inductor (minimum cut) decides what is kept and what is
    computed again; both graphs run as they are.
    """

    def compiler(graph, example):
        return make_boxed_func(as_compiled(watch, graph.forward))

    def compile_blocks(blocks):
        def call(parameters, *arguments):
            # Not by calling the module, whose hooks would gather sharded parameters again.
            with _reparametrize_module(first, parameters):
                return plain(*arguments)

        first, plain = blocks[0], blocks[0].forward
        compiled = aot_function(
            call,
            fw_compiler=compiler,
            bw_compiler=compiler,
            partition_fn=min_cut_rematerialization_partition,
            decompositions=select_decomp_table(),
        )

        def forward(block, *arguments):
            return compiled(dict(block.named_parameters()), *arguments)

        for block in blocks:
            block.forward = partial(forward, block)

    return compile_blocks


def decoder_there(shape, choices=None):
    """Build a decoder on the fake device; its `to` does nothing, since it is there."""
    with torch.device(f"{DEVICE}:0"):
        decoder = _with_buffers_there(build_decoder(shape, choices))
    decoder.to = lambda device: decoder
    return decoder


def decoder_to_shard(shape, choices=None):
    """Build a decoder on the current device, `meta`, with buffers on the fake device."""
    return _with_buffers_there(build_decoder(shape, choices))


def _with_buffers_there(decoder):
    for name, buffer in decoder.named_buffers():
        decoder.register_buffer(name, buffer.to(DEVICE), persistent=False)
    return decoder
