"""The optimisers.

Parameters of one learning rate lie side by side in one buffer, of which each parameter is a view: a
step on a tiny model then costs a handful of kernels instead of several for each parameter. Where
several processes train a run, each may keep the moments of its part alone, update that part, and
get the others' (Rajbhandari et al., arXiv 1910.02054, stage 1); states are the same either way.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from relscale.training.execution import UPDATED_AT_ONCE
from relscale.training.model import Decoder
from relscale.training.process_group import Team

GROUPS = ("embedding_learning_rate", "learning_rate", "head_learning_rate")
ALONE = Team()
State = Iterator[tuple[str, Tensor]]


class FlatAdam:
    """Adam (arXiv 1412.6980) with decoupled weight decay of every parameter (AdamW, arXiv
    1711.05101), on flat buffers.

    Gradients are clipped by their global norm.
    """

    def __init__(self, decoder: Decoder, settings: Mapping[str, Any], team: Team = ALONE) -> None:
        """Gather the decoder's parameters into one buffer per learning rate.

        Args:
            decoder: its parameters become views of the buffers.
            settings: `plan.Run.optimiser`.
            team: processes that share the moments between them.
        """
        self.clip_norm = settings["clip_norm"]
        self.team = team
        members: list[list[nn.Parameter]] = [[], [], []]
        for name, parameter in decoder.named_parameters():
            members[
                0
                if name.startswith("model.embed_tokens")
                else 2
                if name.startswith("lm_head")
                else 1
            ].append(parameter)
        sizes = [sum(parameter.numel() for parameter in group) for group in members]
        device = decoder.lm_head.weight.device
        self.gradient = torch.zeros(sum(sizes), device=device)
        values = torch.empty(sum(sizes), device=device)
        self._parts: list[list[Tensor]] = []
        own: list[nn.Parameter] = []
        start = 0
        for group, size in zip(members, sizes, strict=True):
            bounds = [start + size * rank // team.size for rank in range(team.size + 1)]
            self._parts.append([values[begin:stop] for begin, stop in pairwise(bounds)])
            mine = slice(bounds[team.rank], bounds[team.rank + 1])
            own.append(nn.Parameter(values[mine]))
            own[-1].grad = self.gradient[mine]
            for parameter in group:
                stop = start + parameter.numel()
                values[start:stop] = parameter.data.flatten()
                parameter.data = values[start:stop].view_as(parameter)
                parameter.grad = self.gradient[start:stop].view_as(parameter)
                start = stop
        self.peaks = [settings[group] for group in GROUPS]
        betas = (settings["beta1"], settings["beta2"])
        groups = [
            {"params": [part], "lr": peak} for part, peak in zip(own, self.peaks, strict=True)
        ]
        self.adam = torch.optim.AdamW(
            groups, betas=betas, weight_decay=settings["weight_decay"], fused=True
        )

    @torch.no_grad()
    def step(self, factor: float) -> Tensor:
        """Take one step with all learning rates multiplied by `factor`, clear the gradients, and
        return their norm before clipping."""
        norm = torch.linalg.vector_norm(self.gradient)
        self.gradient.mul_((self.clip_norm / (norm + 1e-6)).clamp_(max=1.0))
        for group, peak in zip(self.adam.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        self.adam.step()
        for parts in self._parts:
            for owner, part in enumerate(parts):
                self.team.send(part, owner)
        self.gradient.zero_()
        return norm

    def state(self) -> State:
        """Yield name and value of moments and numbers of steps, whole; all processes of a team take
        part."""
        for index, (group, parts) in enumerate(
            zip(self.adam.param_groups, self._parts, strict=True)
        ):
            own = self.adam.state[group["params"][0]]
            if not own:
                return
            yield f"adam.{index}.step", own["step"]
            for key in ("exp_avg", "exp_avg_sq"):
                if self.team.size == 1:
                    yield f"adam.{index}.{key}", own[key]
                    continue
                whole = [
                    own[key] if owner == self.team.rank else torch.empty_like(part)
                    for owner, part in enumerate(parts)
                ]
                for owner, part in enumerate(whole):
                    self.team.send(part, owner)
                yield f"adam.{index}.{key}", torch.cat(whole)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state.

        Raises:
            ValueError: where names differ from those of `state`.
        """
        described = self.adam.state_dict()
        keys = {
            f"adam.{index}.{key}"
            for index in range(len(GROUPS))
            for key in ("step", "exp_avg", "exp_avg_sq")
        }
        if set(state) - keys or (state and set(state) != keys):
            raise ValueError(
                f"state of an optimiser: it holds {', '.join(sorted(state))}, not {', '.join(sorted(keys))}"
            )
        for name, value in state.items():
            _, index, key = name.split(".")
            if key != "step":
                value = value.split([len(part) for part in self._parts[int(index)]])[
                    self.team.rank
                ].clone()
            described["state"].setdefault(int(index), {})[key] = value
        self.adam.load_state_dict(described)


