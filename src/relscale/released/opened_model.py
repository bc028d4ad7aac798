"""Released models that score texts with their own tokenizers.

    model = open_released("folder")
    scores = model.score_items(items)

`scores.requests.table` and `scores.log_likelihood` give the rows of the losses table, see
`relscale.evaluation.aggregate`. Weights are read as safetensors only; code and pickles in a folder
are never used. Errors that make scoring wrong or impossible are found before any scoring.
`transformers` is imported when a model is opened; trained runs do not need it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from relscale.evaluation.texts import TextDocument, TextItem
from relscale.released.errors import naming_model
from relscale.released.model_folder import LENGTH_KEYS, ReleasedFolder, find_folder
from relscale.released.released_tokenizer import ReleasedTokenizer
from relscale.released.shared_scoring import SharedContextModel
from relscale.released.text_requests import TextRequests, encode_documents, encode_items

DtypeName = Literal["auto", "float32", "bfloat16", "float16"]
DEFAULT_LENGTH = 2048
"""The window if neither model nor tokenizer has one, as in the lm-evaluation-harness."""
MOST_ENTRIES = 2
"""Entries of a model's vocabulary per entry of the tokenizer from which the two do not belong
together. A smaller excess is padding."""


@dataclass(frozen=True, kw_only=True)
class TextScores:
    """Scores of texts by a released model."""

    requests: TextRequests
    """The scored requests; `requests.table` has one row per option or document."""
    log_likelihood: np.ndarray
    """(row of the table) nats of each option or document, float64."""
    greedy: np.ndarray
    """(row of the table) whether each of its tokens is the likeliest one."""
    account: dict[str, int | dict[str, int]]
    """For the record: items cut or left out, tokens requested and run, requests that shared a
    prefix."""


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """A model, its parameters, and how it was run."""

    model: str
    """The folder or Hub id that the user gave."""
    commit: str | None
    """Commit on the Hub; None for a local folder."""
    model_type: str
    """Architecture, as `transformers` names it."""
    num_params_embedding: int
    """Parameters of the embedding."""
    num_params_head: int
    """Parameters of the head; 0 if it shares the embedding's."""
    num_params_transformer: int
    """Parameters of everything else."""
    num_params_total: int
    """All parameters."""
    dtype: str
    """Floating-point type."""
    device: str
    """Type of the device."""
    context_length: int
    """Maximum of tokens that the model is given."""
    shared_contexts: bool
    """Whether requests that share a context were run together."""


class ReleasedModel:
    """A model that somebody published, with its tokenizer."""

    def __init__(
        self, folder: ReleasedFolder, model: SharedContextModel, tokenizer: ReleasedTokenizer
    ) -> None:
        """Store the parts; `open_released` creates them."""
        self.folder = folder
        self.model = model
        self.tokenizer = tokenizer
        self.max_length = model.context_length

    def score_items(self, items: Sequence[TextItem]) -> TextScores:
        """Score questions: every option after its context.

        Raises:
            ValueError: as `encode_items`, before any scoring.
        """
        with naming_model(self.folder.name):
            return self._score(encode_items(items, self.tokenizer, self.max_length))

    def score_documents(
        self,
        documents: Sequence[TextDocument],
        *,
        stride: int | None = None,
        masked_tokens: int = 0,
    ) -> TextScores:
        """Score documents as wholes, in windows; arguments as for `encode_documents`.

        Raises:
            ValueError: as `encode_documents`, before any scoring.
        """
        with naming_model(self.folder.name):
            requests = encode_documents(
                documents,
                self.tokenizer,
                self.max_length,
                stride=stride,
                masked_tokens=masked_tokens,
            )
            return self._score(requests)

    def _score(self, requests: TextRequests) -> TextScores:
        requests.check_tokens(self.model.vocab_size)
        before = Counter(self.model.counts)
        scores = self.model.score(requests.contexts, requests.continuations, requests.group)
        if not np.isfinite(scores.log_likelihood).all():
            raise ValueError(f"model {self.folder.name}: scores are not finite")
        log_likelihood, greedy = requests.row_scores(scores.log_likelihood, scores.greedy)
        account: dict[str, int | dict[str, int]] = {
            "items": len(requests.table.items),
            "truncated": int(requests.table.truncated.sum()),
            "left_out": dict(requests.left_out),
            **requests.counts(),
            **{name: self.model.counts[name] - before[name] for name in sorted(self.model.counts)},
        }
        return TextScores(
            requests=requests, log_likelihood=log_likelihood, greedy=greedy, account=account
        )

    def description(self) -> ModelDescription:
        """Return the description of the model for the record."""
        module = self.model.module
        embedding, head = (
            module.get_input_embeddings().weight,
            module.get_output_embeddings().weight,
        )
        total = sum(parameter.numel() for parameter in module.parameters())
        tied = embedding is head
        num_head = 0 if tied else head.numel()
        return ModelDescription(
            model=self.folder.name,
            commit=self.folder.commit,
            model_type=self.folder.config["model_type"],
            num_params_embedding=embedding.numel(),
            num_params_head=num_head,
            num_params_transformer=total - embedding.numel() - num_head,
            num_params_total=total,
            dtype=str(module.dtype).removeprefix("torch."),
            device=self.model.device.type,
            context_length=self.max_length,
            shared_contexts=self.model.sharing,
        )


