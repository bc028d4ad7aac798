"""From text to token ids: the boundary between context and continuation, and bytes of tokens."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from relscale.evaluation.requests import Option
from relscale.evaluation.texts import TextItem
from relscale.text.tokenizer import end_of_text
from relscale.text.tokenizer_checks import byte_alphabet


class TextEncoder:
    """A byte-level tokenizer that knows the bytes of each of its tokens.

    The prefix token is the one between documents in training.
    """

    def __init__(self, tokenizer: Tokenizer, where: str = "tokenizer") -> None:
        """Wrap a tokenizer.

        Raises:
            ValueError: naming its origin `where`, if it has no end-of-text token or is not
                byte-level.
        """
        self.tokenizer = tokenizer
        self.prefix: int = end_of_text(tokenizer, where)[1]
        added = {
            token.content: 0 if token.special else len(token.content.encode())
            for token in tokenizer.get_added_tokens_decoder().values()
        }
        vocabulary = tokenizer.get_vocab()
        alphabet = set(byte_alphabet())
        odd = next(
            (
                token
                for token in sorted(vocabulary)
                if token not in added and not alphabet.issuperset(token)
            ),
            None,
        )
        if odd is not None:
            raise ValueError(
                f"{where}: token {odd!r} is not made of bytes; only byte-level tokenizers are "
                "supported"
            )
        # In the byte-level alphabet one character is one byte. Added tokens are written as they
        # are; special ones stand for no text.
        self._num_bytes = {
            index: added.get(token, len(token)) for token, index in vocabulary.items()
        }
        self._added = set(added)
        self._byte = {character: byte for byte, character in enumerate(byte_alphabet())}

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the token ids of a text, without any special token."""
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def encode_all(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the token ids of each text."""
        return [
            tuple(encoding.ids)
            for encoding in self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        ]

    def num_bytes(self, tokens: Sequence[int]) -> int:
        """Return the UTF-8 bytes of tokens; a token may be a part of a character."""
        return sum(self._num_bytes[token] for token in tokens)

    def bytes_of(self, token: int) -> bytes:
        """Return the UTF-8 bytes of a token, which may be a part of a character."""
        text = self.tokenizer.id_to_token(token)
        assert text is not None  # tokens come from the tokenizer
        if text in self._added:
            return text.encode() if self._num_bytes[token] else b""
        return bytes(map(self._byte.__getitem__, text))

    def option(self, context: str, text: str, delimiter: str = " ") -> Option:
        """Return the request that scores a text after a context.

        The boundary is that of EleutherAI's lm-evaluation-harness (0.4), except where a token
        spans it.

        The continuation is delimiter + text; white space at the context's end moves to it; its
        tokens are those of the whole that follow the tokens of the context. If the whole does not
        begin with these, the continuation is encoded alone: nothing of the text is lost. With an
        empty context, the text follows the prefix token. Bytes are those of the continuation
        without the one space that parts it from the context.

        Raises:
            ValueError: if the text is empty or has no token of its own.
        """
        if not text.strip():
            raise ValueError(f"an empty text after {context[-60:]!r} cannot be scored")
        given, alone = context.rstrip(), False
        if given:
            continuation = context[len(given) :] + delimiter + text
            shown, whole = self.encode(given), self.encode(given + continuation)
            alone = len(whole) <= len(shown) or whole[: len(shown)] != shown
            scored = self.encode(continuation) if alone else whole[len(shown) :]
        else:
            continuation = f" {text}"
            shown, scored = (), self.encode(text)
        if not scored:
            raise ValueError(f"{text!r} has no token of its own after {context[-60:]!r}")
        return Option(
            context=(self.prefix, *shown),
            continuation=scored,
            num_bytes=len(continuation.removeprefix(" ").encode()),
            alone=alone,
        )

    def options(self, item: TextItem) -> tuple[Option, ...]:
        """Return the requests of a question, one per option."""
        context = item.prefix + item.context
        return tuple(
            self.option(context, text.removeprefix(" "), " " if text.startswith(" ") else "")
            for text in item.options
        )

    def window(self, tokens: Sequence[int], masked: int = 0) -> Option:
        """Return the request that scores tokens after the prefix token.

        The first `masked` tokens are not scored, and their bytes do not count.
        """
        return Option(
            context=(self.prefix, *tokens[:masked]),
            continuation=tuple(tokens[masked:]),
            num_bytes=self.num_bytes(tokens[masked:]),
        )
