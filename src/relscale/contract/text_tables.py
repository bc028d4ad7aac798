"""Tables of sources and corpora: one model per table, whose fields are the table's columns.

Units and dtypes are in docs/reference/tables.md. Each stage imports only the tables that it reads
or writes, so that a new column makes only those stages stale.
"""

from relscale.contract.row import TableRow


class SourceRow(TableRow):
    """One source of text, a row of `sources.csv`."""

    source: str
    """Key of the source in the configuration."""
    package: str | None
    """Package of the index, or dataset of the Hub."""
    version: str | None
    """Version of the package, or commit of the dataset."""
    sha256: str
    """SHA-256 of the package's file, or a digest over the files' checksums."""
    num_files: int
    """Number of files."""
    num_bytes: int
    """Size of all files in bytes."""
    licence: str
    """Licence of the text."""
    citation: str
    """How to cite the text."""


class ComponentCounts(TableRow):
    """Document counts of one component of a corpus."""

    corpus: str
    """Name of the corpus."""
    component: int
    """Index of the component in the corpus, counted from 0."""
    source: str
    """Source of the component's text."""
    documents_read: int
    """Documents read from the source."""
    bytes_read: int
    """UTF-8 bytes of these documents, before cleaning."""
    removed_too_short: int = 0
    """Documents removed because they were too short."""
    removed_exact_duplicate: int = 0
    """Documents removed as exact duplicates."""
    removed_near_duplicate: int = 0
    """Documents removed as near-duplicates."""
    removed_over_share: int = 0
    """Documents removed because they exceeded the component's share."""
    paragraphs_decontaminated: int = 0
    """Paragraphs removed because they share text with an evaluation set."""
    documents: int
    """Training documents."""
    bytes: int
    """UTF-8 bytes of the training documents."""
    documents_validation: int
    """Validation documents."""
    bytes_validation: int
    """UTF-8 bytes of the validation documents."""


class CorpusRow(ComponentCounts):
    """One component of a corpus, a row of `corpora.csv`."""

    tokens: int
    """Training tokens, including end-of-text tokens."""
    tokens_validation: int
    """Validation tokens, including end-of-text tokens."""


SOURCES_COLUMNS = tuple(SourceRow.model_fields)
CORPORA_COLUMNS = tuple(CorpusRow.model_fields)
