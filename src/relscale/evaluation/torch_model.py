"""Scoring with a torch module: any model that maps token ids to logits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from relscale.evaluation.batches import BATCH_TOKENS, GPU_BATCH_TOKENS
from relscale.evaluation.language_model import Scores, Tokens, distinct_requests
from relscale.training.model import load_decoder


class CausalModel:
    """A module from token ids (batch, time) to logits (batch, time, vocab) as a `LanguageModel`."""

    def __init__(
        self,
        module: nn.Module,
        *,
        vocab_size: int,
        context_length: int,
        batch_tokens: int = BATCH_TOKENS,
        device: Literal["cpu", "cuda"] = "cpu",
    ) -> None:
        """Wrap a module.

        Args:
            module: maps token ids (batch, time), int64, to logits (batch, time, vocab); position t
                sees no later token.
            vocab_size: entries of its vocabulary.
            context_length: the maximum of tokens that it can be given.
            batch_tokens: padded tokens of a batch.
            device: where the module is. On a GPU its products are taken in bfloat16, as in
                training.
        """
        self.module = module.eval()
        self.device = device
        self.in_bfloat16 = device != "cpu"
        self.vocab_size = vocab_size
        self.context_length = context_length
        self.batch_tokens = batch_tokens

    @torch.inference_mode()
    def score(
        self,
        contexts: Sequence[Tokens],
        continuations: Sequence[Tokens],
        *,
        by_token: bool = False,
    ) -> Scores:
        """Score each continuation after its context.

        Requests are sorted by length and padded on the right: a causal model needs no mask, since
        no position that counts sees the padding. Equal requests are run once. Probabilities are
        taken in float32 and summed in float64.

        Args:
            contexts: token ids that are given.
            continuations: token ids that are scored.
            by_token: whether to return the score of each token as well; it changes no sum.

        Raises:
            ValueError: naming the request, if its context or continuation is empty, it is longer
                than the model allows, or a token is not in the vocabulary.
        """
        requests = distinct_requests(
            contexts, continuations, vocab_size=self.vocab_size, context_length=self.context_length
        )
        rows = requests.rows
        log_likelihood, greedy = np.zeros(len(rows)), np.zeros(len(rows), dtype=bool)
        tokens: list[np.ndarray] = []
        for batch in self._batches(rows):
            log_likelihood[batch], greedy[batch], of_tokens = self._score_batch(
                rows[batch], requests.given[batch]
            )
            if by_token:
                tokens.append(of_tokens)
        return requests.in_given_order(
            log_likelihood, greedy, np.concatenate(tokens) if by_token else None
        )

    def _batches(self, rows: Sequence[np.ndarray]) -> list[slice]:
        """Cut rows of falling length into batches of at most `batch_tokens` padded tokens."""
        batches: list[slice] = []
        begin = 0
        while begin < len(rows):
            count = max(1, self.batch_tokens // (len(rows[begin]) - 1))
            batches.append(slice(begin, min(begin + count, len(rows))))
            begin += count
        return batches

    def _score_batch(
        self, rows: Sequence[np.ndarray], given: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (row) sums, (row) greedy, and (token) log-probabilities of rows."""
        longest = max(len(row) for row in rows) - 1
        inputs = np.zeros((len(rows), longest), dtype=np.int64)
        targets = np.zeros_like(inputs)
        counts = np.zeros((len(rows), longest), dtype=bool)
        for number, row in enumerate(rows):
            inputs[number, : len(row) - 1] = row[:-1]
            targets[number, : len(row) - 1] = row[1:]
            counts[number, given[number] - 1 : len(row) - 1] = True
        # Without a cache, or a GPU would hold every matrix in both precisions.
        with torch.autocast(
            self.device, torch.bfloat16, enabled=self.in_bfloat16, cache_enabled=False
        ):
            every: Tensor = self.module(
                torch.from_numpy(inputs).to(self.device)
            )  # (batch, time, vocab)
        # By number and not by mask, which would wait for the GPU.
        places = torch.from_numpy(np.flatnonzero(counts)).to(every.device)
        logits = every.flatten(0, 1).index_select(0, places).float()  # (scored, vocab)
        del every
        scored = torch.from_numpy(targets[counts]).to(logits.device)
        chosen = logits.gather(1, scored[:, None])[:, 0]
        log_probability = (chosen - logits.logsumexp(dim=1)).double().cpu().numpy()
        likeliest = (logits.argmax(dim=1) == scored).cpu().numpy()
        starts = np.concatenate([[0], counts.sum(axis=1).cumsum()[:-1]])
        return (
            np.add.reduceat(log_probability, starts),
            np.logical_and.reduceat(likeliest, starts),
            log_probability,
        )


def has_gpu() -> bool:
    """Return whether torch finds a GPU."""
    return torch.cuda.is_available()


def read_torch_model(folder: Path, device: Literal["cpu", "cuda"] = "cpu") -> CausalModel:
    """Return the model of a trained run from its folder: on one thread, or on a GPU.

    Raises:
        ValueError: naming the file, if the folder has no such model.
    """
    torch.set_num_threads(1)
    decoder = load_decoder(folder).to(device)
    return CausalModel(
        decoder,
        vocab_size=decoder.shape.vocab_size,
        context_length=decoder.shape.context_length,
        batch_tokens=GPU_BATCH_TOKENS if device == "cuda" else BATCH_TOKENS,
        device=device,
    )
