"""Parts of a text by which losses are summed, and the tables of these sums.

The bytes of a text are divided in two ways: by the kind of byte, and by the frequency of the word
that a byte belongs to. Each division covers every byte once, so that its sums add up to the nats of
the text. Meanings, units and dtypes are in docs/reference/tables.md.
"""

BYTE_CLASSES = ("letters", "digits", "punctuation", "white_space", "non_ascii")
"""Kinds of bytes: ASCII letters, ASCII digits, other ASCII characters but white space, ASCII white
space, and the bytes of all other characters."""

WORD_CLASSES = ("common", "rare", "unseen", "other")
"""Frequencies of words in the training corpus. `other` are the bytes outside whole words: digits,
punctuation, white space, and a word that the window cuts."""

PARTITIONS = {"bytes": BYTE_CLASSES, "words": WORD_CLASSES}
"""The divisions, each with its buckets in order."""

COMMON_PER_MILLION = 100.0
"""Occurrences per million words of the training corpus from which on a word is common; a rare word
occurs at least once. It is the value 5 of the Zipf scale (van Heuven et al. 2014)."""

NUM_POSITION_BUCKETS = 7
"""Buckets of positions in the context, equal in the logarithm of the position."""

WORD_COUNTS_COLUMNS = ("word", "count")
"""Columns of the words of a corpus."""

TOKEN_BYTES_COLUMNS = ("domain", "item", "sizes", "bytes", "words")
"""Columns of the bytes of a family's scored tokens."""

BUCKETS_COLUMNS = (
    "corpus",
    "run",
    "family",
    "domain",
    "stratum",
    "item",
    "partition",
    "bucket",
    "num_bytes",
    "nats",
    "overlaps",
)
"""Columns of the sums by bucket, in order."""

BUCKETS_KEY = ("corpus", "family", "domain", "run", "item", "partition", "bucket")
"""Key of a row of the sums by bucket."""

POSITIONS_COLUMNS = (
    "corpus",
    "run",
    "family",
    "domain",
    "first_position",
    "last_position",
    "num_tokens",
    "nats",
    "standard_error",
    "mean_log_position",
    "var_log_position",
)
"""Columns of the sums by position in the context, in order."""

POSITIONS_KEY = ("corpus", "family", "domain", "run", "first_position")
"""Key of a row of the sums by position."""
