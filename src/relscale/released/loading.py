"""Load a released model, and check that it is the language model that its folder describes.

`load_module` reads the weights and `check_module` runs two short texts; `window_of` is the maximum
of tokens. `transformers` is imported when a function is called.
"""

import logging
import re
from typing import Any

import numpy as np
import torch

from relscale.released.model_folder import ReleasedFolder
from relscale.released.weight_files import listed

LENGTH_KEYS = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
    "max_sequence_length",
    "seq_length",
    "context_length",
    "max_target_positions",
)
"""Settings of `transformers` for the maximum of tokens; the first one that is there counts."""
DEFAULT_LENGTH = 2048
"""The window if neither model nor tokenizer has one, as in the lm-evaluation-harness."""
CONSTANTS = re.compile(
    r"(^|\.)attn(\.attention)?\.(masked_)?bias$|\.attn\.causal_mask$|(^|\.)position_ids$"
    r"|\.inv_freq$|\.(cos|sin)_cached$|(^|\.)embed_positions\.weights$|(^|\.)decoder\.version$"
)
"""Weights of older releases that are constants, and are computed today."""
POSITION_TABLE = re.compile(r"(^|\.)(position_embeddings|embed_positions|positions_embed|wpe)$")
PROBE_TOKENS = 16
"""Tokens of the texts with which a model's causality is checked."""
LEAST_LEAK = 1e-4
"""Change of a logit, as a part of the largest one, from which on it is not taken for rounding.
Encoders with random weights change theirs by 2e-3 and more; mixtures of experts, whose sums depend
on the batch, by 1e-6 in float32."""


def read_configuration(folder: ReleasedFolder) -> Any:
    """Return the configuration of a model as `transformers` reads it.

    Raises:
        ValueError: if it cannot be read, is not that of a decoder, or names two architectures.
    """
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as DECODERS

    try:
        config = AutoConfig.from_pretrained(folder.path, trust_remote_code=False)
    except Exception as error:  # the library raises no narrower type
        raise ValueError(
            f"model {folder.name}: its config.json cannot be used: {first_line(error)}"
        ) from error
    if config.is_encoder_decoder:
        raise ValueError(
            f"model {folder.name}: {config.model_type} is an encoder-decoder model; only decoders "
            "can be scored"
        )
    if config.model_type not in DECODERS:
        raise ValueError(
            f"model {folder.name}: transformers has no language model that predicts the next token "
            f"for model_type {config.model_type!r}"
        )
    loaded = DECODERS[config.model_type]
    named = folder.config.get("architectures") or [loaded]
    others = set(DECODERS.values())
    if isinstance(named, list) and loaded not in named and others.intersection(map(str, named)):
        raise ValueError(
            f"model {folder.name}: config.json contradicts itself: model_type "
            f"{config.model_type!r} is {loaded}, and architectures is {', '.join(map(str, named))}"
        )
    return config


def load_module(folder: ReleasedFolder, config: Any, dtype: str) -> Any:
    """Return a model with its weights, on the CPU.

    Args:
        folder: its files.
        config: its configuration, from `read_configuration`.
        dtype: floating-point type; "auto" for that of the weights.

    Raises:
        ValueError: if weights cannot be read, are missing, are not used, have other shapes or are
            not finite, or a head is tied and different.
    """
    from transformers import AutoModelForCausalLM

    library = logging.getLogger("transformers")
    level = library.level
    library.setLevel(logging.ERROR)  # its report of unsuitable weights is made into one line below
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder.path,
            config=config,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported below, with the names
        )
    except Exception as error:  # the library raises no narrower type
        raise ValueError(
            f"model {folder.name}: its weights cannot be read: {first_line(error)}"
        ) from error
    finally:
        library.setLevel(level)
    module, found = loaded
    problems = _key_problems(found)
    unusual = [
        name
        for name, parameter in module.named_parameters()
        if not bool(torch.isfinite(parameter).all())
    ]
    if unusual:
        problems.append(
            f"{len(unusual)} of its parameters are not finite in {dtype}: {listed(unusual)}"
            if dtype != "auto"
            else f"{len(unusual)} of its parameters are not finite: {listed(unusual)}"
        )
    if _is_tied_but_different(module):
        problems.append(
            "config.json ties the head to the embedding (tie_word_embeddings), and the weights "
            "have a head of their own; versions of transformers differ in which they use: set "
            "tie_word_embeddings to false, or remove the head"
        )
    if problems:
        raise ValueError(f"model {folder.name}: {'; '.join(problems)}")
    return module.eval()


