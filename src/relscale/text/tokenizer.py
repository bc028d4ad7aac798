"""Train, load and check the byte-level BPE tokenizer of all corpora.

Read `train_tokenizer` and `load_tokenizer` first. Byte-level BPE (Sennrich et al. 2016; Radford et
al. 2019) has an entry for each byte, so decode(encode(x)) == x for any text.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from relscale.text.document_files import read_batches
from relscale.text.end_of_text import END_OF_TEXT_NAMES, end_of_text_in
from relscale.text.tokenizer_checks import (
    check_batches,
    check_byte_level,
    check_numbers,
    keep_form,
    switch_off,
)

END_OF_TEXT = END_OF_TEXT_NAMES[0]
"""Token that follows each document; entry 0 of tokenizers that are trained here."""
END_OF_TEXT_ID = 0


def train_tokenizer(
    corpora: Mapping[str, Path], vocab_size: int, mb_per_corpus: float
) -> Tokenizer:
    """Train a byte-level BPE on the same number of bytes of each corpus.

    Args:
        corpora: file of training documents (Parquet) of each corpus, by name.
        vocab_size: number of entries, including the end-of-text token.
        mb_per_corpus: megabytes (1e6 bytes) of each corpus; less of each, if one has less.

    Raises:
        ValueError: if a corpus has no text, or there is too little text for this many entries.
    """
    limit = int(mb_per_corpus * 1e6)
    sizes = {
        name: sum(len(text.encode()) for text in first_texts(path, limit))
        for name, path in sorted(corpora.items())
    }
    smallest = min(sizes.values())
    if smallest == 0:
        raise ValueError(
            f"{corpora[min(sizes, key=lambda name: sizes[name])]}: no text to train a tokenizer on"
        )
    tokenizer = _empty()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        (text for _, path in sorted(corpora.items()) for text in first_texts(path, smallest)),
        trainer,
    )
    if tokenizer.get_vocab_size() != vocab_size:
        raise ValueError(
            f"tokenizer.vocab_size = {vocab_size}: {smallest} bytes of each of"
            f" {', '.join(sorted(corpora))} give only {tokenizer.get_vocab_size()} entries; give"
            " more text or fewer entries"
        )
    check_tokenizer(tokenizer, "the trained tokenizer")
    return tokenizer


def _empty() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.encode_special_tokens = True
    return tokenizer


def first_texts(path: Path, num_bytes: int) -> Iterator[str]:
    """Yield the first texts of a corpus up to a number of UTF-8 bytes; the last one is cut."""
    left = num_bytes
    for batch in read_batches(path, batch_size=256):
        for text in batch.column("text").to_pylist():
            raw = text.encode()
            if len(raw) >= left:
                yield raw[:left].decode(errors="ignore")
                return
            left -= len(raw)
            yield text


def load_tokenizer(path: Path, where: str = "") -> Tokenizer:
    """Load a tokenizer file; text that spells a special token is encoded as text.

    Padding, truncation, dropout and the normalizer NFC that the file holds are switched off.

    Args:
        path: the file.
        where: its name in messages; the path if empty.

    Raises:
        ValueError: naming the file, if it is not a tokenizer, or fails `check_tokenizer`.
    """
    where = where or str(path)
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises no narrower type
        raise ValueError(f"{where}: not a tokenizer file: {error}") from error
    # The file format cannot store this setting. Without it, a document that spells out the
    # end-of-text token would be cut in two.
    tokenizer.encode_special_tokens = True
    switch_off(tokenizer)
    keep_form(tokenizer)
    check_tokenizer(tokenizer, where)
    return tokenizer


def end_of_text(tokenizer: Tokenizer, where: str = "tokenizer") -> tuple[str, int]:
    """Return the name and the number of the token that follows each document.

    Raises:
        ValueError: if there is none.
    """
    added = tokenizer.get_added_tokens_decoder()
    tokens = [
        {"content": token.content, "id": number, "special": token.special}
        for number, token in added.items()
    ]
    return end_of_text_in({"added_tokens": tokens}, where)


def check_tokenizer(tokenizer: Tokenizer, where: str) -> None:
    """Check that a corpus can be written in a tokenizer's tokens and read from them.

    It has an end-of-text token, its numbers have no gap, it is byte-level, decoding inverts
    encoding, and the tokens of a text are always the same.

    Raises:
        ValueError: naming the tokenizer and the token or text for which this is not so.
    """
    end_of_text(tokenizer, where)
    check_numbers(tokenizer, where)
    check_byte_level(tokenizer, where)
    check_batches(tokenizer, where)


def tokenizer_text(tokenizer: Tokenizer) -> str:
    """Return the content of the tokenizer's file; the same tokenizer gives the same bytes."""
    return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, indent=1) + "\n"
