"""How long text takes to become tokens, from what the configuration says of its size. Pure
functions with light imports."""

from collections.abc import Iterable
from pathlib import PurePath

from relscale.config.analysis import Costs
from relscale.config.sharded import ShardedComponent
from relscale.resources.job import minutes
from relscale.text.local_files import LocalFile

BYTES_PER_TOKEN = 2.5
"""Bytes of text that make a token, at the least; most text has 3 to 5 with a large vocabulary."""
BYTES_PER_COMPRESSED_BYTE = 5
"""Bytes of text that a byte of a compressed file or a Parquet file holds, at the most that is
common."""
UNKNOWN_MINUTES = 3 * 24 * 60
"""Time where nothing says how much text there is: three days, within which a core makes 1.3e11
tokens. A shard that was stopped goes on."""


def shard_minutes(
    component: ShardedComponent, costs: Costs, files: Iterable[LocalFile] = ()
) -> int:
    """Return the minutes that a shard of a component may take.

    Args:
        component: its `max_tokens`, if it has them, say how much is made of its text.
        costs: tokens that a core makes in a second.
        files: those of it that lie on this machine; without them and `max_tokens` nothing is known.
    """
    tokens = float(component.max_tokens) if component.max_tokens is not None else _tokens_in(files)
    if not tokens:
        return UNKNOWN_MINUTES
    return minutes(tokens / component.shards / costs.tokens_per_core_s, UNKNOWN_MINUTES)


def _tokens_in(files: Iterable[LocalFile]) -> float:
    total = 0
    for file in files:
        plain = PurePath(file.path).suffix in {".jsonl", ".json", ".txt"}
        total += file.num_bytes * (1 if plain else BYTES_PER_COMPRESSED_BYTE)
    return total / BYTES_PER_TOKEN
