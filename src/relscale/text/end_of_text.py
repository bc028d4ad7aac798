"""Find the end-of-text token in a tokenizer's file. Light imports: training jobs need it, too."""

from collections.abc import Mapping
from typing import Any

END_OF_TEXT_NAMES = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>")
"""Usual names of the end-of-text token; the first one that a tokenizer has is used. Tokenizers that
are trained here have the first name, as entry 0."""


def end_of_text_in(content: Mapping[str, Any], where: str) -> tuple[str, int]:
    """Return the name and the number of the end-of-text token.

    Args:
        content: content of `tokenizer.json`.
        where: the file, for messages.

    Raises:
        ValueError: naming the special tokens, if none of them is an end-of-text token.
    """
    special = {
        token["content"]: token["id"]
        for token in content.get("added_tokens", [])
        if token.get("special")
    }
    for name in END_OF_TEXT_NAMES:
        if name in special:
            return name, int(special[name])
    some = ", ".join(list(special)[:8]) or "none"
    raise ValueError(
        f"{where}: no end-of-text token; it must be one of {', '.join(END_OF_TEXT_NAMES)}, and the"
        f" special tokens are {some}"
    )
