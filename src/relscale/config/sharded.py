"""Settings of sharded corpora, which are tokenized shard by shard and mixed by weight.

They may be larger than the memory of one machine.
"""

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from relscale.config.base import NUMBER, Model, Name, Positive, Share


def _inside(value: str) -> str:
    path = PurePosixPath(value)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise ValueError('must be a glob inside the source\'s folder, such as "**/*.jsonl.zst"')
    return value


class ComponentText(Model):
    """The text of a component and how to tokenize it: everything that decides the shards."""

    source: Name
    """Key of `sources`, of kind local or hub."""
    files: Annotated[str, AfterValidator(_inside)]
    """Glob of the files inside the source, such as "**/*.jsonl.zst". Supported are JSON Lines
    (.jsonl, .json), JSON lists (.json), CSV (.csv), text with one document per line (.txt) and
    Parquet (.parquet); all but Parquet also compressed (.gz, .zst) or inside a .zip archive."""
    exclude: list[str] = []
    """Globs of files to leave out."""
    member: str | None = None
    """Name of the file inside a zip archive. Not needed where an archive holds a single file."""
    text: str = "text"
    """Key or column that holds the text. The text is not cleaned."""
    shards: Positive = 1
    """Number of token files, each built by its own job. There must be at least as many text
    files."""
    max_tokens: Positive | None = None
    """Stop after about this many tokens; all text is used where it is left out."""
    validation_share: Share | None = None
    """Replaces the corpus's `validation_share` for this component."""


class ShardedComponent(ComponentText):
    """One component: the files of a local folder or of a dataset on the Hub."""

    weight: Annotated[float, Field(gt=0), NUMBER]
    """Weight in the mixture: the component's share of the training windows is its weight over the
    sum of all weights."""


class ShardedCorpus(Model):
    """A corpus of weighted components."""

    components: Annotated[dict[Name, ShardedComponent], Field(min_length=1)]
    """Components by name."""
    validation_share: Share = 0.001
    """Share of each component's documents held out for validation, chosen by a hash of the
    document."""
    validation_mb: Annotated[float, Field(gt=0), NUMBER] = 16.0
    """Maximum size of the corpus's validation text in megabytes (1e6 bytes); components contribute
    by weight."""
    max_epochs: Annotated[float, Field(gt=0), NUMBER] = 1.0
    """How often a run may see the text of a component."""
