"""Adam on flat buffers.

Parameters with the same learning rate are adjacent in one buffer, of which each parameter is a
view: a step of a tiny model then needs a handful of kernels instead of several per parameter. With
several processes, each may keep the moments of its part only, update that part, and receive the
others (Rajbhandari et al. 2020, arXiv 1910.02054, stage 1); the saved state is the same either way.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from relscale.plan.optimiser import AdamSettings
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.optimisers.protocol import State
from relscale.training.process_group import SINGLE_PROCESS, ProcessGroup

PARAMETER_GROUPS = ("embedding_learning_rate", "learning_rate", "head_learning_rate")
"""The learning rate of each buffer, as a field of the settings."""


class FlatAdam:
    """Adam (arXiv 1412.6980) with decoupled weight decay (AdamW, arXiv 1711.05101).

    Weight decay applies to all parameters. The parameters are views of flat buffers.

    Gradients are clipped by their global norm.
    """

    def __init__(
        self, decoder: CausalDecoder, settings: AdamSettings, group: ProcessGroup = SINGLE_PROCESS
    ) -> None:
        """Gather the decoder's parameters into one buffer per learning rate.

        Args:
            decoder: its parameters become views of the buffers.
            settings: learning rates, betas, weight decay and clipping.
            group: processes that share the moments.
        """
        self.clip_norm = settings.clip_norm
        self.group = group
        parameters: list[list[nn.Parameter]] = [[], [], []]
        for name, parameter in decoder.named_parameters():
            place = 0 if name.startswith("model.embed_tokens") else 1
            parameters[2 if name.startswith("lm_head") else place].append(parameter)
        sizes = [sum(parameter.numel() for parameter in members) for members in parameters]
        device = decoder.lm_head.weight.device
        self.gradient = torch.zeros(sum(sizes), device=device)
        values = torch.empty(sum(sizes), device=device)
        self._parts: list[list[Tensor]] = []
        own: list[nn.Parameter] = []
        start = 0
        for members, size in zip(parameters, sizes, strict=True):
            ranks = range(group.world_size + 1)
            bounds = [start + size * rank // group.world_size for rank in ranks]
            self._parts.append([values[begin:stop] for begin, stop in pairwise(bounds)])
            mine = slice(bounds[group.rank], bounds[group.rank + 1])
            own.append(nn.Parameter(values[mine]))
            own[-1].grad = self.gradient[mine]
            for parameter in members:
                stop = start + parameter.numel()
                values[start:stop] = parameter.data.flatten()
                parameter.data = values[start:stop].view_as(parameter)
                parameter.grad = self.gradient[start:stop].view_as(parameter)
                start = stop
        self.peaks = [getattr(settings, rate) for rate in PARAMETER_GROUPS]
        betas = (settings.beta1, settings.beta2)
        groups = [
            {"params": [part], "lr": peak} for part, peak in zip(own, self.peaks, strict=True)
        ]
        self.adam = torch.optim.AdamW(
            groups, betas=betas, weight_decay=settings.weight_decay, fused=True
        )

    @torch.no_grad()
    def step(self, factor: float) -> Tensor:
        """Take one step with all learning rates multiplied by `factor`.

        Sets the gradients to zero and returns their norm before clipping.
        """
        norm = torch.linalg.vector_norm(self.gradient)
        self.gradient.mul_((self.clip_norm / (norm + 1e-6)).clamp_(max=1.0))
        for members, peak in zip(self.adam.param_groups, self.peaks, strict=True):
            members["lr"] = peak * factor
        self.adam.step()
        for parts in self._parts:
            for owner, part in enumerate(parts):
                self.group.broadcast(part, owner)
        self.zero_grad()
        return norm

    def zero_grad(self) -> None:
        """Set the gradients to zero, in place."""
        self.gradient.zero_()

    def state(self) -> State:
        """Yield name and value of moments and step counts, whole.

        All processes of a group take part.
        """
        for index, (members, parts) in enumerate(
            zip(self.adam.param_groups, self._parts, strict=True)
        ):
            own = self.adam.state[members["params"][0]]
            if not own:
                return
            yield f"adam.{index}.step", own["step"]
            for key in ("exp_avg", "exp_avg_sq"):
                if self.group.world_size == 1:
                    yield f"adam.{index}.{key}", own[key]
                    continue
                whole = [
                    own[key] if owner == self.group.rank else torch.empty_like(part)
                    for owner, part in enumerate(parts)
                ]
                for owner, part in enumerate(whole):
                    self.group.broadcast(part, owner)
                yield f"adam.{index}.{key}", torch.cat(whole)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Resume from a state.

        Raises:
            ValueError: if names differ from those of `state`.
        """
        described = self.adam.state_dict()
        keys = {
            f"adam.{index}.{key}"
            for index in range(len(PARAMETER_GROUPS))
            for key in ("step", "exp_avg", "exp_avg_sq")
        }
        if set(state) - keys or (state and set(state) != keys):
            raise ValueError(
                f"state of an optimiser: it holds {', '.join(sorted(state))}, "
                f"not {', '.join(sorted(keys))}"
            )
        for name, value in state.items():
            _, index, key = name.split(".")
            if key != "step":
                value = value.split([len(part) for part in self._parts[int(index)]])[
                    self.group.rank
                ].clone()
            described["state"].setdefault(int(index), {})[key] = value
        self.adam.load_state_dict(described)
