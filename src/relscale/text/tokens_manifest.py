"""The manifest of a corpus's tokens, which training reads. Light imports."""

from pydantic import BaseModel, ConfigDict

from relscale.config.base import Model
from relscale.contract.text_tables import CorpusRow


class CorpusRows(BaseModel):
    """The part of a manifest that the table of corpora reports."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    corpus: str
    """Name of the corpus."""
    rows: list[CorpusRow]
    """Counts of each component."""


class TokensManifest(CorpusRows):
    """Token files of an in-memory corpus, `train.bin` and `validation.bin`, with their counts."""

    model_config = ConfigDict(extra="forbid")

    dtype: str
    """NumPy dtype of the tokens, little-endian."""
    vocab_size: int
    """Entries of the tokenizer."""
    tokenizer_sha256: str
    """SHA-256 of the tokenizer's file."""
    sha256: dict[str, str]
    """SHA-256 of each file; of `train.bin` of a sharded corpus, a digest over names, weights and
    checksums of its shards."""
    tokens: int
    """Training tokens."""
    documents: int
    """Training documents."""
    bytes: int
    """UTF-8 bytes of the training documents."""
    tokens_validation: int
    """Validation tokens."""
    documents_validation: int
    """Validation documents."""
    bytes_validation: int
    """UTF-8 bytes of the validation documents."""


class ShardFile(Model):
    """One file of tokens."""

    path: str
    """Path relative to the manifest's folder."""
    tokens: int
    """Number of tokens."""
    sha256: str
    """SHA-256 of the file."""


class ComponentShards(Model):
    """The token files of one component."""

    name: str
    """Name of the component."""
    weight: float
    """Weight in the mixture."""
    max_epochs: float
    """How often a run may see the component."""
    shards: list[ShardFile]
    """Its files, in order."""


class ShardedManifest(TokensManifest):
    """Token files of a sharded corpus."""

    components: list[ComponentShards]
    """Components, in order."""
