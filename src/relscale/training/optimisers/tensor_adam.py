"""Adam tensor by tensor, with two switches: the cautious mask and the corrected weight decay.

`TensorAdam` is AdamW; its subclasses turn the switches on. They differ in nothing else, so that
suites of them can be compared.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from relscale.plan.optimiser import OptimiserSettings
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.execution import ENTRIES_UPDATED_TOGETHER
from relscale.training.optimisers.protocol import State
from relscale.training.process_group import SINGLE_PROCESS, ProcessGroup


class TensorAdam:
    """Adam with decoupled weight decay (AdamW, arXiv 1711.05101), and two switches.

    Gradients are clipped by their global norm; u = m / (sqrt(v) + eps) with bias-corrected moments.
    The weights move by -rate (u + decay w), on all matrices and the head; norms and the embedding
    have no decay. Each call updates as many tensors as `ENTRIES_UPDATED_TOGETHER` allows.
    """

    CAUTIOUS: ClassVar[bool] = False
    """Cautious mask (Liang et al. 2024, arXiv 2411.16085, algorithm 1): entries of u that point
    against the gradient are set to zero, and the rest are divided by the share of nonzero entries
    in the tensor."""
    CORRECTED: ClassVar[bool] = False
    """Corrected decay of AdamC (Defazio 2025, arXiv 2506.02285): weight_decay * (rate / peak rate)
    in place of weight_decay. The paper leaves the head out, the recipe `marin2025` does not; here
    the head is in."""
    EPSILON = 1e-15

    def __init__(
        self,
        decoder: CausalDecoder,
        settings: OptimiserSettings,
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        """Create moments of zero.

        Args:
            decoder: whose parameters are trained.
            settings: learning rate, betas, weight decay and clipping.
            group: processes that share the moments, tensor by tensor.
        """
        self.settings, self.group = settings, group
        self.parameters = dict(decoder.named_parameters())
        self.owners: dict[str, int] = {}
        load = [0] * group.world_size
        for name in sorted(self.parameters, key=lambda name: -self.parameters[name].numel()):
            self.owners[name] = load.index(min(load))
            load[self.owners[name]] += self.parameters[name].numel()
        self.own = [name for name in self.parameters if self.owners[name] == group.rank]
        self.moments = {
            kind: {name: torch.zeros_like(self._value(name)) for name in self.own}
            for kind in ("first", "second")
        }
        self.steps = 0

    def _value(self, name: str) -> Tensor:
        """Return the tensor that is updated for a parameter."""
        return self.parameters[name]

    def _gradients(self, names: list[str]) -> list[Tensor]:
        """Return the gradients of the tensors that are updated."""
        found = [gradient for name in names if (gradient := self.parameters[name].grad) is not None]
        assert len(found) == len(names)
        return found

    def _clip(self) -> Tensor:
        """Clip all gradients and return their norm."""
        return nn.utils.clip_grad_norm_(self.parameters.values(), self.settings.clip_norm)

    def _shares(self, names: list[str], masks: list[Tensor]) -> list[Tensor]:
        """Return the mean of each mask over its whole parameter."""
        return [mask.mean() for mask in masks]

    def _exchange(self) -> None:
        """Give each updated parameter to the other processes."""
        for name, parameter in self.parameters.items():
            self.group.broadcast(parameter.data, self.owners[name])

    @torch.no_grad()
    def step(self, factor: float) -> Tensor:
        """Take one step at `factor` times the peak rate.

        Sets the gradients to zero and returns their norm before clipping.
        """
        self.steps += 1
        norm = self._clip()
        for names in self._names_updated_together():
            self._update(names, factor)
        self._exchange()
        self.zero_grad()
        return norm

    def zero_grad(self) -> None:
        """Set the gradients to zero, in place."""
        gradients = [
            parameter.grad for parameter in self.parameters.values() if parameter.grad is not None
        ]
        torch._foreach_zero_(gradients)

    def _names_updated_together(self) -> Iterator[list[str]]:
        names: list[str] = []
        entries = 0
        for name in self.own:
            if names and entries + self.parameters[name].numel() > ENTRIES_UPDATED_TOGETHER:
                yield names
                names, entries = [], 0
            names.append(name)
            entries += self.parameters[name].numel()
        if names:
            yield names

    def _update(self, names: list[str], factor: float) -> None:
        settings, epsilon = self.settings, self.EPSILON
        beta1, beta2 = settings.beta1, settings.beta2
        first, second = (
            [self.moments[kind][name] for name in names] for kind in ("first", "second")
        )
        gradients = self._gradients(names)
        torch._foreach_lerp_(first, gradients, 1 - beta1)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - beta2)
        roots = torch._foreach_div(second, 1 - beta2**self.steps)
        torch._foreach_sqrt_(roots)
        torch._foreach_add_(roots, epsilon)
        updates = torch._foreach_div(first, 1 - beta1**self.steps)
        torch._foreach_div_(updates, roots)
        if self.CAUTIOUS:
            kept = [
                (product > 0).to(product.dtype)
                for product in torch._foreach_mul(updates, gradients)
            ]
            torch._foreach_mul_(updates, kept)
            torch._foreach_div_(updates, [share + epsilon for share in self._shares(names, kept)])
        decay = settings.weight_decay * (factor if self.CORRECTED else 1.0)
        for name, update in zip(names, updates, strict=True):
            if update.dim() > 1 and not name.startswith("model.embed_tokens"):
                update.add_(self._value(name), alpha=decay)
            ratio = self._rate(name) / settings.learning_rate
            if ratio != 1:
                update.mul_(ratio)
        torch._foreach_add_(
            [self._value(name) for name in names],
            updates,
            alpha=-settings.learning_rate * factor,
        )

    def _rate(self, name: str) -> float:
        """Return the peak learning rate of a parameter."""
        if name.startswith("model.embed_tokens"):
            return self.settings.embedding_learning_rate
        if name.startswith("lm_head"):
            return self.settings.head_learning_rate
        return self.settings.learning_rate

    def state(self) -> State:
        """Yield name and value of moments and the step count, whole.

        All processes of a group take part.
        """
        for kind, moments in self.moments.items():
            for name, parameter in self.parameters.items():
                whole = moments[name] if name in moments else torch.empty_like(parameter)
                self.group.broadcast(whole, self.owners[name])
                yield f"{kind}.{name}", whole
        yield "steps", torch.tensor(self.steps)

    @torch.no_grad()
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Resume from a state.

        Raises:
            ValueError: if names or shapes differ from those of `state`.
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
                f"state of an optimiser: {', '.join(sorted(wrong))} missing, unknown or of another "
                "shape"
            )
        for kind, moments in self.moments.items():
            for name in moments:
                self._load_moment(kind, name, state[f"{kind}.{name}"])
        self.steps = int(state["steps"])

    def _load_moment(self, kind: str, name: str, value: Tensor) -> None:
        """Copy a moment of a state, which is whole."""
        self.moments[kind][name].copy_(value)
