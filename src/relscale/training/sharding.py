"""A model whose parameters are divided among the processes of a run (FSDP2, `fully_shard`).

Each process keeps its rows of every parameter, gradient and moment. Before a block runs, its
parameters are gathered in float32; after its backward pass, its gradients are summed and divided
again (Zhao et al. 2023, arXiv 2304.11277; Rajbhandari et al. 2020, arXiv 1910.02054, stage 3).
Embedding, head and the last norm are gathered once per micro batch.
"""

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.initial import initial_values


def shard_parameters(objective: nn.Module, decoder: CausalDecoder, device: str) -> None:
    """Divide the parameters of a decoder, which may be on the device `meta`, among all processes.

    Afterwards they are on the device, without values.

    Args:
        objective: the module that is called; it contains the decoder.
        decoder: the decoder.
        device: `cpu` or `cuda`.
    """
    mesh = init_device_mesh(device, (distributed.get_world_size(),))
    for block in decoder.blocks():
        fully_shard(block, mesh=mesh)
    # Kept until the backward pass: the loss uses the head in every chunk.
    fully_shard(objective, mesh=mesh, reshard_after_forward=False)
    buffers = dict(decoder.named_buffers())
    decoder.to_empty(device=device)
    for name, value in buffers.items():
        decoder.get_buffer(name).copy_(value)


def initialise_shards(decoder: CausalDecoder, seed: int) -> None:
    """Fill this process's rows with `initial_values`, one parameter at a time."""
    parameters = dict(decoder.named_parameters())
    for name, value in initial_values(decoder.shape, decoder.choices, seed):
        copy_rows(local(parameters[name]), value, parameters[name])


def local(parameter: Tensor) -> Tensor:
    """Return this process's rows of a value; a view, which may be changed."""
    assert isinstance(parameter, DTensor)
    with torch.no_grad():
        return parameter.to_local()


@torch.no_grad()
def copy_rows(target: Tensor, whole: npt.NDArray[np.float32] | Tensor, parameter: Tensor) -> None:
    """Copy this process's rows of a whole value, which every process has.

    Args:
        target: the rows of this process, changed in place.
        whole: value of the shape of the parameter.
        parameter: decides which rows they are.
    """
    assert isinstance(parameter, DTensor)
    values = torch.from_numpy(whole) if isinstance(whole, np.ndarray) else whole
    rows = distribute_tensor(
        values.to(target.device), parameter.device_mesh, parameter.placements, src_data_rank=None
    )
    target.copy_(rows.to_local())


def distributed_value(rows: Tensor, parameter: Tensor) -> DTensor:
    """Return a value with the rows of this process, which are not copied, as a DTensor.

    Args:
        rows: of this process; shape as `local(parameter)`.
        parameter: decides which rows they are.
    """
    assert isinstance(parameter, DTensor)
    return DTensor.from_local(
        rows,
        parameter.device_mesh,
        parameter.placements,
        run_check=False,
        shape=parameter.shape,
        stride=parameter.stride(),
    )


def gathered(parameter: Tensor) -> Tensor:
    """Return the whole value of a parameter; all processes take part."""
    assert isinstance(parameter, DTensor)
    with torch.no_grad():
        return parameter.full_tensor()


@torch.no_grad()
def clip_shards(gradients: Iterable[Tensor], clip_norm: float) -> Tensor:
    """Clip gradients by their norm over all processes, in place, and return the norm.

    Args:
        gradients: the rows of this process.
        clip_norm: the largest norm.
    """
    rows = [gradient for gradient in gradients if gradient.numel()]
    squares = torch.stack(torch._foreach_norm(rows)).square().sum()
    distributed.all_reduce(squares)
    norm = squares.sqrt()
    torch._foreach_mul_(rows, (clip_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm


def shares(masks: list[Tensor], parameters: list[Tensor]) -> list[Tensor]:
    """Return the mean of each mask over all processes, with one all-reduce.

    Args:
        masks: the rows of this process.
        parameters: the tensor that each mask belongs to.
    """
    counts = torch.stack([mask.sum() for mask in masks])
    distributed.all_reduce(counts)
    sizes = [float(math.prod(one.shape)) for one in parameters]
    return list(torch._foreach_div(list(counts.unbind()), sizes))
