"""Switch off settings that tokenizer files carry, and check what tokens say about texts.

A file can hold padding, truncation and dropout. They suit the program that wrote the file, and they
change or invent tokens here. Read `switch_off` and `scored_form` first.
"""

import unicodedata
from collections import Counter

from tokenizers import Tokenizer, normalizers

ROUND_TRIP = (
    "Naïve café, “quotes”,\ttabs\r\n\n  spaces…  ½ 🙂 中文 \x00\ufeff <|endoftext|> end",
    "  Two spaces around, and accents apart: e\u0301, \u1112\u1161\u11ab.  ",
)
"""Texts that must be unchanged by encoding and decoding."""
_WORDS = "A text of some words, cut into tokens twice; "
_SHORT, _LONG = _WORDS, _WORDS * 120
"""The long text has over 1,000 words."""


def switch_off(tokenizer: Tokenizer) -> list[str]:
    """Switch off padding, truncation and dropout; return the names of those that were on."""
    found = []
    if tokenizer.padding is not None:
        tokenizer.no_padding()
        found.append("padding")
    if tokenizer.truncation is not None:
        tokenizer.no_truncation()
        found.append("truncation")
    # Only byte-pair encoding has dropout.
    if getattr(tokenizer.model, "dropout", None):
        tokenizer.model.dropout = None
        found.append("dropout")
    return found


def keep_form(tokenizer: Tokenizer) -> list[str]:
    """Switch off the normalizer NFC of a byte-level tokenizer; return its name if it was on.

    Many published tokenizers have it. Texts in NFC keep their tokens, and other texts are no longer
    changed.
    """
    if not isinstance(tokenizer.normalizer, normalizers.NFC):
        return []
    tokenizer.normalizer = None
    return ["normalizer NFC"]


def check_batches(tokenizer: Tokenizer, where: str) -> None:
    """Check that tokens of a text do not depend on the batch or the call.

    Raises:
        ValueError: naming the tokenizer, if they do.
    """
    texts = [_SHORT, _LONG]
    try:
        alone = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    except Exception as error:  # the library raises no narrower type
        raise ValueError(f"{where}: cannot encode {_SHORT!r}: {error}") from error
    for _ in range(2):
        together = tokenizer.encode_batch(texts, add_special_tokens=False)
        if [encoding.ids for encoding in together] != alone:
            counts = [len(ids) for ids in alone], [len(encoding.ids) for encoding in together]
            raise ValueError(
                f"{where}: the same two texts have {counts[0]} tokens alone and {counts[1]} in a"
                " batch, or other tokens; remove padding, truncation and dropout from its file"
            )


def check_numbers(tokenizer: Tokenizer, where: str) -> None:
    """Check that n entries have the numbers 0 to n - 1, which are rows of a model's embedding.

    Raises:
        ValueError: naming the token and its number, if they do not.
    """
    vocabulary = tokenizer.get_vocab()
    entries = len(vocabulary)
    token, number = max(vocabulary.items(), key=lambda entry: entry[1])
    if number >= entries:
        raise ValueError(
            f"{where}: token {token!r} has the number {number}, but its {entries} entries must have"
            f" the numbers 0 to {entries - 1} without a gap"
        )
    counts = Counter(vocabulary.values())
    if len(counts) < entries:
        number = next(number for number, count in sorted(counts.items()) if count > 1)
        tokens = sorted(token for token, given in vocabulary.items() if given == number)
        raise ValueError(
            f"{where}: tokens {tokens[0]!r} and {tokens[1]!r} have the number {number}"
        )


def check_byte_level(tokenizer: Tokenizer, where: str) -> None:
    """Check that every text has tokens and comes back from them, byte by byte.

    Raises:
        ValueError: naming the token, the byte or the text for which this is not so.
    """
    added = tokenizer.get_added_tokens_decoder().values()
    names = {token.content for token in added}
    vocabulary = tokenizer.get_vocab()
    alphabet = byte_alphabet()
    allowed = set(alphabet)
    for token in sorted(vocabulary):
        if token not in names and not allowed.issuperset(token):
            raise ValueError(
                f"{where}: token {token!r} is not made of bytes; it must be a byte-level tokenizer"
            )
    absent = [byte for byte, character in enumerate(alphabet) if character not in vocabulary]
    if absent:
        raise ValueError(
            f"{where}: {len(absent)} of the 256 bytes have no token, first 0x{absent[0]:02X}; text"
            " with them would be lost"
        )
    spelled = [f"a {token.content} b" for token in added if not token.special]
    texts = [*ROUND_TRIP, *spelled]
    encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
    backs = tokenizer.decode_batch(
        [encoding.ids for encoding in encodings], skip_special_tokens=False
    )
    for text, back in zip(texts, backs, strict=True):
        if back != text:
            raise ValueError(
                f"{where}: decode(encode(x)) is {back!r} for x = {text!r}; it must be a byte-level"
                " tokenizer that changes no text: set its normalizer to null, and remove added"
                " tokens that take in spaces or have accents"
            )


def scored_form(text: str, back: str) -> str | None:
    """Return the text that tokens stand for, None if they do not give the text back.

    Two differences do not matter. Many tokenizers put a space in front of a text, or drop the one
    that is there. Some write canonically equivalent characters in one way (Unicode's form NFC);
    the bytes that count are then those of that form.

    Args:
        text: a text.
        back: the text decoded from its tokens.
    """
    for form in (text, unicodedata.normalize("NFC", text)):
        if back in (form, f" {form}"):
            return form
        if back and form == f" {back}":
            return back
    return None


def first_difference(text: str, back: str, width: int = 24) -> tuple[str, str]:
    """Return the parts of two texts around the first character in which they differ."""
    same = next(
        (index for index, pair in enumerate(zip(text, back, strict=False)) if pair[0] != pair[1]),
        min(len(text), len(back)),
    )
    start = max(0, same - width // 3)
    return text[start : start + width], back[start : start + width]


def byte_alphabet() -> list[str]:
    """Return the characters of the 256 bytes in a byte-level vocabulary (GPT-2's table)."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]
