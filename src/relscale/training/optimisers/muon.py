"""Muon for the matrices of the blocks, AdamW for the rest."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from relscale.plan.optimiser import MuonSettings
from relscale.training.architectures.causal_decoder import CausalDecoder
from relscale.training.optimisers.protocol import State
from relscale.training.process_group import SINGLE_PROCESS, ProcessGroup

ADAM_KEYS = ("step", "exp_avg", "exp_avg_sq")
"""State of a parameter of AdamW."""


class Muon:
    """Muon (Jordan et al. 2024), by `torch.optim.Muon`.

    The momentum of each matrix of the blocks is orthogonalised by five Newton-Schulz iterations
    (coefficients 3.4445, -4.7750, 2.0315; in bfloat16) and scaled by 0.2 sqrt(max(rows, columns)),
    so that its root mean square is that of an update of AdamW and the learning rate is the same
    (Liu et al. 2025, arXiv 2502.16982, section 2.2). Embedding, head and norms are trained by AdamW
    with eps 1e-15 and the learning rates of their settings; as in `TensorAdam`, norms and the
    embedding have no weight decay. Gradients are clipped by their global norm. Every process keeps
    the whole state.
    """

    EPSILON = 1e-15

    def __init__(
        self, decoder: CausalDecoder, settings: MuonSettings, group: ProcessGroup = SINGLE_PROCESS
    ) -> None:
        """Sort the parameters into those of Muon and those of AdamW.

        Args:
            decoder: whose parameters are trained.
            settings: learning rates, betas of AdamW, momentum, weight decay and clipping.
            group: not used: gradients are the same on all processes, and so is the state.
        """
        del group
        self.settings = settings
        self.parameters = dict(decoder.named_parameters())
        embedding = [name for name in self.parameters if name.startswith("model.embed_tokens")]
        head = [name for name in self.parameters if name.startswith("lm_head")]
        blocks = [name for name in self.parameters if name not in {*embedding, *head}]
        self.matrices = [name for name in blocks if self.parameters[name].dim() == 2]
        norms = [name for name in blocks if name not in self.matrices]
        groups = [
            (embedding, settings.embedding_learning_rate, 0.0),
            (head, settings.head_learning_rate, settings.weight_decay),
            (norms, settings.learning_rate, 0.0),
        ]
        self.muon = torch.optim.Muon(
            [self.parameters[name] for name in self.matrices],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            momentum=settings.momentum,
            adjust_lr_fn="match_rms_adamw",
        )
        self.adam = torch.optim.AdamW(
            [
                {
                    "params": [self.parameters[name] for name in names],
                    "lr": rate,
                    "weight_decay": decay,
                }
                for names, rate, decay in groups
            ],
            betas=(settings.beta1, settings.beta2),
            eps=self.EPSILON,
        )
        self.rest = [*embedding, *head, *norms]
        self.peaks = [rate for _, rate, _ in groups]

    @torch.no_grad()
    def step(self, factor: float) -> Tensor:
        """Take one step at `factor` times the peak rates.

        Sets the gradients to zero and returns their norm before clipping.
        """
        norm = nn.utils.clip_grad_norm_(self.parameters.values(), self.settings.clip_norm)
        self.muon.param_groups[0]["lr"] = self.settings.learning_rate * factor
        for members, peak in zip(self.adam.param_groups, self.peaks, strict=True):
            members["lr"] = peak * factor
        self.muon.step()
        self.adam.step()
        self.zero_grad()
        return norm

    def zero_grad(self) -> None:
        """Set the gradients to zero, in place."""
        for parameter in self.parameters.values():
            if parameter.grad is not None:
                parameter.grad.zero_()

    def state(self) -> State:
        """Yield name and value of momenta, moments and step counts; nothing before a step."""
        for name in self.matrices:
            for key, value in self.muon.state[self.parameters[name]].items():
                yield f"muon.{key}.{name}", value
        for name in self.rest:
            for key, value in self.adam.state[self.parameters[name]].items():
                yield f"adam.{key}.{name}", value

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Resume from a state.

        Raises:
            ValueError: if names differ from those of `state`.
        """
        names = {f"muon.momentum_buffer.{name}" for name in self.matrices}
        names |= {f"adam.{key}.{name}" for name in self.rest for key in ADAM_KEYS}
        if state and set(state) != names:
            wrong = sorted(names.symmetric_difference(state))
            raise ValueError(
                f"state of an optimiser: {', '.join(wrong)} missing or unknown; it holds "
                f"{', '.join(sorted(names))}"
            )
        for name, value in state.items():
            kind, key, parameter = name.split(".", 2)
            optimiser = self.muon if kind == "muon" else self.adam
            optimiser.state[self.parameters[parameter]][key] = value.clone()
