"""Settings: how documents are read out of files."""

from typing import Annotated, Literal

from pydantic import Field

from relscale.config.base import Model, Positive


class Reader(Model):
    """What all readers of documents share: where the files are and how their text is cleaned."""

    files: str
    """Glob of the files inside the source, such as "data/*.txt"."""
    exclude: list[str] = []
    """Globs of files to leave out."""
    member: str | None = None
    """Name of the file inside a zip archive, where the files are archives."""
    strip_markup: bool = False
    """Remove HTML tags and decode entities."""
    strip_urls: bool = False
    """Remove web addresses."""
    replace: dict[str, str] = {}
    """Literal replacements, made before anything else."""


class TextFiles(Reader):
    """Each file is one document."""

    kind: Literal["text_files"]
    split_at: str | None = None
    """A regular expression: where it matches at the start of a line, a new document begins (a
    scene, a chapter, an entry)."""
    max_characters: Positive | None = None
    """Longer documents are cut, each time before the first blank line after so many characters."""


class CsvRows(Reader):
    """Each row of a CSV file is one document."""

    kind: Literal["csv"]
    text: str
    """Column that holds the text."""
    domain: str | None = None
    """Column that names the domain."""
    domain_is_host: bool = False
    """The domain column holds a web address; its host name is meant."""


class JsonRecords(Reader):
    """Each record of a JSON list, of a JSON mapping's values, or each line of a .jsonl (or
    .jsonl.gz) file is one document."""

    kind: Literal["json"]
    text: str
    """Key that holds the text."""
    domain: str | None = None
    """Key that names the domain."""


class ParquetRows(Reader):
    """Each row of a Parquet file is one document."""

    kind: Literal["parquet"]
    text: str
    """Column that holds the text."""
    domain: str | None = None
    """Column that names the domain."""


class ServiceManuals(Reader):
    """Documentation strings of service descriptions (<service>/<date>/service-2.json.gz), newest
    version of each service."""

    kind: Literal["service_manuals"]


class DictionaryQuestions(Reader):
    """Questions and answers made by fixed templates from dictionary entries: template-made text,
    not model-made."""

    kind: Literal["dictionary_questions"]


class DomainFolders(Reader):
    """A folder a domain: inside, plain text files (a document each), or records as JSON lines,
    JSON, CSV or Parquet, by their endings."""

    kind: Literal["domain_folders"]
    text: str = "text"
    """Key or column that holds the text of a record."""
    level: Positive = 1
    """Which folder of a file's path inside the source names the domain, from 1."""


class IceFiles(Reader):
    """Texts of the International Corpus of English with their mark-up, a folder a domain: tags go,
    and so does what is not corpus text."""

    kind: Literal["ice"]
    written_only: bool = True
    """Read only the files of written texts (their names begin with W)."""
    level: Positive = 1
    """Which folder of a file's path inside the source names the domain, from 1."""


AnyReader = Annotated[
    TextFiles
    | CsvRows
    | JsonRecords
    | ParquetRows
    | DomainFolders
    | IceFiles
    | ServiceManuals
    | DictionaryQuestions,
    Field(discriminator="kind"),
]


def names_domains(reader: AnyReader) -> bool:
    """Return whether a reader says which domain a document belongs to."""
    return reader.kind in {"domain_folders", "ice"} or getattr(reader, "domain", None) is not None
