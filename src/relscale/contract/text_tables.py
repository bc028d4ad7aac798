"""The columns of the tables of sources and corpora.

Meanings, units and dtypes are in docs/reference/tables.md. Each stage imports only the tables that it reads or
writes, so that a new column makes only those stale.
"""

SOURCES_COLUMNS = (
    "source",
    "package",
    "version",
    "sha256",
    "num_files",
    "num_bytes",
    "licence",
    "citation",
)

CORPORA_COLUMNS = (
    "corpus",
    "component",
    "source",
    "documents_read",
    "bytes_read",
    "removed_too_short",
    "removed_exact_duplicate",
    "removed_near_duplicate",
    "removed_over_share",
    "paragraphs_decontaminated",
    "documents",
    "bytes",
    "documents_validation",
    "bytes_validation",
    "tokens",
    "tokens_validation",
)
