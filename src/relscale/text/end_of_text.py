"""The token that stands between documents, found in a tokenizer's file. Light imports: a training
job needs it, too."""

from collections.abc import Mapping
from typing import Any

END_OF_TEXT_NAMES = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>")
"""Names that tokenizers give it; the first that a tokenizer has is meant. Those trained here have
the first, as entry 0."""


def end_of_text_in(content: Mapping[str, Any], where: str) -> tuple[str, int]:
    """Return name and number of the end-of-text token.

    Args:
        content: what `tokenizer.json` holds.
        where: for messages.

    Raises:
        ValueError: naming the special tokens that are there, where none is known as the end of a
            text.
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
        f"{where}: no end-of-text token; it must be one of {', '.join(END_OF_TEXT_NAMES)}, and the special tokens are {some}"
    )
