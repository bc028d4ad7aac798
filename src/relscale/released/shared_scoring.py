"""Scoring with a causal language model of `transformers`, in batches that fit the memory.

Shared parts of requests are run once, see `relscale.released.shared_context`.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from relscale.evaluation.language_model import Scores, Tokens
from relscale.released.shared_context import Batch, Bough, Bundle, bundles_of, lay_out, visible

SHARING_TYPES = frozenset({"gpt2", "gpt_neox", "llama", "qwen2", "qwen3"})
"""Architectures in which attention is the only thing that mixes places, logits are the output
layer's, and both are held equal to the plain way by tests. All others are run the plain way: each
request on its own."""

SHARING_ROPE = frozenset({"default", "linear", "llama3"})
"""Rotary embeddings that depend on a token's place alone, not on the length of the sequence."""

LENGTH_ROPE = frozenset({"dynamic", "longrope"})
"""Rotary embeddings that depend on the longest sequence of a batch: batches are of one length."""

CPU_TOKENS = 2048
"""Padded tokens of a first batch on a processor: more leave its caches and gain nothing."""

CPU_LOGITS, GPU_LOGITS = 1 << 20, 1 << 26
"""Logits that are held at a time."""


class SharedContextModel:
    """A causal language model of `transformers` as a `LanguageModel`."""

    def __init__(
        self,
        module: Any,
        *,
        context_length: int,
        batch_tokens: int | None = None,
        sharing: bool | None = None,
    ) -> None:
        """Take a model.

        Args:
            module: an `AutoModelForCausalLM`, where it is to run.
            context_length: the most tokens that it is given.
            batch_tokens: padded tokens of a batch at first; an estimate from the memory if none.
                Halved whenever memory does not suffice.
            sharing: whether to run common prefixes and contexts once; by the architecture if none.

        Raises:
            ValueError: where sharing is asked of an architecture that is not known to allow it.
        """
        self.module = module.eval()
        self.vocab_size: int = module.get_input_embeddings().num_embeddings
        self.context_length = context_length
        self.device: torch.device = next(module.parameters()).device
        self.batch_tokens = batch_tokens or first_batch_tokens(module)
        if sharing and not can_share(module.config):
            raise ValueError(
                f"model_type {module.config.model_type!r} with these settings is not known to "
                "allow shared contexts"
            )
        self.sharing = can_share(module.config) if sharing is None else sharing
        self._one_length = not LENGTH_ROPE.isdisjoint(_rope_types(module.config))
        self.counts: Counter[str] = Counter()
        """Of all calls: requests, tokens_asked (of each request on its own), tokens_run,
        tokens_padded, with_shared_prefix, halvings."""

    @torch.inference_mode()
    def score(
        self,
        contexts: Sequence[Tokens],
        continuations: Sequence[Tokens],
        group: np.ndarray | None = None,
        *,
        by_token: bool = False,
    ) -> Scores:
        """Score each continuation after its context.

        Requests are sorted by length. Probabilities are taken in float32 and summed in float64.

        Args:
            contexts: token ids that are given.
            continuations: token ids that are scored.
            group: (request) number of the prefix that its context begins with, -1 for none; what is
                common within a group is run once.
            by_token: whether to return the score of each token as well; it changes no sum.

        Raises:
            ValueError: naming the request, where its context or continuation is empty, it is longer
                than the model allows, or a token is not in the vocabulary.
        """
        given = [np.asarray(context) for context in contexts]
        wanted = [np.asarray(continuation) for continuation in continuations]
        self._check(given, wanted)
        log_likelihood, greedy = np.zeros(len(given)), np.zeros(len(given), dtype=bool)
        tokens: list[np.ndarray] = [np.empty(0)] * len(given)
        self.counts["requests"] += len(given)
        self.counts["tokens_asked"] += sum(
            len(context) + len(continuation) - 1
            for context, continuation in zip(given, wanted, strict=True)
        )
        for bundle in bundles_of(given, wanted, group, sharing=self.sharing):
            for batch, of_tokens, likeliest in self._score_bundle(bundle):
                nats = np.add.reduceat(of_tokens, batch.first)
                parts = np.split(of_tokens, batch.first[1:])
                for number, sequences in enumerate(batch.sequences):
                    log_likelihood[sequences], greedy[sequences] = nats[number], likeliest[number]
                    for sequence in sequences:
                        tokens[sequence] = parts[number]
        return Scores(
            log_likelihood=log_likelihood,
            greedy=greedy,
            by_token=np.concatenate(tokens) if by_token else None,
        )

    def _check(self, contexts: Sequence[np.ndarray], continuations: Sequence[np.ndarray]) -> None:
        for index, (context, continuation) in enumerate(zip(contexts, continuations, strict=True)):
            if not len(context) or not len(continuation):
                raise ValueError(
                    f"request {index}: context and continuation must each have a token; they have "
                    f"{len(context)} and {len(continuation)}"
                )
            if len(context) + len(continuation) - 1 > self.context_length:
                raise ValueError(
                    f"request {index}: {len(context) + len(continuation) - 1} tokens exceed the "
                    f"model's context of {self.context_length}"
                )
            for tokens in (context, continuation):
                if tokens.min() < 0 or tokens.max() >= self.vocab_size:
                    odd = tokens.min() if tokens.min() < 0 else tokens.max()
                    raise ValueError(
                        f"request {index}: token {odd} is not in the model's vocabulary of "
                        f"{self.vocab_size} entries"
                    )

    def _score_bundle(self, bundle: Bundle) -> list[tuple[Batch, np.ndarray, np.ndarray]]:
        """Return each batch with the nats of its targets and the greedy of its branches.

        If memory does not suffice, start again with half the tokens.
        """
        while True:
            done: list[tuple[Batch, np.ndarray, np.ndarray]] = []
            counts: Counter[str] = Counter()
            try:
                cache = (
                    _PrefixCache(self.module, self._tensor(bundle.prefix[None]))
                    if len(bundle.prefix)
                    else None
                )
                counts["tokens_run"] += len(bundle.prefix)
                for boughs in bundle.batches(self.batch_tokens, one_length=self._one_length):
                    batch = lay_out(boughs, len(bundle.prefix))
                    done.append((batch, *self._score_batch(batch, boughs, cache)))
                    counts["tokens_run"] += sum(
                        bough.length - len(bundle.prefix) for bough in boughs
                    )
                    counts["tokens_padded"] += batch.tokens.size
                    if cache:
                        counts["with_shared_prefix"] += sum(
                            len(sequences) for sequences in batch.sequences
                        )
                self.counts += counts
                return done
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error) or self.batch_tokens <= 1:
                    raise
            self.counts["halvings"] += 1
            self.batch_tokens //= 2
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _score_batch(
        self, batch: Batch, boughs: Sequence[Bough], cache: "_PrefixCache | None"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (target) nats, and (branch) whether each of its targets is the likeliest."""
        tokens, scored = self._tensor(batch.tokens), self._tensor(batch.scored)
        if self.sharing:
            branching = cache is not None or any(len(bough.branches) > 1 for bough in boughs)
            arguments = (
                {
                    "attention_mask": self._mask(batch, cache),
                    "position_ids": self._tensor(batch.positions),
                    "past_key_values": cache,
                }
                if branching
                else {}
            )
            states = self.module.base_model(
                input_ids=tokens, use_cache=cache is not None, **arguments
            )[0]  # (bough, time, width)
            states, head = states.flatten(0, 1)[scored], self.module.get_output_embeddings()
        else:
            states, head = (
                self.module(input_ids=tokens, use_cache=False).logits.flatten(0, 1)[scored],
                nn.Identity(),
            )
        log_probability, likeliest = self._read(
            head, states, self._tensor(batch.place), self._tensor(batch.target)
        )
        return log_probability, np.logical_and.reduceat(likeliest, batch.first)

    def _read(
        self, head: nn.Module, states: Tensor, place: Tensor, target: Tensor
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (target) log-probabilities, and whether each target is the likeliest token.

        Logits are made for a few places at a time: what a processor's caches hold is several times
        faster than all of them.
        """
        order = torch.argsort(place, stable=True)
        log_probability = torch.empty(len(place), dtype=torch.float64, device=self.device)
        likeliest = torch.empty(len(place), dtype=torch.bool, device=self.device)
        step = max(1, (GPU_LOGITS if self.device.type == "cuda" else CPU_LOGITS) // self.vocab_size)
        bounds = torch.searchsorted(
            place[order], torch.arange(0, len(states) + step, step, device=self.device)
        ).tolist()
        for part, (begin, end) in enumerate(pairwise(bounds)):
            logits: Tensor = head(states[part * step : (part + 1) * step]).float()  # (place, vocab)
            at = order[begin:end]
            row, wanted = place[at] - part * step, target[at]
            chosen, highest = logits[row, wanted], logits.amax(dim=1)
            best = chosen == highest[row]
            # Of several highest logits the first is the likeliest token.
            best[best.clone()] = logits[row[best]].argmax(dim=1) == wanted[best]
            likeliest[at] = best
            log_sum = highest + logits.sub_(highest[:, None]).exp_().sum(dim=1).log_()
            log_probability[at] = (chosen - log_sum[row]).double()
        return log_probability.cpu().numpy(), likeliest.cpu().numpy()

    def _mask(self, batch: Batch, cache: "_PrefixCache | None") -> Tensor:
        """Return the additive attention mask, (bough, 1, time, prefix + time).

        It is 0 where a token sees another, and the lowest number elsewhere.
        """
        prefix = cache.get_seq_length() if cache else 0
        rows, time = batch.tokens.shape
        mask = torch.zeros(
            (rows, 1, time, prefix + time), dtype=self.module.dtype, device=self.device
        )
        mask[:, 0, :, prefix:].masked_fill_(
            ~self._tensor(visible(batch.branch)), torch.finfo(mask.dtype).min
        )
        return mask

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device)


class _PrefixCache:
    """Keys and values of a prefix, which precede those of any batch.

    It replaces a `transformers` cache and does not store later tokens.
    """

    def __init__(self, module: Any, tokens: Tensor) -> None:
        """Run the prefix, (1, time)."""
        made = module.base_model(input_ids=tokens, use_cache=True).past_key_values
        self.layers = [
            (layer.keys, layer.values) for layer in made.layers
        ]  # (1, heads, time, width of a head)

    def update(
        self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Return a layer's keys and values with those of the prefix in front."""
        before, values_before = self.layers[layer]
        rows = (keys.shape[0], -1, -1, -1)
        return torch.cat([before.expand(rows), keys], dim=2), torch.cat(
            [values_before.expand(rows), values], dim=2
        )

    def get_seq_length(self, *_: Any, **__: Any) -> int:
        """Return the tokens of the prefix."""
        return int(self.layers[0][0].shape[2])


def can_share(config: Any) -> bool:
    """Return whether a model can run branches after a context and reuse a prefix.

    See `SHARING_TYPES`.
    """
    windows = {"full_attention"}.issuperset(getattr(config, "layer_types", None) or ())
    rope = getattr(config, "rope_parameters", None) or {}
    return (
        config.model_type in SHARING_TYPES
        and windows
        and rope.get("rope_type", "default") in SHARING_ROPE
    )


def _rope_types(config: Any) -> set[str]:
    """Return the types of a model's rotary embeddings; layers can have different ones."""
    text = getattr(config, "text_config", None) or config
    rope = getattr(text, "rope_parameters", None) or {}
    by_layer = [inner for inner in rope.values() if isinstance(inner, dict)]
    return {str(settings.get("rope_type", "default")) for settings in (rope, *by_layer)}


def first_batch_tokens(module: Any) -> int:
    """Return an estimate of the padded tokens of a batch.

    On a CPU they fit its caches; on a GPU they fit half the free memory.
    """
    device = next(module.parameters()).device
    if device.type != "cuda":
        return CPU_TOKENS
    config = module.config
    width = config.hidden_size
    # States, keys, values and their copies of a layer, and its inner states; the logits have a
    # bound of their own.
    numbers = 16 * width + 3 * (getattr(config, "intermediate_size", None) or 4 * width)
    free, _ = torch.cuda.mem_get_info(device)
    return int(min(max(free // 2 // (numbers * module.dtype.itemsize), CPU_TOKENS), 1 << 18))


def _is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory did not suffice; on a processor torch raises no type of its own."""
    return (
        isinstance(error, torch.OutOfMemoryError)
        or "can't allocate memory" in str(error)
        or "not enough memory" in str(error)
    )
