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
from typing import Literal

import numpy as np
import torch

from relscale.evaluation.texts import TextDocument, TextItem
from relscale.released.errors import naming_model
from relscale.released.loading import (
    check_module,
    first_line,
    load_module,
    position_rows,
    read_configuration,
    window_of,
)
from relscale.released.model_folder import ReleasedFolder, find_folder
from relscale.released.released_tokenizer import ReleasedTokenizer
from relscale.released.shared_scoring import SharedContextModel
from relscale.released.special_tokens import check_vocabularies, ordinary_tokens, prefix_token
from relscale.released.text_requests import TextRequests, encode_documents, encode_items

DtypeName = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True, kw_only=True)
class TextScores:
    """Scores of texts by a released model."""

    requests: TextRequests
    """The scored requests; `requests.table` has one row per option or document."""
    log_likelihood: np.ndarray
    """(row of the table) nats of each option or document, float64."""
    greedy: np.ndarray
    """(row of the table) whether each of its tokens is the likeliest one."""
    by_token: np.ndarray | None
    """(token) log-probability of each scored token, sequence after sequence; None unless asked
    for."""
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
    """All parameters of the language model."""
    dtype: str
    """Floating-point type."""
    device: str
    """Type of the device."""
    context_length: int
    """Maximum of tokens that the model is given."""
    shared_contexts: bool
    """Whether requests that share a context were run together."""
    weights: tuple[str, ...]
    """Files that the weights were read from."""
    weights_not_read: tuple[str, ...]
    """Other files of the folder that hold weights."""


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
        by_token: bool = False,
    ) -> TextScores:
        """Score documents as wholes, in windows; arguments as for `encode_documents`.

        With `by_token`, the scores of the tokens are returned as well.

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
            return self._score(requests, by_token=by_token)

    def _score(self, requests: TextRequests, *, by_token: bool = False) -> TextScores:
        requests.check_tokens(self.model.vocab_size)
        before = Counter(self.model.counts)
        scores = self.model.score(
            requests.contexts, requests.continuations, requests.group, by_token=by_token
        )
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
            requests=requests,
            log_likelihood=log_likelihood,
            greedy=greedy,
            by_token=scores.by_token,
            account=account,
        )

    def description(self) -> ModelDescription:
        """Return the description of the model for the record."""
        module = self.model.module
        embedding, head = (
            module.get_input_embeddings().weight,
            module.get_output_embeddings().weight,
        )
        num_head = 0 if embedding is head else head.numel()
        if module.config.get_text_config(decoder=True) is module.config:
            total = sum(parameter.numel() for parameter in module.parameters())
        else:  # without the parts that see or hear
            decoder = module.get_decoder()
            total = num_head + sum(parameter.numel() for parameter in decoder.parameters())
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
            weights=self.folder.weights.read,
            weights_not_read=self.folder.weights.not_read,
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
    # Imported here, since this import takes seconds.
    from transformers import AutoTokenizer

    config = read_configuration(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder.path, trust_remote_code=False)
    except Exception as error:  # the library raises no narrower type
        raise ValueError(
            f"model {folder.name}: its tokenizer cannot be read: {first_line(error)}"
        ) from error
    wrapped = ReleasedTokenizer(tokenizer, folder.name, prefix_token(tokenizer, folder, config))
    window = window_of(config, tokenizer, folder.name, max_length)
    where = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    chosen = "float32" if dtype == "auto" and where == "cpu" else dtype
    rows = getattr(config.get_text_config(decoder=True), "vocab_size", None)
    if isinstance(rows, int):
        check_vocabularies(tokenizer, folder.name, rows)
    module = load_module(folder, config, chosen)
    vocabulary = module.get_input_embeddings().num_embeddings
    check_vocabularies(tokenizer, folder.name, vocabulary)
    places = position_rows(module)
    if places is not None and places < window:
        if max_length is not None:
            raise ValueError(
                f"model {folder.name}: a window of {max_length} tokens; the model has positions "
                f"for {places}"
            )
        window = places
    module = module.to(where)
    check_module(module, folder.name, ordinary_tokens(tokenizer, vocabulary), window)
    model = SharedContextModel(module, context_length=window, batch_tokens=batch_tokens)
    return ReleasedModel(folder, model, wrapped)