class CautiousAdamC:
    """Cautious Adam (arXiv 2411.16085) with AdamC's corrected weight decay (arXiv 2506.02285), as
    the recipe `marin2025` has it.

    Gradients are clipped by their global norm; u = m / (sqrt(v) + eps) with bias-corrected moments;
    entries of u that point against the gradient are dropped and the rest divided by the tensor's
    kept share; decay of w is weight_decay * (rate / peak rate), on all matrices and the head, not
    on norms and the embedding. Many tensors are taken in each call, as many as `UPDATED_AT_ONCE`
    allows.
    """

    EPSILON = 1e-15

    def __init__(self, decoder: Decoder, settings: Mapping[str, Any], team: Team = ALONE) -> None:
        """Make zero moments.

        Args:
            decoder: whose parameters are trained.
            settings: `plan.Run.optimiser`.
            team: processes that share the moments between them, tensor by tensor.
        """
        self.settings, self.team = settings, team
        self.parameters = dict(decoder.named_parameters())
        self.owners: dict[str, int] = {}
        load = [0] * team.size
        for name in sorted(self.parameters, key=lambda name: -self.parameters[name].numel()):
            self.owners[name] = load.index(min(load))
            load[self.owners[name]] += self.parameters[name].numel()
        self.own = [name for name in self.parameters if self.owners[name] == team.rank]
        self.moments = {
            kind: {name: torch.zeros_like(self.parameters[name]) for name in self.own}
            for kind in ("first", "second")
        }
        self.steps = 0

    @torch.no_grad()
    def step(self, factor: float) -> Tensor:
        """Take one step at `factor` times the peak rate, clear the gradients, and return their norm
        before clipping."""
        self.steps += 1
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), self.settings["clip_norm"])
        for names in self._handfuls():
            self._update(names, factor)
        for name, parameter in self.parameters.items():
            self.team.send(parameter.data, self.owners[name])
        self.clear()
        return norm

    def clear(self) -> None:
        """Set the gradients to zero, where they are."""
        gradients = [
            parameter.grad for parameter in self.parameters.values() if parameter.grad is not None
        ]
        torch._foreach_zero_(gradients)

    def _handfuls(self) -> Iterator[list[str]]:
        names: list[str] = []
        entries = 0
        for name in self.own:
            if names and entries + self.parameters[name].numel() > UPDATED_AT_ONCE:
                yield names
                names, entries = [], 0
            names.append(name)
            entries += self.parameters[name].numel()
        if names:
            yield names

    def _update(self, names: list[str], factor: float) -> None:
        settings, epsilon = self.settings, self.EPSILON
        beta1, beta2 = settings["beta1"], settings["beta2"]
        first, second = (
            [self.moments[kind][name] for name in names] for kind in ("first", "second")
        )
        gradients = [
            gradient for name in names if (gradient := self.parameters[name].grad) is not None
        ]
        assert len(gradients) == len(names)
        torch._foreach_lerp_(first, gradients, 1 - beta1)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - beta2)
        roots = torch._foreach_div(second, 1 - beta2**self.steps)
        torch._foreach_sqrt_(roots)
        torch._foreach_add_(roots, epsilon)
        updates = torch._foreach_div(first, 1 - beta1**self.steps)
        torch._foreach_div_(updates, roots)
        kept = [
            (product > 0).to(product.dtype) for product in torch._foreach_mul(updates, gradients)
        ]
        torch._foreach_mul_(updates, kept)
        torch._foreach_div_(updates, [mask.mean() + epsilon for mask in kept])
        for name, update in zip(names, updates, strict=True):
            if update.dim() > 1 and not name.startswith("model.embed_tokens"):
                update.add_(self.parameters[name], alpha=settings["weight_decay"] * factor)
        torch._foreach_add_(
            [self.parameters[name] for name in names],
            updates,
            alpha=-settings["learning_rate"] * factor,
        )

    def state(self) -> State:
        """Yield name and value of moments and the number of steps, whole; all processes of a team
        take part."""
        for kind, moments in self.moments.items():
            for name, parameter in self.parameters.items():
                whole = moments[name] if name in moments else torch.empty_like(parameter)
                self.team.send(whole, self.owners[name])
                yield f"{kind}.{name}", whole
        yield "steps", torch.tensor(self.steps)

    @torch.no_grad()
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state.

        Raises:
            ValueError: where names or shapes differ from those of `state`.
        """
        shapes = {
            f"{kind}.{name}": parameter.shape
            for kind in self.moments
            for name, parameter in self.parameters.items()
        }
        shapes["steps"] = torch.Size()
        wrong = [
            name
            for name in {**shapes, **state}
            if name not in shapes or name not in state or shapes[name] != state[name].shape
        ]
        if wrong:
            raise ValueError(
                f"state of an optimiser: {', '.join(sorted(wrong))} missing, unknown or of another shape"
            )
        for kind, moments in self.moments.items():
            for name, value in moments.items():
                value.copy_(state[f"{kind}.{name}"])
        self.steps = int(state["steps"])


def make_optimiser(
    decoder: Decoder, settings: Mapping[str, Any], team: Team = ALONE
) -> FlatAdam | CautiousAdamC:
    """Make the optimiser that `settings["kind"]` names; `team` shares its moments.

    Raises:
        ValueError: where there is no such optimiser.
    """
    if settings["kind"] == "adam":
        return FlatAdam(decoder, settings, team)
    if settings["kind"] == "cautious_adamc":
        return CautiousAdamC(decoder, settings, team)
    raise ValueError(
        f"optimiser.kind = {settings['kind']!r}; the choices are 'adam', 'cautious_adamc'"
    )
