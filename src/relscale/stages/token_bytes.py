"""Find the bytes of a family's scored tokens, and the classes of these bytes."""

from pathlib import Path

from relscale.evaluation.requests import read_requests
from relscale.evaluation.token_bytes import read_word_counts, token_bytes, write_token_bytes
from relscale.evaluation.tokens import TextEncoder
from relscale.runtime import run
from relscale.text.tokenizer import load_tokenizer


def main(*, requests: Path, tokenizer: Path, out: Path, words: Path | None = None) -> None:
    """Write the bytes of each document's tokens; without `words` there are no classes of words."""
    table = read_requests(requests)
    encoder = TextEncoder(load_tokenizer(tokenizer), str(tokenizer))
    counts = None if words is None else read_word_counts(words)
    write_token_bytes(table, token_bytes(table, encoder.bytes_of, counts), out)


if __name__ == "__main__":
    run(main)
