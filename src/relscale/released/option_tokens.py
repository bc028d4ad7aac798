"""From a question's texts to tokens: where context and continuation part. Light imports.

The boundary is that of EleutherAI's lm-evaluation-harness (0.4), where it is right: white space at
the context's end moves to the continuation, and the continuation's tokens are those of the whole
text that follow the tokens of the context. Where the whole does not begin with the tokens of the
context, a token spans the boundary. The harness drops as many tokens as the context has, and with
them a part of the option; here the continuation is then encoded alone.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from relscale.evaluation.texts import TextItem


class TextTokenizer(Protocol):
    """The methods that scoring needs of a tokenizer."""

    @property
    def prefix(self) -> int:
        """The token before a text without context: begin of text, else end of text."""
        ...

    @property
    def special(self) -> frozenset[int]:
        """Tokens that stand for no text, unless a text spells them."""
        ...

    def encode_texts(
        self, texts: Sequence[str], *, special: bool, spelled: bool = True
    ) -> list[list[int]]:
        """Return the token ids of each text, with or without special tokens in front.

        There are none behind it. A special token that a text spells is that token, or text if
        `spelled` is false.
        """
        ...

    def read_back(
        self, texts: Sequence[str], tokens: Sequence[Sequence[int]]
    ) -> list[tuple[str | None, str]]:
        """Return of each text the form that its tokens stand for, and the text decoded from them.

        The form is None if the tokens do not give the text back.
        """
        ...

    def bytes_after(self, text: str, tokens: int) -> int:
        """Return the UTF-8 bytes of a text after its first tokens; special ones do not count."""
        ...


@dataclass(kw_only=True)
class OptionTokens:
    """Tokens of an option and its context, uncut."""

    text: str
    """Context and option together."""
    option: str
    """The option, with the space in front."""
    context: np.ndarray
    """Token ids that are given, int32."""
    continuation: np.ndarray
    """Token ids that are scored, int32."""
    in_front: int
    """First tokens of the context that stand for no text."""
    alone: bool
    """Whether the continuation was encoded alone."""
    normalised: bool = False
    """Whether the tokens stand for a canonically equivalent text (form NFC)."""
    special: bool = False
    """Whether the text spells a special token."""
    back: str | None = None
    """The text that comes back, if it is another one."""

    @property
    def scored(self) -> str:
        """The option with the white space at the context's end, which is scored with it."""
        context = self.text[: len(self.text) - len(self.option)]
        return context[len(context.rstrip()) :] + self.option

    @property
    def num_bytes(self) -> int:
        """UTF-8 bytes that are scored, without the one space that parts option and context."""
        text = self.scored.removeprefix(" ")
        return len((unicodedata.normalize("NFC", text) if self.normalised else text).encode())

    @property
    def tokens_of_text(self) -> list[int]:
        """Token ids of the text, without special tokens in front."""
        return [*self.context[self.in_front :].tolist(), *self.continuation.tolist()]


def option_tokens(items: Sequence[TextItem], tokenizer: TextTokenizer) -> list[list[OptionTokens]]:
    """Return the uncut tokens of context and continuation of each option of each item.

    Options of an item share the array of the context.
    """
    whole = [item.prefix + item.context for item in items]
    shown = _contexts(list(dict.fromkeys(text.rstrip() for text in whole if text)), tokenizer)
    nothing = (np.empty(0, dtype=np.int32), 0)
    texts = [
        text + option for text, item in zip(whole, items, strict=True) for option in item.options
    ]
    # Without any context a tokenizer's special tokens would be counted as scored.
    bare = [not text for text, item in zip(whole, items, strict=True) for _ in item.options]
    encoded = iter(_encode(texts, bare, tokenizer))
    found: list[list[OptionTokens]] = []
    for item, text in zip(items, whole, strict=True):
        before, in_front = shown[text.rstrip()] if text else nothing
        found.append([])
        for option in item.options:
            tokens = next(encoded)
            spans = len(tokens) <= len(before) or not np.array_equal(tokens[: len(before)], before)
            found[-1].append(
                OptionTokens(
                    text=text + option,
                    option=option,
                    context=before,
                    continuation=tokens[len(before) :],
                    in_front=in_front,
                    alone=bool(text) and spans,
                )
            )
    flat = [one for options in found for one in options]
    for one in flat:
        if one.alone:
            one.continuation = _encoded_alone(one, tokenizer)
    tokens_of_texts = [one.tokens_of_text for one in flat]
    read = tokenizer.read_back([one.text for one in flat], tokens_of_texts)
    for one, tokens_of_text, (form, back) in zip(flat, tokens_of_texts, read, strict=True):
        one.back = back if form is None else None
        one.normalised = form is not None and form.lstrip(" ") != one.text.lstrip(" ")
        one.special = not tokenizer.special.isdisjoint(tokens_of_text)
        _put_prefix(one, tokenizer)
    return found


def _contexts(texts: list[str], tokenizer: TextTokenizer) -> dict[str, tuple[np.ndarray, int]]:
    """Return the tokens of each context, and how many of them are special ones in front."""
    with_special = tokenizer.encode_texts(texts, special=True)
    without = tokenizer.encode_texts(texts, special=False)
    return {
        text: (np.array(tokens, dtype=np.int32), len(tokens) - len(bare))
        for text, tokens, bare in zip(texts, with_special, without, strict=True)
    }


def _encode(
    texts: Sequence[str], bare: Sequence[bool], tokenizer: TextTokenizer
) -> list[np.ndarray]:
    """Return the token ids of each text; texts that are `bare` get no special tokens."""
    encoded = [np.empty(0, dtype=np.int32)] * len(texts)
    for special in (True, False):
        at = [index for index, alone in enumerate(bare) if alone is not special]
        for index, tokens in zip(
            at, tokenizer.encode_texts([texts[index] for index in at], special=special), strict=True
        ):
            encoded[index] = np.array(tokens, dtype=np.int32)
    return encoded


def _encoded_alone(option: OptionTokens, tokenizer: TextTokenizer) -> np.ndarray:
    """Return the tokens of an option by itself, with the white space between it and the context.

    A tokenizer that puts a space in front of every text gets the option without its own, or behind
    a line break whose tokens are removed.
    """
    text = option.scored
    before = option.context[option.in_front :].tolist()
    plain, shorter, behind, line_break = tokenizer.encode_texts(
        [text, text.removeprefix(" "), f"\n{text}", "\n"], special=False
    )
    choices = [plain, shorter]
    if behind[: len(line_break)] == line_break:
        choices.append(behind[len(line_break) :])
    read = tokenizer.read_back(
        [option.text] * len(choices), [[*before, *choice] for choice in choices]
    )
    right = next((index for index, (form, _) in enumerate(read) if form is not None), 0)
    return np.array(choices[right], dtype=np.int32)


def _put_prefix(option: OptionTokens, tokenizer: TextTokenizer) -> None:
    """Put the prefix token in the place of an empty context.

    As the reference does, where the text itself begins with that token, it is the context.
    """
    if len(option.context):
        return
    scored = option.continuation
    if len(scored) and scored[0] == tokenizer.prefix:
        option.context, option.continuation = scored[:1], scored[1:]
    else:
        option.context = np.array([tokenizer.prefix], dtype=np.int32)
