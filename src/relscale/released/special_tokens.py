"""The token in front of a text, and the entries of a vocabulary that texts can have."""

from pathlib import Path
from typing import Any

import numpy as np

from relscale.files import read_json
from relscale.released.model_folder import ReleasedFolder

MOST_ENTRIES = 2
"""Entries of a model's vocabulary per entry of the tokenizer from which the two do not belong
together. A smaller excess is padding."""


def prefix_token(tokenizer: Any, folder: ReleasedFolder, config: Any) -> int | None:
    """Return the token for the beginning of a text, or else for its end; None if none is named.

    The tokenizer's settings count first, then config.json, its `text_config`, and
    generation_config.json. A number that is only the default of the model's class counts if the
    tokenizer has a special token of this number.
    """
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    text = config.get_text_config(decoder=True)
    special = {
        number for number, token in tokenizer.added_tokens_decoder.items() if token.special
    } | set(tokenizer.all_special_ids)
    entries = set(tokenizer.get_vocab().values())
    for settings in _token_settings(folder):
        for key in ("bos_token_id", "eos_token_id"):
            value = settings.get(key)
            numbers = value if isinstance(value, list) else [value]
            for number in numbers:
                if type(number) is int and (
                    number in special
                    or (number in entries and number != getattr(type(text), key, None))
                ):
                    return number
    return None


def _token_settings(folder: ReleasedFolder) -> list[dict[str, Any]]:
    """Return the settings that may name special tokens, the most trusted first."""
    generation: Path = folder.path / "generation_config.json"
    found = [
        folder.config,
        folder.config.get("text_config"),
        read_json(generation) if generation.is_file() else None,
    ]
    return [settings for settings in found if isinstance(settings, dict)]


def check_vocabularies(tokenizer: Any, name: str, vocabulary: int) -> None:
    """Check that a tokenizer and a model belong together.

    Tokens that were added to a tokenizer, such as one for padding, may have no row in the model: a
    text that has one is refused when it is scored.

    Raises:
        ValueError: if the tokenizer's vocabulary exceeds the model's, or is far smaller.
    """
    numbers = set(tokenizer.get_vocab().values())
    entries = max(numbers) + 1
    ordinary = max(numbers - set(tokenizer.added_tokens_decoder), default=0) + 1
    if ordinary > vocabulary:
        raise ValueError(
            f"model {name}: its tokenizer has {entries} entries and the model {vocabulary}; they "
            "do not belong together"
        )
    if vocabulary >= MOST_ENTRIES * entries:
        raise ValueError(
            f"model {name}: its tokenizer has only {entries} entries for the model's {vocabulary}; "
            "they do not belong together"
        )


def ordinary_tokens(tokenizer: Any, vocabulary: int) -> np.ndarray:
    """Return the token ids of a tokenizer that are not special and that the model has."""
    without = set(tokenizer.added_tokens_decoder) | set(tokenizer.all_special_ids)
    numbers = set(tokenizer.get_vocab().values()) - without
    return np.array(sorted(number for number in numbers if number < vocabulary), dtype=np.int64)
