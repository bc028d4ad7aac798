"""Time to tokenize a shard, from the size of its text. Light imports."""

from collections.abc import Iterable
from pathlib import PurePath

from relscale.config.costs import Costs
from relscale.config.sharded import ShardedComponent
from relscale.resources.job_resources import minutes
from relscale.text.local_files import LocalFile

BYTES_PER_TOKEN = 2.5
"""Bytes of text per token, at least; most text has 3 to 5 with a large vocabulary."""
BYTES_PER_COMPRESSED_BYTE = 5
"""Bytes of text per byte of a compressed or Parquet file, at most in common files."""
UNKNOWN_MINUTES = 3 * 24 * 60
"""Time if the size of the text is unknown: three days, enough for 1.3e11 tokens on one core. A
shard that runs out of time is resumed."""


def shard_minutes(
    component: ShardedComponent, costs: Costs, files: Iterable[LocalFile] = ()
) -> int:
    """Return the minutes to request for one shard of a component.

    Args:
        component: settings of the component; `max_tokens`, if given, is the size of its text.
        costs: tokens that a core makes per second.
        files: files of the component on this machine, used if `max_tokens` is not given.
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
