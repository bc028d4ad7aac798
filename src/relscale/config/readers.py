"""Settings of the document readers: which files of a source to read, and how.

Each class declares the settings of one reader; `relscale.text.readers` holds its behaviour in the
module of the same name as its `kind`. `AnyReader` lists the readers that a configuration may name.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from relscale.config.base import Flag, Model, Positive


class Reader(Model):
    """Settings that all readers share: which files to read and how to clean their text."""

    files: str
    """Glob of the files inside the source, such as "data/*.txt"."""
    exclude: list[str] = []
    """Globs of files to leave out."""
    member: str | None = None
    """Name of the file inside a zip archive. Not needed where an archive holds a single file."""
    strip_markup: Flag = False
    """Remove HTML tags and decode entities."""
    strip_urls: Flag = False
    """Remove web addresses."""
    replace: dict[str, str] = {}
    """Literal replacements, made before anything else."""

    @property
    def names_domains(self) -> bool:
        """Whether the reader assigns a domain to each document."""
        return False

    @property
    def names_items(self) -> bool:
        """Whether the reader names each document, so that documents of sources can be paired."""
        return False


class RecordReader(Reader):
    """Settings of the readers of records, which have named fields."""

    text: str
    """Key or column that holds the text."""
    domain: str | None = None
    """Key or column that names the domain."""

    @property
    def names_domains(self) -> bool:
        """Whether the reader assigns a domain to each document."""
        return self.domain is not None


class FolderReader(Reader):
    """Settings of the readers that take the domain from the name of a folder."""

    level: Positive = 1
    """Which folder of a file's path inside the source names the domain, counted from 1."""

    @property
    def names_domains(self) -> bool:
        """Whether the reader assigns a domain to each document."""
        return True


def _pattern(text: str) -> str:
    """Return a regular expression unchanged.

    Raises:
        ValueError: if it is not one.
    """
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None
    return text


class TextFiles(Reader):
    """Each file is one document."""

    kind: Literal["text_files"]
    split_at: Annotated[str, AfterValidator(_pattern)] | None = None
    """A regular expression: a new document begins at each line whose start it matches (a scene, a
    chapter, an entry)."""
    max_characters: Positive | None = None
    """Cut longer documents, each time at the first blank line after this many characters."""


class CsvRows(RecordReader):
    """Each row of a CSV file is one document."""

    kind: Literal["csv"]
    domain_is_host: Flag = False
    """The domain column holds a web address; the domain is its host name."""


class JsonRecords(RecordReader):
    """Each record of a JSON or JSON Lines file is one document.

    A JSON file holds a list of records or a mapping whose values are records.
    """

    kind: Literal["json"]


class ParquetRows(RecordReader):
    """Each row of a Parquet file is one document."""

    kind: Literal["parquet"]


class ServiceManuals(Reader):
    """Each documentation string of a service description is one document.

    Files are named <service>/<date>/service-2.json.gz; the newest version of each service is read.
    """

    kind: Literal["service_manuals"]


class DictionaryQuestions(Reader):
    """Questions and answers made by fixed templates from dictionary entries.

    The text is template-made, not model-made.
    """

    kind: Literal["dictionary_questions"]


class DomainFolders(FolderReader):
    """One folder per domain.

    It holds plain text files (one document each) or records as JSON Lines, JSON, CSV or Parquet,
    recognized by the ending of the name.
    """

    kind: Literal["domain_folders"]
    text: str = "text"
    """Key or column that holds the text of a record."""


class IceFiles(FolderReader):
    """Texts of the International Corpus of English, one folder per domain.

    Mark-up and text that is not part of the corpus are removed.
    """

    kind: Literal["ice"]
    written_only: Flag = True
    """Read only the files of written texts (their names begin with W)."""


class PythonBible(Reader):
    """Each verse of a translation in the packages of the project pythonbible is one document.

    A package has modules that hold the text and the offsets of its verses as literals of Python.
    They are parsed and never imported. `files` must match the module `plain_text_bible.py`, whose
    verse numbers locate each verse; they are removed.
    """

    kind: Literal["pythonbible"]

    @property
    def names_items(self) -> bool:
        """Whether the reader names each document, so that documents of sources can be paired."""
        return True


AnyReader = Annotated[
    TextFiles
    | CsvRows
    | JsonRecords
    | ParquetRows
    | DomainFolders
    | IceFiles
    | ServiceManuals
    | DictionaryQuestions
    | PythonBible,
    Field(discriminator="kind"),
]
"""The readers that a configuration may name in `kind`."""


def names_domains(reader: AnyReader) -> bool:
    """Return whether a reader assigns a domain to each document."""
    return reader.names_domains