def _key_problems(found: dict[str, Any]) -> list[str]:
    """List differences between the parameters of a model and its weights."""
    other_shape = [
        f"{name} (weights {list(stored)}, config.json {list(wanted)})"
        for name, stored, wanted in found["mismatched_keys"]
    ]
    lost = [*found["missing_keys"], *other_shape]
    unused = [key for key in found["unexpected_keys"] if not CONSTANTS.search(key)]
    problems = []
    if lost:
        problems.append(
            f"{len(lost)} of its parameters are missing in its weights or have another shape: "
            f"{listed(lost)}"
        )
    if unused:
        problems.append(
            f"{len(unused)} of its weights are not used by the model that config.json describes: "
            f"{listed(unused)}"
        )
    return problems + [first_line(message) for message in found["error_msgs"]]


def _is_tied_but_different(module: Any) -> bool:
    config = module.config.get_text_config(decoder=True)
    head, embedding = module.get_output_embeddings(), module.get_input_embeddings()
    return (
        bool(getattr(config, "tie_word_embeddings", False))
        and bool(getattr(module, "_tied_weights_keys", None))
        and head is not None
        and head.weight.shape == embedding.weight.shape
        and not torch.equal(head.weight, embedding.weight)
    )


def check_module(module: Any, name: str, tokens: np.ndarray, window: int) -> None:
    """Run two texts that differ in their second half: the scores of the first must not.

    Args:
        module: the model, on its device.
        name: its name, for messages.
        tokens: ordinary token ids of the model; two at least, else nothing is checked.
        window: maximum of tokens that the model is given.

    Raises:
        ValueError: if the model cannot be run, its logits are not finite, or those of a token
            depend on later tokens.
    """
    length, generator = min(PROBE_TOKENS, window), np.random.default_rng(0)
    if length < 2 or len(tokens) < 2:
        return
    places = generator.integers(0, len(tokens), length)
    text, half = tokens[places], length // 2
    other = np.concatenate([text[:half], tokens[(places[half:] + 1) % len(tokens)]])
    try:
        with torch.inference_mode():
            logits, changed = (
                module(input_ids=torch.tensor(row[None], device=module.device), use_cache=False)
                .logits[0]
                .float()
                for row in (text, other)
            )  # (time, vocab)
    except Exception as error:  # whatever the architecture raises
        raise ValueError(f"model {name}: cannot be run: {first_line(error)}") from error
    if bool(torch.isnan(logits).any() | torch.isposinf(logits).any()):
        raise ValueError(f"model {name}: its logits are not finite")
    usual = logits[torch.isfinite(logits)]
    scale = float((usual - usual.mean()).abs().max())
    leak = float((logits[:half] - changed[:half]).nan_to_num().abs().max())
    least = max(LEAST_LEAK, 4 * torch.finfo(module.dtype).eps)
    if leak > least * scale:
        raise ValueError(
            f"model {name}: is not a left-to-right language model: later tokens change the scores "
            f"of earlier ones (by up to {leak:.2g}); its attention is that of an encoder, see "
            "model_type and is_decoder in config.json"
        )


def window_of(config: Any, tokenizer: Any, name: str, wanted: int | None) -> int:
    """Return the maximum of tokens that a model is given.

    Args:
        config: the model's configuration. The text model's part counts in one of several models.
        tokenizer: the tokenizer of `transformers`; its limit counts if the model has none.
        name: the model's name, for messages.
        wanted: a smaller window, if any.

    Raises:
        ValueError: if the model does not allow the window.
    """
    text = config.get_text_config(decoder=True)
    limits = {
        key: value
        for key in LENGTH_KEYS
        if isinstance(value := getattr(text, key, None), int) and value > 0
    }
    if wanted is not None and wanted < 1:
        raise ValueError(f"model {name}: a window of {wanted} tokens; it must be 1 or more")
    if not limits:
        says = tokenizer.model_max_length
        return wanted or (int(says) if says < 1 << 30 else DEFAULT_LENGTH)
    key, allowed = next(iter(limits.items()))
    if wanted is not None and wanted > allowed:
        raise ValueError(
            f"model {name}: a window of {wanted} tokens; the model allows {allowed} ({key})"
        )
    return wanted or allowed


def position_rows(module: Any) -> int | None:
    """Return the places for which a model has learned positions; None if it has no such table.

    Some tables begin with rows for padding, which no token of a text uses.
    """
    for name, table in module.named_modules():
        if isinstance(table, torch.nn.Embedding) and POSITION_TABLE.search(name):
            padding = table.padding_idx
            before = getattr(table, "offset", 0 if padding is None else padding + 1)
            return int(table.num_embeddings - before)
    return None


def first_line(error: object) -> str:
    """Return the first line of an error's message, with the next one if it ends with a colon."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
