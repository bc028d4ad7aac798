"""Settings: corpora too large for one machine's memory, tokenized shard by shard and read by
weight."""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from relscale.config.base import Model, Name, Positive, Share


def _inside(value: str) -> str:
    path = PurePosixPath(value)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise ValueError('a glob inside the source\'s folder is needed, such as "**/*.jsonl.zst"')
    return value


class ShardedComponent(Model):
    """One ingredient: files of a local folder or of a dataset on the hub, turned into several files
    of tokens."""

    source: Name
    """Key of `sources`, of kind local or hub."""
    files: Annotated[str, AfterValidator(_inside)]
    """Glob inside the source, such as "**/*.jsonl.zst". Endings that are read: .jsonl and .json (a
    record a line), .parquet, .txt (a document a line); all but .parquet also with .gz or .zst
    behind."""
    exclude: list[str] = []
    """Globs of files to leave out."""
    text: str = "text"
    """Key or column that holds the text, which is taken as it stands."""
    weight: Annotated[float, Field(gt=0)]
    """Its share of what a run sees is this over the sum of all weights."""
    shards: Positive = 1
    """Files of tokens to make, each by a job of its own; there must be at least as many files of
    text."""
    max_tokens: Positive | None = None
    """Make about so many tokens and leave the rest of the text; none takes all."""
    validation_share: Share | None = None
    """As that of the corpus, for this component alone."""


class ShardedCorpus(Model):
    """A corpus of weighted components."""

    components: Annotated[dict[Name, ShardedComponent], Field(min_length=1)]
    """The ingredients by name."""
    validation_share: Share = 0.001
    """Share of each component's documents held out for validation, chosen by a hash of the
    document."""
    validation_mb: Annotated[float, Field(gt=0)] = 16.0
    """Megabytes (1e6 bytes) of held-out text in the corpus's validation file at most, its
    components by weight."""
    max_epochs: Annotated[float, Field(gt=0)] = 1.0
    """How often a run may see a component."""