def open_released(
    source: str,
    revision: str | None = None,
    *,
    max_length: int | None = None,
    dtype: DtypeName = "auto",
    device: str = "auto",
    batch_tokens: int | None = None,
) -> ReleasedModel:
    """Open a released model.

    Args:
        source: a folder, or an id of the hub, `owner/name`.
        revision: the hub's revision; required for an id.
        max_length: the most tokens that the model is given; what it allows if none.
        dtype: numbers to compute with; if "auto" float32 on a processor, the checkpoint's own on a
            GPU.
        device: "cpu", "cuda" or another of torch's; if "auto" a GPU where there is one.
        batch_tokens: padded tokens of a batch at first; an estimate from the memory if none.

    Raises:
        ValueError: naming the model and what is wrong with its files, vocabularies or window.
    """
    folder = find_folder(source, revision)
    window = _window(folder, max_length)
    # Imported here, since these imports take seconds.
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder.path, trust_remote_code=False)
    except Exception as error:  # the library raises no narrower type
        raise ValueError(f"model {folder.name}: its tokenizer cannot be read: {error}") from error
    prefix = (
        tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    )
    if prefix is None:
        raise ValueError(
            f"model {folder.name}: its tokenizer has neither bos_token nor eos_token; one of them "
            "must precede a text"
        )
    wrapped = ReleasedTokenizer(tokenizer, folder.name, prefix)
    if window is None:
        says = tokenizer.model_max_length
        window = says if says < 1 << 30 else DEFAULT_LENGTH
    entries = max(tokenizer.get_vocab().values()) + 1
    _check_vocabularies(folder, entries, folder.config.get("vocab_size"))
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    chosen = "float32" if dtype == "auto" and where == "cpu" else dtype
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder.path,
            dtype=chosen,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:  # the library raises no narrower type
        raise ValueError(f"model {folder.name}: its weights cannot be read: {error}") from error
    module, problems = loaded
    if problems["missing_keys"] or problems["mismatched_keys"]:
        lost = sorted(str(key) for key in [*problems["missing_keys"], *problems["mismatched_keys"]])
        raise ValueError(
            f"model {folder.name}: {len(lost)} of its parameters are missing in its weights or "
            f"have another shape: {lost[0]}, ..."
        )
    _check_vocabularies(folder, entries, module.get_input_embeddings().num_embeddings)
    model = SharedContextModel(module.to(where), context_length=window, batch_tokens=batch_tokens)
    return ReleasedModel(folder, model, wrapped)


def _window(folder: ReleasedFolder, wanted: int | None) -> int | None:
    allowed = folder.max_length
    if wanted is not None and wanted < 1:
        raise ValueError(f"model {folder.name}: a window of {wanted} tokens; it must be 1 or more")
    if wanted is not None and allowed is not None and wanted > allowed:
        raise ValueError(
            f"model {folder.name}: a window of {wanted} tokens; the model allows {allowed} "
            f"({' or '.join(LENGTH_KEYS)})"
        )
    return wanted or allowed


def _check_vocabularies(folder: ReleasedFolder, entries: int, vocabulary: object) -> None:
    if not isinstance(vocabulary, int):
        return
    if entries > vocabulary:
        raise ValueError(
            f"model {folder.name}: its tokenizer has {entries} entries and the model {vocabulary}; "
            "they do not belong together"
        )
    if vocabulary >= MOST_ENTRIES * entries:
        raise ValueError(
            f"model {folder.name}: its tokenizer has only {entries} entries for the model's "
            f"{vocabulary}; they do not belong together"
        )
