"""A file that is written down before models are trained, and never changed: digest, write, read.

`Register` (predictions) and `RegisteredExpectation` (of an experiment) are such files.
"""

import hashlib
from pathlib import Path
from typing import ClassVar, Self

from pydantic import ValidationError

from relscale.config.base import Model
from relscale.files import read_json, write_json
from relscale.provenance.digests import canonical_json


class RegisteredFile(Model):
    """A file with a digest of itself, which is not replaced. Each kind states its `kind`."""

    words: ClassVar[str]
    """Name of the kind of file, for errors."""

    kind: str
    """Marks the file."""
    version: str
    """Version of relscale."""
    digest: str = ""
    """SHA-256 of everything else."""

    def own_digest(self) -> str:
        """Return the digest of everything but `digest`."""
        content = self.model_dump(mode="json", exclude={"digest"})
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    def sealed(self) -> Self:
        """Return the same with its digest."""
        return self.model_copy(update={"digest": self.own_digest()})

    def write(self, path: Path) -> None:
        """Write the file.

        Raises:
            ValueError: if it is there already: a register is not replaced.
        """
        if path.exists():
            raise ValueError(f"--register {path}: is there already, and a register is not replaced")
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def marks(cls, path: Path) -> bool:
        """Return whether a file says that it is of this kind; a missing one does not."""
        content = read_json(path) if path.is_file() else None
        return isinstance(content, dict) and content.get("kind") == cls.model_fields["kind"].default

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file, and check that it is as it was written.

        Raises:
            ValueError: for a file that is missing, is of another kind, or was changed.
        """
        if not path.is_file():
            raise ValueError(f"{path}: no such file")
        try:
            found = cls.model_validate(read_json(path))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{path}: not {cls.words}: {where}: {first['msg']}") from None
        if found.digest != found.own_digest():
            raise ValueError(f"{path}: was changed after it was written: its digest differs")
        return found
