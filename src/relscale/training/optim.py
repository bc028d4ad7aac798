"""The optimisers.

Parameters of one learning rate lie side by side in one buffer, of which each parameter is a view: a step on a tiny model then costs a
handful of kernels instead of several for each parameter.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from relscale.training.model import Decoder

GROUPS = ("embedding_learning_rate", "learning_rate", "head_learning_rate")


class FlatAdam:
    """Adam (arXiv 1412.6980) with decoupled weight decay and clipping of the global gradient norm, on flat buffers."""

    def __init__(self, decoder: Decoder, settings: Mapping[str, Any]) -> None:
        """Gather the decoder's parameters into one buffer per learning rate; `settings` are those of `plan.Run`."""
        self.clip_norm = settings["clip_norm"]
        self.peaks = [settings[group] for group in GROUPS]
        members: list[list[nn.Parameter]] = [[], [], []]
        for name, parameter in decoder.named_parameters():
            members[0 if name.startswith("model.embed_tokens") else 2 if name.startswith("lm_head") else 1].append(parameter)
        sizes = [sum(parameter.numel() for parameter in group) for group in members]
        device = decoder.lm_head.weight.device
        self.gradient = torch.zeros(sum(sizes), device=device)
        values = torch.empty(sum(sizes), device=device)
        flat: list[nn.Parameter] = []
        start = 0
        for group, size in zip(members, sizes, strict=True):
            whole = nn.Parameter(values[start : start + size])
            whole.grad = self.gradient[start : start + size]
            flat.append(whole)
            for parameter in group:
                stop = start + parameter.numel()
                values[start:stop] = parameter.data.flatten()
                parameter.data = values[start:stop].view_as(parameter)
                parameter.grad = self.gradient[start:stop].view_as(parameter)
                start = stop
        betas = (settings["beta1"], settings["beta2"])
        groups = [{"params": [whole], "lr": peak} for whole, peak in zip(flat, self.peaks, strict=True)]
        self.adam = torch.optim.AdamW(groups, betas=betas, weight_decay=settings["weight_decay"], fused=True)

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """Take one step with all learning rates multiplied by `factor`, then clear the gradients."""
        norm = torch.linalg.vector_norm(self.gradient)
        self.gradient.mul_((self.clip_norm / (norm + 1e-6)).clamp_(max=1.0))
        for group, peak in zip(self.adam.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        self.adam.step()
        self.gradient.zero_()

    def state(self) -> dict[str, torch.Tensor]:
        """Return the moments and the number of steps, by name."""
        groups = [self.adam.state[group["params"][0]] for group in self.adam.param_groups]
        return {f"adam.{index}.{key}": value for index, group in enumerate(groups) for key, value in group.items()}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from a state.

        Raises:
            ValueError: where names differ from those of `state`.
        """
        described = self.adam.state_dict()
        keys = {f"adam.{index}.{key}" for index in range(len(GROUPS)) for key in ("step", "exp_avg", "exp_avg_sq")}
        if set(state) - keys or (state and set(state) != keys):
            raise ValueError(f"state of an optimiser: it holds {', '.join(sorted(state))}, not {', '.join(sorted(keys))}")
        for name, value in state.items():
            _, index, key = name.split(".")
            described["state"].setdefault(int(index), {})[key] = value
        self.adam.load_state_dict(described)


class CautiousAdamC:
    """Cautious Adam (arXiv 2411.16085) with AdamC's corrected weight decay (arXiv 2506.02285), as the recipe `marin2025` has it.

    Gradients are clipped by their global norm; u = m / (sqrt(v) + eps) with bias-corrected moments; entries of u that point against the
    gradient are dropped and the rest divided by the tensor's kept share; decay of w is weight_decay * (rate / peak rate), on all
    matrices and the head, not on norms and the embedding.
    """

    EPSILON = 1e-15

    def __init__(self, decoder: Decoder, settings: Mapping[str, Any]) -> None:
        """Make zero moments for every parameter; `settings` are those of `plan.Run`."""
        self.settings = settings
        self.parameters = list(decoder.named_parameters())
        self.first = [torch.zeros_like(parameter) for _, parameter in self.parameters]
        self.second = [torch.zeros_like(parameter) for _, parameter in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """Take one step at `factor` times the peak learning rate, then clear the gradients."""
        self.steps += 1
        settings, epsilon = self.settings, self.EPSILON
        rate = settings["learning_rate"] * factor
        beta1, beta2 = settings["beta1"], settings["beta2"]
        nn.utils.clip_grad_norm_([parameter for _, parameter in self.parameters], settings["clip_norm"])
        for (name, parameter), first, second in zip(self.parameters, self.first, self.second, strict=True):
            gradient = parameter.grad
            assert gradient is not None
            first.lerp_(gradient, 1 - beta1)
            second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            update = first / (1 - beta1**self.steps) / ((second / (1 - beta2**self.steps)).sqrt() + epsilon)
            mask = (update * gradient > 0).to(update.dtype)
            update.mul_(mask).div_(mask.mean() + epsilon)
            if parameter.dim() > 1 and not name.startswith("model.embed_tokens"):
                update.add_(parameter, alpha=settings["weight_decay"] * factor)
            parameter.add_(update, alpha=-rate)
            parameter.grad = None

    def state(self) -> dict[str, torch.Tensor]:
        """Return the moments and the number of steps, by name."""
        names = [name for name, _ in self.parameters]
        first = {f"first.{name}": value for name, value in zip(names, self.first, strict=True)}
        second = {f"second.{name}": value for name, value in zip(names, self.second, strict=True)}
        return {**first, **second, "steps": torch.tensor(self.steps)}

    @torch.no_grad()
    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from a state.

        Raises:
            ValueError: where names or shapes differ from those of `state`.
        """
        own = self.state()
        wrong = [name for name in {**own, **state} if name not in own or name not in state or own[name].shape != state[name].shape]
        if wrong:
            raise ValueError(f"state of an optimiser: {', '.join(sorted(wrong))} missing, unknown or of another shape")
        for name, value in own.items():
            value.copy_(state[name])
        self.steps = int(state["steps"])


def make_optimiser(decoder: Decoder, settings: Mapping[str, Any]) -> FlatAdam | CautiousAdamC:
    """Make the optimiser that `settings["kind"]` names.

    Raises:
        ValueError: where there is no such optimiser.
    """
    if settings["kind"] == "adam":
        return FlatAdam(decoder, settings)
    if settings["kind"] == "cautious_adamc":
        return CautiousAdamC(decoder, settings)
    raise ValueError(f"optimiser.kind = {settings['kind']!r}; the choices are 'adam', 'cautious_adamc'")
