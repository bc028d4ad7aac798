"""From text to token ids: the boundary between context and continuation, and bytes of tokens."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from relscale.evaluation.requests import Option
from relscale.evaluation.texts import TextItem
from relscale.text.tokenizer import end_of_text


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
        vocabulary = tokenizer.get_vocab()
        specials = {
            token.content
            for token in tokenizer.get_added_tokens_decoder().values()
            if token.special
        }
        alphabet = set(byte_alphabet())
        odd = next(
            (
                token
                for token in sorted(vocabulary)
                if token not in specials and not alphabet.issuperset(token)
            ),
            None,
        )
        if odd is not None:
            raise ValueError(
                f"{where}: token {odd!r} is not made of bytes; only byte-level tokenizers are "
                "supported"
            )
        # In the byte-level alphabet one character is one byte; special tokens stand for no text.
        self._num_bytes = {
            index: 0 if token in specials else len(token) for token, index in vocabulary.items()
        }

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

    def option(self, context: str, text: str, delimiter: str = " ") -> Option:
        """Return the request that scores a text after a context.

        The boundary is that of EleutherAI's lm-evaluation-harness (0.4).

        The continuation is delimiter + text; white space at the context's end moves to it; its
        tokens are those of the whole that follow as many as the context alone has. With an empty
        context, the text follows the prefix token. Bytes are those of the text, without
        the delimiter.

        Raises:
            ValueError: if the text is empty or has no token of its own.
        """
        if not text.strip():
            raise ValueError(f"an empty text after {context[-60:]!r} cannot be scored")
        given = context.rstrip()
        if given:
            continuation = context[len(given) :] + delimiter + text
            alone = self.encode(given)
            shown, scored = (self.prefix, *alone), self.encode(given + continuation)[len(alone) :]
        else:
            shown, scored = (self.prefix,), self.encode(text)
        if not scored:
            raise ValueError(f"{text!r} has no token of its own after {context[-60:]!r}")
        return Option(context=shown, continuation=scored, num_bytes=len(text.encode()))

    def options(self, item: TextItem) -> tuple[Option, ...]:
        """Return the requests of a question, one per option.

        Bytes are those of the option without the space that separates it from the context.
        """
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


def byte_alphabet() -> list[str]:
    """Return the characters of the 256 bytes in a byte-level vocabulary (GPT-2's table)."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]
