"""The tokenizer of a released model, without the settings that its file carries."""

import logging
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np

from relscale.text.tokenizer_checks import check_batches, scored_form, switch_off

log = logging.getLogger(__name__)

_PROBES = 50
"""Entries of a vocabulary that are tried as a text with a token."""


class ReleasedTokenizer:
    """The tokenizer of a released model as a `TextTokenizer`.

    Texts go to the tokenizer of the `tokenizers` library directly, so that neither padding,
    truncation and dropout of its file nor defaults of `transformers` change tokens.
    """

    def __init__(self, tokenizer: Any, name: str, prefix: int | None) -> None:
        """Wrap a tokenizer of `transformers`.

        Args:
            tokenizer: the tokenizer; its padding, truncation and dropout are switched off.
            name: the model's name, for messages.
            prefix: token for the beginning of a text, if there is one.

        Raises:
            ValueError: if it is not a tokenizer of the `tokenizers` library, or the tokens of a
                text change from call to call.
        """
        if not getattr(tokenizer, "is_fast", False):
            raise ValueError(
                f"model {name}: its tokenizer {type(tokenizer).__name__} is not one of the "
                "tokenizers library; save tokenizer.json"
            )
        self._tokenizer, self._name, self._prefix = tokenizer, name, prefix
        self._backend = tokenizer.backend_tokenizer
        switch_off(self._backend)
        check_batches(self._backend, f"model {name}: its tokenizer")
        self._prefix_text: str | None = None if prefix is None else tokenizer.decode(prefix)
        added = self._backend.get_added_tokens_decoder()
        self._added = {number: token.content for number, token in added.items()}
        self.special = frozenset(number for number, token in added.items() if token.special)
        self._in_front = self._tokens_in_front()

    def _tokens_in_front(self) -> int:
        """Return the number of special tokens that the tokenizer puts in front of a text."""
        for text in ("a", *islice(sorted(self._backend.get_vocab()), _PROBES)):
            encoding = self._encodings([text], True)[0]
            if encoding is not None and 0 in encoding.special_tokens_mask:
                return int(encoding.special_tokens_mask.index(0))
        return 0

    @property
    def prefix(self) -> int:
        """Token that precedes a text without context.

        Raises:
            ValueError: if the model has neither a token for the beginning of a text nor one for
                its end.
        """
        if self._prefix is None:
            raise ValueError(
                f"model {self._name}: its tokenizer has neither bos_token nor eos_token, and "
                "config.json names none of its special tokens; one must precede a text without "
                "context (set bos_token in tokenizer_config.json)"
            )
        return self._prefix

    def encode_texts(
        self, texts: Sequence[str], *, special: bool, spelled: bool = True
    ) -> list[list[int]]:
        """Return the token ids of each text, with the special tokens that precede a text or not.

        A text that begins with the text of the prefix token gets no special tokens. Special tokens
        behind a text are never returned: they stand for no text and are not scored.

        Args:
            texts: the texts.
            special: whether to return the special tokens that the tokenizer puts in front.
            spelled: whether a special token that a text spells is that token; if not, it is text.
        """
        begins = self._prefix_text
        adds = [special and not (begins and text.startswith(begins)) for text in texts]
        self._backend.encode_special_tokens = not spelled
        encoded: list[list[int]] = [[]] * len(texts)
        for add in (True, False):
            at = [index for index, adds_here in enumerate(adds) if adds_here is add]
            batch = self._encodings([texts[index] for index in at], add)
            for index, encoding in zip(at, batch, strict=True):
                if encoding is None:
                    continue
                # The mask marks tokens that were put around the text, not those that it spells.
                ids, around = encoding.ids, encoding.special_tokens_mask
                end = len(ids)
                while add and end > self._in_front and around[end - 1]:
                    end -= 1
                encoded[index] = ids[:end]
        return encoded

    def _encodings(self, texts: Sequence[str], add: bool) -> list[Any]:
        """Return the encoding of each text; None of one for which the tokenizer fails.

        Some have no token for unknown words and raise an error.
        """
        try:
            return list(self._backend.encode_batch_fast(texts, add_special_tokens=add))
        except Exception as error:  # the library raises no narrower type
            if len(texts) > 1:
                return [self._encodings([text], add)[0] for text in texts]
            log.warning("model %s: a text without tokens: %s", self._name, error)
            return [None]

    def read_back(
        self, texts: Sequence[str], tokens: Sequence[Sequence[int]]
    ) -> list[tuple[str | None, str]]:
        """Return of each text the form that its tokens stand for, and the text decoded from them.

        The form is None where the tokens do not give the text back (`scored_form`).
        """
        backs = self._backend.decode_batch([list(row) for row in tokens], skip_special_tokens=False)
        read = []
        for text, row, back in zip(texts, tokens, backs, strict=True):
            form = scored_form(text, back)
            if form is None and not self._added.keys().isdisjoint(row):
                form = scored_form(text, self._spelled_out(row))
            read.append((form, back))
        return read

    def _spelled_out(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, with added tokens as they are written.

        Byte-level decoders take the accents of an added token for bytes.
        """
        parts: list[str] = []
        run: list[int] = []
        for token in tokens:
            if token in self._added:
                parts += [self._backend.decode(run, skip_special_tokens=False), self._added[token]]
                run = []
            else:
                run.append(token)
        return "".join([*parts, self._backend.decode(run, skip_special_tokens=False)])

    def token_sizes(self, text: str, masked: int) -> np.ndarray:
        """Return the UTF-8 bytes of each token of a text after the first ones, (token,).

        A byte belongs to the first token that ends behind it: so does white space in front of a
        token that is not in its offsets, and the first of several tokens has their character. The
        sizes add up to `bytes_after`.

        Args:
            text: the text; a special token that it spells is text.
            masked: first tokens that are not counted; fewer than the text has.
        """
        self._backend.encode_special_tokens = True
        offsets = self._backend.encode(text, add_special_tokens=False).offsets
        before = np.cumsum([0, *(len(character.encode()) for character in text)])
        ends = before[[end for _, end in offsets[masked:]]]
        ends[-1] = before[-1]
        start = before[-1] - self.bytes_after(text, masked)
        reached = np.maximum.accumulate(np.concatenate([[start], ends]))
        return np.asarray(np.diff(reached), dtype=np.int32)

    def bytes_after(self, text: str, tokens: int) -> int:
        """Return the UTF-8 bytes of a text that belong to its tokens after the first ones.

        A character that begins before and ends after counts; so does a space in front of a token,
        which some tokenizers leave out of a token's offsets.
        """
        self._backend.encode_special_tokens = True
        offsets = self._backend.encode(text, add_special_tokens=False).offsets
        if tokens >= len(offsets):
            return 0
        start = min(offsets[tokens][0], offsets[tokens - 1][1]) if tokens else 0
        return len(text[start:].encode())
